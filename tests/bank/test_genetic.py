"""Files with HLA typings for foreign accounts: few go, many wait for a second person, and all are counted."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from bank import genetic, services_genetic
from bank.choices_genetic import GeneticKind
from bank.forms_genetic import AskForm, GeneticLimitsForm
from bank.genetic import Asked, digest_of
from bank.models import CordBloodUnit, ExportApproval, GeneticLimits, GeneticTally
from bank.models.genetic import MOST
from bank.services_genetic import Said
from core import kinds
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import Role
from tests.bank.export_helpers import made
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.genetic import ApprovalFactory, foreigner
from tests.factories.hospitals import HospitalFactory, MembershipFactory
from tests.parallel import at_once

pytestmark = pytest.mark.django_db
SAID = Said(
    purpose="research",
    purpose_text="a study",
    recipient="An institute",
    recipient_country="SG",
    permit_no="HGR-1",
)


def limits(**values: Any) -> None:
    GeneticLimits.objects.update_or_create(pk=1, defaults={"most_units": 2, "most_units_a_year": 5, **values})


def asked(
    count: int,
    kind: GeneticKind = GeneticKind.UNIT_CSV,
    ids: Any = None,
    rows: int | None = None,
    patient: str = "",
) -> Asked:
    keys = ids or [uuid4() for _ in range(count)]
    return Asked(kind, "/x", "x", count, lambda: keys, rows, patient)


def take(user: User, what: Asked, approval: Any = None) -> bool:
    return services_genetic.genetic_take(user=user, asked=what, approval_id=approval)


# --- who is foreign -------------------------------------------------------------------------------


def test_foreign_is_who_works_for_a_hospital_of_another_country() -> None:
    both = foreigner()
    MembershipFactory(user=both, hospital=HospitalFactory())
    left = foreigner()
    left.role_grants.all().delete()
    bank_too = foreigner(Role.QA, Role.HOSPITAL_PHYSICIAN)

    found = [
        genetic.is_foreign(User.objects.get(pk=user.pk))
        for user in (foreigner(), both, left, bank_too, foreigner(country="CN"), UserFactory(roles=[Role.QA]))
    ]

    assert found == [True, True, False, True, False, False]
    nowhere = [
        UserFactory(roles=[Role.HOSPITAL_PHYSICIAN]),
        UserFactory(roles=[Role.QA, Role.HOSPITAL_PHYSICIAN]),
    ]
    assert [genetic.is_foreign(user) for user in nowhere] == [True, True]  # nobody knows where they work
    limits(home_country="SG")
    assert not genetic.is_foreign(foreigner())


# --- what goes unasked ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [GeneticKind.UNIT_CSV, GeneticKind.MATCH_CSV, GeneticKind.REPORT_PDF])
def test_a_foreign_account_takes_as_many_as_the_limit_and_not_one_more(kind: GeneticKind) -> None:
    limits()
    user = foreigner()

    assert take(user, asked(2, kind)) is False
    with pytest.raises(NotAllowed) as caught:
        take(user, asked(3, kind))

    assert caught.value.code == "needs_approval"
    assert GeneticTally.objects.values_list("files", "units", "foreign").get() == (1, 2, True)


def test_everybody_else_takes_what_he_may_see_and_is_counted() -> None:
    limits()
    user = UserFactory(roles=[Role.QA])

    take(user, asked(1000))
    take(user, asked(10))

    assert GeneticTally.objects.values_list("files", "units", "foreign").get() == (2, 1010, False)
    assert AuditEntry.objects.filter(action="genetic.take").count() == 2
    assert genetic.totals() == {
        "files": 2, "units": 1010, "foreign_files": 0, "foreign_units": 0, "accounts": 1
    }  # fmt: skip


def test_small_files_of_the_inventory_add_up_over_a_year_and_lists_of_patients_do_not() -> None:
    limits()
    user = foreigner()
    for _ in range(4):
        take(user, asked(2, GeneticKind.MATCH_CSV))
    take(user, asked(2))
    take(user, asked(2))
    take(user, asked(1))  # five in all: the boundary

    with pytest.raises(NotAllowed):
        take(user, asked(1))
    assert genetic.of_year(user) == 5

    last_year = timezone.localdate() - dt.timedelta(days=365)
    GeneticTally.objects.filter(user=user).update(day=last_year)
    assert genetic.of_year(user) == 0
    take(user, asked(1))


def test_of_an_api_the_place_in_the_list_counts_against_the_limit_and_the_rows_into_the_sum() -> None:
    limits()
    user = foreigner()

    take(user, asked(2, GeneticKind.MATCH_API, rows=1))
    with pytest.raises(NotAllowed):
        take(user, asked(3, GeneticKind.MATCH_API, rows=1))

    assert GeneticTally.objects.get().units == 1


def test_slices_of_one_patient_s_lists_add_up_over_thirty_days_whatever_way_they_are_taken() -> None:
    limits(most_units_a_patient=5)
    user = foreigner()
    take(user, asked(2, GeneticKind.MATCH_CSV, patient="p"))
    take(user, asked(2, GeneticKind.MATCH_API, rows=1, patient="p"))
    take(user, asked(2, GeneticKind.REPORT_PDF, patient="p"))  # five in all: the boundary

    for kind in (GeneticKind.MATCH_XLSX, GeneticKind.MATCH_API):
        with pytest.raises(NotAllowed) as caught:
            take(user, asked(1, kind, patient="p"))
        assert caught.value.code == "needs_approval"
    assert genetic.of_patient(user, "p") == 5
    take(user, asked(2, GeneticKind.MATCH_CSV, patient="another"))
    take(foreigner(), asked(2, GeneticKind.MATCH_CSV, patient="p"))
    what = asked(1, GeneticKind.MATCH_CSV, patient="p")
    assert take(user, what, approved(user, what).pk) is True
    assert genetic.of_patient(user, "p") == 5

    month_ago = timezone.localdate() - dt.timedelta(days=30)
    GeneticTally.objects.filter(user=user, patient="p", kind=GeneticKind.MATCH_CSV).update(day=month_ago)
    assert genetic.of_patient(user, "p") == 3
    take(user, asked(2, GeneticKind.MATCH_CSV, patient="p"))


# --- an approval ----------------------------------------------------------------------------------


def approved(user: User, what: Asked) -> ExportApproval:
    digest = digest_of(what.kind, what.address, what.ids())
    row = services_genetic.approval_ask(
        user=user, kind=what.kind, address=what.address, title=what.title, units=what.count, digest=digest,
        said=SAID,
    )  # fmt: skip
    qa = UserFactory(roles=[Role.QA])
    return services_genetic.approval_give(approval_id=row.pk, user=qa, password=PASSWORD)


def test_an_approval_is_for_this_file_by_this_account_once_until_it_is_over() -> None:
    limits()
    user, what = foreigner(), asked(3)
    row = approved(user, what)

    def code(who: User, wanted: Asked) -> str:
        with pytest.raises(DomainError) as caught, transaction.atomic():
            take(who, wanted, row.pk)
        return caught.value.code

    more = [*what.ids(), uuid4()]
    assert code(foreigner(), what) == "approval_unknown"
    assert code(user, asked(4, ids=more)) == "approval_other"
    assert code(user, asked(3, GeneticKind.MATCH_CSV, ids=what.ids())) == "approval_other"
    ExportApproval.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert code(user, what) == "approval_not_good"
    ExportApproval.objects.filter(pk=row.pk).update(expires_at=timezone.now() + dt.timedelta(minutes=1))

    assert take(user, what, row.pk) is True
    assert code(user, what) == "approval_not_good"
    row.refresh_from_db()
    assert (row.state, row.used_at is not None) == ("used", True)
    assert GeneticTally.objects.values_list("units", "approved").get() == (3, True)
    assert genetic.of_year(user) == 0
    entry = AuditEntry.objects.get(action="genetic.take")
    assert entry.after["approval"] == str(row.pk)


def test_what_needs_no_approval_uses_none_up() -> None:
    limits()
    user, what = foreigner(), asked(2)
    row = approved(user, what)

    take(user, what, row.pk)

    row.refresh_from_db()
    assert row.state == "approved"


def test_nobody_approves_his_own_and_no_foreigner_approves() -> None:
    own = ApprovalFactory(asked_by=UserFactory(roles=[Role.QA]))
    cases = [
        (own, own.asked_by, "own_work"),
        (own, foreigner(Role.QA, Role.HOSPITAL_PHYSICIAN), "may_not_decide"),
        (own, UserFactory(roles=[Role.LAB]), "may_not_decide"),
    ]
    for row, user, code in cases:
        with pytest.raises(NotAllowed) as caught:
            services_genetic.approval_give(approval_id=row.pk, user=user, password=PASSWORD)
        assert caught.value.code == code
    with pytest.raises(NotAllowed) as caught:
        services_genetic.approval_give(
            approval_id=own.pk, user=UserFactory(roles=[Role.QA]), password="not it"
        )
    assert caught.value.code == "wrong_password"
    with pytest.raises(IntegrityError), transaction.atomic():
        ExportApproval.objects.filter(pk=own.pk).update(
            state="approved", decided_by=own.asked_by, decided_at=timezone.now(), signed_by="x",
            expires_at=timezone.now(),
        )  # fmt: skip


def test_a_refusal_says_why_and_the_one_who_asked_is_told() -> None:
    row, qa = ApprovalFactory(), UserFactory(roles=[Role.DIRECTOR])
    with pytest.raises(InvalidInput):
        services_genetic.approval_refuse(approval_id=row.pk, user=qa, password=PASSWORD, reason=" ")

    services_genetic.approval_refuse(approval_id=row.pk, user=qa, password=PASSWORD, reason="no permit")

    row.refresh_from_db()
    assert (row.state, row.decision_reason, row.expires_at) == ("refused", "no permit", None)
    assert Notification.objects.get(user=row.asked_by).params["state"] == "refused"
    with pytest.raises(Conflict):
        services_genetic.approval_give(approval_id=row.pk, user=qa, password=PASSWORD)


def test_research_needs_its_permit_and_the_same_is_asked_for_once() -> None:
    user = foreigner()
    given = {"user": user, "kind": "unit_csv", "address": "/x", "title": "x", "units": 3, "digest": "d"}
    with pytest.raises(InvalidInput) as caught:
        services_genetic.approval_ask(**given, said=Said(**{**vars(SAID), "permit_no": " "}))
    assert caught.value.code == "permit_needed"

    services_genetic.approval_ask(**given, said=SAID)

    with pytest.raises(Conflict) as again:
        services_genetic.approval_ask(**given, said=SAID)
    assert again.value.code == "asked_already"


@pytest.mark.parametrize("kind", ["unit_csv", "wmda_xml", "match_csv"])
def test_nobody_is_treated_with_the_inventory_without_a_permit(kind: str) -> None:
    treatment = Said(**{**vars(SAID), "purpose": "treatment", "permit_no": ""})
    given = {"user": foreigner(), "kind": kind, "address": "/x", "title": "x", "units": 3, "digest": "d"}
    typed = {**vars(treatment)}
    if kind == "match_csv":
        assert AskForm(typed, kind=kind).is_valid()
        services_genetic.approval_ask(**given, said=treatment)
        return

    with pytest.raises(InvalidInput) as caught:
        services_genetic.approval_ask(**given, said=treatment)
    assert (caught.value.code, caught.value.field) == ("permit_needed", "permit_no")
    assert list(AskForm(typed, kind=kind).errors) == ["permit_no"]
    with pytest.raises(IntegrityError, match="approval_permit_named"), transaction.atomic():
        ApprovalFactory(kind=kind, purpose="treatment", permit_no="")
    assert AskForm({**typed, "permit_no": "HGR-1"}, kind=kind).is_valid()
    services_genetic.approval_ask(**given, said=Said(**{**vars(treatment), "permit_no": "HGR-1"}))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_fetch_by_one_approval_one_gets_the_file() -> None:
    limits()
    user, what = foreigner(), asked(3)
    row = approved(user, what)

    got = at_once(lambda: take(user, what, row.pk), 20)

    assert [one for one in got if one is True] == [True]
    assert {one.code for one in got if one is not True} == {"approval_not_good"}
    assert GeneticTally.objects.get().files == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_twenty_small_files_at_once_do_not_pass_the_limit_of_the_year() -> None:
    limits()
    user = foreigner()

    got = at_once(lambda: take(user, asked(1)), 20)

    assert got.count(False) == 5
    assert GeneticTally.objects.get().units == 5


# --- pages ----------------------------------------------------------------------------------------


def body(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def test_from_the_refused_file_to_the_fetched_one(signed_in: Any) -> None:
    limits()
    units = UnitFactory.create_batch(3)
    user, qa = foreigner(), UserFactory(roles=[Role.QA])
    client = signed_in(user)
    url = reverse("bank:unit-export")

    asking = client.get(f"{url}?sort=-no&abo=")
    assert asking.status_code == 302
    assert AuditEntry.objects.get(action="genetic.blocked").after["units"] == 3
    page = client.get(asking.url)
    assert page.status_code == 200
    assert client.post(asking.url, {}).status_code == 400
    form = {
        "purpose": "research",
        "purpose_text": "t",
        "recipient": "r",
        "recipient_country": "SG",
        "permit_no": "1",
    }
    detail = client.post(asking.url, form).url
    row = ExportApproval.objects.get()
    assert (row.units, row.asked_by, row.address) == (3, user, f"{url}?abo=&sort=-no")

    client = signed_in(qa)
    wrong = client.post(reverse("bank:genetic-decide", args=[row.pk]), {"password": "no", "approve": ""})
    assert wrong.status_code == 403
    assert AuditEntry.objects.filter(action="genetic.sign_refused").count() == 1
    client.post(reverse("bank:genetic-decide", args=[row.pk]), {"password": PASSWORD, "approve": ""})
    assert "3" in client.get(reverse("bank:genetic-register")).content.decode()

    client = signed_in(user)
    shown = client.get(detail)
    assert shown.context["file_url"]
    fetched = client.get(shown.context["file_url"])
    text = body(fetched)
    assert all(unit.unit_no in text for unit in units)
    again = client.get(shown.context["file_url"])
    assert again.url == reverse("bank:genetic-mine")


def test_a_token_is_of_one_person(signed_in: Any) -> None:
    limits()
    UnitFactory.create_batch(3)
    asking = signed_in(foreigner()).get(reverse("bank:unit-export")).url

    assert signed_in(foreigner()).get(asking).url == reverse("bank:genetic-mine")


def test_the_api_of_the_inventory_answers_a_foreign_account_the_first_units_only(signed_in: Any) -> None:
    limits()
    units = UnitFactory.create_batch(3)
    client = signed_in(foreigner())
    url = reverse("api:unit-list")

    assert client.get(url, {"page_size": 2}).status_code == 200
    refused = client.get(url, {"page_size": 2, "page": 2})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "needs_approval")
    assert client.get(url, {"page_size": 3}).status_code == 403
    one = [client.get(reverse("api:unit-detail", args=[unit.pk])).status_code for unit in (*units, units[0])]
    assert one == [200, 200, 200, 403]
    assert signed_in(foreigner(Role.HOSPITAL_COORDINATOR, country="CN")).get(url).status_code == 200


def test_limits_are_changed_with_a_reason_and_audited(qa: User) -> None:
    change(qa, most_units=7)

    assert GeneticLimits.load().most_units == 7
    entry = AuditEntry.objects.get(action="genetic.limits")
    assert (entry.before, entry.after, entry.reason) == ({"most_units": 50}, {"most_units": 7}, "counsel")
    assert not Notification.objects.exists()  # what is stricter is told to nobody


USUAL = {
    "most_units": 50,
    "most_units_a_year": 500,
    "most_units_a_patient": 300,
    "valid_days": 14,
    "home_country": "CN",
}


def change(user: User, password: str = PASSWORD, **values: Any) -> GeneticLimits:
    given = {"values": {**USUAL, **values}, "user": user, "password": password, "reason": "counsel"}
    return services_genetic.genetic_limits_update(**given)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("most_units", 51),
        ("most_units_a_year", 501),
        ("most_units_a_patient", 301),
        ("valid_days", 15),
        ("home_country", "SG"),
    ],
)
def test_a_looser_limit_is_told_to_everybody_else_who_approves(qa: User, name: str, value: Any) -> None:
    others = {UserFactory(roles=[role]).pk for role in (Role.QA, Role.DIRECTOR, Role.MEDICAL_DIRECTOR)}
    UserFactory(roles=[Role.LAB])
    UserFactory(roles=[Role.QA], is_active=False)

    change(qa, **{name: value})

    told = list(Notification.objects.filter(code="genetic.limits"))
    assert {row.user_id for row in told} == others
    assert told[0].params == {"who": qa.full_name, "changed": [[name, USUAL[name], value]]}
    assert f": {USUAL[name]} → {value}" in kinds.text_of(told[0])
    assert qa.full_name not in kinds.told_outside(told[0].code, told[0].params)
    assert kinds.told_outside("genetic.limits", {"who": "x", "changed": []})
    assert kinds.weight_of("genetic.limits") == kinds.Weight.IMPORTANT


@pytest.mark.parametrize("name", MOST)
@pytest.mark.parametrize("below", [True, False])
def test_a_limit_has_bounds(qa: User, name: str, below: bool) -> None:
    wrong = 0 if below else MOST[name] + 1

    with pytest.raises(InvalidInput) as caught:
        change(qa, **{name: wrong})

    assert (caught.value.code, caught.value.field) == ("limit_range", name)
    assert list(GeneticLimitsForm({**USUAL, name: wrong, "reason": "r", "password": "p"}).errors) == [name]
    with pytest.raises(IntegrityError), transaction.atomic():
        GeneticLimits.objects.create(**{name: wrong})
    change(qa, **{name: MOST[name]})


def test_limits_are_signed_by_the_bank_s_own_people(qa: User, signed_in: Any) -> None:
    for user, password, code in (
        (qa, "not it", "wrong_password"),
        (foreigner(Role.QA, Role.HOSPITAL_PHYSICIAN), PASSWORD, "may_not_decide"),
        (UserFactory(roles=[Role.LAB]), PASSWORD, "may_not_decide"),
    ):
        with pytest.raises(NotAllowed) as caught:
            change(user, password, most_units=60)
        assert caught.value.code == code
    client, url = signed_in(qa), reverse("bank:genetic-limits")
    form = {**USUAL, "most_units": 60, "reason": "r"}

    assert client.post(url, form).status_code == 400
    assert client.post(url, {**form, "password": "not it"}).status_code == 403
    assert AuditEntry.objects.get(action="genetic.sign_refused").after == {"reason": "wrong_password"}
    assert not GeneticLimits.objects.filter(most_units=60).exists()
    assert client.post(url, {**form, "password": PASSWORD}).status_code == 302
    assert GeneticLimits.load().most_units == 60


@pytest.mark.usefixtures("kept_files", "abroad_declared")
def test_an_inventory_file_counts_the_units_that_stand_in_it(signed_in: Any, qa: User) -> None:
    UnitFactory.create_batch(3)
    CordBloodUnit.objects.filter(pk=UnitFactory().pk).update(collected_on=None)  # no declaration covers it
    export = made()
    assert (export.written, export.kept_back) == (3, 1)

    assert signed_in(qa).get(reverse("bank:export-file", args=[export.pk])).status_code == 200

    assert GeneticTally.objects.values_list("kind", "files", "units").get() == ("wmda_xml", 1, 3)
