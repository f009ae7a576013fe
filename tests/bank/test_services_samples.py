"""The stock of samples: it only goes down, the ledger and the copy on the unit agree, and who may correct it."""

from __future__ import annotations

import datetime as dt
import importlib
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bank import services_samples as services
from bank.choices import Source, Subject
from bank.choices_stocks import ENTERED, KINDS_OF, NEED_REASON, SampleKind, SamplePurpose
from bank.models import CordBloodUnit, ProcessingRecord, SampleUse, UnitSample
from bank.services_consent import Withdrawal, consent_withdraw
from bank.services_import import units_import
from bank.services_samples import SEGMENTS, Use, Which
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from core.roles import Role
from tests.factories.bank import BankFactory, DonationFactory, ImportBatchFactory, UnitFactory
from tests.factories.consent import ALL, YES, consent_form, consented_unit, declared, record
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.stocks import SampleFactory

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
SEGMENT = Which(*SEGMENTS)
SERUM = Which(Subject.MOTHER, SampleKind.SERUM)
TYPED = Use(purpose=SamplePurpose.CONFIRMATORY, for_what="REQ-7")


def use(unit: CordBloodUnit, which: Which = SEGMENT, actor: Actor = SYSTEM, **more: Any) -> SampleUse:
    given = Use(**{"purpose": SamplePurpose.CONFIRMATORY, **more})
    return services.sample_use(unit_id=unit.pk, which=which, use=given, actor=actor)


def correct(unit: CordBloodUnit, user: User, counted: int, **more: Any) -> SampleUse:
    given = {"which": SEGMENT, "password": PASSWORD, "reason": "counted twice", **more}
    return services.sample_correct(unit_id=unit.pk, user=user, counted=counted, **given)


def withdraw(unit: CordBloodUnit, purpose: str) -> None:
    day = timezone.localdate() - dt.timedelta(days=1)
    given = Withdrawal(purpose=purpose, withdrawn_on=day, reported_by="mother", reason="r")
    consent_withdraw(unit_id=unit.pk, given=given, actor=SYSTEM)


def agree(unit: CordBloodUnit) -> int:
    """What is left, when stock, ledger and the copy on the unit say the same."""
    unit.refresh_from_db()
    row = unit.samples.get(subject=Subject.UNIT, kind=SampleKind.SEGMENT)
    used = row.uses.aggregate(n=Sum("count"))["n"] or 0
    assert row.remaining == row.opening - used == unit.segments
    return row.remaining


def test_a_segment_is_used_and_everybody_agrees(lab: User) -> None:
    unit = SampleFactory().unit

    row = use(unit, actor=Actor.user(lab), for_what="REQ-7", count=2)

    assert (row.used_by, row.used_on, row.count, row.for_what) == (lab, timezone.localdate(), 2, "REQ-7")
    assert agree(unit) == 1
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.before) == ("unit.sample_use", {"segments": 3})
    assert entry.after == {
        "sample": "unit-segment", "left": 1, "count": 2, "purpose": "confirmatory", "for_what": "REQ-7",
        "segments": 1,
    }  # fmt: skip


def test_a_sample_of_the_mother_leaves_the_segments_alone() -> None:
    unit = SampleFactory(unit=consented_unit()).unit
    services.sample_open(unit_id=unit.pk, which=SERUM, opening=2, place=" F1 box 3 ", actor=SYSTEM)

    use(unit, SERUM, purpose=SamplePurpose.VERIFICATION)

    row = unit.samples.get(kind="serum")
    assert (row.opening, row.remaining, row.place) == (2, 1, "F1 box 3")
    assert agree(unit) == 3


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"count": 4}, "sample_not_enough", "count"),
        ({"count": 0}, "count_range", "count"),
        ({"count": -1}, "count_range", "count"),
        ({"count": 1000}, "count_range", "count"),
        ({"used_on": dt.date(2999, 1, 1)}, "date_future", "used_on"),
        ({"purpose": SamplePurpose.RESEARCH}, "project_needed", "for_what"),
        ({"purpose": SamplePurpose.LOST}, "reason_needed", "reason"),
        ({"purpose": SamplePurpose.DESTROYED, "reason": " "}, "reason_needed", "reason"),
        ({"purpose": SamplePurpose.MISCOUNT, "reason": "r"}, "signature_needed", None),
        ({"which": SERUM}, "sample_not_kept", "sample"),
    ],
)
def test_a_use_that_cannot_be(more: dict[str, Any], code: str, field: str | None) -> None:
    unit = SampleFactory().unit
    declared(unit.bank, "research")

    with pytest.raises(DomainError) as refused:
        use(unit, **more)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert agree(unit) == 3
    assert not SampleUse.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("purpose", ENTERED)
