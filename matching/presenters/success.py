"""Match success in words and figures: shares with their intervals, the definition, what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.models import User
from core.roles import Permission
from hospitals.choices import DiagnosisGroup
from hospitals.models import Hospital
from hospitals.querysets import hospitals_open_to
from matching import success
from matching.engine.numbers import plain_number
from matching.success import MIXED, By, Definition, First, Judged, LeftOut, Share

# Shanghai Cord Blood Bank, 2013 (Xinmin Evening News 2013-08-08; domain notes 7.1): matches of 6 -> per cent.
PUBLISHED = {4: 100, 5: 84, 6: 26}
SMALL = 10


def own_hospitals(user: User) -> frozenset[Any] | None:
    """Whose figures a person sees apart from those of all; None for the bank, which sees every hospital's."""
    return hospitals_open_to(user, Permission.SUCCESS_VIEW)


def page(rows: Sequence[First], asked: Definition, by: By, user: User) -> dict[str, Any]:
    """Of a hospital's reader `total` is None where it would tell of single patients of others (success.hidden)."""
    everybody = success.judged(rows, asked)
    mine = _mine(everybody, user)
    total = success.count(everybody)
    own = None if mine is None else success.count(mine)
    return {
        "total": shown(total) if _may_show(total, own) else None,
        "own": None if own is None else shown(own),
        "rows": list(table(everybody, mine, by)),
        "by": by.label,
        "compared": mine is not None and by != By.HOSPITAL,
        "fewest": success.FEWEST,
        "definition": definition_text(asked),
        "published": published(asked),
        "left_out": left_out(total if own is None else own),
    }


def _may_show(total: Share, own: Share | None) -> bool:
    return own is None or not success.hidden({"": total.n - own.n})


def _mine(rows: Sequence[Judged], user: User) -> list[Judged] | None:
    """Patients of the own hospitals; None for the bank."""
    own = own_hospitals(user)
    return None if own is None else [row for row in rows if row.first.hospital_id in own]


def table(rows: Sequence[Judged], mine: Sequence[Judged] | None, by: By) -> Iterator[dict[str, Any]]:
    """A row a group. Of a hospital's reader the own figure beside that of all, of other hospitals no row.

    "all" is None where it may not be shown; such a group without own patients has no row, for its name would tell.
    """
    compared = mine is not None and by != By.HOSPITAL
    counted = _counted(rows, mine, by)
    names = _names(counted, by)
    for key, (everybody, own) in counted.items():
        if everybody is None and own is None:
            continue
        yield {
            "label": names.get(key, key),
            "all": None if everybody is None else shown(everybody),
            "own": shown(own or Share()) if compared else None,
        }


def _counted(
    rows: Sequence[Judged], mine: Sequence[Judged] | None, by: By
) -> dict[str, tuple[Share | None, Share | None]]:
    """Group -> of all and of the own patients, None where not shown or none. By hospital the own stand as all."""
    if mine is not None and by == By.HOSPITAL:
        return {key: (success.count(group), None) for key, group in success.groups(mine, by).items()}
    groups = {key: success.count(group) for key, group in success.groups(rows, by).items()}
    if mine is None:
        return {key: (share, None) for key, share in groups.items()}
    own = {key: success.count(group) for key, group in success.groups(mine, by).items()}
    hidden = success.hidden({key: share.n - own.get(key, Share()).n for key, share in groups.items()})
    return {key: (None if key in hidden else share, own.get(key)) for key, share in groups.items()}


def _names(keys: Iterable[str], by: By) -> dict[str, str]:
    if by == By.HOSPITAL:
        found = Hospital.objects.filter(code__in=list(keys))
        return {hospital.code: f"{hospital.code} {hospital.display_name}" for hospital in found}
    if by == By.DISEASE:
        return {"": _("not recorded"), **{group.value: str(group.label) for group in DiagnosisGroup}}
    return {"": _("not recorded"), MIXED: _("mixed")}


