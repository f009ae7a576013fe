"""Requests: numbered drafts, submitted once, cancelled with a reason; every write in one piece with its audit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from core import audit
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, Job
from hospitals.services import patient_deactivate
from matching import services
from matching.choices import LociSet
from matching.models import MatchRequest, RequestCounter, SearchResult, SearchRun, SelectionPolicy
from matching.services import RequestData
from tests.factories.hospitals import HospitalFactory, PatientFactory
from tests.factories.matching import (
    ACTOR,
    MatchRequestFactory,
    typed_patient,
)

pytestmark = pytest.mark.django_db


def draft(**data: Any) -> MatchRequest:
    return services.request_create(patient=typed_patient(), data=RequestData(**data), actor=ACTOR)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("at").values_list("action", flat=True))


def test_numbers_of_a_year_follow_one_another() -> None:
    year = timezone.localdate().year

    numbers = [draft().number for _ in range(3)]

    assert numbers == [f"MR-{year}-000{number}" for number in (1, 2, 3)]
    assert RequestCounter.objects.get().last == 3


def test_a_draft_belongs_to_the_patients_hospital_and_has_the_policys_floors() -> None:
    request = draft(min_tnc_e7_per_kg=Decimal("2.5"), notes="  soon  ")

    assert request.hospital == request.patient.hospital
    assert (request.state, request.floors, request.notes) == ("DRAFT", {"antigen6": 4}, "soon")
    entry = AuditEntry.objects.get(action="request.create")
    assert entry.hospital_id == request.hospital_id
    assert entry.after["min_tnc_e7_per_kg"] == "2.5"


def test_a_request_may_ask_for_floors_of_its_own() -> None:
    assert draft(floors={"antigen6": 5, "allele10": 7}).floors == {"antigen6": 5, "allele10": 7}


def test_of_a_class_not_named_the_policys_floor_holds() -> None:
    assert draft(floors={"allele8": 5}).floors == {"antigen6": 4, "allele8": 5}
    assert draft(floors={"antigen6": 0}).floors == {}


def test_the_policys_floor_of_a_class_not_searched_is_left_out() -> None:
    patient = typed_patient()
    rules = {"floors": {"antigen6": 5, "allele8": 6}}
    own = SelectionPolicy.objects.create(name="own", hospital=patient.hospital, rules=rules, created_by="t")
    data = RequestData(policy_id=own.pk, loci=LociSet.THREE.value)

    request = services.request_create(patient=patient, data=data, actor=ACTOR)
    run = services.request_submit(request_id=request.pk, actor=ACTOR)

    assert request.floors == run.criteria["floors"] == {"antigen6": 5}


def test_no_request_for_an_inactive_patient() -> None:
    patient = PatientFactory(state="inactive", inactive_reason="moved", deactivated_at=timezone.now())

    with pytest.raises(Conflict) as caught:
        services.request_create(patient=patient, data=RequestData(), actor=ACTOR)

    assert caught.value.code == "patient_inactive"
    assert patient.code in caught.value.message
    assert not MatchRequest.objects.exists()


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ({"loci": "A,B"}, "loci_unknown", "loci"),
        ({"statuses": ()}, "statuses_unknown", "statuses"),
        ({"donor_types": ()}, "donor_types_unknown", "donor_types"),
        ({"donor_types": ("cat",)}, "donor_types_unknown", "donor_types"),
        ({"kept_at_most": 999}, "kept_unknown", "kept_at_most"),
        ({"statuses": ("DISCARDED",)}, "statuses_unknown", "statuses"),
        ({"urgency": "now"}, "urgency_unknown", "urgency"),
        ({"notes": "x" * 2001}, "notes_too_long", "notes"),
        ({"min_tnc_e7_per_kg": Decimal(0)}, "dose_out_of_range", "min_tnc_e7_per_kg"),
        ({"min_tnc_e7_per_kg": Decimal("100.01")}, "dose_out_of_range", "min_tnc_e7_per_kg"),
        ({"floors": {"antigen6": 7}}, "floor_out_of_range", "floors"),
        ({"floors": {"antigen6": -1}}, "floor_out_of_range", "floors"),
        ({"floors": {"nonsense": 1}}, "floor_of_class_not_asked", "floors"),
        (
            {"loci": LociSet.THREE.value, "floors": {"allele8": 5}},
            "floor_of_class_not_asked",
            "floors",
        ),
        ({"policy_id": UUID(int=7)}, "policy_unknown", "policy"),
    ],
    ids=str,
)
def test_wrong_criteria_are_refused_beside_their_field(data: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        draft(**data)

    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.message
    assert not MatchRequest.objects.exists()


def test_without_a_default_policy_nothing_is_asked() -> None:
    SelectionPolicy.objects.filter(is_default=True).update(is_default=False)

    with pytest.raises(Conflict) as caught:
        draft()

    assert caught.value.code == "policy_missing"


def test_a_patient_who_was_deactivated_meanwhile_gets_no_draft() -> None:
    """The page was opened while he was active."""
    patient = typed_patient()
    patient_deactivate(patient_id=patient.pk, reason="died", by=ACTOR)

    with pytest.raises(Conflict) as caught:
        services.request_create(patient=patient, data=RequestData(), actor=ACTOR)

    assert caught.value.code == "patient_inactive"
    assert not MatchRequest.objects.exists()


def test_a_hospital_may_choose_its_own_policy_and_not_anothers() -> None:
    patient = typed_patient()
    rules = {"floors": {"antigen6": 5}}
    own = SelectionPolicy.objects.create(name="own", hospital=patient.hospital, rules=rules, created_by="t")
    foreign = SelectionPolicy.objects.create(
        name="own", hospital=HospitalFactory(), rules=rules, created_by="t"
    )

    request = services.request_create(patient=patient, data=RequestData(policy_id=own.pk), actor=ACTOR)

    assert request.floors == {"antigen6": 5}
    with pytest.raises(InvalidInput, match="policy"):
        services.request_create(patient=patient, data=RequestData(policy_id=foreign.pk), actor=ACTOR)


def test_a_draft_can_be_changed_and_the_change_is_written_down() -> None:
    request = draft()

    changed = services.request_update(
        request_id=request.pk, data=RequestData(loci=LociSet.THREE, urgency="urgent"), actor=ACTOR
    )

    request.refresh_from_db()
    assert (changed.loci, request.loci, request.urgency) == ("A,B,DRB1", "A,B,DRB1", "urgent")
    entry = AuditEntry.objects.get(action="request.update")
    assert entry.before == {"loci": "A,B,C,DRB1,DQB1", "urgency": "routine"}


def test_a_change_that_changes_nothing_is_not_written_down() -> None:
    request = draft()

    services.request_update(request_id=request.pk, data=RequestData(), actor=ACTOR)

    assert "request.update" not in actions()


def test_a_submitted_request_cannot_be_changed_or_submitted_again() -> None:
    request = draft()
    services.request_submit(request_id=request.pk, actor=ACTOR)

    for again in (
        lambda: services.request_update(request_id=request.pk, data=RequestData(), actor=ACTOR),
        lambda: services.request_submit(request_id=request.pk, actor=ACTOR),
    ):
        with pytest.raises(Conflict) as caught:
            again()
        assert caught.value.code == "request_not_draft"
        assert request.number in caught.value.message


def test_submitting_starts_a_search_with_the_patient_as_he_is() -> None:
    request = draft(min_tnc_e7_per_kg=Decimal("2.50"))

    run = services.request_submit(request_id=request.pk, actor=ACTOR)

    request.refresh_from_db()
    assert (request.state, request.submitted_by) == ("SUBMITTED", ACTOR.label)
    assert run.patient_weight_kg == request.patient.weight_kg
    assert run.patient_typing["A"] == ["A*11:01", "A*24:02"]
    assert run.patient_gl == request.patient.current_typing.canonical_gl
    assert run.criteria == {
        "loci": ["A", "B", "C", "DRB1", "DQB1"],
        "floors": {"antigen6": 4},
        "min_tnc_e7_per_kg": "2.50",
        "statuses": ["LISTED"],
        "kept_at_most": 1000,
    }
    assert (run.run_no, run.policy_label, run.is_finished) == (1, "Malignant disease, single unit v1", False)
    assert (run.job.kind, run.job.key) == ("search", f"search:{request.pk}:1")
    assert run.job.hospital_id == request.hospital_id
    assert actions() == ["request.create", "request.submit", "search.start"]


@pytest.mark.parametrize(
    ("arrange", "data", "code"),
    [
        (lambda: PatientFactory(), {}, "patient_untyped"),
        (lambda: typed_patient("A*01:01+A*02:01^B*07:02+B*08:01"), {}, "patient_untyped"),
        (lambda: typed_patient(weight_kg=None), {"min_tnc_e7_per_kg": Decimal(2)}, "dose_without_weight"),
    ],
)
def test_what_cannot_be_searched_stays_a_draft(
    arrange: Callable[[], Any], data: dict[str, Any], code: str
) -> None:
    request = services.request_create(patient=arrange(), data=RequestData(**data), actor=ACTOR)

    with pytest.raises(InvalidInput) as caught:
        services.request_submit(request_id=request.pk, actor=ACTOR)

    assert caught.value.code == code
    assert "%(" not in caught.value.message
    request.refresh_from_db()
    assert request.state == "DRAFT"
    assert not SearchRun.objects.exists()
    assert not Job.objects.exists()
    assert actions() == ["request.create"]


def test_a_patient_deactivated_meanwhile_is_not_searched() -> None:
    request = draft()
    patient = request.patient
    patient.state, patient.inactive_reason, patient.deactivated_at = "inactive", "died", timezone.now()
    patient.save()

    with pytest.raises(Conflict) as caught:
        services.request_submit(request_id=request.pk, actor=ACTOR)

    assert caught.value.code == "patient_inactive"


def test_cancelling_needs_a_reason_and_stops_the_waiting_search() -> None:
    request = draft()
    run = services.request_submit(request_id=request.pk, actor=ACTOR)

    with pytest.raises(InvalidInput, match="reason"):
        services.request_cancel(request_id=request.pk, reason="  ", actor=ACTOR)
    services.request_cancel(request_id=request.pk, reason=" haploidentical donor ", actor=ACTOR)

    request.refresh_from_db()
    run.job.refresh_from_db()
    assert (request.state, request.cancel_reason) == ("CANCELLED", "haploidentical donor")
    assert (request.cancelled_by, run.job.state) == (ACTOR.label, "cancelled")
    entry = AuditEntry.objects.get(action="request.cancel")
    assert (entry.before, entry.reason) == ({"state": "SUBMITTED"}, "haploidentical donor")


def test_a_request_that_is_over_cannot_be_cancelled() -> None:
    request = draft()
    services.request_cancel(request_id=request.pk, reason="x", actor=ACTOR)

    with pytest.raises(Conflict) as caught:
        services.request_cancel(request_id=request.pk, reason="again", actor=ACTOR)

    assert caught.value.code == "request_over"
    assert "Cancelled" in caught.value.message


def test_cancelling_passes_over_a_search_that_ended_this_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    request = draft()
    services.request_submit(request_id=request.pk, actor=ACTOR)

    def ended(**kwargs: Any) -> None:
        raise Conflict("job_over", "over")

    monkeypatch.setattr("core.jobs.job_cancel", ended)
    cancelled = services.request_cancel(request_id=request.pk, reason="x", actor=ACTOR)

    assert cancelled.state == "CANCELLED"


class AuditBroken(Exception):
    pass


@pytest.mark.parametrize(
    "write",
    [
        lambda r: services.request_create(patient=r["patient"], data=RequestData(), actor=ACTOR),
        lambda r: services.request_update(
            request_id=r["draft"].pk, data=RequestData(urgency="urgent"), actor=ACTOR
        ),
        lambda r: services.request_submit(request_id=r["draft"].pk, actor=ACTOR),
        lambda r: services.request_cancel(request_id=r["draft"].pk, reason="x", actor=ACTOR),
        lambda r: services.run_repeat(request_id=r["searched"].pk, actor=ACTOR),
    ],
    ids=["create", "update", "submit", "cancel", "repeat"],
)
def test_nothing_is_written_when_the_audit_entry_fails(
    write: Callable[[dict[str, Any]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {
        "patient": typed_patient(),
        "draft": MatchRequestFactory(),
        "searched": MatchRequestFactory(submitted=True),
    }

    def broken(**kwargs: Any) -> None:
        raise AuditBroken

    monkeypatch.setattr(audit, "record", broken)
    before = state_of_everything()
    with pytest.raises(AuditBroken), transaction.atomic():
        write(rows)

    assert state_of_everything() == before


def state_of_everything() -> list[Any]:
    return [
        sorted(map(str, model.objects.values_list()))
        for model in (MatchRequest, SearchRun, SearchResult, Job, RequestCounter, AuditEntry)
    ]
