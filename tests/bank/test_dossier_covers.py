"""Nothing that refers to a unit is forgotten by its dossier: tables, columns, kinds of audit entries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.utils import translation

from bank import action_words, presenters_lots
from bank.dossier.labels import LABELS
from bank.dossier.registry import Section, Subject, covered, left_out, sections
from bank.models import CordBloodUnit, Donation
from core.models import User

ROOT = Path(__file__).resolve().parents[2]
ROOTS = (CordBloodUnit, Donation)


def related(model: type[Any]) -> Iterator[str]:
    """Labels of the tables that refer to a model, and of those it refers to."""
    for relation in model._meta.related_objects:
        yield relation.related_model._meta.label
    for field in (*model._meta.fields, *model._meta.many_to_many):
        if field.related_model is not None and field.related_model is not User:
            yield field.related_model._meta.label


def told() -> set[str]:
    return {*covered(), *left_out()}


@pytest.mark.parametrize("model", ROOTS, ids=lambda model: model.__name__)
def test_every_table_around_a_unit_and_its_donation_has_a_section_or_a_reason(model: type[Any]) -> None:
    missing = sorted(set(related(model)) - told())

    assert missing == [], (
        f"{missing}: add a section to bank/dossier/sections.py, or in another app bank.dossier.registry.register; "
        "or say why not with leave_out(label, reason)."
    )


def test_what_refers_to_a_covered_row_is_covered_too() -> None:
    """A use of a sample is of the unit too. Sections whose rows are others' as well are not walked."""
    own = {model for section in sections() if section.trail for model in section.covers}
    found = {
        relation.related_model._meta.label
        for label in own
        for relation in apps.get_model(label)._meta.related_objects
    }

    assert sorted(found - told()) == []


def test_no_table_is_both_told_and_left_out_and_every_reason_says_something() -> None:
    assert set(covered()) & set(left_out()) == set()
    assert all(len(reason) > 20 for reason in left_out().values())
    assert [label for label in told() if not apps.get_model(label)] == []


@pytest.mark.parametrize("section", sections(), ids=lambda one: one.key)
def test_every_column_of_a_covered_table_has_a_name_in_print(section: Section) -> None:
    hidden = {"id", "unit", "donation", "import_batch", "hla_tags", "digests", "content"}
    derived = {"bank.Slot", "bank.InventoryExport", "bank.Lot"}  # their sections choose
    names = {
        field.name
        for label in section.covers
        if label not in derived
        for field in apps.get_model(label)._meta.concrete_fields
    }

    assert sorted(names - hidden - set(LABELS)) == []
    assert [name for name in section.columns if name not in LABELS] == []


def test_names_in_print_are_translated() -> None:
    with translation.override("zh-hans"):
        chinese = {name: str(label) for name, label in LABELS.items()}
    plain = {"abo", "rh", "din", "grid", "canonical_gl"}
    plain |= {name for name in LABELS if name.startswith("hla_")}

    assert sorted(name for name, text in chinese.items() if text.isascii() and name not in plain) == []


def test_every_kind_of_entry_about_a_unit_or_lot_has_words() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bank").rglob("*.py"))
    actions = set(re.findall(r'action\s*=\s*"((?:unit|lot)\.[a-z_]+)"', source))
    actions |= set(re.findall(r'"((?:unit|lot)\.[a-z_]+)" if ', source))

    assert len(actions) > 30  # the pattern still finds them
    assert sorted(actions - set(action_words.ACTIONS) - set(presenters_lots.ACTIONS)) == []


@pytest.mark.django_db
def test_a_section_of_another_app_stands_in_the_dossier(monkeypatch: pytest.MonkeyPatch) -> None:
    from bank.dossier import registry
    from bank.dossier.records import Record, made
    from bank.services_dossier import read
    from core.audit import Actor
    from tests.factories.bank import UnitFactory

    def shipments(subject: Subject) -> list[Record]:
        return [Record("shipment", "1", (made("what", subject.unit.unit_no),))]

    monkeypatch.setattr(registry, "_sections", dict(registry._sections))
    registry.register(Section("shipments", "Shipments", shipments, 500))
    unit = UnitFactory()

    told = read(unit.pk, Actor.system("test")).as_json()["sections"]

    assert told["shipments"] == [{"type": "shipment", "id": "1", "what": unit.unit_no}]
    assert list(told)[-1] == "trail"
