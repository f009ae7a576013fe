"""Inventory files: a DIFF is exactly the difference; how a file is asked for, made and kept."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from defusedxml import ElementTree
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from bank import services, services_exchange, tasks
from bank.choices import CountUnit, UpdateMode
from bank.exports import digests, inventory_file
from bank.exports.inventory_file import file_of
from bank.exports.withheld import has_ended
from bank.imports import files
from bank.models import Bank, ConsentDeclaration, CordBloodUnit, InventoryExport
from bank.services_consent import Withdrawal, consent_withdraw
from bank.services_declaration import declaration_end
from config.celery import app
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, Job, User
from tests.bank.conftest import SYSTEM
from tests.bank.export_helpers import ION, made, told, units_of
from tests.factories.bank import (
    BankFactory,
    InventoryExportFactory,
    UnitFactory,
)
from tests.factories.consent import declared
from tests.factories.core import UserFactory
from tests.factories.stocks import discard

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_files", "abroad_declared")]


# --- differences -----------------------------------------------------------------------------------


def test_a_diff_holds_what_is_new_changed_or_gone_and_nothing_else() -> None:
    same, changed, held, discarded, flagged, late = (
        UnitFactory(unit_no=name) for name in ("SAME", "CHANGED", "HELD", "DISCARDED", "FLAGGED", "LATE")
    )
    services.unit_hold(unit_id=late.pk, actor=SYSTEM, reason="x")
    full = made()
    assert full.units == 5
    CordBloodUnit.objects.filter(pk=changed.pk).update(segments=1)
    services.unit_hold(unit_id=held.pk, actor=SYSTEM, reason="tank alarm")
    services.unit_hold(unit_id=discarded.pk, actor=SYSTEM, reason="x")
    discard(discarded)
    CordBloodUnit.objects.filter(pk=flagged.pk).update(recalled=True)
    services.unit_unhold(unit_id=late.pk, actor=SYSTEM, reason="x")

    diff = made(since=full)
    found = units_of(diff)

    assert {
        name: (unit.findtext("STATUS"), unit.findtext("STAT_REASON")) for name, unit in found.items()
    } == {
        "CHANGED": ("AV", None),
        "LATE": ("AV", None),
        "HELD": ("TU", "AD"),
        "DISCARDED": ("DE", "CD"),
        "FLAGGED": ("TU", "OT"),
    }
    assert same.unit_no not in found
    assert found["HELD"].find("HLA") is not None
    assert found["HELD"].find("HLA/A") is None
    assert (diff.units, diff.written, diff.removed) == (3, 2, 3)
    again = made(since=diff)
    assert (again.units, again.written, again.removed, units_of(again)) == (3, 0, 0, {})


@pytest.mark.parametrize("purpose", ["abroad", "donation", "research"])
def test_a_file_of_before_a_withdrawal_is_not_fetched_any_more(purpose: str) -> None:
    unit, other = UnitFactory(unit_no="U1"), UnitFactory(unit_no="U2", status="QUARANTINE")
    full = made()
    given = Withdrawal(purpose=purpose, withdrawn_on=timezone.localdate(), reported_by="mother", reason="r")
    consent_withdraw(unit_id=other.pk, given=given, actor=SYSTEM)
    assert services_exchange.export_fetched(export=full, actor=SYSTEM)

    consent_withdraw(unit_id=unit.pk, given=given, actor=SYSTEM)

    if purpose == "research":
        assert services_exchange.export_fetched(export=full, actor=SYSTEM)
        return
    with pytest.raises(Conflict) as caught:
        services_exchange.export_fetched(export=full, actor=SYSTEM)
    assert caught.value.code == "export_outdated"
    assert services_exchange.export_fetched(export=made(), actor=SYSTEM)


def test_a_file_of_before_a_declaration_ended_is_withheld_and_kept(signed_in: Any, qa: User) -> None:
    """Until another declaration covers all of its units again."""
    bank = BankFactory()
    UnitFactory(collected_on=dt.date(2020, 1, 1))
    later = UnitFactory(collected_on=dt.date(2021, 1, 1))
    full = made()
    page, file = (reverse(f"bank:export-{name}", args=[full.pk]) for name in ("detail", "file"))
    client = signed_in(qa)
    assert client.get(file).status_code == 200
    everything = ConsentDeclaration.objects.get()

    declaration_end(declaration_id=everything.pk, actor=Actor.user(qa), reason="papers not found")

    with pytest.raises(Conflict) as caught:
        services_exchange.export_fetched(export=full, actor=Actor.user(qa))
    assert caught.value.code == "export_outdated"
    assert AuditEntry.objects.filter(action="inventory_export.withheld").count() == 1
    assert file_of(full.pk).is_file()
    assert client.get(file).url == page
    shown = client.get(page)
    assert shown.context["withheld"]
    anew = client.get(shown.context["anew_url"])
    assert anew.context["form"].initial["bank"] == str(bank.pk)

    partly = {"collected_from": dt.date(2020, 1, 1), "collected_until": dt.date(2020, 12, 31)}
    declared(bank, **partly)
    assert has_ended(full)
    CordBloodUnit.objects.filter(pk=later.pk).update(collected_on=dt.date(2020, 5, 1))
    assert not has_ended(full)
    assert client.get(file).status_code == 200


def test_a_declaration_that_ended_for_units_not_in_the_file_withholds_nothing() -> None:
    bank = BankFactory()
    UnitFactory(collected_on=dt.date(2020, 1, 1))
    UnitFactory(collected_on=dt.date(2021, 1, 1), status="QUARANTINE")
    everything = ConsentDeclaration.objects.get()
    declared(bank, collected_until=dt.date(2020, 12, 31))
    other = declared(bank, collected_from=dt.date(2021, 1, 1))
    full = made()
    assert full.units == 1

    for one in (other, everything):
        declaration_end(declaration_id=one.pk, actor=Actor.user(UserFactory()), reason="r")

    assert not has_ended(full)


def test_of_a_unit_that_may_not_go_abroad_any_more_only_its_end_is_told() -> None:
    unit = UnitFactory(unit_no="U1")
    full = made()
    CordBloodUnit.objects.filter(pk=unit.pk).update(consent_withdrawn=True)

    (element,) = units_of(made(since=full)).values()

    assert told(element) == {"ID": "U1", "HLA": "", "STATUS": "DE", "STAT_REASON": "OT"}


def test_a_diff_is_counted_as_the_file_that_it_follows() -> None:
    UnitFactory()
    full = made(counts=CountUnit.E7)

    diff = made(since=full, counts=CountUnit.CELLS)

    assert (diff.counts, diff.written) == ("e7", 0)


def test_a_full_file_after_all_diffs_says_the_same_as_they_do() -> None:
    """Whoever applies the differences one after the other has what a full file holds."""
    rng = random.Random(3)
    units = UnitFactory.create_batch(12)
    last = made()
    held = {name: ElementTree.tostring(unit) for name, unit in units_of(last).items()}
    for _step in range(4):
        for unit in rng.sample(units, 5):
            CordBloodUnit.objects.filter(pk=unit.pk).update(
                segments=rng.randint(0, 5), recalled=rng.random() < 0.3, tnc_e7=rng.choice([130, 140.5])
            )
        last = made(since=last)
        for name, unit in units_of(last).items():
            if unit.findtext("STATUS") == "AV":
                held[name] = ElementTree.tostring(unit)
            else:
                held.pop(name)

    assert held == {name: ElementTree.tostring(unit) for name, unit in units_of(made()).items()}


def test_digests_are_packed_and_found_again() -> None:
    known = {uuid4(): digests.digest_of(str(number)) for number in range(50)}

    assert digests.unpacked(digests.packed(known)) == known
    assert len(digests.packed(known)) == 50 * 24
    assert digests.unpacked(b"") == {}
    assert digests.packed({UUID(int=2): b"2" * 8, UUID(int=1): b"1" * 8}).startswith(UUID(int=1).bytes)


# --- the service -----------------------------------------------------------------------------------


def test_each_file_leaves_its_traces() -> None:
    UnitFactory()

    export = made()

    assert (export.job.kind, Job.objects.get(pk=export.job_id).state) == ("inventory_export", "done")
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert {"bank.identify", "inventory_export.start", "inventory_export.finish"} <= set(actions)
    assert AuditEntry.objects.get(action="inventory_export.finish").after["sha256"] == export.sha256
    assert export.file_name.startswith("inventory-TB-FULL-")
    assert str(export).startswith("FULL ")
    export.bank.refresh_from_db()
    assert export.bank.issuing_organisation == ION


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"issuing_organisation": None}, "ion_needed"),
        ({"bank_id": uuid4()}, "bank_unknown"),
        ({"mode": UpdateMode.DIFF}, "since_needed"),
        ({"mode": UpdateMode.DIFF, "since_id": uuid4()}, "since_needed"),
    ],
)
def test_what_is_missing_is_asked_for(options: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made(**options)

    assert caught.value.code == code
    assert not InventoryExport.objects.exists()


def test_a_partner_s_list_is_not_ours_to_tell_and_a_file_waits_for_the_other() -> None:
    Bank.objects.update(source="partner", issuing_organisation=ION)
    with pytest.raises(Conflict) as caught:
        made()
    assert caught.value.code == "not_own"
    own = BankFactory(code="OO")
    asked = {"bank_id": own.pk, "mode": UpdateMode.FULL, "counts": CountUnit.E8, "actor": SYSTEM}
    services_exchange.export_start(**asked, issuing_organisation=ION)
    with pytest.raises(Conflict) as caught:
        services_exchange.export_start(**asked)
    assert caught.value.code == "export_under_way"


def test_a_failure_leaves_no_file_and_says_so(monkeypatch: pytest.MonkeyPatch, kept_files: Path) -> None:
    UnitFactory()
    bank = BankFactory()

    def fail(ids: object) -> set[UUID]:
        raise RuntimeError("disk is full")

    monkeypatch.setattr(inventory_file, "may_go_abroad", fail)
    export = services_exchange.export_start(
        bank_id=bank.pk, mode=UpdateMode.FULL, counts=CountUnit.E8, issuing_organisation=ION, actor=SYSTEM
    )

    assert services_exchange.export_execute(job_id=export.job_id) is None
    assert Job.objects.get(pk=export.job_id).state == "failed"
    assert list(kept_files.iterdir()) == []


def test_a_worker_is_rung_when_a_file_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(tasks.inventory_export, "delay", rung.append)
    asked = {"bank_id": BankFactory().pk, "mode": UpdateMode.FULL, "counts": CountUnit.E8, "actor": SYSTEM}

    with django_capture_on_commit_callbacks(execute=True):
        export = services_exchange.export_start(**asked, issuing_organisation=ION)

    assert rung == [str(export.job_id)]


def test_the_worker_is_given_the_id_and_is_asked_in_the_queue_of_long_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[UUID] = []
    monkeypatch.setattr(services_exchange, "export_execute", lambda *, job_id: asked.append(job_id))
    job_id = uuid4()

    tasks.inventory_export(str(job_id))

    assert asked == [job_id]
    assert app.conf.task_routes["bank.inventory_export"]["queue"] == "batch"


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "DIFF"},
        {"sha256": ""},
        {"written": 1},
        {"removed": 1},
        {"counts": "e9"},
        {"snapshot_time": None},
    ],
)
def test_the_database_refuses_files_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        InventoryExportFactory(**wrong)


def test_a_file_of_a_registry_may_be_read_by_our_own_reader() -> None:
    UnitFactory(unit_no="U1")

    raw = files.read(file_of(made().pk).read_bytes(), counts=CountUnit.E8)

    assert raw.rows[0][1][raw.header.index("unit_no")] == "U1"