def test_every_purpose_can_be_recorded(purpose: SamplePurpose) -> None:
    unit = SampleFactory().unit
    declared(unit.bank, "research")

    use(unit, purpose=purpose, for_what="P-1", reason="r" if purpose in NEED_REASON else "")

    assert agree(unit) == 2


def test_of_an_empty_stock_nothing_is_taken() -> None:
    unit = SampleFactory().unit
    use(unit, count=3)

    with pytest.raises(Conflict) as refused:
        use(unit)

    assert refused.value.code == "sample_none_left"
    assert agree(unit) == 0


def test_a_partner_s_samples_are_the_partner_s() -> None:
    unit = SampleFactory(unit__source=Source.PARTNER).unit

    with pytest.raises(Conflict, match="partner"):
        use(unit)


def test_samples_are_laid_aside_only_where_the_mother_consents() -> None:
    withdrew = consented_unit()
    withdraw(withdrew, "samples")
    for unit in (UnitFactory(), consented_unit({**YES, "samples": False}), withdrew):
        with pytest.raises(Conflict) as caught:
            services.sample_open(unit_id=unit.pk, which=SERUM, opening=2, actor=SYSTEM)
        assert caught.value.code == "no_samples_consent"
    assert not UnitSample.objects.exists()


@pytest.mark.parametrize("purpose", ENTERED)
def test_of_a_withdrawn_donation_samples_are_only_lost_or_destroyed(purpose: SamplePurpose) -> None:
    unit = SampleFactory(unit__consent_withdrawn=True).unit
    given = {"purpose": purpose, "for_what": "P-1", "reason": "r"}

    if purpose in NEED_REASON:
        assert use(unit, **given)
        return
    with pytest.raises(Conflict) as caught:
        use(unit, **given)
    assert caught.value.code in ("consent_withdrawn", "no_research_consent")
    assert agree(unit) == 3


def test_the_mother_s_samples_are_not_tested_after_she_withdrew() -> None:
    unit = consented_unit()
    services.sample_open(unit_id=unit.pk, which=SERUM, opening=2, actor=SYSTEM)
    withdraw(unit, "testing")

    with pytest.raises(Conflict) as caught:
        use(unit, SERUM, purpose=SamplePurpose.RELEASE_TEST)

    assert caught.value.code == "testing_withdrawn"
    assert use(unit, SERUM, purpose=SamplePurpose.DESTROYED, reason="r")


def test_research_needs_the_mother_s_consent() -> None:
    unit = SampleFactory(unit__consent_withdrawn=True).unit

    with pytest.raises(Conflict) as refused:
        use(unit, purpose=SamplePurpose.RESEARCH, for_what="P-1")
    use(unit, purpose=SamplePurpose.DESTROYED, reason="consent withdrawn")

    assert (refused.value.code, refused.value.field) == ("no_research_consent", "purpose")
    assert agree(unit) == 2


@pytest.mark.parametrize("status", ["ON_HOLD", "DISCARDED", "INFUSED", "LISTED", "RESERVED", "QUARANTINE"])
def test_samples_are_used_in_whatever_state_the_unit_is(status: str) -> None:
    more = {"DISCARDED": {"discarded": True}, "ON_HOLD": {"on_hold": True}}.get(status, {"status": status})
    unit = UnitFactory(**more)
    SampleFactory(unit=unit)

    use(unit)

    assert agree(unit) == 2
    assert unit.status == status


def test_a_unit_of_an_older_program_begins_with_the_segments_it_has(lab: User) -> None:
    """No row yet: written while this program was put in place of the one before it."""
    unit = UnitFactory(segments=2, import_batch=ImportBatchFactory(user=lab))

    use(unit)

    row = unit.samples.get()
    assert (row.opening, row.entered_by) == (2, lab)
    assert agree(unit) == 1


