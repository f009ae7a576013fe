"""Sera of a patient: what the services write and refuse, what the database holds, what is known over all of them."""

from __future__ import annotations

import datetime
from math import inf
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from hla.antibodies import Specificity
from hospitals.antibodies import Bead, antibodies_of, summed
from hospitals.data import BeadData, SerumData
from hospitals.models import AntibodyBead, AntibodySerum, Patient
from hospitals.services_antibodies import serum_record, serum_withdraw
from tests.factories.hospitals import AntibodyBeadFactory, AntibodySerumFactory, PatientFactory
from tests.hospitals.conftest import last_entry

DAY = datetime.timedelta(days=1)


def serum(*beads: tuple[str, int | None], **changes: Any) -> SerumData:
    values: dict[str, Any] = {
        "sampled_on": datetime.date(2026, 5, 1),
        "method": "single_antigen",
        "beads": tuple(BeadData(written=written, mfi=mfi) for written, mfi in beads),
        "none_found": not beads,
        "classes": "both",
        **changes,
    }
    return SerumData(**values)


# --- writing ---


def test_a_serum_is_recorded_with_its_beads(patient: Patient, by: Actor, coordinator: User) -> None:
    data = serum(("HLA-A24", 12_000), ("DQB1*02:01, DQA1*05:01", 0), ("DR53", None), laboratory="L", note="n")

    row = serum_record(patient_id=patient.pk, serum=data, by=by)

    found = {bead.text: (bead.written, bead.loci, bead.level, bead.mfi) for bead in row.beads.all()}
    assert found == {
        "A24": ("HLA-A24", ["A"], "antigen", 12_000),
        "DQA1*05:01~DQB1*02:01": ("DQB1*02:01, DQA1*05:01", ["DQA1", "DQB1"], "heterodimer", 0),
        "DR53": ("DR53", ["DRB4"], "antigen", None),
    }
    assert (row.laboratory, row.note, row.nomenclature, row.entered_by) == ("L", "n", "built-in", coordinator)


def test_recording_makes_a_new_version_and_one_audit_entry(patient: Patient, by: Actor) -> None:
    row = serum_record(patient_id=patient.pk, serum=serum(("A24", 1), ("A2", 2)), by=by)

    entry, saved = last_entry(), Patient.objects.get()
    assert (saved.version, saved.updated_at > patient.updated_at) == (patient.version + 1, True)
    assert (entry.action, entry.target_key) == ("patient.serum_recorded", str(patient.pk))
    assert (entry.after["serum"], entry.after["beads"], entry.batch_rows) == (str(row.pk), 2, 2)
    assert len(entry.batch_sha256) == 64


@pytest.mark.usefixtures("no_audit")
def test_nothing_is_kept_without_its_audit_entry(patient: Patient, by: Actor) -> None:
    row = AntibodySerumFactory(patient=patient)

    with pytest.raises(RuntimeError), transaction.atomic():
        serum_record(patient_id=patient.pk, serum=serum(("A24", 1)), by=by)
    with pytest.raises(RuntimeError), transaction.atomic():
        serum_withdraw(serum_id=row.pk, reason="wrong", by=by)

    assert list(AntibodySerum.objects.values_list("pk", "withdrawn_at")) == [(row.pk, None)]
    assert Patient.objects.get().version == patient.version


def test_a_serum_in_which_none_were_found_is_recorded(patient: Patient, by: Actor) -> None:
    row = serum_record(patient_id=patient.pk, serum=serum(), by=by)

    assert row.beads.count() == 0
    assert antibodies_of(patient).tested


