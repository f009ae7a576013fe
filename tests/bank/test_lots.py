"""Lots: noted by the services of each step, questioned where they are expired or blocked, kept from use with units."""

from __future__ import annotations

import csv
import datetime as dt
import importlib
import io
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from bank import lots, services_lots, services_quality, services_screening
from bank.choices_lots import LotKind, LotStep
from bank.lot_use import LotGiven, use_lots
from bank.models import CordBloodUnit, CultureResult, Lot, LotUse, MarkerResult, ProcessingRecord
from bank.services_screening import Drawn, MarkerGiven
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from tests.factories.bank import CultureFactory, MarkerFactory, UnitFactory
from tests.factories.core import PASSWORD

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
DAY = dt.date(2024, 5, 8)
BEFORE = DAY - dt.timedelta(days=1)


def lot(**more: Any) -> Lot:
    row: Lot = Lot.objects.create(**{"kind": "test_kit", "manufacturer": "Acme", "number": "K-1", **more})
    return row


def used(unit: CordBloodUnit, text: str, **more: Any) -> list[Lot]:
    given = LotGiven(LotKind.TEST_KIT, text, LotStep.MARKER)
    with transaction.atomic():
        return use_lots(unit, [given], **{"on": DAY, "actor": SYSTEM, **more})


# --- noted ----------------------------------------------------------------------------------------


def test_an_unknown_number_becomes_a_lot_that_nobody_registered() -> None:
    [made] = used(UnitFactory(), "  k-7  b ")

    assert (made.number, made.manufacturer, made.registered_by, made.kind) == ("k-7 b", "", None, "test_kit")


@pytest.mark.parametrize("text", ["K-1", "k-1", " K-1 ", "Acme K-1", "acme  k-1"])
def test_a_lot_is_found_by_its_number_or_manufacturer_and_number(text: str) -> None:
    known = lot()
    lot(kind="reagent")

    assert used(UnitFactory(), text) == [known]
    assert Lot.objects.count() == 2


def test_two_manufacturers_of_one_number_have_to_be_told_apart() -> None:
    lot()
    other = lot(manufacturer="Beta")
    unit = UnitFactory()
    with pytest.raises(Conflict) as refused:
        used(unit, "K-1")

    assert (refused.value.code, refused.value.field) == ("lot_ambiguous", "kit_lot")
    assert "Acme K-1, Beta K-1" in refused.value.message
    assert used(unit, "Beta K-1") == [other]
    assert list(LotUse.objects.values_list("lot", flat=True)) == [other.pk]


def test_the_same_use_again_writes_nothing_and_another_day_does() -> None:
    unit = UnitFactory()
    for day in (DAY, DAY, BEFORE, None, None):
        used(unit, "K-1", on=day)

    assert sorted(map(str, unit.lot_uses.values_list("used_on", flat=True))) == sorted(
        ["None", str(DAY), str(BEFORE)]
    )


def test_nothing_typed_is_no_lot() -> None:
    assert used(UnitFactory(), " \0 ") == []
    assert not Lot.objects.exists()


@pytest.mark.parametrize(
    ("state", "asks"),
    [
        ({}, ""),
        ({"expires_on": DAY}, ""),  # the last day of use
        ({"expires_on": BEFORE}, "Acme K-1: expired on 2024-05-07"),
        ({"state": "blocked", "blocked_reason": "leaks"}, "Acme K-1: blocked (leaks)"),
        ({"state": "blocked", "blocked_reason": "leaks", "expires_on": BEFORE}, "Acme K-1: blocked (leaks)"),
    ],
)
def test_an_expired_or_blocked_lot_needs_a_reason(state: dict[str, Any], asks: str) -> None:
    lot(**state)
    unit = UnitFactory()
    if not asks:
        used(unit, "K-1", reason="given though nobody asked")
        assert unit.lot_uses.get().deviation == ""
        return
    with pytest.raises(Conflict) as refused:
        used(unit, "K-1", reason=" ")
    assert (refused.value.code, refused.value.field) == ("lot_deviation", "lot_reason")
    assert asks in refused.value.message
    assert not LotUse.objects.exists()

    used(unit, "K-1", reason="none other was there")
    assert unit.lot_uses.get().deviation == "none other was there"
    entry = AuditEntry.objects.get(action="unit.lot_deviation")
    assert (entry.target_key, entry.reason) == (str(unit.pk), "none other was there")
    assert entry.after["why"] == ("blocked" if "blocked" in asks else "expired")


