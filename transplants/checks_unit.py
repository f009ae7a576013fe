"""Checks of an order that look at the unit: its state, its release and results, its place, what is open against it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank import presenters_release as words
from bank.choices import Analyte, CriterionKind, ReleaseOutcome, TimePoint, UnitStatus
from bank.models import CordBloodUnit, Release, Slot
from bank.release.judge import Finding, ReleaseFacts
from bank.services_release import Judged, judged
from transplants.checks import Check, Outcome, Stage
from transplants.choices_orders import UNIT_IN, OrderState
from transplants.models import Incident, Order


@dataclass(frozen=True)
class UnitChecks:
    """excepted: codes of checks that are not passed, and over which the medical director may go with a reason.

    evidence: what the results were judged by, as a digest: it changes with any of them. performers: ids of who entered
    results of the unit or froze it.
    """

    checks: Sequence[Check]
    excepted: frozenset[str]
    evidence: str
    performers: frozenset[str]


_K = CriterionKind
POTENCY: Final = "potency"  # a line of its own, asked for whatever the specification says (workflow 1.1)
# Any of these, of a segment that was thawed, says something of what the unit will do.
POTENT: Final = (Analyte.CFU, Analyte.CD34_VIABILITY, Analyte.CD45_VIABILITY, Analyte.VIABILITY)
# Criteria of the release specification, line by line. Consent, place and segments have lines of their own or are
# used up by what comes before an order: a segment is cut for the confirmatory typing.
GROUPS: Final = (
    ("markers", gettext_lazy("Infectious disease markers"), frozenset({_K.MARKER})),
    ("cultures", gettext_lazy("Cultures"), frozenset({_K.CULTURE})),
    ("eligibility", gettext_lazy("Donor eligibility"), frozenset({_K.ELIGIBILITY})),
    (
        "quality",
        gettext_lazy("Counts, blood group, typing of the unit"),
        frozenset({_K.MEASUREMENT, _K.HAEMOGLOBINOPATHY, _K.BLOOD_GROUP, _K.TYPING}),
    ),
    ("potency", gettext_lazy("Potency of a segment after thaw"), frozenset({_K.MEASUREMENT})),
    ("consent", gettext_lazy("Consent of the mother"), frozenset({_K.CONSENT})),
)


def unit_checks(order: Order) -> UnitChecks:
    unit = order.unit
    found = judged([unit])[unit.pk]
    release = _newest_release(unit)
    lines = [_group(*group, found, release, unit) for group in GROUPS]
    excepted = {one.code for one, may in lines if may}
    checks = [
        state_check(order),
        _released(unit, release),
        *(one for one, _may in lines),
        _lots(unit, found.facts.blocked_lots),
        _incidents(unit),
        _slot(unit),
    ]
    return UnitChecks(checks, frozenset(excepted), found.digest, found.facts.performers)


def state_check(order: Order) -> Check:
    """The unit is where the order says, and nothing keeps it back."""
    unit = order.unit
    wanted = UNIT_IN.get(OrderState(order.state))
    why = [str(one) for one in unit.block_labels]
    if unit.discard_proposals.open().exists():
        why.append(_("its discard is proposed"))
    if wanted is not None and unit.status != wanted:
        why.append(_("it is “%(status)s”") % {"status": UnitStatus(unit.status).label})
    return Check(
        "unit",
        gettext_lazy("The unit lies ready"),
        Stage.APPROVE,
        Outcome.FAILED if why else Outcome.PASSED,
        ", ".join(why) if why else str(UnitStatus(unit.status).label),
        reverse("bank:unit-detail", args=[unit.pk]),
    )


def _newest_release(unit: CordBloodUnit) -> Release | None:
    """The newest decision that listed it."""
    rows = Release.objects.filter(unit=unit).exclude(outcome=ReleaseOutcome.REFUSED)
    found: Release | None = rows.order_by("-released_at").first()
    return found


def _released(unit: CordBloodUnit, release: Release | None) -> Check:
    """Quality assurance listed it, or a signed file declared that it was released before."""
    url = reverse("bank:unit-release", args=[unit.pk])
    label, stage = gettext_lazy("Released to the list by the bank"), Stage.RELEASE
    if release is not None:
        said = f"{release.get_outcome_display()} · {release.signed_by} · {release.released_at:%Y-%m-%d}"
        return Check("listed", label, stage, Outcome.PASSED, said, url)
    if unit.import_batch and unit.import_batch.declaration:
        said = _("Declared as released before, with the file “%(file)s”") % {
            "file": unit.import_batch.file_name
        }
        return Check("listed", label, stage, Outcome.PASSED, said, url)
    return Check("listed", label, stage, Outcome.OPEN, _("No signed release of this unit is kept."), url)


def _key(one: Finding) -> str:
    """What was asked and what was found: who went over a missing result went over no bad one."""
    asked = (str(one.kind), one.test, one.subject, one.time_point, one.analyte)
    return json.dumps([*asked, one.verdict, one.value, one.why])


def _group(
    code: str,
    label: object,
    kinds: frozenset[CriterionKind],
    found: Judged,
    release: Release | None,
    unit: CordBloodUnit,
) -> tuple[Check, bool]:
    """One line, and whether it may be excepted. What an exceptional release went over stays so while it is the same."""
    url = reverse("bank:unit-release", args=[unit.pk])

    def check(outcome: Outcome, said: str, keys: Sequence[str] = ()) -> Check:
        return Check(code, str(label), Stage.RELEASE, outcome, said, url, tuple(keys))

    if found.specification is None:
        said = _("No release specification is in force: write one and have it approved.")
        return check(Outcome.OPEN, said), False
    mine = [one for one in found.findings if one.kind in kinds and _is_of(code, one)]
    if code == POTENCY and not mine:
        return _potency(check, found.facts)
    before = {_key(Finding.of_json(row)) for row in (release.findings if release else ()) if _was_open(row)}
    is_open = [one for one in mine if one.verdict != "passed"]
    new = [one for one in is_open if _key(one) not in before]
    if not is_open:
        said = _("Nothing asked by the specification") if not mine else _("Met, as the specification asks")
        return check(Outcome.PASSED, said), False
    if not new and release is not None:
        said = _("Released exceptionally by %(name)s: %(names)s") % {
            "name": release.signed_by,
            "names": words.what_is_open(is_open),
        }
        return check(Outcome.PASSED, said), False
    failed = any(one.verdict == "failed" for one in new)
    outcome = Outcome.FAILED if failed else Outcome.OPEN
    may = all(one.may_be_excepted for one in new)
    return check(outcome, words.what_is_open(new), [_key(one) for one in new]), may


def _is_of(code: str, one: Finding) -> bool:
    """What is measured on a thawed segment stands in a line of its own."""
    return one.kind != _K.MEASUREMENT or (one.time_point == TimePoint.POST_THAW_SEGMENT) == (code == POTENCY)


def _potency(check: Callable[..., Check], facts: ReleaseFacts) -> tuple[Check, bool]:
    """Where the specification asks for none: known of a thawed segment, by two people, or gone over with a reason."""
    known = {
        name: result
        for name in POTENT
        if (result := facts.measurements.get((TimePoint.POST_THAW_SEGMENT.value, name.value)))
    }
    good = [name for name, result in known.items() if result.standing == "verified"]
    if good:
        values = ", ".join(f"{name.label} {known[name].value}" for name in good)
        return check(Outcome.PASSED, values), False
    key = json.dumps([POTENCY, sorted((str(name), one.value) for name, one in known.items())])
    said = (
        _("Measured, and no second person has verified it yet.")
        if known
        else _("No segment was thawed and measured: enter viability or colonies, verified by two people.")
    )
    return check(Outcome.OPEN, said, [key]), True


def _was_open(row: dict[str, object]) -> bool:
    return row.get("verdict") != "passed"


def _lots(unit: CordBloodUnit, names: Sequence[str]) -> Check:
    return Check(
        "lots",
        gettext_lazy("Lots and instruments used"),
        Stage.RELEASE,
        Outcome.FAILED if names else Outcome.PASSED,
        _("Blocked: %(names)s") % {"names": ", ".join(names)} if names else _("none blocked"),
        reverse("bank:unit-detail", args=[unit.pk]),
    )


def _incidents(unit: CordBloodUnit) -> Check:
    rows = Incident.objects.open().filter(units__unit=unit).order_by("number")
    numbers = list(rows.values_list("number", flat=True).distinct())
    return Check(
        "incidents",
        gettext_lazy("No open incident"),
        Stage.RELEASE,
        Outcome.FAILED if numbers else Outcome.PASSED,
        _("Close first: %(numbers)s") % {"numbers": ", ".join(numbers)} if numbers else _("none"),
        reverse("bank:unit-detail", args=[unit.pk]),
    )


def _slot(unit: CordBloodUnit) -> Check:
    slot: Slot | None = Slot.objects.with_place().filter(unit=unit).first()
    return Check(
        "slot",
        gettext_lazy("In its place"),
        Stage.RELEASE,
        Outcome.OPEN if slot is None else Outcome.PASSED,
        _("No place is recorded: put it into the storage.") if slot is None else slot.place,
        reverse("bank:unit-detail", args=[unit.pk]),
    )
