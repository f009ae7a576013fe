"""The head of a match list: what was asked, by which data and rules, and the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bank.choices import DonorType
from core.populations import parse_populations
from matching import frequency_sets, reference
from matching.choices import CLASS_SIZE, Kept
from matching.computing import searched_donors
from matching.match_list import MatchList
from matching.models import Evaluation, SearchRun
from matching.presenters import policies, prediction_summary
from matching.presenters.changes import changes_text
from matching.presenters.people import weight_text
from matching.presenters.requests import (
    NEEDED_LOCI,
    donors_text,
    dose_text,
    floors_text,
    release_text,
    statuses_text,
)
from matching.selection.policies import shown_name

ALLELE_STEPS = 2  # of the allele classes the two best values share one figure
MOST_CLASS_FIGURES = 4
ADULTS = gettext_lazy(
    "Adult donors are not reserved here: ask their registry, by the GRID. No dose is known of them, so that they stand "
    "behind cord blood that matches as well; the rules of cord blood do not apply to them, and they make no pair."
)


def basis(run: SearchRun) -> str:
    """policy “Qidai default, single unit v1” · IPD-IMGT/HLA 3.58.0 · antigen rule: splits apart"""
    return " · ".join(
        [
            _("policy “%(policy)s”") % {"policy": shown_name(run.policy)},
            release_text(run.release),
            mac_text(run.mac_version),
            antigen_rule_text(run.policy.rules.get("antigen_rule", "split")),
        ]
    )


def mac_text(version: str) -> str:
    return _("no MAC table") if version in ("", "none") else _("MAC %(version)s") % {"version": version}


def antigen_rule_text(rule: str) -> str:
    if rule == "split":
        return _("antigens: splits of one broad differ")
    return _("antigens: splits of one broad match")


def criteria_line(run: SearchRun) -> list[dict[str, str]]:
    """What was asked, as label and value."""
    asked = run.criteria
    return [
        {"label": _("Loci"), "value": ", ".join(asked["loci"])},
        {"label": _("Floor"), "value": floors_text(asked["floors"])},
        {"label": _("TNC per kg"), "value": dose_text(asked["min_tnc_e7_per_kg"]) or _("no minimum")},
        {"label": _("Units"), "value": statuses_text(asked["statuses"])},
        {"label": _("Donors"), "value": donors_text(searched_donors(asked))},
        {"label": _("Listed at most"), "value": f"{asked.get('kept_at_most', Kept.THOUSAND):,}"},
    ]


def figures(run: SearchRun, shown: MatchList) -> list[dict[str, Any]]:
    """Context of _components/kpi.html: counts by class over all candidates, then what was searched and left out."""
    return [
        *primary_figures(run, shown),
        *(figure for name in ("allele8", "allele10") for figure in allele_figure(run, shown, name)),
        *left_out(run),
        searched(run),
    ]


def class_values(run: SearchRun, name: str) -> list[tuple[int, int, int]]:
    """(value, possible, certain) from all matches down to the floor or the last value found, zeros included."""
    found = {value: (possible, certain) for value, possible, certain in run.counts.get(name, [])}
    floor = run.criteria["floors"].get(name)
    last = min([*found, floor if floor else CLASS_SIZE[name]])
    return [(value, *found.get(value, (0, 0))) for value in range(CLASS_SIZE[name], last - 1, -1)]


def primary_figures(run: SearchRun, shown: MatchList) -> list[dict[str, Any]]:
    """One figure per value of the class that orders the list; a click filters the list."""
    name = run.policy.primary
    word = _("antigen") if name == "antigen6" else _("allele")
    return [
        {
            "value": f"{possible:,}",
            "label": f"{value}/{CLASS_SIZE[name]} {word}",
            "note": certain_text(possible, certain),
            "url": shown.with_value(name, value) if possible else "",
        }
        for value, possible, certain in class_values(run, name)[:MOST_CLASS_FIGURES]
    ]


def certain_text(possible: int, certain: int) -> str:
    if not possible:
        return ""
    if certain == possible:
        return _("all certain")
    return _("%(n)s certain") % {"n": f"{certain:,}"}


def allele_figure(run: SearchRun, shown: MatchList, name: str) -> list[dict[str, Any]]:
    """8/8 · 7/8 allele in one figure."""
    if name not in run.counts:
        return []
    size = CLASS_SIZE[name]
    found = {value: (possible, certain) for value, possible, certain in run.counts[name]}
    values = range(size, size - ALLELE_STEPS, -1)
    pairs = [found.get(value, (0, 0)) for value in values]
    certain = " · ".join(f"{certain:,}" for _possible, certain in pairs)
    return [
        {
            "value": " · ".join(f"{possible:,}" for possible, _certain in pairs),
            "label": " · ".join(f"{value}/{size}" for value in values) + " " + _("allele"),
            "note": _("%(n)s certain") % {"n": certain} if any(possible for possible, _c in pairs) else "",
        }
    ]


def left_out(run: SearchRun) -> list[dict[str, Any]]:
    """Nothing is excluded silently: units that are not in the list, and why."""
    funnel = run.funnel
    texts = (
        ("below_floor", _("below the floor"), ""),
        ("below_dose", _("below the dose asked"), ""),
        ("not_searchable", not_searchable_label(funnel), "warn"),
    )
    found = [
        {"value": f"{funnel[key]:,}", "label": label, "tone": tone}
        for key, label, tone in texts
        if funnel.get(key)
    ]
    if funnel.get("unreadable"):
        found.append(unreadable_figure(funnel))
    found += unexplained_figure(run)
    if run.cut:
        note = _("only the best %(n)s are listed") % {"n": f"{run.kept:,}"}
        found.append(
            {"value": f"{run.cut:,}", "label": _("further candidates"), "note": note, "tone": "warn"}
        )
    return found


def not_searchable_label(funnel: Mapping[str, Any]) -> str:
    if set(funnel.get("unreadable_at", {})) & set(NEEDED_LOCI):
        return _("not typed, or not readable, at A, B or DRB1")
    return _("not typed at A, B or DRB1")


def unreadable_figure(funnel: Mapping[str, Any]) -> dict[str, Any]:
    """Units whose typing counts as untyped only because the nomenclature in use does not know a name."""
    return {
        "value": f"{funnel['unreadable']:,}",
        "label": _("with a typing that the nomenclature in use cannot read"),
        "note": ", ".join(f"{locus} {count:,}" for locus, count in funnel["unreadable_at"].items()),
        "tone": "warn",
    }


def unexplained_figure(run: SearchRun) -> list[dict[str, Any]]:
    """Listed units whose typing the frequency set does not explain."""
    if not run.prediction.get("sets"):
        return []
    estimated, none = prediction_summary.unexplained(run.prediction["counts"])
    return [
        {
            "value": f"{estimated + none:,}",
            "label": _("not explained by the frequency set"),
            "note": prediction_summary.unexplained_text(estimated, none),
            "tone": "warn" if none else "",
        }
    ]


def searched(run: SearchRun) -> dict[str, Any]:
    seconds = sum(value for key, value in run.timings.items() if isinstance(value, int | float))
    value = f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"
    at = timezone.localtime(run.completed_at).strftime("%Y-%m-%d %H:%M") if run.completed_at else ""
    label = _("%(n)s units searched") % {"n": f"{run.funnel.get('units', 0):,}"}
    return {"value": value, "label": label, "note": at}


def notices(run: SearchRun, evaluation: Evaluation) -> list[dict[str, Any]]:
    """What a reader must know before trusting an old list."""
    found: list[dict[str, Any]] = []
    patient = run.request.patient
    typing = patient.current_typing
    if typing is not None and {k: list(v) for k, v in typing.canonical.items()} != run.patient_typing:
        found.append(_warn(gettext_lazy("The patient's typing was changed since this search. Search again.")))
    found += [_warn(text) for text in policies.differences(run, evaluation.policy)]
    if evaluation.weight_kg != run.patient_weight_kg:
        found.append(_warn(weight_notice(run, evaluation)))
    if run.prediction and patient.populations != run.patient_populations:
        text = gettext_lazy(
            "The patient's population was changed since this search: other probabilities. Search again."
        )
        found.append(_warn(text))
    if run.request.runs.filter(run_no__gt=run.run_no, completed_at__isnull=False).exists():
        found.append(_warn(gettext_lazy("This is not the newest list of this request.")))
    if changed := changes_text(run):
        nightly = _("Made by the nightly search: %(changes)s.") % {"changes": changed}
        found.append({"tone": "info", "text": nightly})
    if DonorType.ADULT in searched_donors(run.criteria):
        found.append({"tone": "info", "text": ADULTS})
    found += [_warn(text) for text in _reference_notices(run)]
    found += [{"tone": tone, "text": text} for tone, text in prediction_summary.notices(run)]
    return found


def weight_notice(run: SearchRun, evaluation: Evaluation) -> str:
    """Doses and rules go by the weight of today; what the search left out by the old one is not in the list."""
    weights = {"now": weight_text(evaluation.weight_kg), "then": weight_text(run.patient_weight_kg)}
    text = _("Doses by %(now)s (the search knew %(then)s).") % weights
    left_out = run.funnel.get("below_dose", 0)
    if not left_out or not lighter(evaluation.weight_kg, run.patient_weight_kg):
        return text
    missing = ngettext(
        "%(n)s unit that the search left out for its dose is not in this list: search again.",
        "%(n)s units that the search left out for their dose are not in this list: search again.",
        left_out,
    )
    return f"{text} {missing % {'n': f'{left_out:,}'}}"


def lighter(now: Decimal | None, then: Decimal | None) -> bool:
    """Whether units that were too small may be large enough now."""
    return then is not None and (now is None or now < then)


def _reference_notices(run: SearchRun) -> Iterator[Any]:
    """Whether the reference data are still those in use, by what they say, not by their name alone."""
    now = reference.in_use()
    again = gettext_lazy("This list was made by %(old)s; in use now is %(new)s. Search again to use it.")
    if run.release != now.release:
        yield again % {"old": release_text(run.release), "new": release_text(now.release)}
    elif run.nomenclature_checksum != now.nomenclature:
        text = gettext_lazy("%(release)s was compiled anew since this search. Search again to use it.")
        yield text % {"release": release_text(run.release)}
    if run.mac_checksum != now.mac_checksum:
        yield again % {"old": mac_text(run.mac_version), "new": mac_text(now.mac)}
    used = run.prediction.get("sets") or []
    active = {one.checksum for one in frequency_sets.active_sets()} if used else set()
    for one in used:
        if one["checksum"] not in active:
            text = gettext_lazy("The frequency set %(set)s is no longer in use. Search again to use another.")
            yield text % {"set": one["version"]}
    if text := _other_set_notice(run):
        yield text
    if run.release == "built-in":
        yield gettext_lazy(
            "This list rests on the built-in nomenclature, without the P groups of a release. Where one first field "
            "holds several splits (B*15, B*40 and others) they cannot be told apart: a match at antigen level is "
            "only possible there, not certain."
        )


def _other_set_notice(run: SearchRun) -> Any:
    """Of sets that are all still in use, but would not be chosen for the patient of this search today."""
    if "patient" not in run.prediction:
        return ""
    patient, sets = run.prediction["patient"], run.prediction.get("sets") or []
    used = patient["sets"] if patient else []
    active = {one.checksum for one in frequency_sets.active_sets()}
    today = frequency_sets.serving(parse_populations(run.patient_populations))
    if not active.issuperset(used) or [one.checksum for one in today] == used:
        return ""
    names = {
        "old": ", ".join(dict.fromkeys(one["version"] for one in sets[: len(used)])),
        "new": ", ".join(dict.fromkeys(one.version for one in today)),
    }
    if not used:
        return _("The frequency set %(new)s serves the patient now. Search again to use it.") % names
    return (
        _(
            "For the patient this list used the frequency set %(old)s; %(new)s serves now. Search again to use it."
        )
        % names
    )


def _warn(text: Any) -> dict[str, Any]:
    return {"tone": "warn", "text": text}
