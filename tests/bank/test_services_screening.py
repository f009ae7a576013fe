"""Markers, cultures, blood groups: entered once, vouched for by another, retracted by another."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from bank import services_quality
from bank import services_screening as services
from bank.choices import MarkerResultValue, MarkerTest
from bank.markers import markers_of
from bank.models import BloodGroupResult, CordBloodUnit, CultureResult, MarkerResult
from bank.querysets import waiting_for
from bank.services_screening import Drawn, MarkerGiven
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from tests.factories.bank import CultureFactory, MarkerFactory, UnitFactory

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
DAY = dt.date(2024, 5, 6)
NEGATIVE, POSITIVE = MarkerResultValue.NEGATIVE, MarkerResultValue.POSITIVE


def panel(
    unit: CordBloodUnit, *results: MarkerGiven, actor: Actor = SYSTEM, **drawn: Any
) -> list[MarkerResult]:
    return services.markers_record(
        unit_id=unit.pk,
        subject="mother",
        drawn=Drawn(**{"tested_on": DAY, **drawn}),
        results=results or (MarkerGiven(MarkerTest.HBS_AG, NEGATIVE, "ELISA", "L1"),),
        actor=actor,
    )


def culture(
    unit: CordBloodUnit, result: str = "no_growth", actor: Actor = SYSTEM, **more: Any
) -> CultureResult:
    return services.culture_record(
        unit_id=unit.pk, kind="bacterial", result=result, drawn=Drawn(DAY), actor=actor, **more
    )


def test_a_panel_is_one_entry_with_all_its_tests(lab: User) -> None:
    unit = UnitFactory()

    rows = panel(
        unit,
        MarkerGiven(MarkerTest.HBS_AG, NEGATIVE, "ELISA", "L1"),
        MarkerGiven(MarkerTest.CMV, POSITIVE),
        actor=Actor.user(lab),
        specimen="serum",
        sampled_on=DAY,
    )

    assert {(row.test, row.result, row.specimen, row.entered_by) for row in rows} == {
        ("hbs_ag", "negative", "serum", lab),
        ("cmv", "positive", "serum", lab),
    }
    entry = AuditEntry.objects.get(action="unit.markers")
    assert entry.after == {
        "subject": "mother",
        "tested_on": "2024-05-06",
        "hbs_ag": "negative",
        "cmv": "positive",
    }
    assert not waiting_for(unit, lab.pk)


@pytest.mark.parametrize(
    ("drawn", "results", "code", "field"),
    [
        ({}, [], "results_missing", None),
        (
            {"tested_on": dt.date(2999, 1, 1)},
            [MarkerGiven(MarkerTest.CMV, NEGATIVE)],
            "date_future",
            "tested_on",
        ),
        (
            {"sampled_on": DAY + dt.timedelta(days=1)},
            [MarkerGiven(MarkerTest.CMV, NEGATIVE)],
            "sampled_after_test",
            "sampled_on",
        ),
        ({}, [MarkerGiven(MarkerTest.CMV, NEGATIVE)] * 2, "test_twice", None),
    ],
)
def test_what_cannot_be_is_refused_whole(
    drawn: dict[str, Any], results: list[MarkerGiven], code: str, field: str | None
) -> None:
    unit = UnitFactory()

    with pytest.raises(InvalidInput) as refused:
        services.markers_record(
            unit_id=unit.pk,
            subject="unit",
            drawn=Drawn(**{"tested_on": DAY, **drawn}),
            results=results,
            actor=SYSTEM,
        )

    assert (refused.value.code, refused.value.field) == (code, field)
    assert not MarkerResult.objects.exists()


def test_a_form_sent_twice_doubles_nothing_and_a_test_repeated_is_another_result() -> None:
    unit = UnitFactory()
    panel(unit)

    with pytest.raises(Conflict) as refused:
        panel(
            unit,
            MarkerGiven(MarkerTest.CMV, NEGATIVE),
            MarkerGiven(MarkerTest.HBS_AG, NEGATIVE, "ELISA", "L1"),
        )
    panel(unit, MarkerGiven(MarkerTest.HBS_AG, POSITIVE, "ELISA", "L2"))

    assert refused.value.code == "result_exists"
    assert "HBsAg" in refused.value.message
    assert sorted(unit.markers.values_list("test", "result")) == [
        ("hbs_ag", "negative"),
        ("hbs_ag", "positive"),
    ]
    assert markers_of([unit.pk])[unit.pk] == (("mother", "hbs_ag", "positive", False),)


def test_a_retracted_result_counts_no_more_and_stays(lab: User, qa: User) -> None:
    unit = UnitFactory()
    (wrong,) = panel(unit, MarkerGiven(MarkerTest.HBS_AG, POSITIVE), actor=Actor.user(lab))
    panel(unit, actor=Actor.user(lab), tested_on=DAY - dt.timedelta(days=1))

    services.result_retract(
        unit_id=unit.pk, kind="marker", result_id=wrong.pk, actor=Actor.user(qa), reason="another sample"
    )

    wrong.refresh_from_db()
    assert (wrong.retracted_by, wrong.retraction_reason) == (qa, "another sample")
    assert markers_of([unit.pk])[unit.pk] == (("mother", "hbs_ag", "negative", False),)
    assert [row.pk for row in waiting_for(unit, qa.pk)] != [wrong.pk]
    entry = AuditEntry.objects.get(action="unit.result_retract")
    assert "HBsAg" in entry.before["result"]
    assert entry.reason == "another sample"


def test_what_is_verified_leaves_out_what_was_retracted(lab: User, qa: User) -> None:
    unit = UnitFactory()
    kept, wrong = (
        culture(unit, actor=Actor.user(lab)),
        culture(unit, "growth", Actor.user(lab), organism="S. epi"),
    )
    services.result_retract(
        unit_id=unit.pk, kind="culture", result_id=wrong.pk, actor=Actor.user(qa), reason="mixed up"
    )

    services_quality.unit_results_verify(
        unit_id=unit.pk, results=[kept.pk], actor=Actor.user(qa), reason="read"
    )

    wrong.refresh_from_db()
    assert wrong.verified_by is None


def test_nobody_retracts_an_own_result_nor_one_twice(lab: User, qa: User) -> None:
    row = MarkerFactory(entered_by=qa)
    args: dict[str, Any] = {"unit_id": row.unit_id, "kind": "marker", "result_id": row.pk, "reason": "r"}

    with pytest.raises(NotAllowed):
        services.result_retract(actor=Actor.user(qa), **args)
    with pytest.raises(NotAllowed):
        services.result_retract(actor=SYSTEM, **args)
    with pytest.raises(InvalidInput):
        services.result_retract(actor=Actor.user(lab), **{**args, "reason": " "})
    services.result_retract(actor=Actor.user(lab), **args)
    with pytest.raises(Conflict):
        services.result_retract(actor=Actor.user(lab), **args)
    with pytest.raises(InvalidInput):  # of another unit
        services.result_retract(actor=Actor.user(lab), **{**args, "unit_id": UnitFactory().pk})


@pytest.mark.parametrize("factory", [MarkerFactory, CultureFactory])
def test_the_database_keeps_a_retraction_whole(factory: Any, qa: User) -> None:
    row = factory()

    for values in ({"retraction_reason": "r"}, {"retracted_by": qa}, {"retracted_at": "2024-01-01T00:00Z"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(**values)


def test_a_culture_names_what_grew() -> None:
    unit = UnitFactory()

    row = culture(unit, "growth", organism="Staphylococcus epidermidis")

    assert str(row) == "Bacterial culture: Growth (Staphylococcus epidermidis)"
    with pytest.raises(InvalidInput) as refused:
        culture(unit, "no_growth", organism="E. coli")
    assert refused.value.field == "organism"
    with pytest.raises(Conflict):
        culture(unit, "growth", organism="Staphylococcus epidermidis")


def group(unit: CordBloodUnit, abo: str, rh: str = "+", day: dt.date = DAY, **more: Any) -> BloodGroupResult:
    return services.blood_group_record(unit_id=unit.pk, abo=abo, rh=rh, tested_on=day, actor=SYSTEM, **more)


def test_the_unit_holds_the_blood_group_in_force() -> None:
    unit = UnitFactory(status="QUARANTINE", abo="", rh="")

    group(unit, "A")
    group(unit, "B", day=DAY - dt.timedelta(days=3))  # tested earlier, entered later
    unit.refresh_from_db()
    assert unit.blood_group == "A+"
    group(unit, "AB", "-", day=DAY - dt.timedelta(days=3), corrects=True)
    unit.refresh_from_db()

    assert unit.blood_group == "AB-"
    assert unit.blood_groups.in_force().get().abo == "AB"


def test_the_blood_group_of_a_unit_on_offer_is_not_changed_under_who_relies_on_it() -> None:
    unit = UnitFactory(status="LISTED", abo="O", rh="+")

    group(unit, "O")  # a second determination that agrees
    with pytest.raises(Conflict) as refused:
        group(unit, "A", day=DAY + dt.timedelta(days=1))

    assert refused.value.code == "listed_unit"
    unit.refresh_from_db()
    assert unit.blood_group == "O+"


@pytest.mark.parametrize("write", [panel, culture, lambda unit: group(unit, "A")])
def test_results_of_a_partners_unit_are_the_partners(write: Any) -> None:
    with pytest.raises(Conflict) as refused:
        write(UnitFactory(source="partner"))

    assert refused.value.code == "not_own"
