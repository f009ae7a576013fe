"""Pages of policies: list, one policy, copy, editor; errors stand beside the field, in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.roles import Role
from hospitals.models import Hospital
from matching import services
from matching.forms_policies import PolicyForm
from matching.models import SelectionPolicy
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.matching import ACTOR
from tests.factories.policies import bank_policy, own_policy

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


@pytest.fixture
def director() -> Client:
    return client_of(UserFactory(roles=[Role.MEDICAL_DIRECTOR], full_name="Dr. Bank"))


@pytest.fixture
def physician(hospital: Hospital) -> Client:
    return client_of(member_of(hospital, Role.HOSPITAL_PHYSICIAN, full_name="Dr. Ward"))


def url(name: str, policy: SelectionPolicy | None = None) -> str:
    return reverse(f"matching:policy-{name}", args=[policy.pk] if policy else [])


def text_of(response: Any) -> str:
    return str(response.content.decode())


def posted(policy: SelectionPolicy, **changes: Any) -> dict[str, Any]:
    """What the editor sends back untouched, with some fields changed ("__" for ".")."""
    form = PolicyForm(policy=policy)
    values = {name: form[name].value() for name in form.fields}
    changed = {name.replace("__", "."): value for name, value in changes.items()}
    return {name: "" if value is None else value for name, value in {**values, **changed}.items()}


def test_the_list_shows_the_banks_and_the_own(client: Client, hospital: Hospital) -> None:
    own_policy(hospital, "Our protocol")
    own_policy(HospitalFactory(), "Their protocol")

    page = text_of(client.get(url("list")))
    more = text_of(client.get(url("list") + "?retired=on"))

    assert "Our protocol" in page
    assert "Their protocol" not in page
    assert "Two units" in page
    assert "Qidai default" not in page
    assert "Show 1 retired version too" in page
    assert "Qidai default" in more
    assert "proposed: blood cancer, under 18 years" in page


def test_the_list_is_filtered(client: Client) -> None:
    page = text_of(client.get(url("list") + "?q=chil&indication=malignant"))
    none = text_of(client.get(url("list") + "?q=zzzz"))

    assert "Children" in page
    assert "Two units" not in page
    assert "No policy here" in none


def test_one_policy_says_everything(client: Client) -> None:
    page = text_of(client.get(url("detail", bank_policy())))

    for text in (
        "TNC per kg, before freezing",
        "at least 2.5 ×10⁷/kg",
        "unconfirmed",
        "match probability, in steps of 10 %",
        "Matches between the two units",
        "two splits of one broad antigen are a mismatch",
        "≥ 4/6 antigen",
    ):
        assert text in page
    assert "Edit</a>" not in page, "a coordinator does not write policies"


def test_what_the_last_version_changed(director: Client) -> None:
    old = bank_policy()
    director.post(url("edit", old), posted(old, tnc_dose__least="3"))

    page = text_of(director.get(url("detail", bank_policy())))
    before = text_of(director.get(url("detail", old)))

    assert "Changed against Malignant disease, single unit v1" in page
    assert "TNC per kg, before freezing: at least" in page
    assert "1 change" in page
    assert "Dr. Bank" in page
    assert "Version 2 took its place" in before
    assert "Save as version" not in before


def test_a_physician_copies_and_edits_the_own(physician: Client, hospital: Hospital) -> None:
    source = bank_policy()
    form = physician.get(url("copy", source)).context["form"]
    made = physician.post(url("copy", source), {"name": "Ward 3", "owner": str(hospital.pk)})
    copy = SelectionPolicy.objects.get(name="Ward 3")
    saved = physician.post(url("edit", copy), posted(copy, tnc_dose__least="3,5"))

    assert form["name"].value() == f"Malignant disease, single unit, {hospital.code}"
    assert [key for key, _label in form.fields["owner"].choices] == [str(hospital.pk)]
    assert made.url == url("edit", copy)
    new = SelectionPolicy.objects.get(name="Ward 3", version=2)
    assert saved.url == url("detail", new)
    assert new.rules["selection"]["rules"]["tnc_dose"]["least"] == "3.5"
    assert new.created_by == "Dr. Ward"


def test_nobody_writes_the_others_policies(physician: Client, director: Client, hospital: Hospital) -> None:
    own, bank = own_policy(hospital), bank_policy()

    for client, policy in ((physician, bank), (director, own)):
        assert client.get(url("detail", policy)).status_code == 200
        for step in ("retire", "make-default", "edit"):
            assert client.post(url(step, policy), posted(policy, reason="r")).status_code == 403
    assert director.get(url("copy", own)).status_code == 403
    assert SelectionPolicy.objects.filter(version=2).count() == 0


def test_a_director_who_coordinates_at_a_hospital_writes_the_banks_only(hospital: Hospital) -> None:
    both = client_of(member_of(hospital, Role.MEDICAL_DIRECTOR, Role.HOSPITAL_COORDINATOR))

    assert both.get(url("edit", bank_policy())).status_code == 200
    assert both.get(url("edit", own_policy(hospital))).status_code == 403


def test_a_copy_for_the_bank(director: Client) -> None:
    form = director.get(url("copy", bank_policy())).context["form"]
    director.post(url("copy", bank_policy()), {"name": "Second look", "owner": "bank"})

    assert form["owner"].value() == "bank"
    assert SelectionPolicy.objects.get(name="Second look").hospital is None


def test_a_taken_name_is_said_beside_its_field(physician: Client, hospital: Hospital) -> None:
    response = physician.post(url("copy", bank_policy()), {"name": "Children", "owner": str(hospital.pk)})

    assert list(response.context["form"].errors) == ["name"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("tnc_dose.least", "-0.1", "from 0 to 100"),
        ("tnc_dose.least", "100.1", "from 0 to 100"),
        ("tnc_dose.least", "", "Write a number"),
        ("tnc_dose.least", "NaN", "Write a number"),
        ("tnc_dose.least", "1e1", "Write a number"),
        ("tnc_dose.least", "2.5.1", "Write a number"),
        ("dsa.mfi", "1,000", "two ways"),
        ("dsa.mfi", "2.5", "whole number"),
        ("segments.least", "1.5", "whole number"),
        ("class_allele8.least", "9", "from 0 to 8"),
        ("volume.least", "30", "lower limit"),
        ("abo.accepted", [], "turn the rule off"),
        ("abo.accepted", ["green"], "green"),
        ("tnc_dose.action", "delete", "delete"),
        ("sort.2", "class", "twice"),
        ("pairs.tnc_e7_each", "-1", "from 0 to 100"),
        ("pairs.unit_unit_least", "7", "from 0 to 6"),
        ("primary", "allele12", "allele12"),
        ("floors.antigen6", "7", "7"),
        ("proposed_for", "children", "Children is proposed"),
    ],
)
def test_what_cannot_be_stands_beside_its_field(director: Client, field: str, value: Any, said: str) -> None:
    policy = bank_policy()

    response = director.post(url("edit", policy), {**posted(policy), field: value, "author": "kept"})

    errors = response.context["form"].errors
    assert list(errors) == [field]
    assert said in " ".join(errors[field])
    assert "kept" in text_of(response)
    assert SelectionPolicy.objects.filter(version=2).count() == 0


@pytest.mark.parametrize(
    ("place", "value", "stored"),
    [
        ("tnc_dose.least", "0", "0"),
        ("tnc_dose.least", "100", "100"),
        ("tnc_dose.least", "2,75", "2.75"),
        ("tnc_dose.least", "２．７５", "2.75"),
        ("dsa.mfi", "100000", 100_000),
        ("segments.least", " 3 ", 3),
        ("segments.least", "0", 0),
        ("dsa.of", ["peak", "newest"], ["peak", "newest"]),
        ("tnc_dose.reference", "Protocol 7", "Protocol 7"),
    ],
)
def test_what_can_be_is_stored(director: Client, place: str, value: Any, stored: Any) -> None:
    policy = bank_policy()
    code, name = place.split(".")

    response = director.post(url("edit", policy), {**posted(policy), place: value})

    assert response.status_code == 302, response.context["form"].errors
    assert bank_policy().rules["selection"]["rules"][code][name] == stored


def test_order_pairs_and_search_are_edited(director: Client) -> None:
    policy = bank_policy()
    order = {f"sort.{n}": "" for n in range(1, 12)} | {"sort.2": "tnc", "sort.5": "class"}

    director.post(
        url("edit", policy),
        {
            **posted(policy),
            **order,
            "pairs.unit_unit_least": "4",
            "floors.allele8": "5",
            "primary": "allele8",
        },
    )

    rules = bank_policy().rules
    assert rules["selection"]["sort"] == ["tnc", "class"]
    assert rules["selection"]["pairs"]["unit_unit_least"] == 4
    assert (rules["floors"], rules["primary"]) == ({"antigen6": 4, "allele8": 5}, "allele8")
    assert rules["required_loci"] == ["A", "B", "DRB1"]


def test_the_editor_changes_nothing_by_itself(director: Client) -> None:
    """Every shipped policy goes through the form and comes out the same."""
    for policy in SelectionPolicy.objects.offered():
        response = director.post(url("edit", policy), posted(policy))

        assert "Nothing differs" in " ".join(response.context["form"].non_field_errors()), policy


def test_all_mistakes_are_told_at_once(director: Client) -> None:
    policy = bank_policy()
    wrong = {"tnc_dose.least": "-1", "sort.2": "class", "volume.least": "30"}

    response = director.post(url("edit", policy), {**posted(policy), **wrong})

    assert set(response.context["form"].errors) == set(wrong)


def test_no_key_at_all_is_refused(director: Client) -> None:
    policy = bank_policy()

    response = director.post(
        url("edit", policy), {**posted(policy), **{f"sort.{n}": "" for n in range(1, 12)}}
    )

    assert list(response.context["form"].errors) == ["sort.1"]


def test_the_slower_of_two_keeps_what_was_typed(director: Client) -> None:
    policy = bank_policy()
    mine = posted(policy, tnc_dose__least="3.25")
    director.post(url("edit", policy), posted(policy, tnc_dose__least="4"))

    response = director.post(url("edit", policy), mine)

    page = text_of(response)
    assert "Dr. Bank was faster" in page
    assert 'value="3.25"' in page
    assert bank_policy().version == 2


def test_a_retired_version_is_not_edited(director: Client) -> None:
    retired = SelectionPolicy.objects.get(name="Qidai default, single unit")

    response = director.get(url("edit", retired), follow=True)

    assert "only the one that is offered" in text_of(response)


def test_retire_and_default(director: Client) -> None:
    policy, other = bank_policy(), bank_policy("Two units")

    refused = director.post(url("retire", other), {"reason": ""})
    kept = director.post(url("retire", policy), {"reason": "old"})
    changed = director.post(url("make-default", other), follow=True)
    again = director.post(url("make-default", other), follow=True)
    gone = director.post(url("retire", policy), {"reason": "old"}, follow=True)

    assert "Give the reason" in text_of(refused)
    assert "Make another policy the default first" in text_of(kept)
    assert "default from now on" in text_of(changed)
    assert "the default already" in text_of(again)
    assert "offered no more" in text_of(gone)


def test_a_policy_of_a_later_program_is_shown_as_unreadable(physician: Client, hospital: Hospital) -> None:
    strange = own_policy(hospital, rules={"selection": {"rules": {"colour": {}}}})

    page = physician.get(url("detail", strange))

    assert page.status_code == 200
    assert "cannot be read by this program" in text_of(page)
    assert physician.get(url("edit", strange)).status_code == 409


def test_reference_data_lead_to_the_policies(client: Client) -> None:
    page = text_of(client.get(reverse("matching:release-list")))

    assert url("list") in page
    assert url("detail", bank_policy()) in page


def test_shipped_names_are_in_the_readers_language(client: Client) -> None:
    client.cookies["django_language"] = "zh-hans"

    assert "恶性疾病" in text_of(client.get(url("list")))


@pytest.mark.parametrize("count", [1, 20])
def test_pages_need_few_queries(
    physician: Client, hospital: Hospital, count: int, django_assert_max_num_queries: Any
) -> None:
    policy = own_policy(hospital)
    for n in range(count):
        data = services.PolicyData(rules=policy.rules, author=f"version {n}")
        policy = services.policy_revise(policy_id=policy.pk, data=data, actor=ACTOR)

    with django_assert_max_num_queries(14):
        physician.get(url("detail", policy))
    with django_assert_max_num_queries(12):
        physician.get(url("list") + "?retired=on")