def test_markers_of_one_panel_write_a_use_for_each_kit() -> None:
    unit = UnitFactory(status="QUARANTINE")
    panel = [
        MarkerGiven(
            services_screening.MarkerTest.HBS_AG, services_screening.MarkerResultValue.NEGATIVE, "", "H-1"
        ),
        MarkerGiven(
            services_screening.MarkerTest.CMV, services_screening.MarkerResultValue.NEGATIVE, "", "H-1"
        ),
        MarkerGiven(
            services_screening.MarkerTest.EBV, services_screening.MarkerResultValue.NEGATIVE, "", "E-2"
        ),
    ]
    services_screening.markers_record(
        unit_id=unit.pk, subject="mother", drawn=Drawn(DAY), results=panel, actor=SYSTEM
    )

    told = unit.lot_uses.order_by("lot__number").values_list("lot__number", "lot__kind", "step", "used_on")
    assert list(told) == [("E-2", "test_kit", "marker", DAY), ("H-1", "test_kit", "marker", DAY)]


def test_a_refused_lot_keeps_its_result_out_too() -> None:
    lot(state="blocked", blocked_reason="leaks")
    unit = UnitFactory(status="QUARANTINE")
    panel = [
        MarkerGiven(
            services_screening.MarkerTest.HBS_AG, services_screening.MarkerResultValue.NEGATIVE, "", "K-1"
        )
    ]
    given: dict[str, Any] = {"unit_id": unit.pk, "subject": "mother", "drawn": Drawn(DAY), "results": panel}
    with pytest.raises(Conflict):
        services_screening.markers_record(**given, actor=SYSTEM)
    assert not MarkerResult.objects.exists()

    services_screening.markers_record(**given, actor=SYSTEM, lot_reason="repeated with another kit")
    assert MarkerResult.objects.count() == LotUse.objects.count() == 1


def test_an_instrument_is_a_lot_of_its_measurements() -> None:
    unit = UnitFactory(status="QUARANTINE")
    row = services_quality.measurement_record(
        unit_id=unit.pk, time_point="processing", analyte="nrbc", value=3.0, instrument="SN-9", laboratory="L",
        actor=SYSTEM,
    )  # fmt: skip

    assert (row.instrument, row.laboratory) == ("SN-9", "L")
    assert (unit.lot_uses.get().lot.kind, unit.lot_uses.get().used_on) == ("instrument", None)


def test_the_texts_that_were_there_before_became_rows() -> None:
    migration: Any = importlib.import_module("bank.migrations.0018_dossier")
    unit, other = UnitFactory(), UnitFactory()
    MarkerFactory(unit=unit, kit_lot="L 1", tested_on=DAY)
    MarkerFactory(unit=unit, kit_lot=" l  1", tested_on=DAY, test="cmv")
    MarkerFactory(unit=other, kit_lot="L 1", tested_on=BEFORE)
    MarkerFactory(unit=other, kit_lot="", tested_on=DAY)
    CultureFactory(unit=unit, kit_lot="L 1", read_on=DAY)
    ProcessingRecord.objects.create(
        unit=unit, started_at=dt.datetime(2024, 5, 7, 18, tzinfo=dt.UTC), kit_lot="S-1", bag_lot="B-1"
    )
    with connection.cursor() as cursor:
        cursor.execute(migration.FILL, {"zone": settings.TIME_ZONE})

    assert sorted(Lot.objects.values_list("kind", "manufacturer")) == [
        ("bag", ""), ("processing_set", ""), ("test_kit", "")
    ]  # fmt: skip
    told = unit.lot_uses.order_by("step", "lot__kind").values_list("step", "lot__kind", "used_on")
    assert list(told) == [
        ("culture", "test_kit", DAY),
        ("marker", "test_kit", DAY),
        ("processing", "bag", timezone.localdate(dt.datetime(2024, 5, 7, 18, tzinfo=dt.UTC))),
        ("processing", "processing_set", timezone.localdate(dt.datetime(2024, 5, 7, 18, tzinfo=dt.UTC))),
    ]
    assert list(other.lot_uses.values_list("step", "used_on")) == [("marker", BEFORE)]
    assert used(unit, "l 1")[0].uses.count() == 3  # the services go on with the same lot


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": ""},
        {"kind": "spoon"},
        {"state": "blocked"},
        {"blocked_reason": "of what is in use"},
        {"number": "k-1", "manufacturer": "ACME"},  # the same in other letters
    ],
)
def test_the_database_keeps_the_promises(wrong: dict[str, Any]) -> None:
    lot()
    with pytest.raises(IntegrityError), transaction.atomic():
        lot(**{"number": "K-2", **wrong})