def test_where_the_number_is_not_known_it_is_recorded_first() -> None:
    unit = UnitFactory(segments=None, status="QUARANTINE")

    with pytest.raises(Conflict, match="laid aside"):
        use(unit)
    services.sample_open(unit_id=unit.pk, which=SEGMENT, opening=2, actor=SYSTEM)

    assert agree(unit) == 2


@pytest.mark.parametrize(
    ("unit", "which", "opening", "code"),
    [
        ({"status": "QUARANTINE"}, SEGMENT, 2, "sample_exists"),  # its number is known
        ({"status": "LISTED", "segments": None}, SEGMENT, 2, "listed_unit"),
        ({"status": "PLANNED"}, SERUM, 2, "not_collected"),
        ({"status": "VOID"}, SERUM, 2, "not_collected"),
        ({}, SERUM, 0, "count_range"),
        ({}, SERUM, 1000, "count_range"),
        ({"source": Source.PARTNER}, SERUM, 1, "not_own"),
    ],
)
def test_an_opening_that_cannot_be(unit: dict[str, Any], which: Which, opening: int, code: str) -> None:
    row = UnitFactory(**{"donation": DonationFactory(), **unit})
    if row.source == Source.OWN:
        consent_form()
        record(row, ALL)

    with pytest.raises(DomainError) as refused:
        services.sample_open(unit_id=row.pk, which=which, opening=opening, actor=SYSTEM)

    assert refused.value.code == code
    assert not UnitSample.objects.exists()


def test_a_stock_is_opened_once() -> None:
    unit = consented_unit()
    services.sample_open(unit_id=unit.pk, which=SERUM, opening=2, actor=SYSTEM)

    with pytest.raises(Conflict) as refused:
        services.sample_open(unit_id=unit.pk, which=SERUM, opening=5, actor=SYSTEM)

    assert refused.value.code == "sample_exists"


@pytest.mark.parametrize("text", ["", "unit", "unit-serum", "mother-segment", "unit-segment-", "father-dna"])
def test_which_samples_there_are(text: str) -> None:
    with pytest.raises(InvalidInput):
        Which.of(text)
    assert [str(Which.of(f"{one}-{kind}")) for one, kinds in KINDS_OF.items() for kind in kinds]


def test_what_an_older_program_wrote_is_opened_by_the_migration(lab: User, qa: User) -> None:
    openings = importlib.import_module("bank.migrations.0016_stocks").OPENINGS
    imported = UnitFactory(segments=2, import_batch=ImportBatchFactory(user=lab))
    frozen = UnitFactory(segments=0)
    ProcessingRecord.objects.create(unit=frozen, started_at=timezone.now(), frozen_by=qa)
    UnitFactory(segments=None)
    UnitFactory(segments=4, source=Source.PARTNER)

    with connection.cursor() as cursor:
        cursor.execute(openings)

    rows = UnitSample.objects.values_list("unit_id", "kind", "opening", "remaining", "entered_by_id")
    assert set(rows) == {(imported.pk, "segment", 2, 2, lab.pk), (frozen.pk, "segment", 0, 0, qa.pk)}


@pytest.mark.parametrize("source", Source)
def test_an_import_makes_the_opening_entry_of_own_units(lab: User, source: Source) -> None:
    BankFactory(code="IMP", source=source)
    text = "unit_no,collected_on,segments,A_1,A_2\nU1,2020-01-01,2,A*11:01,A*24:02\nU2,2020-01-02,,A*11:01,A*24:02\n"

    report = units_import(
        data=text.encode(), file_name="u.csv", actor=Actor.user(lab), bank_code="IMP", skip_bad=True
    )

    assert (report.imported, report.findings) == (2, [])
    rows = list(UnitSample.objects.values_list("unit__unit_no", "opening", "remaining", "entered_by_id"))
    assert rows == ([("U1", 2, 2, lab.pk)] if source == Source.OWN else [])


# --- corrections ----------------------------------------------------------------------------------


def test_a_count_is_corrected_downwards_by_a_second_person(lab: User, qa: User) -> None:
    unit = SampleFactory(entered_by=lab).unit

    row = correct(unit, qa, 1)

    assert (row.purpose, row.count, row.used_by, row.signed_by) == ("miscount", 2, qa, qa.full_name)
    assert agree(unit) == 1
    assert AuditEntry.objects.get().reason == "counted twice"


