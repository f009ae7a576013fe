"""Where reference samples lie: in places marked for them, one in each, and never where units lie."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from bank import scanning, services_samples, stock_pages
from bank.choices_stocks import SamplePurpose
from bank.dossier.build import dossier_of
from bank.models import Slot, StorageNode, UnitSample
from bank.services_placing import units_place
from bank.services_sample_places import sample_put, sample_take_out
from bank.services_samples import Use, Which
from bank.services_storage import Shape, nodes_create, slot_block, unit_place
from core.errors import Conflict
from core.models import AuditEntry, User
from tests.bank.conftest import SYSTEM
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.core import PASSWORD
from tests.factories.stocks import SampleFactory
from tests.factories.storage import slot, tank
from tests.parallel import all_at_once

pytestmark = pytest.mark.django_db
DNA = Which.of("unit-dna")


def freezer(code: str = "F1", slots: int = 3, bank: Any = None) -> StorageNode:
    site = tank(code=f"X{code}", bank=bank).parent
    return nodes_create(
        bank_id=(bank or BankFactory()).pk, parent_id=site.pk, kind="tank", code=code, for_samples=True,
        shape=Shape(1, 1, slots), actor=SYSTEM,
    )  # fmt: skip


def dna(**more: Any) -> UnitSample:
    return SampleFactory(kind="dna", **{"opening": 2, **more})


def put(sample: UnitSample, place: Slot) -> Slot:
    return sample_put(unit_id=sample.unit_id, which=DNA, slot_id=place.pk, actor=SYSTEM)


def code_of(work: Any) -> str:
    with pytest.raises(Conflict) as caught, transaction.atomic():
        work()
    return caught.value.code


def test_all_within_a_node_for_samples_is_for_samples() -> None:
    freezer()
    rack = StorageNode.objects.get(parent__code="F1")
    later = nodes_create(
        bank_id=rack.bank_id,
        parent_id=rack.pk,
        kind="canister",
        code="C9",
        shape=Shape(slots=2),
        actor=SYSTEM,
    )

    assert later.for_samples
    assert set(Slot.objects.values_list("canister__parent__parent__code", "for_samples")) == {
        ("XF1", False), ("F1", True),
    }  # fmt: skip


def test_a_sample_is_put_moved_and_taken_out() -> None:
    freezer()
    sample = dna()

    put(sample, slot(1, "F1"))
    put(sample, slot(2, "F1"))
    put(sample, slot(2, "F1"))  # where it lies: nothing

    assert [row.sample_id for row in (slot(1, "F1"), slot(2, "F1"))] == [None, sample.pk]
    moves = AuditEntry.objects.filter(action="unit.sample_place").order_by("at")
    assert [(row.before, row.after) for row in moves] == [
        ({"lies_in": ""}, {"sample": "unit-dna", "lies_in": "F1-R1-C1-01"}),
        ({"lies_in": "F1-R1-C1-01"}, {"sample": "unit-dna", "lies_in": "F1-R1-C1-02"}),
    ]
    assert stock_pages.told_place(moves[1]) == "DNA · F1-R1-C1-01 → F1-R1-C1-02"
    take_out(sample, "sent to the laboratory")
    assert not Slot.objects.filter(sample__isnull=False).exists()
    assert code_of(lambda: take_out(sample, "again")) == "not_stored"


def take_out(sample: UnitSample, reason: str) -> UnitSample:
    return sample_take_out(unit_id=sample.unit_id, which=DNA, actor=SYSTEM, reason=reason)


def test_no_sample_among_units_and_no_unit_among_samples() -> None:
    freezer()
    sample, unit = dna(), UnitFactory()

    assert code_of(lambda: put(sample, slot(1, "XF1"))) == "for_units"
    assert (
        code_of(lambda: unit_place(unit_id=unit.pk, slot_id=slot(1, "F1").pk, actor=SYSTEM)) == "for_samples"
    )
    report = units_place(data=f"unit,place\n{unit.unit_no},F1-R1-C1-01\n".encode(), actor=SYSTEM)
    assert [finding.code for finding in report.findings] == ["for_samples"]
    Slot.objects.filter(for_samples=False).update(blocked=True)
    assert scanning.free_place_for(unit) is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda unit, sample: ("F1", {"unit": unit}),
        lambda unit, sample: ("XF1", {"sample": sample}),
        lambda unit, sample: ("F1", {"sample": sample, "blocked": True}),
    ],
)
def test_the_database_keeps_them_apart(wrong: Any) -> None:
    freezer()
    code, values = wrong(UnitFactory(), dna())

    with pytest.raises(IntegrityError), transaction.atomic():
        Slot.objects.filter(pk=slot(1, code).pk).update(**values)


def test_one_sample_in_a_place_and_one_place_for_a_sample_by_the_database() -> None:
    freezer()
    sample = dna()
    put(sample, slot(1, "F1"))

    with pytest.raises(IntegrityError), transaction.atomic():
        Slot.objects.filter(pk=slot(2, "F1").pk).update(sample=sample)
    assert code_of(lambda: put(dna(), slot(1, "F1"))) == "slot_taken"


def test_places_that_are_blocked_or_of_another_bank_take_nothing() -> None:
    freezer()
    other = BankFactory(code="OTHER")
    freezer("G1", bank=other)
    sample = dna()
    slot_block(slot_id=slot(1, "F1").pk, actor=SYSTEM, reason="bent")

    assert code_of(lambda: put(sample, slot(1, "F1"))) == "slot_blocked"
    assert code_of(lambda: put(sample, slot(1, "G1"))) == "other_bank"
    put(sample, slot(2, "F1"))
    assert code_of(lambda: slot_block(slot_id=slot(2, "F1").pk, actor=SYSTEM, reason="x")) == "slot_taken"


def test_what_is_used_up_frees_its_place_and_is_put_nowhere() -> None:
    freezer()
    sample = dna()
    put(sample, slot(1, "F1"))
    use = {"unit_id": sample.unit_id, "which": DNA, "actor": SYSTEM}

    services_samples.sample_use(**use, use=Use(purpose=SamplePurpose.POTENCY))
    assert slot(1, "F1").sample_id == sample.pk
    services_samples.sample_use(**use, use=Use(purpose=SamplePurpose.POTENCY))

    assert slot(1, "F1").is_free
    assert code_of(lambda: put(sample, slot(1, "F1"))) == "sample_none_left"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_fifty_samples_at_one_place_one_wins() -> None:
    freezer()
    target = slot(1, "F1")
    samples = [dna() for _ in range(50)]

    got = all_at_once([lambda one=one: put(one, target) for one in samples])

    assert sorted(one.code for one in got if isinstance(one, Conflict)) == ["slot_taken"] * 49
    assert Slot.objects.filter(sample__isnull=False).count() == 1
    assert AuditEntry.objects.filter(action="unit.sample_place").count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_fifty_hands_with_one_sample_leave_it_in_one_place() -> None:
    freezer(slots=50)
    sample = dna()
    places = list(Slot.objects.filter(for_samples=True))

    all_at_once([lambda one=one: put(sample, one) for one in places])

    assert Slot.objects.filter(sample=sample).count() == 1


# --- pages ----------------------------------------------------------------------------------------


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_by_scan_on_the_page_of_the_samples(signed_in: Any, qa: User) -> None:
    freezer()
    sample = dna(place="blue box")
    act = reverse("bank:unit-samples-act", args=[sample.unit_id, "place"])
    client = signed_in(qa)

    assert client.post(act, {"sample": "unit-dna", "place": "nowhere"}).status_code == 400
    assert client.post(act, {"sample": "unit-dna", "place": "XF1-R1-C1-1"}).status_code == 409
    assert client.post(act, {"sample": "unit-dna", "place": "f1 r1 c1 3"}).status_code == 302

    pages = [
        client.get(reverse(name, args=[pk]))
        for name, pk in (
            ("bank:unit-samples", sample.unit_id),
            ("bank:unit-detail", sample.unit_id),
            ("bank:unit-lookback", sample.unit_id),
        )
    ]
    assert all("F1-R1-C1-03" in text_of(page) for page in pages)
    assert "blue box" in text_of(pages[0])
    canister = text_of(client.get(reverse("bank:storage-canister", args=[slot(3, "F1").canister_id])))
    assert sample.unit.public_no in canister
    assert "for samples" in canister
    assert "samples in their places" in text_of(client.get(reverse("bank:storage")))
    assert client.post(act, {"sample": "unit-dna", "place": ""}).status_code == 400
    assert client.post(act, {"sample": "unit-dna", "place": "", "reason": "sent"}).status_code == 302
    assert slot(3, "F1").is_free


def test_the_dossier_says_where_it_lies() -> None:
    freezer()
    sample = dna()
    put(sample, slot(1, "F1"))

    made = dossier_of(sample.unit, made_by=SYSTEM, made_at=timezone.now(), synthetic=True)

    (part,) = [part for part in made.parts if part.section.key == "samples"]
    assert [one.value for record in part.records for one in record.fields if one.name == "lies_in"] == [
        "F1-R1-C1-01"
    ]


@pytest.mark.parametrize("way", ["use", "correct"])
def test_the_last_one_leaves_its_place_and_the_trail_says_which(way: str, qa: User) -> None:
    freezer()
    sample = dna(opening=1)
    put(sample, slot(1, "F1"))

    if way == "use":
        use = Use(purpose=SamplePurpose.POTENCY)
        services_samples.sample_use(unit_id=sample.unit_id, which=DNA, use=use, actor=SYSTEM)
    else:
        services_samples.sample_correct(
            unit_id=sample.unit_id, which=DNA, counted=0, user=qa, password=PASSWORD, reason="r"
        )

    assert slot(1, "F1").sample is None
    entry = AuditEntry.objects.get(action=f"unit.sample_{way}")
    assert (entry.before, entry.after["lies_in"]) == ({"lies_in": "F1-R1-C1-01"}, "")
    assert "F1-R1-C1-01 is free" in stock_pages.told(entry)


def test_while_something_is_left_the_place_is_not_spoken_of() -> None:
    freezer()
    sample = dna(opening=2)
    put(sample, slot(1, "F1"))

    use = Use(purpose=SamplePurpose.POTENCY)
    services_samples.sample_use(unit_id=sample.unit_id, which=DNA, use=use, actor=SYSTEM)

    assert slot(1, "F1").sample == sample
    entry = AuditEntry.objects.get(action="unit.sample_use")
    assert "lies_in" not in {**(entry.before or {}), **entry.after}
