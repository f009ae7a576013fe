"""Frequency sets as rows of their list and as the page of one set: figures, tables, the drawing of coverage."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from hla.frequencies.demo import demo_set
from hla.frequencies.sets import HaplotypeSet
from hla.frequencies.statistics import SHARES, Ranked, allele_frequencies, covered, needed, top_haplotypes
from matching.models import FrequencySet, InventoryImputation

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

TOP_HAPLOTYPES = 25
TOP_ALLELES = 10
WIDTH, HEIGHT = 520, 274  # of the drawing, in its own units; its text is 13 to 17 high
LEFT, RIGHT, TOP, BOTTOM = 60, 12, 12, 44
TICKS = (0, 25, 50, 75, 100)

# Same codes and texts as hla.frequencies.errors.NOTES, held together by a test.
NOTES: Mapping[str, StrPromise] = {
    "checksum_ignored": gettext_lazy(
        "The checksum of its metadata ({expected}) is not that of the file ({found})."
    ),
    "checksum_unchecked": gettext_lazy(
        "The metadata give no checksum: whether the file came whole was not checked."
    ),
    "colons": gettext_lazy("Names without colons were read with them, such as {text} as {name}."),
    "columns": gettext_lazy("Columns not used: {columns}."),
    "duplicates": gettext_lazy("Lines that repeat a haplotype, added up: {count}."),
    "marginalised": gettext_lazy("Loci not used: {loci}; haplotypes alike in the others were added up."),
    "normalised": gettext_lazy("The frequencies add up to {total}; they were divided by this sum."),
    "population": gettext_lazy("The file names the population {found}."),
    "release": gettext_lazy("Its names are of release {found}, says the file."),
    "release_differs": gettext_lazy("The file says that its names are of release {found}, not {release}."),
    "resolution_differs": gettext_lazy("The metadata say resolution {found}."),
    "synthetic": gettext_lazy("Synthetic: made by computation from {text}, not observed."),
    "truncated": gettext_lazy("A truncated set: its frequencies add up to {total}, which is its coverage."),
    "zero": gettext_lazy("Lines with the frequency 0, left out: {count}."),
}
RESOLUTIONS: Mapping[str, StrPromise] = {
    "allele": gettext_lazy("alleles"),
    "g": gettext_lazy("g groups"),
    "G": gettext_lazy("G groups"),
    "P": gettext_lazy("P groups"),
    "mixed": gettext_lazy("mixed"),
}


def listed(row: FrequencySet) -> dict[str, Any]:
    """A set as a row of the list."""
    return {
        "pk": row.pk,
        "version": row.version,
        "tags": state_tags(row),
        "population": row.population,
        "entries": row.entries,
        "loci": " ".join(row.loci),
        "release": row.release,
        "sum": f"{row.total:.5g}",
        "origin": row.origin,
        "at": row.loaded_at,
        "by": row.loaded_by,
    }


def state_tags(row: FrequencySet) -> list[dict[str, str]]:
    """In use or not, which fallback it is, whether it was cut."""
    found = [(_("in use"), "good") if row.is_active else (_("not in use"), "")]
    if row.is_default:
        found.append((_("the bank's default"), "info"))
    if row.is_global:
        found.append((_("global"), "info"))
    if row.coverage < 1:
        found.append((_("truncated"), "warn"))
    return [{"text": text, "tone": tone} for text, tone in found]


def detail(row: FrequencySet) -> dict[str, Any]:
    """What the row of a set says, without its haplotypes."""
    facts = [
        (_("Population"), row.population),
        (_("Haplotypes"), f"{row.entries:,}"),
        (_("Loci"), " ".join(row.loci)),
        (_("Resolution of the names"), str(RESOLUTIONS.get(row.resolution, row.resolution))),
        (_("Release of the names"), row.release or _("unknown")),
        (_("Sum of the frequencies"), f"{row.total:.6g}"),
        (_("Coverage"), percent(row.coverage)),
        (_("Inventory explained"), inventory_explained(row.checksum)),
        (_("Loaded from"), row.origin),
        (_("Checksum"), row.checksum[:12]),
    ]
    return {
        "version": row.version,
        "tags": state_tags(row),
        "facts": [{"label": label, "value": value} for label, value in facts if value is not None],
        "notes": [note_text(note["code"], note["params"]) for note in row.notes],
        "at": row.loaded_at,
        "by": row.loaded_by,
    }


def built_in_detail() -> dict[str, Any]:
    """The same of the built-in demonstration set."""
    found = demo_set()
    facts = [
        (_("Population"), found.population),
        (_("Haplotypes"), f"{len(found):,}"),
        (_("Loci"), " ".join(found.loci)),
        (_("Resolution of the names"), str(RESOLUTIONS[found.resolution])),
        (_("Inventory explained"), inventory_explained(found.checksum)),
        (_("Checksum"), found.checksum[:12]),
    ]
    return {
        "version": found.name,
        "tags": [{"text": _("synthetic"), "tone": "warn"}],
        "facts": [{"label": label, "value": value} for label, value in facts if value is not None],
        "notes": [note_text("synthetic", {"text": _("published Han Chinese figures")})],
    }


def inventory_explained(checksum: str) -> str | None:
    """Share of the units served by this set whose typings two of its haplotypes explain; None: not known yet."""
    units = explained = sampled = 0
    for part in InventoryImputation.objects.all():
        if [one["checksum"] for one in part.sets] == [checksum]:
            units += part.units
            explained += part.units_by_basis["typing"] + part.units_by_basis["set"]
            sampled += part.sampled or 0
    if not units:
        return None
    if sampled:
        text = _("about %(share)s of %(count)s units that it serves, estimated from %(sampled)s of them")
        share = f"{explained / units:.0%}".replace("%", " %")
        return text % {"share": share, "count": f"{units:,}", "sampled": f"{sampled:,}"}
    return ngettext(
        "%(share)s of %(count)s unit that it serves", "%(share)s of %(count)s units that it serves", units
    ) % {"share": percent(explained / units), "count": f"{units:,}"}


def note_text(code: str, params: Mapping[str, Any]) -> str:
    """A stored note in the language in force; its code where this version no longer knows it."""
    return str(NOTES[code]).format(**params) if code in NOTES else code


def percent(share: float) -> str:
    return f"{share * 100:.4g} %"


def content(found: HaplotypeSet) -> dict[str, Any]:
    """Tables and drawing of what a set holds."""
    marks = [(count, percent(share)) for count, share in coverage_marks(found)]
    return {
        "loci": found.loci,
        "top": [_ranked(one) for one in top_haplotypes(found, TOP_HAPLOTYPES)],
        "alleles": [
            {"locus": locus, "count": len(ranked), **_folded(ranked)}
            for locus, ranked in allele_frequencies(found).items()
        ],
        "needed": [{"share": f"{share * 100:g} %", "count": needed(found, share)} for share in SHARES],
        "marks": marks,
        "chart": coverage_chart(found),
    }


def _ranked(one: Ranked) -> dict[str, Any]:
    return {
        "rank": one.rank,
        "names": one.names,
        "name": one.names[0],
        "percent": f"{one.frequency * 100:.3f}",
        "cumulative": f"{one.cumulative * 100:.1f}",
    }


def _folded(ranked: Iterable[Ranked]) -> dict[str, Any]:
    rows = [_ranked(one) for one in ranked]
    return {"rows": rows[:TOP_ALLELES], "rest": rows[TOP_ALLELES:]}


def coverage_marks(found: HaplotypeSet) -> list[tuple[int, float]]:
    """How much the 1, 2, 5, 10, … commonest haplotypes and all of them cover."""
    shares, counts, size = covered(found), [], 1
    while size < len(found):
        counts += [count for count in (size, 2 * size, 5 * size) if count < len(found)]
        size *= 10
    return [(count, float(shares[count - 1])) for count in [*counts, len(found)]]


def coverage_chart(found: HaplotypeSet) -> dict[str, Any]:
    """The curve of coverage over the number of haplotypes (logarithmic), in units of the drawing."""
    size, shares = len(found), covered(found)
    decades = math.log10(size) or 1.0
    marks = coverage_marks(found)
    steps = {round(10 ** (decades * step / 160)) for step in range(161)} | {count for count, _ in marks}

    def across(count: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * math.log10(count) / decades, 1)

    def down(share: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share), 1)

    counts = sorted(count for count in steps if count <= size)
    return {
        "size": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT},
        "axis": {"top": TOP, "bottom": HEIGHT - BOTTOM, "labels": HEIGHT - BOTTOM + 18, "title": HEIGHT - 6},
        "middle": (LEFT + WIDTH - RIGHT) / 2,
        "points": " ".join(f"{across(count)},{down(float(shares[count - 1]))}" for count in counts),
        "dots": [{"x": across(count), "y": down(share)} for count, share in marks],
        "rows": [{"y": down(tick / 100), "text": f"{tick} %"} for tick in TICKS],
        "columns": [
            {"x": across(10**power), "text": f"{10**power:,}"} for power in range(int(math.log10(size)) + 1)
        ],
        "summary": _summary(found),
    }


def _summary(found: HaplotypeSet) -> str:
    """The curve in words, for who cannot see it."""
    parts = [
        ngettext("%(share)s by %(count)s haplotype", "%(share)s by %(count)s haplotypes", count)
        % {"share": f"{share * 100:g} %", "count": f"{count:,}"}
        for share in SHARES
        if (count := needed(found, share)) is not None
    ]
    return _("Coverage by the commonest haplotypes") + ": " + "; ".join(parts or ["–"])
