"""Match requests: created as a draft, submitted with a first search, cancelled with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import SEARCHABLE as SEARCHABLE_UNITS
from bank.choices import UnitStatus
from bank.querysets import ALL_DONORS, CORD_ONLY
from core import audit, jobs
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import Job
from hospitals.models import Patient
from matching.choices import CLASS_SIZE, OPEN, Kept, LociSet, MatchClass, RequestState, Urgency
from matching.engine.search import Criteria
from matching.models import MatchRequest, SearchRun, SelectionPolicy
from matching.selection.policies import bank_default
from matching.services.runs import run_start


@dataclass(frozen=True, kw_only=True)
class RequestData:
    """What people choose of a request. `floors`: of a class not named the policy's holds; 0 is none."""

    loci: str = LociSet.FIVE.value
    floors: Mapping[str, int] = field(default_factory=dict)
    min_tnc_e7_per_kg: Decimal | None = None
    statuses: tuple[str, ...] = (UnitStatus.LISTED.value,)
    donor_types: tuple[str, ...] = CORD_ONLY
    kept_at_most: int = Kept.THOUSAND.value
    urgency: str = Urgency.ROUTINE.value
    notes: str = ""
    policy_id: UUID | None = None


@transaction.atomic
def request_create(*, patient: Patient, data: RequestData, actor: Actor) -> MatchRequest:
    """A draft with its number. Raises Conflict for an inactive patient, InvalidInput for wrong criteria."""
    patient = _held(patient)
    _check_active(patient)
    policy = _policy(data, patient)
    request = MatchRequest.objects.create(
        number=_next_number(timezone.localdate().year),
        patient=patient,
        hospital_id=patient.hospital_id,
        policy=policy,
        created_by=actor.label[:200],
        **_fields(data, policy),
    )
    audit.record(
        actor=actor,
        action="request.create",
        target=request,
        after={"patient": patient.code, **_fields(data, policy)},
        hospital_id=request.hospital_id,
    )
    return request


@transaction.atomic
def request_update(*, request_id: UUID, data: RequestData, actor: Actor) -> MatchRequest:
    """Other criteria for a draft. What was submitted is never changed: ask anew."""
    request = _locked(request_id)
    if request.state != RequestState.DRAFT:
        raise Conflict(
            "request_not_draft",
            _("%(number)s has been submitted; its criteria stand. Make a new request for other criteria."),
            params={"number": request.number},
        )
    policy = _policy(data, request.patient)
    wanted = _fields(data, policy)
    before, after = audit.changes({name: getattr(request, name) for name in wanted}, wanted)
    if policy.pk == request.policy_id and not after:
        return request
    for name, value in after.items():
        setattr(request, name, value)
    request.policy = policy
    request.updated_at = timezone.now()
    request.save()
    audit.record(
        actor=actor,
        action="request.update",
        target=request,
        before=before,
        after={**after, "policy": str(policy)},
        hospital_id=request.hospital_id,
    )
    return request


@transaction.atomic
def request_submit(*, request_id: UUID, actor: Actor) -> SearchRun:
    """Submit a draft and start its first search. Raises what `run_start` raises; then nothing was submitted."""
    request = _locked(request_id)
    if request.state != RequestState.DRAFT:
        raise Conflict(
            "request_not_draft",
            _("%(number)s has already been submitted."),
            params={"number": request.number},
        )
    _check_offered(request.policy)
    request.state = RequestState.SUBMITTED
    request.submitted_at = request.updated_at = timezone.now()
    request.submitted_by = actor.label[:200]
    request.save(update_fields=["state", "submitted_at", "submitted_by", "updated_at"])
    audit.record(
        actor=actor,
        action="request.submit",
        target=request,
        before={"state": RequestState.DRAFT},
        after={"state": RequestState.SUBMITTED},
        hospital_id=request.hospital_id,
    )
    return run_start(request=request, actor=actor)


@transaction.atomic
def request_cancel(*, request_id: UUID, reason: str, actor: Actor) -> MatchRequest:
    """End an open request with a reason; a search that still waits or works is stopped with it."""
    request = _locked(request_id)
    if not reason.strip():
        raise InvalidInput("reason_missing", _("Give the reason for cancelling."), field="reason")
    if request.state not in OPEN:
        raise Conflict(
            "request_over",
            _("%(number)s is over: %(state)s."),
            params={"number": request.number, "state": request.get_state_display()},
        )
    before = request.state
    request.state = RequestState.CANCELLED
    request.cancelled_at = request.updated_at = timezone.now()
    request.cancelled_by = actor.label[:200]
    request.cancel_reason = reason.strip()[:400]
    request.save()
    for job in Job.objects.filter(search_run__request=request).open():
        _stop(job, actor)
    audit.record(
        actor=actor,
        action="request.cancel",
        target=request,
        before={"state": before},
        after={"state": RequestState.CANCELLED},
        reason=request.cancel_reason,
        hospital_id=request.hospital_id,
    )
    return request


def _stop(job: Job, actor: Actor) -> None:
    try:
        jobs.job_cancel(job=job, actor=actor)
    except Conflict:  # it ended this moment: nothing left to stop
        return


def _locked(request_id: UUID) -> MatchRequest:
    found: MatchRequest = (
        MatchRequest.objects.select_for_update(no_key=True, of=("self",))
        .select_related("patient", "policy")
        .get(pk=request_id)
    )
    return found