def test_the_application_deletes_no_trace() -> None:
    from django.db import ProgrammingError

    used(UnitFactory(), "K-1")
    for rows in (LotUse.objects.all(), Lot.objects.all()):
        with pytest.raises(ProgrammingError), transaction.atomic():
            rows._raw_delete(rows.db)


# --- registered -----------------------------------------------------------------------------------


def test_registering_completes_a_number_that_was_only_written(lab: User) -> None:
    unit = UnitFactory()
    [written] = used(unit, "K-1")
    given: dict[str, Any] = {"kind": "test_kit", "number": "k-1", "actor": Actor.user(lab)}
    row = services_lots.lot_register(**given, manufacturer="Acme", expires_on=BEFORE)

    assert row.pk == written.pk
    assert (row.registered_by, row.manufacturer, unit.lot_uses.get().lot_id) == (lab, "Acme", row.pk)
    assert AuditEntry.objects.get(action="lot.register").target_key == str(row.pk)
    with pytest.raises(Conflict) as refused:
        services_lots.lot_register(**given, manufacturer="ACME")
    assert refused.value.code == "lot_exists"
    other = services_lots.lot_register(**given, manufacturer="Beta")
    assert other.pk != row.pk


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"number": " "}, "number_missing"),
        ({"received_on": dt.date(2999, 1, 1)}, "date_future"),
    ],
)
def test_a_lot_that_cannot_be(given: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        services_lots.lot_register(**{"kind": "bag", "number": "B", "actor": SYSTEM, **given})

    assert refused.value.code == code


def test_a_correction_says_what_was_there() -> None:
    row = lot(expires_on=BEFORE)
    lot(number="K-1", manufacturer="Beta")
    values = {"manufacturer": "Acme", "expires_on": DAY, "received_on": None}
    for _again in range(2):
        services_lots.lot_correct(lot_id=row.pk, values=values, actor=SYSTEM, reason="misread")

    entry = AuditEntry.objects.get(action="lot.correct")
    assert (entry.before, entry.after) == ({"expires_on": str(BEFORE)}, {"expires_on": str(DAY)})
    with pytest.raises(Conflict) as refused:
        services_lots.lot_correct(
            lot_id=row.pk, values={**values, "manufacturer": "beta"}, actor=SYSTEM, reason="r"
        )
    assert (refused.value.code, refused.value.field) == ("lot_exists", "manufacturer")


# --- kept from use --------------------------------------------------------------------------------

STATES = {
    "LISTED": {},
    "QUARANTINE": {},
    "RESERVED": {},
    "ORDERED": {},
    "RELEASED": {},
    "SHIPPED": {},
    "INFUSED": {},
    "ON_HOLD": {"status_before_hold": "LISTED", "hold_reason": "r"},
    "DISCARDED": {"discard_reason": "clots"},
}
HOLDABLE = {"LISTED", "QUARANTINE", "RESERVED"}


@pytest.fixture
def bags() -> tuple[Lot, dict[str, CordBloodUnit]]:
    """A lot of bags with a unit in each state."""
    row = lot(kind="bag", number="B-1")
    units = {status: UnitFactory(status=status, **more) for status, more in STATES.items()}
    for unit in units.values():
        LotUse.objects.create(unit=unit, lot=row, step="processing", used_on=DAY)
    return row, units


def block(row: Lot, user: User, hold: Any = (), **more: Any) -> Lot:
    given = {"password": PASSWORD, "reason": "seam leaks", "seen": lots.digest(row), **more}
    return services_lots.lot_block(lot_id=row.pk, user=user, hold_units=[unit.pk for unit in hold], **given)


def test_each_unit_of_a_lot_is_named_by_what_can_be_done(bags: tuple[Lot, dict[str, CordBloodUnit]]) -> None:
    row, _units = bags
    found = lots.touched(row)

    assert {unit.status for unit in found.holdable} == HOLDABLE
    assert {unit.status for unit in found.promised} == {"ORDERED", "RELEASED", "SHIPPED"}
    assert [unit.status for unit in found.infused] == ["INFUSED"]
    assert (found.others, found.total) == (2, len(STATES))


def test_a_lot_is_blocked_with_the_units_that_were_chosen(
    bags: tuple[Lot, dict[str, CordBloodUnit]], qa: User
) -> None:
    row, units = bags
    block(row, qa, [units["LISTED"]])

    row.refresh_from_db()
    assert (row.state, row.blocked_reason) == ("blocked", "seam leaks")
    now = dict(CordBloodUnit.objects.values_list("pk", "status"))
    assert {status: now[unit.pk] for status, unit in units.items()} == {
        **{status: status for status in STATES},
        "LISTED": "ON_HOLD",
    }
    held = CordBloodUnit.objects.get(pk=units["LISTED"].pk)
    assert "Acme B-1" in held.hold_reason
    assert "seam leaks" in held.hold_reason
    entry = AuditEntry.objects.get(action="lot.block")
    assert (entry.batch_rows, entry.after, entry.reason) == (1, {"state": "blocked", "held": 1}, "seam leaks")
    assert len(entry.batch_sha256) == 64
    assert AuditEntry.objects.get(action="unit.hold").target_key == str(held.pk)
    assert lots.blocked_lots_of(held) == [row]


@pytest.mark.parametrize("status", sorted(set(STATES) - HOLDABLE))
def test_no_other_unit_is_held_and_then_nothing_is_blocked(
    bags: tuple[Lot, dict[str, CordBloodUnit]], qa: User, status: str
) -> None:
    row, units = bags
    with pytest.raises(Conflict) as refused:
        block(row, qa, [units["LISTED"], units[status]])

    assert refused.value.code == "not_holdable"
    assert units[status].public_no in refused.value.message
    nothing_happened(row, units)


def nothing_happened(row: Lot, units: dict[str, CordBloodUnit]) -> None:
    row.refresh_from_db()
    assert row.state == "in_use"
    now = dict(CordBloodUnit.objects.values_list("pk", "status"))
    assert all(now[unit.pk] == status for status, unit in units.items())
    assert not AuditEntry.objects.filter(action__in=["lot.block", "unit.hold"]).exists()


@pytest.mark.parametrize(
    ("more", "code", "kind"),
    [
        ({"password": "not it"}, "wrong_password", NotAllowed),
        ({"reason": "  "}, "reason_needed", InvalidInput),
        ({"seen": "0" * 64}, "units_changed", Conflict),
    ],
)
def test_a_block_that_is_refused_changes_nothing(
    bags: tuple[Lot, dict[str, CordBloodUnit]],
    qa: User,
    more: dict[str, str],
    code: str,
    kind: type[DomainError],
) -> None:
    row, units = bags
    with pytest.raises(kind) as refused:
        block(row, qa, [units["LISTED"]], **more)

    assert refused.value.code == code
    nothing_happened(row, units)


def test_a_unit_that_the_lot_never_touched_is_not_held(qa: User) -> None:
    with pytest.raises(Conflict) as refused:
        block(lot(), qa, [UnitFactory()])

    assert refused.value.code == "not_holdable"


def test_what_changed_after_the_page_was_read_stops_the_signature(
    bags: tuple[Lot, dict[str, CordBloodUnit]], qa: User
) -> None:
    row, _units = bags
    seen = lots.digest(row)
    LotUse.objects.create(unit=UnitFactory(), lot=row, step="processing")
    with pytest.raises(Conflict) as refused:
        block(row, qa, seen=seen)

    assert refused.value.code == "units_changed"


def test_a_lot_is_blocked_once_and_given_back_with_the_password(
    bags: tuple[Lot, dict[str, CordBloodUnit]], qa: User
) -> None:
    row, units = bags
    back: dict[str, Any] = {"lot_id": row.pk, "user": qa, "reason": "tested"}
    with pytest.raises(Conflict) as early:
        services_lots.lot_unblock(**back, password=PASSWORD)
    block(row, qa, [units["LISTED"]])
    with pytest.raises(Conflict) as again:
        block(row, qa)
    with pytest.raises(NotAllowed):
        services_lots.lot_unblock(**back, password="not it")
    services_lots.lot_unblock(**back, password=PASSWORD)

    row.refresh_from_db()
    assert (early.value.code, again.value.code) == ("not_blocked", "blocked_already")
    assert (row.state, row.blocked_reason) == ("in_use", "")
    units["LISTED"].refresh_from_db()
    assert units["LISTED"].status == "ON_HOLD"  # looked at by itself
    assert AuditEntry.objects.get(action="lot.unblock").before["blocked_reason"] == "seam leaks"


def test_further_units_of_a_blocked_lot_are_held_later(
    signed_in: Any, bags: tuple[Lot, dict[str, CordBloodUnit]], qa: User
) -> None:
    row, units = bags
    later: dict[str, Any] = {"lot_id": row.pk, "user": qa, "reason": "all of them", "password": PASSWORD}
    with pytest.raises(Conflict) as early:
        services_lots.lot_units_hold(**later, hold_units=[units["LISTED"].pk], seen=lots.digest(row))
    block(row, qa)
    with pytest.raises(InvalidInput) as nobody:
        services_lots.lot_units_hold(**later, hold_units=[], seen=lots.digest(row))
    client, url = signed_in(qa), f"/units/lots/{row.pk}/block/"
    seen = client.get(url).context["form"].initial["seen"]
    client.post(url, {"reason": "all of them", "hold": "all", "password": PASSWORD, "seen": seen})

    assert (early.value.code, nobody.value.code) == ("not_blocked", "units_needed")
    assert CordBloodUnit.objects.get(pk=units["LISTED"].pk).status == "ON_HOLD"
    entry = AuditEntry.objects.get(action="lot.hold")
    assert (entry.batch_rows, entry.after) == (3, {"held": 3})
    row.refresh_from_db()
    assert row.blocked_reason == "seam leaks"


# --- pages ----------------------------------------------------------------------------------------


def test_the_page_of_a_lot_names_units_steps_and_states(
    signed_in: Any, qa: User, bags: tuple[Lot, dict[str, CordBloodUnit]]
) -> None:
    row, units = bags
    page = signed_in(qa).get(f"/units/lots/{row.pk}/").content.decode()

    assert [unit.public_no for unit in units.values() if unit.public_no not in page] == []
    assert f"/units/lots/{row.pk}/block/" in page
    sheet = b"".join(signed_in(qa).get(f"/units/lots/{row.pk}/units.csv").streaming_content).decode(
        "utf-8-sig"
    )
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert {one["unit_no"]: one["status"] for one in rows} == {
        unit.unit_no: status for status, unit in units.items()
    }
    assert {one["step"] for one in rows} == {"processing"}


@pytest.mark.parametrize(("way", "held"), [("all", HOLDABLE), ("chosen", {"QUARANTINE"}), ("none", set())])
def test_a_lot_is_blocked_on_its_page(
    signed_in: Any, qa: User, bags: tuple[Lot, dict[str, CordBloodUnit]], way: str, held: set[str]
) -> None:
    row, units = bags
    client, url = signed_in(qa), f"/units/lots/{row.pk}/block/"
    page = client.get(url)
    assert units["ORDERED"].public_no in page.content.decode()
    data = {
        "reason": "seam leaks", "hold": way, "units": [str(units["QUARANTINE"].pk)], "password": PASSWORD,
        "seen": page.context["form"].initial["seen"],
    }  # fmt: skip
    wrong = client.post(url, {**data, "password": "not it"})
    assert wrong.status_code == 403
    assert AuditEntry.objects.get(action="lot.sign_refused").after == {"reason": "wrong_password"}
    done = client.post(url, data)

    assert done.status_code == 302
    now = dict(CordBloodUnit.objects.values_list("pk", "status"))
    assert {status for status in STATES if status != "ON_HOLD" and now[units[status].pk] == "ON_HOLD"} == held


def test_a_blocked_lot_is_told_on_the_passport_and_at_the_release(
    signed_in: Any, qa: User, bags: tuple[Lot, dict[str, CordBloodUnit]]
) -> None:
    row, units = bags
    block(row, qa)
    for address in ("", "release/"):
        page = signed_in(qa).get(f"/units/{units['QUARANTINE'].pk}/{address}").content.decode()
        assert "seam leaks" in page


def test_a_form_asks_why_and_takes_the_answer(signed_in: Any, lab: User) -> None:
    lot(state="blocked", blocked_reason="leaks")
    unit = UnitFactory(status="QUARANTINE")
    data = {"kind": "fungal", "result": "no_growth", "tested_on": "2024-05-08", "kit_lot": "K-1"}
    asked = signed_in(lab).post(f"/units/{unit.pk}/culture/", data)
    assert asked.status_code == 409
    assert "Say why it is used all the same: Acme K-1: blocked (leaks)" in asked.content.decode()
    assert not CultureResult.objects.exists()

    done = signed_in(lab).post(f"/units/{unit.pk}/culture/", {**data, "lot_reason": "repeated"})
    assert done.status_code == 302
    assert unit.lot_uses.get().deviation == "repeated"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"K-1", "B-9", "OLD"}),
        ("?q=acm", {"K-1"}),
        ("?q=b-9", {"B-9"}),
        ("?kind=bag", {"B-9"}),
        ("?state=blocked", {"B-9"}),
        ("?state=expired", {"OLD"}),
        ("?state=in_use", {"K-1", "OLD"}),
        ("?q=zzz", set()),
        ("?sort=-expires&kind=spoon", {"K-1", "B-9", "OLD"}),
    ],
)
def test_the_list_is_filtered(signed_in: Any, qa: User, query: str, found: set[str]) -> None:
    lot()
    lot(kind="bag", manufacturer="", number="B-9", state="blocked", blocked_reason="leaks")
    lot(kind="reagent", manufacturer="", number="OLD", expires_on=BEFORE)
    page = signed_in(qa).get(f"/units/lots/{query}")

    assert {row["lot"].number for row in page.context["rows"]} == found