@pytest.mark.parametrize(
    ("beads", "kept"),
    [
        ((("A24", 5), ("HLA-A24", 9)), ("HLA-A24", 9, "")),
        ((("A24", 9), ("HLA-A24", 5)), ("A24", 9, "")),
        ((("A24", 9), ("HLA-A24", 9)), ("A24", 9, "")),
        ((("A24", None), ("HLA-A24", 0)), ("HLA-A24", 0, "positive")),  # called so: no number takes that back
        ((("A24", 0), ("HLA-A24", None)), ("A24", 0, "positive")),
        ((("A24", 20_000), ("HLA-A24", None)), ("A24", 20_000, "positive")),
        ((("A24", None), ("HLA-A24", None)), ("A24", None, "positive")),
    ],
)
def test_of_a_specificity_named_twice_the_highest_is_kept(
    beads: tuple[tuple[str, int | None], ...], kept: tuple[str, int | None, str], patient: Patient, by: Actor
) -> None:
    row = serum_record(patient_id=patient.pk, serum=serum(*beads), by=by)

    assert [(bead.written, bead.mfi, bead.called) for bead in row.beads.all()] == [kept]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"sampled_on": 1}, "sampled_in_future", "sampled_on"),
        ({"sampled_on": datetime.date(1979, 12, 31)}, "sampled_too_early", "sampled_on"),
        ({"sampled_on": 0, "tested_on": -1}, "tested_on_impossible", "tested_on"),
        ({"sampled_on": 0, "tested_on": 1}, "tested_on_impossible", "tested_on"),
        ({"method": "guess"}, "not_in_list", "method"),
        ({"none_found": False}, "serum_empty", "none_found"),
        ({"beads": (BeadData(written="A24", mfi=1),)}, "serum_contradicts_itself", "none_found"),
        (
            {"beads": (BeadData(written="A24", mfi=1),) * 1001, "none_found": False},
            "too_many_beads",
            "beads",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    changes: dict[str, Any], code: str, field: str, patient: Patient, by: Actor
) -> None:
    today = timezone.localdate()
    days = {field: today + days * DAY for field, days in changes.items() if type(days) is int}  # from today

    with pytest.raises(InvalidInput) as caught:
        serum_record(patient_id=patient.pk, serum=serum(**{**changes, **days}), by=by)

    assert (caught.value.code, caught.value.field) == (code, field)
    assert not AntibodySerum.objects.exists()


def test_days_at_their_limits_are_taken(patient: Patient, by: Actor) -> None:
    today = timezone.localdate()
    for sampled_on in (today, datetime.date(1980, 1, 1)):
        serum_record(patient_id=patient.pk, serum=serum(sampled_on=sampled_on, tested_on=today), by=by)

    assert AntibodySerum.objects.count() == 2


def test_all_beads_that_cannot_be_read_are_named_at_once(patient: Patient, by: Actor) -> None:
    data = serum(("A24", 100_000), ("A*24:9", 1), ("B7", -1), ("B8", 100_001), ("A2, B7", 5))

    with pytest.raises(InvalidInput) as caught:
        serum_record(patient_id=patient.pk, serum=data, by=by)

    found = [(detail["field"], detail["code"]) for detail in caught.value.details]
    assert found == [
        ("beads.2.specificity", "malformed"),
        ("beads.3.mfi", "mfi_out_of_range"),
        ("beads.4.mfi", "mfi_out_of_range"),
        ("beads.5.specificity", "several_specificities"),
    ]
    assert not AntibodyBead.objects.exists()


def test_an_inactive_patient_takes_no_serum_and_keeps_its_sera(patient: Patient, by: Actor) -> None:
    row = AntibodySerumFactory(patient=patient)
    Patient.objects.update(state="inactive", inactive_reason="moved", deactivated_at=timezone.now())

    with pytest.raises(Conflict, match="inactive"):
        serum_record(patient_id=patient.pk, serum=serum(), by=by)
    with pytest.raises(Conflict, match="inactive"):
        serum_withdraw(serum_id=row.pk, reason="wrong", by=by)


def test_a_form_sent_twice_makes_one_serum(patient: Patient, by: Actor) -> None:
    wanted = uuid4()

    row = serum_record(patient_id=patient.pk, serum=serum(), serum_id=wanted, by=by)
    with pytest.raises(Conflict) as caught:
        serum_record(patient_id=patient.pk, serum=serum(), serum_id=wanted, by=by)

    assert (row.pk, caught.value.code) == (wanted, "serum_exists")


