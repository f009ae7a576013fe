"""The dossier of a unit: after a whole life it names everything that happened, in JSON and in print."""

from __future__ import annotations

import hashlib
import io
import json
import re
from typing import Any

import pypdf
import pypdfium2
import pytest
from django.utils import timezone, translation

from bank import action_words, services_dossier, services_storage
from bank.dossier.registry import covered, sections
from bank.exports.digests import digest_of, packed
from bank.models import Answer, ConsentGiven, CordBloodUnit, Interview, StorageNode, TankAlarm
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry, User
from tests.bank.life import MARKS, People, lived
from tests.factories.bank import (
    BankFactory,
    DonationFactory,
    ImportBatchFactory,
    InventoryExportFactory,
    UnitFactory,
)
from tests.factories.consent import consent_form, questionnaire
from tests.factories.core import UserFactory
from tests.factories.storage import slot, tank

pytestmark = pytest.mark.django_db
# What happens to no unit that lives so: a kit that was not used, an import to confirm, a partner's unit, research.
OTHER_LIVES = {"units.import", "unit.void", "unit.confirm_values", "unit.grid", "unit.research"}
OTHER_LIVES |= {"unit.partner_update", "unit.partner_gone"}
OTHER_LIVES |= {"unit.recall", "unit.recall_end", "unit.stop", "unit.stop_end"}
# steps of orders: some exclude one another, and their tests are with the orders
OTHER_LIVES |= {"unit.order", "unit.order_back", "unit.release_to_ship", "unit.ship", "unit.deliver"}
OTHER_LIVES |= {"unit.infuse", "unit.not_used", "unit.shipment_failed", "unit.return", "unit.relist"}


def fetch(unit: CordBloodUnit, form: str = "json", language: str = "en") -> bytes:
    file = services_dossier.dossier_fetch(
        unit_id=unit.pk,
        form="json" if form == "json" else "pdf",
        language=language,
        actor=Actor.system("test"),
    )
    return file.content


