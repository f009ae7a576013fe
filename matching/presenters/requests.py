"""A match request and its searches in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.choices import DonorType, UnitStatus
from core.models import Job
from hospitals.models import PatientHlaTyping
from matching.choices import CLASS_SIZE, STATE_TONE, LociSet
from matching.engine.numbers import plain_number
from matching.models import MatchRequest, SearchRun
from matching.presenters.changes import changes_text
from matching.selection.policies import shown_name

DONORS = {
    DonorType.CORD.value: gettext_lazy("cord blood"),
    DonorType.ADULT.value: gettext_lazy("adult donors"),
}
NEEDED_LOCI = ("A", "B", "DRB1")
SHOWN_LOCI = ("A", "B", "C", "DRB1", "DQB1", "DPB1")
JOB_TONE = {
    Job.State.QUEUED: "info",
    Job.State.RUNNING: "info",
    Job.State.DONE: "good",
    Job.State.FAILED: "bad",
    Job.State.CANCELLED: "warn",
}


def class_word(name: str) -> str:
    """antigen or allele: what a class counts."""
    return _("antigen") if name == "antigen6" else _("allele")


def floors_text(floors: Mapping[str, int]) -> str:
    """≥ 4/6 antigen, ≥ 5/8 allele"""
    asked = [(name, floors[name]) for name in CLASS_SIZE if floors.get(name)]
    parts = [f"≥ {value}/{CLASS_SIZE[name]} {class_word(name)}" for name, value in asked]
    return ", ".join(parts) or _("none")


def dose_text(dose: Decimal | str | None) -> str:
    """2.5 ×10⁷/kg, without the zeros of the column."""
    return "" if dose is None else f"≥ {plain_number(Decimal(dose))} ×10⁷/kg"


def statuses_text(statuses: Iterable[str]) -> str:
    return ", ".join(str(UnitStatus(status).label) for status in statuses)


def donors_text(donor_types: Iterable[str]) -> str:
    """Cord blood, adult donors"""
    return ", ".join(str(DONORS[one]) for one in donor_types)


def release_text(release: str) -> str:
    return _("built-in nomenclature") if release == "built-in" else f"IPD-IMGT/HLA {release}"


def criteria_facts(request: MatchRequest) -> list[dict[str, Any]]:
    return [
        {"label": _("Loci"), "value": LociSet(request.loci).label},
        {"label": _("Floors"), "value": floors_text(request.floors)},
        {"label": _("TNC per kg"), "value": dose_text(request.min_tnc_e7_per_kg) or _("no minimum")},
        {"label": _("States of units"), "value": statuses_text(request.statuses)},
        {"label": _("Donors searched"), "value": donors_text(request.donor_types)},
        {"label": _("Listed at most"), "value": request.get_kept_at_most_display()},
        {"label": _("Policy"), "value": shown_name(request.policy)},
        {"label": _("Urgency"), "value": request.get_urgency_display()},
    ]


def state_tag(request: MatchRequest) -> dict[str, str]:
    return {"text": str(request.get_state_display()), "tone": STATE_TONE.get(request.state, "")}


def typed_loci(typing: PatientHlaTyping | None) -> list[dict[str, str]]:
    """Context of _components/typed.html: the main loci always, others where typed."""
    canonical: Mapping[str, Any] = typing.canonical if typing else {}
    names = [*SHOWN_LOCI, *(locus for locus in canonical if locus not in SHOWN_LOCI)]
    return [
        {"locus": name, "first": pair[0], "second": pair[1]}
        for name in names
        for pair in [canonical.get(name) or ("", "")]
    ]


def missing_loci(typing: PatientHlaTyping | None) -> list[str]:
    """Loci without which no unit can be searched and that are not typed."""
    canonical: Mapping[str, Any] = typing.canonical if typing else {}
    return [locus for locus in NEEDED_LOCI if not any(canonical.get(locus) or ())]


def run_url(run: SearchRun) -> str:
    """The list of a finished search, the progress page of any other."""
    return reverse("matching:run-detail" if run.is_finished else "matching:run-progress", args=[run.pk])


def run_row(run: SearchRun) -> dict[str, Any]:
    """One search in the table of its request."""
    return {
        "no": run.run_no,
        "url": run_url(run),
        "state": run.job.get_state_display(),
        "tone": JOB_TONE[Job.State(run.job.state)],
        "at": run.created_at,
        "by": _("nightly search") if run.of_the_night else run.created_by,
        "changes": changes_text(run),
        "unseen": run.of_the_night and run.is_finished and run.seen_at is None,
        "release": release_text(run.release) if run.release else "",
        "classes": class_summary(run, "antigen6") or class_summary(run, "allele6"),
        "candidates": run.candidates,
        "finished": run.is_finished,
    }


def checked_text(runs: Iterable[SearchRun]) -> str:
    """When the newest list was last found to hold; "" where no night has looked since it was made."""
    newest = next((run for run in runs if run.is_finished), None)
    if newest is None or newest.checked_at is None:
        return ""
    values = {"n": newest.run_no, "at": timezone.localtime(newest.checked_at).strftime("%Y-%m-%d %H:%M")}
    return _("List %(n)d still holds: the nightly search found the same units, %(at)s.") % values


def class_summary(run: SearchRun, name: str) -> str:
    """6/6: 3 (2 certain), 5/6: 214 (60 certain)"""
    size, certain_text = CLASS_SIZE[name], _("%(n)s certain")
    return ", ".join(
        f"{value}/{size}: {possible:,} ({certain_text % {'n': f'{certain:,}'}})"
        for value, possible, certain in run.counts.get(name, [])
    )


def timeline(request: MatchRequest, runs: Iterable[SearchRun]) -> list[dict[str, Any]]:
    """What happened to a request, newest first."""
    entries: list[dict[str, Any]] = [
        {"at": request.created_at, "text": _("Request created"), "actor": request.created_by, "tone": ""}
    ]
    if request.submitted_at:
        entries.append(
            {"at": request.submitted_at, "text": _("Submitted"), "actor": request.submitted_by, "tone": ""}
        )
    for run in runs:
        entries += _run_entries(run)
    if request.cancelled_at:
        entries.append(
            {
                "at": request.cancelled_at,
                "text": _("Request cancelled"),
                "actor": request.cancelled_by,
                "detail": request.cancel_reason,
                "tone": "bad",
            }
        )
    return sorted(entries, key=lambda entry: entry["at"], reverse=True)


def _run_entries(run: SearchRun) -> list[dict[str, Any]]:
    number = {"n": run.run_no}
    entries: list[dict[str, Any]] = [
        {
            "at": run.created_at,
            "text": _("Search %(n)d started") % number,
            "actor": _("nightly search") if run.of_the_night else run.created_by,
            "tone": "",
        }
    ]
    ended = {
        Job.State.DONE.value: (_("Search %(n)d finished"), "good"),
        Job.State.FAILED.value: (_("Search %(n)d failed"), "bad"),
        Job.State.CANCELLED.value: (_("Search %(n)d cancelled"), "warn"),
    }.get(run.job.state)
    if ended and run.job.ended_at:
        text, tone = ended
        entries.append(
            {
                "at": run.job.ended_at,
                "text": text % number,
                "detail": run.job.error or changes_text(run),
                "actor": "",
                "tone": tone,
            }
        )
    return entries