def test_the_id_of_another_patients_serum_is_not_used(patient: Patient, by: Actor) -> None:
    other = AntibodySerumFactory()

    row = serum_record(patient_id=patient.pk, serum=serum(), serum_id=other.pk, by=by)

    assert row.pk != other.pk


def test_withdrawing_keeps_the_serum_and_says_why(patient: Patient, by: Actor, coordinator: User) -> None:
    bead = AntibodyBeadFactory(serum__patient=patient)

    serum_withdraw(serum_id=bead.serum_id, reason=" another patient's ", by=by)

    row, entry = AntibodySerum.objects.get(), last_entry()
    assert (row.is_withdrawn, row.withdrawn_by, row.withdrawn_reason) == (
        True,
        coordinator,
        "another patient's",
    )
    assert (entry.action, entry.reason) == ("patient.serum_withdrawn", "another patient's")
    assert Patient.objects.get().version == patient.version + 1
    assert row.beads.count() == 1


def test_withdrawing_needs_a_reason_and_happens_once(patient: Patient, by: Actor) -> None:
    row = AntibodySerumFactory(patient=patient)

    with pytest.raises(InvalidInput) as caught:
        serum_withdraw(serum_id=row.pk, reason="  ", by=by)
    serum_withdraw(serum_id=row.pk, reason="wrong", by=by)
    with pytest.raises(Conflict, match="already"):
        serum_withdraw(serum_id=row.pk, reason="again", by=by)

    assert caught.value.field == "reason"
    assert AntibodySerum.objects.get().withdrawn_reason == "wrong"