def pages(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(pdf) as found:
        return [page.get_textpage().get_text_range() for page in found]


def squeezed(text: str) -> str:
    """Without blanks, line ends and hyphens: a reader takes one at the end of a line for a broken word."""
    return re.sub(r"[\s\ufffe\x02-]", "", text)


@pytest.fixture
def life() -> tuple[CordBloodUnit, People]:
    return lived()


def test_everything_that_happened_is_told_in_json(life: tuple[CordBloodUnit, People]) -> None:
    unit, _people = life
    text = fetch(unit).decode()
    told = json.loads(text)

    assert [mark for mark in MARKS if mark not in text] == []
    entries = AuditEntry.objects.filter(target_type="bank.CordBloodUnit", target_key=str(unit.pk))
    entries = entries.exclude(pk=AuditEntry.objects.order_by("-at").first().pk)  # this very download
    trail = told["sections"]["trail"]
    assert {str(key) for key in entries.values_list("pk", flat=True)} <= {row["id"] for row in trail}
    assert [row["at"] for row in trail] == sorted(row["at"] for row in trail)
    # Nothing a person can do to a unit is missing from the life that this test lives.
    done = {row["action"] for row in trail}
    assert sorted(set(action_words.ACTIONS) - done - OTHER_LIVES) == []


def test_every_row_that_refers_to_the_unit_is_in_its_section(life: tuple[CordBloodUnit, People]) -> None:
    unit, _people = life
    told = json.loads(fetch(unit))["sections"]
    counted = 0
    for relation in CordBloodUnit._meta.related_objects:
        key = covered().get(relation.related_model._meta.label)
        if key is None:
            continue
        rows = relation.related_model._default_manager.filter(**{relation.field.name: unit})
        label = relation.related_model._meta.label
        named = {row["id"] for row in told[key] if row["type"] == label}
        assert {str(pk) for pk in rows.values_list("pk", flat=True)} == named, key
        counted += rows.count()

    assert counted > 25
    assert {row["result"] for row in told["markers"]} == {"positive"}  # the retracted one stays to be seen
    assert [row["value"] for row in told["measurements"] if row["analyte"] == "tnc"] == [127.25, 131.5]
    assert told["siblings"] == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_everything_that_happened_is_told_in_print(life: tuple[CordBloodUnit, People], language: str) -> None:
    unit, people = life
    pdf = fetch(unit, "pdf", language)
    found = pages(pdf)
    text = squeezed("".join(found))

    assert [mark for mark in MARKS if squeezed(mark) not in text] == []
    names = [people.collector, people.lab, people.second, people.qa, people.doctor]
    assert [str(one) for one in names if squeezed(str(one)) not in text] == []
    done = set(AuditEntry.objects.filter(target_key=str(unit.pk)).values_list("action", flat=True))
    assert [action for action in done if action not in text] == []
    number = squeezed(unit.public_no)
    assert [page for page in found if number not in squeezed(page)] == []  # on every page
    assert squeezed(f"Page {len(found)} of {len(found)}") in text or f"第{len(found)}页" in text


def test_the_json_of_the_same_moment_is_inside_the_pdf_and_its_digest_in_print_and_trail(
    life: tuple[CordBloodUnit, People],
) -> None:
    unit, _people = life
    pdf = fetch(unit, "pdf")
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    [(name, [inside])] = reader.attachments.items()
    digest = hashlib.sha256(inside).hexdigest()
    entry = AuditEntry.objects.filter(action="unit.dossier").order_by("at").last()

    assert name == "qidai-dossier-A999914123458.json"
    assert json.loads(inside)["unit"]["din"] == unit.din
    assert digest in squeezed("".join(pages(pdf)))
    assert entry is not None
    assert entry.after == {
        "format": "pdf",
        "sha256": hashlib.sha256(pdf).hexdigest(),
        "json_sha256": digest,
        "language": "en",
    }
    assert entry.target_key == str(unit.pk)


def test_the_shape_that_docs_promise() -> None:
    unit = UnitFactory(donation=DonationFactory(mother_code="M-1"), din="A999914123458")
    told = json.loads(fetch(unit))

    assert list(told) == ["format", "version", "made_at", "made_by", "synthetic", "unit", "sections"]
    assert (told["format"], told["version"]) == ("qidai.unit-dossier", 1)
    assert told["made_by"] == {"id": "system:test", "name": "system: test"}
    assert told["unit"] == {"id": str(unit.pk), "bank": "TB", "unit_no": unit.unit_no, "din": unit.din}
    assert list(told["sections"]) == [section.key for section in sections()]
    [donation] = told["sections"]["donation"]
    assert (donation["type"], donation["mother_code"], donation["consented_on"]) == (
        "bank.Donation",
        "M-1",
        "2020-04-01",
    )
    assert donation["created_at"].endswith("Z")
    assert donation["bank"]["type"] == "bank.Bank"


def test_the_same_content_gives_the_same_sections_in_any_language(
    life: tuple[CordBloodUnit, People], lab: User
) -> None:
    unit, _people = life
    found = []
    for language in ("en", "zh-hans"):
        with translation.override(language):
            found.append(services_dossier.read(unit.pk, Actor.user(lab)).as_json()["sections"])

    assert found[0] == found[1]


def test_an_import_and_what_a_load_placed_are_told() -> None:
    tank()
    batch = ImportBatchFactory(file_name="from-nanjing.csv")
    unit = UnitFactory(import_batch=batch, import_line=17)
    here = slot(3)
    here.unit = unit
    here.save()
    AuditEntry.objects.create(
        actor_id="system:test", actor_label="system: test", action="units.import",
        target_type="bank.ImportBatch", target_key=str(batch.pk), target_label="from-nanjing.csv",
    )  # fmt: skip
    told = json.loads(fetch(unit))["sections"]

    assert (told["import"][0]["file_name"], told["import"][0]["import_line"]) == ("from-nanjing.csv", 17)
    assert told["trail"][0]["action"] == "units.import"
    assert told["storage"] == [
        {
            "type": "stay", "id": "1", "place": "T1-R1-C1-03", "since": None, "until": None, "put_by": "",
            "taken_by": "",
        }
    ]  # fmt: skip


def test_a_twin_is_named_by_its_number_only() -> None:
    mother = DonationFactory(mother_code="M-TWIN")
    twin = UnitFactory(donation=DonationFactory(mother_code="M-TWIN", infant_no=2, bank=mother.bank))
    unit = UnitFactory(donation=mother)
    UnitFactory(donation=DonationFactory(mother_code="M-OTHER"))

    [found] = json.loads(fetch(unit))["sections"]["siblings"]

    assert (found["unit_no"], found["infant_no"]) == (twin.unit_no, 2)


@pytest.mark.parametrize("beside", [0, 1, 2, 7, 100])
def test_files_of_the_inventory_that_tell_of_a_unit(beside: int) -> None:
    """Found by halving, wherever the unit stands among the others."""
    bank = BankFactory()
    unit = UnitFactory(bank=bank)
    others = {UnitFactory.build().pk: digest_of(str(n)) for n in range(beside)}
    before, after = digest_of("before"), digest_of("after")
    first = InventoryExportFactory(bank=bank, digests=packed({**others, unit.pk: before}))
    same = _diff(first, {**others, unit.pk: before})
    changed = _diff(same, {**others, unit.pk: after})
    gone = _diff(changed, others)
    InventoryExportFactory(bank=bank, digests=packed(others))
    InventoryExportFactory(bank=bank)

    told = json.loads(fetch(unit))["sections"]["exports"]

    assert [(row["id"], row["told"]) for row in told] == [
        (str(first.pk), "written"),
        (str(changed.pk), "written"),
        (str(gone.pk), "removed"),
    ]


def _diff(since: Any, digests: dict[Any, bytes]) -> Any:
    return InventoryExportFactory(
        bank=since.bank, mode="DIFF", since=since, digests=packed(digests), snapshot_time=timezone.now()
    )


def test_a_partners_unit_has_no_dossier() -> None:
    with pytest.raises(Conflict) as refused:
        fetch(UnitFactory(source="partner"))

    assert refused.value.code == "not_own"
    assert not AuditEntry.objects.filter(action="unit.dossier").exists()


@pytest.mark.parametrize("moves", [0, 20])
def test_queries_do_not_grow_with_what_happened(
    django_assert_max_num_queries: Any, moves: int, lab: User
) -> None:
    tank()
    unit = UnitFactory(donation=DonationFactory())
    services_storage.unit_place(unit_id=unit.pk, slot_id=slot(1).pk, actor=Actor.user(lab))
    for n in range(moves):
        services_storage.unit_move(unit_id=unit.pk, slot_id=slot(2 + n % 2).pk, actor=Actor.user(lab))
        _more_happens(unit, n)

    with django_assert_max_num_queries(64):
        fetch(unit)


def _more_happens(unit: CordBloodUnit, n: int) -> None:
    """An alarm of its tank, consents, an interview with its answers."""
    unit.refresh_from_db()
    now = timezone.now()
    TankAlarm.objects.create(
        tank=StorageNode.objects.get(kind="tank"), what="temperature", first_at=now, last_at=now, value=-140,
        limit=-150, acknowledged_by=UserFactory(), acknowledged_at=now, remark="seen",
    )  # fmt: skip
    for item in consent_form().items.all():
        ConsentGiven.objects.create(
            donation=unit.donation, item=item, purpose=item.purpose, given=True, given_on=now.date(), medium="paper",
            superseded=n > 0,
        )  # fmt: skip
    form = questionnaire()
    held = Interview.objects.create(donation=unit.donation, questionnaire=form, interviewed_on=now.date())
    for question in form.questions.all():
        Answer.objects.create(interview=held, question=question, value="no")