def shown(share: Share) -> dict[str, Any]:
    """Context of matching/_success_share.html: possible and certain, each with its interval."""
    return {
        "n": share.n,
        "small": 0 < share.n < SMALL,
        "possible": _figure(share, share.possible),
        "certain": _figure(share, share.certain),
        "untold": share.untold,
        "left_out": share.left_out.total(),
    }


def _figure(share: Share, found: int) -> dict[str, Any]:
    interval = share.interval(found)
    if interval is None:
        return {"found": 0, "text": "–", "interval": "", "percent": 0, "low": 0, "width": 0}
    low, high = (100 * end for end in interval)
    return {
        "found": found,
        "text": f"{100 * found / share.n:.1f} %",
        "interval": f"{low:.1f}–{high:.1f}",
        "percent": round(100 * found / share.n, 1),
        "low": round(low, 1),
        "width": round(max(high - low, 1), 1),
    }


def definition_text(asked: Definition) -> str:
    """What a patient with a unit is, in one sentence."""
    values = {"class": f"{asked.matches}/6", "dose": plain_number(asked.min_tnc_e7_per_kg)}
    if not asked.min_tnc_e7_per_kg:
        return (
            _(
                "At the first finished search in the period at least one unit on offer with %(class)s or better "
                "(A and B by antigen, DRB1 by allele), whatever its dose."
            )
            % values
        )
    return (
        _(
            "At the first finished search in the period at least one unit on offer with %(class)s or better (A and B "
            "by antigen, DRB1 by allele) and TNC of at least %(dose)s ×10⁷/kg before freezing, both in the same unit."
        )
        % values
    )


def published(asked: Definition) -> dict[str, Any] | None:
    """A point that others published, of another population; never a measure of this bank."""
    percent = PUBLISHED.get(asked.matches)
    return None if percent is None else {"class": f"{asked.matches}/6", "percent": percent}


def left_out(share: Share) -> list[dict[str, Any]]:
    """Context of _components/facts.html."""
    return [
        {"label": LeftOut(reason).label, "value": f"{share.left_out[reason]:,}"}
        for reason in LeftOut
        if share.left_out[reason]
    ]


CSV_HEAD = (
    "by", "group", "whose", "class", "min_tnc_e7_per_kg", "n", "possible", "possible_share", "possible_low",
    "possible_high", "certain", "certain_share", "certain_low", "certain_high", "cannot_tell", "left_out",
)  # fmt: skip


def csv_rows(rows: Sequence[First], asked: Definition, by: By, user: User) -> Iterator[list[Any]]:
    """Total and groups as the page shows them; shares from 0 to 1."""
    everybody = success.judged(rows, asked)
    mine = _mine(everybody, user)
    total, own = success.count(everybody), None if mine is None else success.count(mine)
    whole = mine is None or by == By.HOSPITAL  # of whom the groups are, all of them may be told
    if _may_show(total, own):
        yield _csv_row("total", "", "all", asked, total, left_out=own is None)
    if own is not None:
        yield _csv_row("total", "", "own", asked, own)
    for key, (of_all, of_own) in _counted(everybody, mine, by).items():
        if of_all is not None:
            whose = "own" if mine is not None and by == By.HOSPITAL else "all"
            yield _csv_row(by.value, key, whose, asked, of_all, left_out=whole)
        if of_own is not None:
            yield _csv_row(by.value, key, "own", asked, of_own)


def _csv_row(
    by: str, group: str, whose: str, asked: Definition, share: Share, *, left_out: bool = True
) -> list[Any]:
    figures: list[Any] = []
    for found in (share.possible, share.certain):
        interval = share.interval(found)
        ends: list[Any] = ["", ""] if interval is None else [round(end, 6) for end in interval]
        figures += [found, round(found / share.n, 6) if share.n else "", *ends]
    dose = asked.min_tnc_e7_per_kg
    return [
        by, group, whose, f"{asked.matches}/6", dose, share.n, *figures, share.untold,
        share.left_out.total() if left_out else "",
    ]  # fmt: skip
