"""Pages of reference data: what is loaded, what is in use, and what a change of it did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from core.models import Job
from core.roles import HOSPITAL_ROLES, ROLE_PERMISSIONS, Permission, Role
from matching import services
from matching.models import CiwdTableVersion, NomenclatureRelease, Rereading, TypingChange
from matching.presenters import references
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.matching import (
    ACTOR,
    JobFactory,
    ListedUnitFactory,
    MatchRequestFactory,
    loaded_reference,
    typed_patient,
)
from tests.hla import toy_release

pytestmark = pytest.mark.django_db

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
LIST, CHANGES = "matching:release-list", "matching:change-list"


def client_of(*roles: Role, user: Any = None) -> Client:
    client = Client()
    client.force_login(user or UserFactory(roles=roles), backend=BACKEND)
    return client


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.fixture
def rereading(db: None) -> Rereading:
    """A finished comparison of the built-in nomenclature with a release."""
    release = loaded_reference(NomenclatureRelease, "3.58.0", is_active=True)
    job = JobFactory(kind="reread", state="done", ended_at="2026-11-23T00:00:00Z")
    return Rereading.objects.create(
        job=job, release_after=release, created_by="system: test", typings=7, changed=2, units=5, requests=1,
        completed_at="2026-11-23T00:00:00Z",
    )  # fmt: skip


def change(rereading: Rereading, number: int = 1, **values: Any) -> TypingChange:
    return TypingChange.objects.create(
        **{
            "rereading": rereading,
            "number": number,
            "locus": "A",
            "first": "A*03:02",
            "second": "A*23:01",
            "kinds": ["renamed", "p-groups"],
            "details": {
                "values": [
                    {
                        "text": "A*03:02",
                        "names": ["A*03:02", "A*03:01"],
                        "p_groups": [[["A*03:02"], 0], [["A*03:01"], 3]],
                        "antigens": [[["A3"], 0], [[], 0]],
                        "tce": [[["3"], 0], [["1"], 0]],
                        "leader": ["T", "M"],
                        "nulls": [[["A*03:21N"], 0], [["A*03:36N"], 2]],
                    }
                ]
            },
            "units": 5,
            "request_count": 0,
            **values,
        }
    )


@pytest.fixture
def gone(rereading: Rereading) -> TypingChange:
    error = {"code": "deleted", "locus": "B", "text": "B*15:02", "params": {"reason": "Sequence error"}}
    asked = MatchRequestFactory(patient=typed_patient(hospital=HospitalFactory()), submitted=True)
    return change(
        rereading,
        2,
        locus="B",
        first="B*15:02",
        second="",
        kinds=["unreadable"],
        details={"values": [{"text": "B*15:02", "error": error}]},
        units=0,
        requests=[asked.pk],
        request_count=1,
    )


def test_changes_are_told_in_sentences(rereading: Rereading, gone: TypingChange) -> None:
    assert references.change_lines(change(rereading)) == [
        "A*03:02 is now called A*03:01.",
        "A*03:02 is no longer of P group A*03:02.",
        "A*03:02 is now of P group A*03:01, … (+3).",
        "Antigens of A*03:02: before A3; now –.",
        "T-cell-epitope groups of A*03:02: before 3; now 1.",
        "Leader of A*03:02: before T; now M.",
        "A*03:02 can no longer be A*03:21N.",
        "A*03:02 could now also be A*03:36N, … (+2).",
    ]
    (line,) = references.change_lines(gone)
    assert "B*15:02 was withdrawn from the nomenclature (Sequence error)" in line
    gone.kinds = ["readable"]
    assert references.change_lines(gone)[0].startswith(
        "B*15:02 could not be read before: B*15:02 was withdrawn"
    )
    gone.details["values"][0]["error"]["code"] = "of_another_version"
    assert references.change_lines(gone) == ["B*15:02 could not be read before: of_another_version"]


def test_the_list_of_changes_shows_what_and_whom(rereading: Rereading, gone: TypingChange) -> None:
    change(rereading)
    page = text_of(client_of(Role.SEARCH_COORDINATOR).get(reverse(CHANGES)))

    assert "built-in → 3.58.0: of 7 distinct typings 2 changed; 5 units" in page
    assert "A*03:02+A*23:01" in page
    assert "other P groups" in page
    assert "no longer readable" in page
    assert reverse("matching:request-detail", args=gone.requests) in page


SEE_REQUESTS = {Role.MEDICAL_DIRECTOR, Role.SEARCH_COORDINATOR}
SEE_REFERENCES = [role for role in Role if Permission.REFERENCE_VIEW in ROLE_PERMISSIONS[role]]


def viewer(role: Role) -> Client:
    user = member_of(HospitalFactory(), role) if role in HOSPITAL_ROLES else None
    return client_of(role, user=user)


@pytest.mark.parametrize("role", SEE_REFERENCES)
def test_what_comes_from_requests_is_for_those_who_see_all_of_them(gone: TypingChange, role: Role) -> None:
    """Rows, order, sums and columns, on the page, in the file and on the page of reference data."""
    few = change(gone.rereading, 1, units=1, requests=gone.requests, request_count=1)
    many = change(gone.rereading, 3, first="A*24:02", units=9)
    client = viewer(role)

    response = client.get(reverse(CHANGES))
    page, listed = text_of(response), text_of(client.get(reverse(LIST)))
    shown = [row["typing"] for row in response.context["rows"]]
    lines = b"".join(client.get(reverse("matching:change-export"))).decode().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == [text.split("+")[0] for text in shown]

    sees = role in SEE_REQUESTS
    assert shown == ([few.gl, gone.gl, many.gl] if sees else [many.gl, few.gl])
    assert ("of 7 distinct typings 2 changed" in page) is sees
    assert ("2 typings of units on offer changed; 5 units" in page) is not sees
    assert ("Open requests" in page) is sees
    assert ("Typings read" in listed) is sees
    assert ("Open requests" in listed) is sees
    assert ("open_requests" in lines[0]) is sees


@pytest.mark.parametrize("query", ["", "?sort=touched", "?sort=-touched", "?sort=-requests", "?sort=number"])
def test_no_order_tells_a_hospital_of_requests(rereading: Rereading, query: str) -> None:
    """Equal units: by typing, whatever number the requests of others gave them."""
    for number, name in enumerate(("A*24:02", "A*03:02", "A*11:01"), 1):
        change(rereading, number, first=name, request_count=4 - number)
    for sort in (query, query.replace("?sort=", "?sort=units&x=")):
        response = viewer(Role.HOSPITAL_COORDINATOR).get(reverse(CHANGES) + sort)
        rows = response.context["rows"]
        assert [row["typing"] for row in rows] == ["A*03:02+A*23:01", "A*11:01+A*23:01", "A*24:02+A*23:01"]


def test_staff_of_the_bank_who_are_members_of_a_hospital_see_no_more(gone: TypingChange) -> None:
    person = member_of(HospitalFactory(), Role.LAB, Role.HOSPITAL_COORDINATOR)

    page = text_of(client_of(user=person).get(reverse(CHANGES)))

    assert "B*15:02" not in page
    assert "Open requests" not in page


def test_a_hospital_sees_no_typing_that_only_patients_have(rereading: Rereading, gone: TypingChange) -> None:
    change(rereading)
    client = client_of(user=member_of(HospitalFactory()))
    page = text_of(client.get(reverse(CHANGES) + "?sort=-requests"))

    assert "A*03:02+A*23:01" in page
    assert "B*15:02" not in page
    assert "Open requests" not in page
    lines = b"".join(client.get(reverse("matching:change-export"))).decode().splitlines()
    assert len(lines) == 2
    assert "open_requests" not in lines[0]
    assert "Open requests" not in text_of(client.get(reverse(LIST)))


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"A*03:02", "B*15:02"}),
        ("?q=b*15", {"B*15:02"}),
        ("?q=nothing", set()),
        ("?q=%00nothing&locus=B", {"B*15:02"}),
        ("?kind=renamed", {"A*03:02"}),
        ("?locus=B", {"B*15:02"}),
        ("?locus=nonsense&kind=x&comparison=y", {"A*03:02", "B*15:02"}),
        ("?sort=-units", {"A*03:02", "B*15:02"}),
    ],
)
def test_filters_and_order(rereading: Rereading, gone: TypingChange, query: str, shown: set[str]) -> None:
    change(rereading)
    response = client_of(Role.SEARCH_COORDINATOR).get(reverse(CHANGES) + query)

    text_of(response)
    assert {row["typing"].split("+")[0] for row in response.context["rows"]} == shown
    lines = (
        b"".join(client_of(Role.SEARCH_COORDINATOR).get(reverse("matching:change-export") + query))
        .decode()
        .splitlines()
    )
    assert len(lines) == 1 + len(shown)
    assert lines[0].endswith("units,open_requests")


def test_the_newest_comparison_is_shown_unless_another_is_asked(rereading: Rereading) -> None:
    change(rereading)
    newer = Rereading.objects.create(
        job=JobFactory(kind="reread"), release_before=rereading.release_after, created_by="x"
    )
    client = client_of(Role.QA)

    page = text_of(client.get(reverse(CHANGES)))
    assert "3.58.0 → built-in: waiting." in page
    assert "still being compared" in page
    Job.objects.filter(pk=newer.job_id).update(state="failed", ended_at="2026-11-23T00:00:00Z")
    assert "did not come to an end" in text_of(client.get(reverse(CHANGES)))
    assert "A*03:02+A*23:01" in text_of(client.get(f"{reverse(CHANGES)}?comparison={rereading.pk}"))
    listed = text_of(client.get(reverse(LIST)))
    assert "3.58.0 → built-in" in listed
    assert "failed" in listed


def test_a_newer_comparison_without_changes_is_not_what_opens(rereading: Rereading) -> None:
    """A release, then codes that no typing has; or one that changed only what this person may not see."""
    change(rereading)
    empty = Rereading.objects.create(
        job=JobFactory(kind="reread", state="done", ended_at="2026-11-23T00:00:00Z"), created_by="x",
        typings=7, changed=0, units=0, requests=0, completed_at="2026-11-23T00:00:00Z",
        release_before=rereading.release_after, release_after=rereading.release_after,
    )  # fmt: skip
    coordinator, lab = viewer(Role.SEARCH_COORDINATOR), viewer(Role.LAB)

    for client in (coordinator, lab):
        assert "A*03:02+A*23:01" in text_of(client.get(reverse(CHANGES)))
    assert "no codes → no codes: of 7" in text_of(
        coordinator.get(f"{reverse(CHANGES)}?comparison={empty.pk}")
    )
    change(empty, first="A*24:02", units=0, request_count=1)
    assert "A*24:02+A*23:01" in text_of(coordinator.get(reverse(CHANGES)))
    assert "A*03:02+A*23:01" in text_of(lab.get(reverse(CHANGES)))
    TypingChange.objects.filter(rereading=rereading).delete()
    assert "no codes → no codes: 0 typings" in text_of(lab.get(reverse(CHANGES)))


def test_a_comparison_that_was_not_made_says_so(rereading: Rereading) -> None:
    """It is no comparison without changes: it opens, and shows no figures."""
    change(rereading)
    Rereading.objects.create(
        job=JobFactory(kind="reread", state="done", ended_at="2026-11-23T00:00:00Z"), created_by="x",
        completed_at="2026-11-23T00:00:00Z", compared=False, release_before=rereading.release_after,
    )  # fmt: skip
    for role in (Role.SEARCH_COORDINATOR, Role.LAB):
        page = text_of(viewer(role).get(reverse(CHANGES)))
        assert "3.58.0 → built-in: not compared." in page
        assert "which typings changed is not known" in page
        assert "not compared" in text_of(viewer(role).get(reverse(LIST)))


def test_without_any_comparison_the_list_says_so() -> None:
    page = text_of(client_of(Role.QA).get(reverse(CHANGES)))

    assert "No changed typings here" in page


def test_a_change_of_codes_names_the_tables() -> None:
    row = Rereading(created_by="x")
    assert row.step == "no codes → no codes"


@pytest.mark.parametrize("rows", [1, 20])
def test_queries_of_the_lists(rereading: Rereading, django_assert_max_num_queries: Any, rows: int) -> None:
    patient = typed_patient()
    for number in range(rows):
        asked = MatchRequestFactory(patient=patient, submitted=True)
        change(rereading, number + 1, requests=[asked.pk], request_count=1)
    client = client_of(Role.SEARCH_COORDINATOR)
    client.get(reverse(CHANGES))

    with django_assert_max_num_queries(9):
        client.get(reverse(CHANGES))
    with django_assert_max_num_queries(13):
        client.get(reverse(LIST))


def test_an_administrator_puts_another_release_to_use(rereading: Rereading) -> None:
    other = loaded_reference(NomenclatureRelease, "3.57.0")
    client = client_of(Role.ADMIN)
    url = reverse("matching:release-activate", args=[other.pk])
    assert f'action="{url}"' in text_of(client.get(reverse(LIST)))

    page = text_of(client.post(url, follow=True))

    assert "3.57.0 is in use from now on." in page
    assert NomenclatureRelease.objects.active().get() == other
    assert Rereading.objects.filter(release_before=rereading.release_after, release_after=other).exists()
    assert "3.57.0 is already in use." in text_of(client.post(url, follow=True))


def test_only_an_administrator_is_offered_to_change_it(rereading: Rereading) -> None:
    loaded_reference(NomenclatureRelease, "3.57.0")
    page = text_of(client_of(Role.QA).get(reverse(LIST)))

    assert "Put to use" not in page
    assert "load_ciwd" not in page


def test_common_alleles_stand_on_the_page(tmp_path: Path) -> None:
    path = tmp_path / "ciwd.3.0.0.csv"
    path.write_text("ALLELE,TOTAL\nA*02:01,C\n")
    services.ciwd_load(path=path, actor=ACTOR)
    other = loaded_reference(CiwdTableVersion, "2.0.0")
    client = client_of(Role.ADMIN)

    assert "3.0.0" in text_of(client.get(reverse(LIST)))
    assert "2.0.0 is in use" in text_of(
        client.post(reverse("matching:ciwd-activate", args=[other.pk]), follow=True)
    )


def test_a_real_change_from_the_command_to_the_page(tmp_path: Path) -> None:
    ListedUnitFactory(gl="A*02:01", hla_a_1="A*02:02", hla_a_2="A*77:77")
    services.release_load(path=toy_release.write_zip(tmp_path / "toy.zip"), actor=ACTOR)
    services.rereading_execute(job_id=Rereading.objects.get().job_id)

    page = text_of(client_of(Role.SEARCH_COORDINATOR).get(reverse(CHANGES)))
    with translation.override("en"):
        assert "built-in → 9.99.0: of 1 distinct typings" in page