def _held(patient: Patient) -> Patient:
    """As he is now, and stays until the end: whoever deactivates him waits, or was before."""
    rows = Patient.objects.select_related("hospital").select_for_update(no_key=True, of=("self",))
    found: Patient = rows.get(pk=patient.pk)
    return found


def _check_active(patient: Patient) -> None:
    if not patient.is_active:
        raise Conflict(
            "patient_inactive",
            _("%(patient)s is not active. Reactivate the patient before asking for units."),
            params={"patient": patient.code},
        )


def _policy(data: RequestData, patient: Patient) -> SelectionPolicy:
    if data.policy_id is None:
        found = bank_default()
    else:
        policies = SelectionPolicy.objects.for_hospital(patient.hospital)
        named: SelectionPolicy | None = policies.filter(pk=data.policy_id).first()
        if named is None:
            raise InvalidInput(
                "policy_unknown", _("This selection policy does not exist for the hospital."), field="policy"
            )
        found = named
    _check_offered(found)
    return found


def _check_offered(policy: SelectionPolicy) -> None:
    """Nothing new starts by a policy that its owner took back or replaced; what was submitted by it goes on.

    The row is held till the end: who retires it waits for this request, or this request sees it retired.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT retired_at FROM matching_selectionpolicy WHERE id = %s FOR SHARE", [policy.pk])
        (retired_at,) = cursor.fetchone()
    if retired_at is not None:
        raise Conflict(
            "policy_retired",
            _(
                "%(policy)s is no longer offered. Edit the request: choose a policy, and check floors and dose."
            ),
            field="policy",
            params={"policy": str(policy)},
        )


def _fields(data: RequestData, policy: SelectionPolicy) -> dict[str, Any]:
    """Checked columns of a request. Raises InvalidInput with the field that is wrong."""
    _check_choices(data)
    _check_floors(data)
    if policy.primary not in _classes(data):
        raise InvalidInput(
            "primary_class_not_asked",
            _("The policy orders by the class %(name)s, which needs a locus not chosen."),
            field="loci",
            params={"name": MatchClass(policy.primary).label},
        )
    dose = data.min_tnc_e7_per_kg
    if dose is not None and not 0 < dose <= 100:
        raise InvalidInput(
            "dose_out_of_range",
            _("The smallest dose lies between 0 and 100 ×10⁷/kg."),
            field="min_tnc_e7_per_kg",
        )
    return {
        "loci": data.loci,
        "floors": _floors(data, policy),
        "min_tnc_e7_per_kg": dose,
        "statuses": sorted(data.statuses),
        "donor_types": [one for one in ALL_DONORS if one in data.donor_types],
        "kept_at_most": data.kept_at_most,
        "urgency": data.urgency,
        "notes": data.notes.strip(),
    }


def _floors(data: RequestData, policy: SelectionPolicy) -> dict[str, int]:
    """The floors that the search will apply, all of them and no others, of the classes of the chosen loci."""
    wanted = {**policy.rules.get("floors", {}), **data.floors}
    return {name: wanted[name] for name in _classes(data) if wanted.get(name)}


def _classes(data: RequestData) -> tuple[str, ...]:
    return Criteria(loci=tuple(data.loci.split(","))).classes


def _check_choices(data: RequestData) -> None:
    if data.loci not in LociSet.values:
        raise InvalidInput("loci_unknown", _("Choose one of the offered combinations of loci."), field="loci")
    if not data.statuses or not set(data.statuses) <= {state.value for state in SEARCHABLE_UNITS}:
        raise InvalidInput(
            "statuses_unknown", _("Choose at least one of the offered states of units."), field="statuses"
        )
    if not data.donor_types or not set(data.donor_types) <= set(ALL_DONORS):
        raise InvalidInput(
            "donor_types_unknown", _("Choose cord blood, adult donors, or both."), field="donor_types"
        )
    if data.kept_at_most not in Kept.values:
        raise InvalidInput(
            "kept_unknown", _("Choose one of the offered lengths of the list."), field="kept_at_most"
        )
    if data.urgency not in Urgency.values:
        raise InvalidInput("urgency_unknown", _("Choose one of the offered urgencies."), field="urgency")
    if len(data.notes) > 2000:
        raise InvalidInput("notes_too_long", _("Notes may have 2,000 characters."), field="notes")


def _check_floors(data: RequestData) -> None:
    offered = _classes(data)
    for name, floor in data.floors.items():
        if name not in offered:
            raise InvalidInput(
                "floor_of_class_not_asked",
                _("The class %(name)s needs a locus that was not chosen."),
                field="floors",
                params={"name": name},
            )
        if not 0 <= floor <= CLASS_SIZE[name]:
            raise InvalidInput(
                "floor_out_of_range",
                _("The smallest number of matches lies between 0 and %(size)s."),
                field="floors",
                params={"size": CLASS_SIZE[name]},
            )


def _next_number(year: int) -> str:
    """MR-2026-0001, MR-2026-0002, … without gaps: the counter's row is locked until the request is committed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO matching_requestcounter (year, last) VALUES (%s, 1)"
            " ON CONFLICT (year) DO UPDATE SET last = matching_requestcounter.last + 1 RETURNING last",
            [year],
        )
        return f"MR-{year}-{cursor.fetchone()[0]:04d}"