# --- what the database holds ---


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"sampled_on": datetime.date(1979, 12, 31)}, "sampled_since_1980"),
        ({"tested_on": datetime.date(2026, 4, 30)}, "sampled_before_tested"),
        ({"method": "guess"}, "method_known"),
        ({"withdrawn_at": timezone.now()}, "withdrawn_with_reason"),
        ({"withdrawn_reason": "wrong"}, "withdrawn_with_reason"),
    ],
)
def test_a_serum_that_cannot_be_is_refused_by_the_database(
    changes: dict[str, Any], constraint: str, db: None
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        AntibodySerumFactory(**changes)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"mfi": 100_001}, "mfi_range"),
        ({"mfi": -1}, "mfi"),
        ({"level": "guess"}, "level_known"),
        ({"loci": ["A", "B"]}, "two_loci_of_a_heterodimer"),
        ({"level": "heterodimer"}, "two_loci_of_a_heterodimer"),
        ({"text": ""}, "names_something"),
    ],
)
def test_a_bead_that_cannot_be_is_refused_by_the_database(
    changes: dict[str, Any], constraint: str, db: None
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        AntibodyBeadFactory(**changes)


def test_a_specificity_stands_once_in_a_serum(db: None) -> None:
    bead = AntibodyBeadFactory(mfi=0)
    AntibodyBeadFactory(mfi=100_000)

    with pytest.raises(IntegrityError, match="once_in_a_serum"), transaction.atomic():
        AntibodyBeadFactory(serum=bead.serum)


def test_names_hold_no_person(db: None) -> None:
    bead = AntibodyBeadFactory()

    assert (str(bead), str(bead.serum)) == ("A24", "serum 2026-05-01")


# --- what is known over all sera ---


def test_never_tested_and_none_found_are_two_things(patient: Patient) -> None:
    before = antibodies_of(patient)
    AntibodySerumFactory(patient=patient)
    after = antibodies_of(patient)

    assert (before.tested, before.newest_on, before.beads) == (False, None, ())
    assert (after.tested, after.newest_on, after.beads) == (True, datetime.date(2026, 5, 1), ())


def test_each_specificity_has_its_newest_and_its_highest_mfi(patient: Patient) -> None:
    for day, beads in ((1, {"A24": 9000, "B7": 400}), (2, {"A24": 3000, "DR53": None}), (3, {})):
        row = AntibodySerumFactory(patient=patient, sampled_on=datetime.date(2026, 5, day))
        for written, mfi in beads.items():
            AntibodyBeadFactory(serum=row, written=written, mfi=mfi)
    AntibodyBeadFactory(written="A1")  # of another patient

    known = antibodies_of(patient)

    assert known.newest_on == datetime.date(2026, 5, 3)
    assert [(bead.text, bead.mfi_newest, bead.mfi_peak, bead.sampled_on.day) for bead in known.beads] == [
        ("A24", 3000, 9000, 2),
        ("B7", 400, 400, 1),
        ("DR53", None, None, 2),
    ]
    assert known.beads[0].specificity == Specificity("A24", ("A",), "antigen")


@pytest.mark.parametrize(
    ("first", "second", "newest", "is_newest_called"), [(700, None, None, True), (None, 700, 700, False)]
)
def test_called_positive_is_undone_by_no_number(
    patient: Patient, first: int | None, second: int | None, newest: int | None, is_newest_called: bool
) -> None:
    for day, mfi in ((1, first), (2, second)):
        row = AntibodySerumFactory(patient=patient, sampled_on=datetime.date(2026, 5, day))
        AntibodyBeadFactory(serum=row, mfi=mfi)

    (bead,) = antibodies_of(patient).beads

    assert (bead.mfi_newest, bead.mfi_peak) == (newest, 700)
    assert (bead.unquantified_newest, bead.unquantified_peak) == (is_newest_called, True)


def test_withdrawn_sera_do_not_count(patient: Patient) -> None:
    withdrawn = {"withdrawn_at": timezone.now(), "withdrawn_reason": "wrong"}
    row = AntibodySerumFactory(patient=patient, sampled_on=datetime.date(2026, 6, 1), **withdrawn)
    AntibodyBeadFactory(serum=row)

    assert not antibodies_of(patient).tested

    AntibodyBeadFactory(serum__patient=patient, written="A2", mfi=7)

    known = antibodies_of(patient)
    assert ([bead.text for bead in known.beads], known.newest_on) == (["A2"], datetime.date(2026, 5, 1))


@pytest.mark.parametrize("sera", [1, 5])
def test_it_takes_two_queries(sera: int, patient: Patient, django_assert_num_queries: Any) -> None:
    for _ in range(sera):
        row = AntibodySerumFactory(patient=patient)
        for written in ("A24", "A2", "B7"):
            AntibodyBeadFactory(serum=row, written=written)

    with django_assert_num_queries(2):
        assert len(antibodies_of(patient).beads) == 3


def strength(bead: Bead) -> float:
    """Called positive without a number is above every number, called negative below all."""
    if bead.unquantified_peak:
        return inf
    return -1 if bead.mfi_peak is None else bead.mfi_peak


MEASURED = st.tuples(st.integers(0, 9), st.sampled_from(["", "positive"])) | st.tuples(
    st.none(), st.sampled_from(["positive", "negative"])
)
ROWS = st.lists(st.tuples(st.sampled_from(["A24", "B7"]), st.integers(1, 4), MEASURED), min_size=1)
Rows = list[tuple[str, int, tuple[int | None, str]]]


@given(found=ROWS)
def test_another_serum_never_lowers_a_peak_nor_loses_a_specificity(
    found: Rows,
) -> None:
    def known(rows: Rows) -> dict[str, Bead]:
        beads = [
            AntibodyBead(
                text=text,
                loci=[text[0]],
                level="antigen",
                mfi=mfi,
                called=called,
                serum=AntibodySerum(sampled_on=datetime.date(2026, 5, day), method="single_antigen"),
            )
            for text, day, (mfi, called) in rows
        ]
        return {bead.text: bead for bead in summed(beads)}

    before, after = known(found[:-1]), known(found)

    assert set(before) <= set(after)
    assert all(strength(after[name]) >= strength(bead) for name, bead in before.items())
    assert all(after[name].sampled_on >= bead.sampled_on for name, bead in before.items())


def test_patients_of_a_factory_are_apart(db: None) -> None:
    one, other = PatientFactory(), PatientFactory()
    AntibodyBeadFactory(serum__patient=one)

    assert (antibodies_of(one).tested, antibodies_of(other).tested) == (True, False)
