"""The release desk, the release of one unit, the versions of the specification."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from bank.models import CordBloodUnit, Release, ReleaseSpecification
from core.models import AuditEntry, User
from tests.bank.release_helpers import CULTURE, TNC
from tests.factories.bank import (
    BankFactory,
    CultureFactory,
    DonationFactory,
    MeasurementFactory,
    SpecificationFactory,
    UnitFactory,
)
from tests.factories.core import PASSWORD
from tests.factories.stocks import ProposalFactory

pytestmark = pytest.mark.django_db
SEEN = "2024-01-01T00:00Z"


@pytest.fixture
def unit(lab: User, qa: User) -> CordBloodUnit:
    """In quarantine, with everything that is asked."""
    row: CordBloodUnit = UnitFactory(unit_no="Q-1", status="QUARANTINE", donation=DonationFactory())
    SpecificationFactory(bank=row.bank, title="Ours", approved=True, criteria=[TNC, CULTURE])
    seen: dict[str, Any] = {"entered_by": lab, "verified_by": qa, "verified_at": SEEN}
    MeasurementFactory(unit=row, value=60, **seen)
    CultureFactory(unit=row, kind="fungal", **seen)
    return row


def page_of(client: Any, unit: CordBloodUnit, **data: str) -> Any:
    """data: posted with what the page shows as seen."""
    url = reverse("bank:unit-release", args=[unit.pk])
    page = client.get(url)
    if not data:
        return page
    form = page.context["form"]
    return client.post(url, {"seen": form["seen"].value() if form else "", **data})


def test_the_desk_says_what_is_open(signed_in: Any, qa: User, unit: CordBloodUnit) -> None:
    UnitFactory(unit_no="Q-2", status="QUARANTINE", bank=unit.bank)
    UnitFactory(unit_no="Q-3", status="QUARANTINE", bank=BankFactory(code="NONE"))
    UnitFactory(unit_no="Q-4", status="QUARANTINE", bank=unit.bank, recalled=True)
    few = UnitFactory(unit_no="Q-5", status="QUARANTINE", bank=unit.bank)
    MeasurementFactory(unit=few, value=10)
    UnitFactory(unit_no="L-1", status="LISTED", bank=unit.bank)

    page = signed_in(qa).get(reverse("bank:release-desk"))

    states = {
        row["unit"].unit_no: (row["state"]["text"], row["met"], row["asked"]) for row in page.context["rows"]
    }
    # beside the two criteria: that no blocked lot was used
    assert states == {
        "Q-1": ("ready", 3, 3),
        "Q-2": ("incomplete", 1, 3),
        "Q-3": ("no specification", 0, 0),
        "Q-4": ("recalled", 1, 3),
        "Q-5": ("not met", 1, 3),
    }
    assert "Fungal culture" in page.content.decode()


def test_a_unit_is_released_with_the_password(signed_in: Any, qa: User, unit: CordBloodUnit) -> None:
    client = signed_in(qa)

    assert "Everything is met." in page_of(client, unit).content.decode()
    done = page_of(client, unit, password=PASSWORD, release="")

    assert done.status_code == 302
    unit.refresh_from_db()
    assert unit.status == "LISTED"
    after = page_of(client, unit).content.decode()
    assert "Meets the specification" in after
    assert "Your password" not in after
    passport = client.get(reverse("bank:unit-detail", args=[unit.pk])).content.decode()
    assert "Released → Listed" in passport


@pytest.mark.parametrize("why", ["proposal", "recalled"])
def test_what_would_be_refused_is_not_offered(
    signed_in: Any, qa: User, director: User, unit: CordBloodUnit, why: str
) -> None:
    if why == "proposal":
        ProposalFactory(unit=unit, proposed_by=director, reason="a clot")
    else:
        CordBloodUnit.objects.filter(pk=unit.pk).update(recalled=True)

    shown = page_of(signed_in(qa), unit).content.decode()

    assert "Everything is met." not in shown
    assert 'name="release"' not in shown
    assert 'name="refuse"' in shown
    assert ("a clot" in shown) == (why == "proposal")


def test_it_is_refused_with_a_reason(signed_in: Any, qa: User, unit: CordBloodUnit) -> None:
    client = signed_in(qa)

    assert page_of(client, unit, password=PASSWORD, refuse="").status_code == 400
    assert page_of(client, unit, password=PASSWORD, refuse="", justification="smells").status_code == 302

    page = page_of(client, unit).content.decode()
    assert "Refused" in page
    assert "smells" in page


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        ({"password": ""}, 400, "Give your password"),
        ({"password": "not it"}, 403, "This is not your password."),
    ],
)
def test_what_was_wrong_stands_beside_it(
    signed_in: Any, qa: User, unit: CordBloodUnit, data: dict[str, str], status: int, text: str
) -> None:
    answer = page_of(signed_in(qa), unit, **{"release": "", **data})

    assert (answer.status_code, text in answer.content.decode()) == (status, True)
    assert not Release.objects.exists()


def test_tries_are_counted_and_refused_ones_recorded(signed_in: Any, qa: User, unit: CordBloodUnit) -> None:
    client = signed_in(qa)
    for _ in range(10):
        page_of(client, unit, password="not it", release="")

    assert "Too many tries" in page_of(client, unit, password=PASSWORD, release="").content.decode()
    assert not Release.objects.exists()
    refused = AuditEntry.objects.filter(action="unit.release_sign_refused", actor_id=str(qa.pk))
    reasons = [entry.after["reason"] for entry in refused]
    assert reasons.count("too_many_tries") == 1
    assert reasons.count("wrong_password") == len(reasons) - 1 > 0


def test_each_reader_is_told_what_is_possible(
    signed_in: Any, lab: User, qa: User, director: User, unit: CordBloodUnit
) -> None:
    unit.measurements.update(value=10)
    texts = {
        lab: "Release criteria",
        qa: "Only the medical director may release it exceptionally.",
        director: "You may release it exceptionally",
    }
    for user, text in texts.items():
        assert text in page_of(signed_in(user), unit).content.decode()
    assert "Your password" not in page_of(signed_in(lab), unit).content.decode()
    assert page_of(signed_in(lab), unit, password=PASSWORD).status_code == 403
    unit.cultures.all().delete()
    assert "It cannot be released: Fungal culture." in page_of(signed_in(director), unit).content.decode()
    MeasurementFactory(unit=unit, analyte="cfu", measure_unit="e5", value=1, entered_by=director)
    assert "Somebody else must sign." in page_of(signed_in(director), unit).content.decode()


def test_without_a_specification_the_page_says_what_to_do(signed_in: Any, qa: User) -> None:
    unit = UnitFactory(status="QUARANTINE")

    page = page_of(signed_in(qa), unit).content.decode()

    assert "no release specification in force" in page
    assert reverse("bank:specification-list") in page


# --- specifications ------------------------------------------------------------------------------


def test_a_bank_begins_with_the_proposal_and_another_person_approves(
    signed_in: Any, qa: User, director: User
) -> None:
    bank = BankFactory()
    client = signed_in(qa)
    edit = reverse("bank:specification-edit", args=[bank.pk])
    assert "Begin with the proposal" in client.get(reverse("bank:specification-list")).content.decode()
    lines = list(client.get(edit).context["lines"])
    data: dict[str, Any] = {f"keep_{place}": "on" for place in range(len(lines)) if place != 1}
    data |= {
        f"threshold_{place}": line["threshold"].value()
        for place, line in enumerate(lines)
        if line["threshold"]
    }
    tnc = next(place for place, line in enumerate(lines) if line["name"].startswith("Total nucleated"))

    bad = client.post(
        edit, {**data, f"threshold_{tnc}": "many", "title": "Ours", "effective_from": "2024-01-01"}
    )
    done = client.post(
        edit, {**data, f"threshold_{tnc}": "80", "title": "Ours", "effective_from": "2024-01-01"}
    )

    assert bad.status_code == 400
    assert "Enter a number." in bad.content.decode()
    row = ReleaseSpecification.objects.get()
    assert done.url == reverse("bank:specification-detail", args=[row.pk])
    assert row.criteria.count() == len(lines) - 1
    ours = row.criteria.get(analyte="tnc")
    assert (ours.threshold, ours.reference) == (80, "")
    page = client.get(done.url).content.decode()
    assert "own number" in page
    assert "Approve this version" not in page
    signed_in(director)
    approve = reverse("bank:specification-approve", args=[row.pk])
    assert client.post(approve, {"password": "not it"}).status_code == 403
    assert AuditEntry.objects.get(action="specification.sign_refused").after == {"reason": "wrong_password"}
    assert client.post(approve, {"password": PASSWORD}).status_code == 302
    listed = client.get(reverse("bank:specification-list")).content.decode()
    assert "in force" in listed
    # a new version begins with what is in force; what was left out is offered again, not chosen
    again = list(client.get(edit).context["lines"])
    assert len(again) == len(lines)
    assert [line["keep"].value() for line in again].count(False) == 1


def test_who_wrote_a_version_is_told_to_ask_another(signed_in: Any, director: User) -> None:
    row = SpecificationFactory(created_by=director)

    page = signed_in(director).get(reverse("bank:specification-detail", args=[row.pk])).content.decode()

    assert "Somebody else must approve it." in page


def test_versions_say_where_they_stand(signed_in: Any, qa: User) -> None:
    bank = BankFactory()
    SpecificationFactory(bank=bank, version=1, approved=True)
    SpecificationFactory(bank=bank, version=2, approved=True, effective_from="2021-01-01")
    SpecificationFactory(bank=bank, version=3, approved=True, effective_from="2999-01-01")
    SpecificationFactory(bank=bank, version=4)

    page = signed_in(qa).get(reverse("bank:specification-list"))

    (found,) = [one for one in page.context["banks"] if one["bank"] == bank]
    assert [one["text"] for one in found["versions"]] == [
        "draft, not approved",
        "approved, not yet in force",
        "in force",
        "replaced",
    ]


def test_a_donor_is_decided_on_at_the_passport(signed_in: Any, qa: User, unit: CordBloodUnit) -> None:
    client = signed_in(qa)
    url = reverse("bank:unit-eligibility", args=[unit.pk])

    assert client.post(url, {"decision": "ineligible"}).status_code == 400
    assert client.post(url, {"decision": "eligible", "questionnaire": "Q3"}).status_code == 302
    assert (
        "Donor eligibility decided"
        in client.get(reverse("bank:unit-detail", args=[unit.pk])).content.decode()
    )


def test_what_was_recorded_meanwhile_is_read_before_it_is_signed(
    signed_in: Any, qa: User, unit: CordBloodUnit
) -> None:
    client = signed_in(qa)
    seen = page_of(client, unit).context["form"]["seen"].value()
    CultureFactory(unit=unit, kind="fungal", result="growth")

    refused = page_of(client, unit, seen=seen, password=PASSWORD, refuse="", justification="why")

    assert refused.status_code == 409
    assert "Read it again, then sign." in refused.content.decode()
    assert refused.context["form"]["seen"].value() != seen


def test_a_version_written_meanwhile_is_not_overwritten(signed_in: Any, qa: User) -> None:
    bank = BankFactory()
    client = signed_in(qa)
    edit = reverse("bank:specification-edit", args=[bank.pk])
    data = {"keep_0": "on", "title": "Ours", "effective_from": "2024-01-01", "base": ""}
    newer = SpecificationFactory(bank=bank)

    refused = client.post(edit, data)

    assert refused.status_code == 409
    assert "Another version was written" in refused.content.decode()
    assert ReleaseSpecification.objects.get() == newer