@pytest.mark.parametrize(
    ("counted", "more", "code"),
    [
        (4, {}, "only_down"),
        (3, {}, "nothing_to_correct"),
        (-1, {}, "nothing_to_correct"),
        (2, {"reason": ""}, "reason_needed"),
        (2, {"password": "not it"}, "wrong_password"),
        (2, {"which": SERUM}, "sample_not_kept"),
    ],
)
def test_a_correction_that_cannot_be(qa: User, counted: int, more: dict[str, Any], code: str) -> None:
    unit = SampleFactory().unit

    with pytest.raises(DomainError) as refused:
        correct(unit, qa, counted, **more)

    assert refused.value.code == code
    assert agree(unit) == 3


def test_nobody_corrects_a_stock_of_which_he_entered_something(lab: User, qa: User) -> None:
    """Neither who laid it aside nor who took of it, and who corrected it once not again."""
    unit = SampleFactory(entered_by=lab).unit
    taker = UserFactory(roles=[Role.LAB])
    use(unit, actor=Actor.user(taker))

    for person in (lab, taker):
        with pytest.raises(NotAllowed) as refused:
            correct(unit, person, 1)
        assert refused.value.code == "own_work"
    correct(unit, qa, 1)
    with pytest.raises(NotAllowed):
        correct(unit, qa, 0)

    assert agree(unit) == 1


# --- what the database keeps ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [{"remaining": 4}, {"opening": 9}, {"kind": "dna"}, {"remaining": -1}],
    ids=lambda change: next(iter(change)),
)
def test_a_stock_never_goes_up_nor_below_nothing(change: dict[str, Any]) -> None:
    row = SampleFactory(opening=5, remaining=3)

    with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
        UnitSample.objects.filter(pk=row.pk).update(**change)


@pytest.mark.parametrize(
    "act",
    [
        lambda row: SampleUse.objects.filter(pk=row.pk).update(count=1),
        lambda row: SampleUse.objects.filter(pk=row.pk).delete(),
        lambda row: UnitSample.objects.filter(pk=row.sample_id)._raw_delete("default"),
    ],
    ids=["change a use", "delete a use", "delete a stock"],
)
def test_nobody_takes_back_what_was_used(act: Any) -> None:
    row = use(SampleFactory().unit)

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        act(row)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"subject": "mother", "kind": "segment"}, "sample_kind_known"),
        ({"kind": "serum"}, "sample_kind_known"),
        ({"opening": 2, "remaining": 3}, "sample_remaining_range"),
    ],
)
def test_rows_that_cannot_be(row: dict[str, Any], name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        SampleFactory(**row)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"count": 0}, "sample_use_positive"),
        ({"purpose": "fun"}, "sample_use_purpose_known"),
        ({"purpose": "lost"}, "sample_use_reason_given"),
        ({"purpose": "research"}, "sample_use_research_named"),
        ({"purpose": "miscount", "reason": "r"}, "sample_use_correction_signed"),
        ({"signed_by": "Lin"}, "sample_use_correction_signed"),
    ],
)
def test_uses_that_cannot_be(row: dict[str, Any], name: str) -> None:
    values = {"count": 1, "purpose": "potency", "used_on": dt.date(2024, 1, 1), **row}

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        SampleUse.objects.create(sample=SampleFactory(), **values)


STEP = st.one_of(
    st.tuples(st.just("use"), st.integers(-1, 4)), st.tuples(st.just("correct"), st.integers(-1, 9))
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(opening=st.integers(0, 8), steps=st.lists(STEP, max_size=6))
def test_whatever_is_done_ledger_stock_and_copy_agree(
    django_user_model: Any, opening: int, steps: list[tuple[str, int]]
) -> None:
    with transaction.atomic():
        unit = UnitFactory(segments=opening)
        SampleFactory(unit=unit)
        left = opening
        for act, number in steps:
            is_allowed = 1 <= number <= left if act == "use" else 0 <= number < left
            try:
                if act == "use":
                    use(unit, count=number)
                else:
                    correct(unit, UserFactory(roles=[Role.QA]), number)
            except DomainError:
                assert not is_allowed
            else:
                assert is_allowed
                left = left - number if act == "use" else number
            assert agree(unit) == left
        transaction.set_rollback(True)
