"""Policies are copied, revised as new versions, retired, made the default; no version ever changes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from core.errors import Conflict, DomainError, InvalidInput
from core.models import AuditEntry
from matching import services
from matching.models import SelectionPolicy
from matching.services import PolicyData
from tests.factories.hospitals import HospitalFactory
from tests.factories.matching import ACTOR
from tests.factories.policies import bank_policy, own_policy

pytestmark = pytest.mark.django_db


def data_of(policy: SelectionPolicy, *changes: tuple[str, Any], **columns: Any) -> PolicyData:
    """What stands in a policy, with thresholds changed: ("tnc_dose.least", "3")."""
    rules = deepcopy(policy.rules)
    for place, value in changes:
        code, name = place.split(".")
        rules["selection"]["rules"][code][name] = value
    names = ("indication", "proposed_for", "population", "author", "references")
    return PolicyData(**{"rules": rules, **{name: getattr(policy, name) for name in names}, **columns})


def revise(policy: SelectionPolicy, *changes: tuple[str, Any], **columns: Any) -> SelectionPolicy:
    data = data_of(policy, *changes, **columns)
    return services.policy_revise(policy_id=policy.pk, data=data, actor=ACTOR)


def copy(source: SelectionPolicy, hospital: Any = None, name: str = "Protocol 7") -> SelectionPolicy:
    return services.policy_copy(source=source, hospital=hospital, name=name, actor=ACTOR)


def test_a_hospital_copies_a_policy_of_the_bank() -> None:
    hospital, source = HospitalFactory(), bank_policy()

    made = copy(source, hospital)

    assert (made.hospital, made.version, made.copied_from) == (hospital, 1, source)
    assert made.rules == source.rules
    assert (made.is_default, made.proposed_for) == (False, ""), "nobody gets it before its owner says so"
    entry = AuditEntry.objects.get(action="policy.copy")
    assert (entry.hospital_id, entry.after["tnc_dose.least"]) == (hospital.pk, "2.5")


@pytest.mark.parametrize(
    "name", ["", "  ", "Children", "children ", "Qidai default, single unit", "x" * 81, "Protocol 7"]
)
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    hospital = HospitalFactory()
    own_policy(hospital)

    with pytest.raises(InvalidInput) as refused:
        copy(bank_policy(), hospital, name)

    assert refused.value.field == "name"


def test_the_same_name_in_two_hospitals_is_two_policies() -> None:
    own_policy(HospitalFactory())

    assert copy(bank_policy(), HospitalFactory()).name == "Protocol 7"


def test_another_hospitals_policy_is_not_copied() -> None:
    theirs = own_policy(HospitalFactory())

    for target in (HospitalFactory(), None):
        with pytest.raises(InvalidInput) as refused:
            copy(theirs, target, "Stolen")
        assert refused.value.code == "policy_of_another_owner"


def test_a_revision_is_a_new_version_and_the_old_one_stands() -> None:
    old = bank_policy()
    rules = deepcopy(old.rules)

    new = revise(old, ("tnc_dose.least", "3"), ("cd34_dose.action", "exclude"), author="Committee")

    old.refresh_from_db()
    assert old.rules == rules
    assert (old.is_default, old.is_offered, old.retired_by) == (False, False, ACTOR.label)
    assert (new.version, new.is_default, new.proposed_for) == (2, True, "malignant")
    assert new.rules["selection"]["rules"]["tnc_dose"]["least"] == "3"
    entry = AuditEntry.objects.get(action="policy.revise")
    assert entry.before == {"author": "Qidai", "tnc_dose.least": "2.5", "cd34_dose.action": "warn"}
    assert entry.after == {"author": "Committee", "tnc_dose.least": "3", "cd34_dose.action": "exclude"}


def test_of_two_who_save_at_once_the_second_learns_who_was_faster() -> None:
    old = bank_policy()
    revise(old, ("tnc_dose.least", "3"))

    with pytest.raises(Conflict) as refused:
        revise(old, ("tnc_dose.least", "4"))

    assert refused.value.code == "policy_superseded"
    assert ACTOR.label in refused.value.message
    assert "version 2" in refused.value.message
    assert SelectionPolicy.objects.versions_of(old).count() == 2


def test_nothing_changed_makes_no_version() -> None:
    old = bank_policy()

    for data in (data_of(old), data_of(old, ("tnc_dose.least", "2.50"))):  # the same number
        with pytest.raises(InvalidInput) as refused:
            services.policy_revise(policy_id=old.pk, data=data, actor=ACTOR)
        assert refused.value.code == "policy_unchanged"

    assert SelectionPolicy.objects.versions_of(old).count() == 1


@pytest.mark.parametrize(
    ("rules", "code", "field"),
    [
        ({"colour": 1}, "unknown_part", "colour"),
        ({"antigen_rule": "none"}, "bad_choice", "antigen_rule"),
        ({"primary": "allele12"}, "bad_choice", "primary"),
        ({"floors": {"allele12": 3}}, "unknown_threshold", "floors"),
        ({"floors": {"antigen6": 7}}, "out_of_range", "floors.antigen6"),
        ({"floors": {"antigen6": "many"}}, "no_number", "floors.antigen6"),
        ({"required_loci": ["A", "B"]}, "bad_choice", "required_loci"),
        ({"required_loci": ["A", "B", "DRB1", "X"]}, "bad_choice", "required_loci"),
        ({"selection": {"rules": {"colour": {}}}}, "unknown_rule", "colour"),
        ({"selection": {"rules": {"tnc_dose": {"least": "-1"}}}}, "out_of_range", "tnc_dose.least"),
    ],
)
def test_rules_that_cannot_be_are_refused_at_their_place(rules: Any, code: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.policy_revise(policy_id=bank_policy().pk, data=PolicyData(rules=rules), actor=ACTOR)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.message


@pytest.mark.parametrize(
    ("column", "value"),
    [("indication", "x"), ("proposed_for", "x"), ("author", "x" * 121), ("population", "x" * 201)],
)
def test_texts_and_choices_are_checked(column: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        revise(bank_policy(), **{column: value})

    assert refused.value.field == column


def test_two_policies_are_not_proposed_for_the_same_patients() -> None:
    with pytest.raises(InvalidInput) as refused:
        revise(bank_policy("Two units"), proposed_for="children")

    assert (refused.value.code, refused.value.params) == ("proposed_already", {"policy": "Children"})


def test_a_hospital_proposes_its_own_beside_the_banks() -> None:
    assert revise(own_policy(HospitalFactory()), proposed_for="children").proposed_for == "children"


def test_retiring_wants_a_reason_and_is_told() -> None:
    policy = bank_policy("Two units")

    for reason in ("", " \0 "):
        with pytest.raises(InvalidInput):
            services.policy_retire(policy_id=policy.pk, reason=reason, actor=ACTOR)
    retired = services.policy_retire(policy_id=policy.pk, reason="not used here", actor=ACTOR)

    assert not retired.is_offered
    assert retired.retire_reason == AuditEntry.objects.get(action="policy.retire").reason == "not used here"
    with pytest.raises(Conflict) as refused:
        revise(policy, ("tnc_dose.least", "2"))
    assert refused.value.code == "policy_retired"


def test_the_default_is_not_retired_but_replaced() -> None:
    first, second = bank_policy(), bank_policy("Children")

    with pytest.raises(Conflict) as refused:
        services.policy_retire(policy_id=first.pk, reason="r", actor=ACTOR)
    services.policy_make_default(policy_id=second.pk, actor=ACTOR)

    assert refused.value.code == "policy_is_default"
    assert SelectionPolicy.objects.get(is_default=True) == second
    entry = AuditEntry.objects.get(action="policy.make_default")
    assert (entry.before, entry.after) == ({"default": str(first)}, {"default": "Children v1"})
    assert services.policy_retire(policy_id=first.pk, reason="r", actor=ACTOR).retired_at


def test_a_hospitals_policy_or_a_retired_one_is_no_default() -> None:
    retired = SelectionPolicy.objects.get(name="Qidai default, single unit")

    for policy in (own_policy(HospitalFactory()), retired, bank_policy()):
        with pytest.raises(DomainError):
            services.policy_make_default(policy_id=policy.pk, actor=ACTOR)

    assert SelectionPolicy.objects.get(is_default=True) == bank_policy()


def test_without_its_audit_nothing_is_saved() -> None:
    old = bank_policy()

    with mock.patch("core.audit.record", side_effect=RuntimeError), pytest.raises(RuntimeError):
        revise(old, ("tnc_dose.least", "3"))

    old.refresh_from_db()
    assert (old.is_offered, old.is_default) == (True, True)


def test_a_policy_of_a_later_program_is_refused_not_guessed_at() -> None:
    strange = own_policy(HospitalFactory(), rules={"selection": {"rules": {"colour": {}}}})

    with pytest.raises(Conflict) as refused:
        services.policy_revise(policy_id=strange.pk, data=PolicyData(rules={}), actor=ACTOR)

    assert refused.value.code == "policy_unreadable"
    assert "colour" in refused.value.message


def test_the_bank_does_not_take_a_hospitals_name_in_any_case() -> None:
    own = own_policy(HospitalFactory(), "Protocol 7")

    with pytest.raises(InvalidInput) as refused:
        services.policy_copy(source=bank_policy(), hospital=None, name="PROTOCOL 7", actor=ACTOR)
    with pytest.raises(IntegrityError), transaction.atomic():
        own_policy(own.hospital, "protocol 7")

    assert refused.value.code == "name_taken"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE matching_selectionpolicy SET rules = '{}'",
        "UPDATE matching_selectionpolicy SET name = name",
        "DELETE FROM matching_selectionpolicy",
        "UPDATE matching_graftnote SET text = 'x'",
        "DELETE FROM matching_graftnote",
    ],
)
def test_what_was_said_is_neither_changed_nor_deleted(statement: str) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