@pytest.mark.parametrize("count", [1, 40])
def test_queries_of_the_list_and_the_page(
    signed_in: Any, qa: User, django_assert_max_num_queries: Any, count: int
) -> None:
    rows = [lot(number=f"N-{n}") for n in range(count)]
    for n in range(count):
        LotUse.objects.create(unit=UnitFactory(), lot=rows[0], step="marker", entered_by=qa)
        LotUse.objects.create(unit=UnitFactory(), lot=rows[n], step="culture")
    client = signed_in(qa)

    with django_assert_max_num_queries(11):
        client.get("/units/lots/")
    with django_assert_max_num_queries(17):  # with whom its units concern, and its recalls
        client.get(f"/units/lots/{rows[0].pk}/")
    with django_assert_max_num_queries(12):
        client.get(f"/units/lots/{rows[0].pk}/block/")


def test_the_search_box_finds_a_lot_by_its_number(signed_in: Any, qa: User) -> None:
    row = lot()

    assert f"/units/lots/{row.pk}/" in signed_in(qa).get("/find/?q=k-1", follow=True).content.decode()


def test_a_number_written_with_its_manufacturer_is_the_lot_that_is_registered(lab: User) -> None:
    one, other = UnitFactory(), UnitFactory()
    [written] = used(one, "Abbott 123")

    made = services_lots.lot_register(
        kind="test_kit", number="123", manufacturer="Abbott", actor=Actor.user(lab)
    )

    assert (made.pk, made.number, made.manufacturer) == (written.pk, "123", "Abbott")
    assert [used(other, text) for text in ("123", "abbott 123")] == [[made], [made]]
    assert set(lots.units_of(made)) == {one, other}


def test_an_exact_number_goes_before_manufacturer_and_number() -> None:
    exact = lot(manufacturer="", number="Abbott 123")
    lot(manufacturer="Abbott", number="123")

    assert used(UnitFactory(), "abbott 123") == [exact]
