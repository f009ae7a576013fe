"""No combination of addresses, filters and answers takes a person of one hospital to another's follow-up."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from core.models import Notification
from core.roles import Role
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.outcomes import alive, dead, editor_of, handed_in, registered, transplanted
from transplants.models import BloodCount, FollowUp, Outcome, Transplant
from transplants.services_follow_up import follow_up_save
from transplants.services_reminders import follow_up_sweep

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(["", "due", "overdue", "soon", "all", "x"]),
        "hospital": st.sampled_from(["own", "other", "none"]),
        "sort": st.sampled_from(["number", "-number", "hospital", "-until", "x"]),
        "page": st.sampled_from(["1", "2", "99", "x"]),
        "per_page": st.sampled_from(["25", "250"]),
        "q": st.sampled_from(["", "TX", "R-", "other-code", "%"]),
        "transplant": st.sampled_from(["own", "other"]),
        "visit": st.sampled_from(["d100", "m6"]),
    },
)
LISTS = ("transplants:follow-up-list", "transplants:follow-up-export", "transplants:transplant-list",
         "transplants:transplant-export", "api:follow-up-list", "api:follow-up-due-list", "api:transplant-list",
         "api:blood-count-list")  # fmt: skip


class TestWalls(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.own, cls.other = HospitalFactory(), HospitalFactory()
        cls.secrets = set()
        for hospital in (cls.own, cls.other):
            rows = [transplanted(days, patient__hospital=hospital) for days in (90, 140, 500)]
            rows.append(registered(900, hospital=hospital, registry_code=f"code-{hospital.code}"))
            editor = editor_of(rows[0])
            form = handed_in(rows[2], "d100", editor, **alive(rows[2], "d100", note="seen"))
            draft = follow_up_save(transplant_id=rows[1].pk, visit="d100", answers={}, seen="", user=editor)
            BloodCount.objects.create(
                transplant=rows[2], counted_on=rows[2].infused_on, anc_e9_per_l=1, entered_by=editor
            )
            made = {"rows": rows, "form": form, "draft": draft, "hospital": hospital}
            setattr(cls, "mine" if hospital is cls.own else "theirs", made)
        for row in cls.theirs["rows"]:  # type: ignore[attr-defined]
            cls.secrets |= {str(row.pk), row.number, row.who}
        cls.secrets |= {str(cls.theirs["form"].pk), str(cls.theirs["draft"].pk)}  # type: ignore[attr-defined]

    def client_of(self, role: Role) -> Client:
        client = Client()
        client.force_login(member_of(self.own, role), backend=BACKEND)
        return client

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.sampled_from(LISTS), FILTERS, st.sampled_from([Role.HOSPITAL_COORDINATOR, Role.HOSPITAL_PHYSICIAN])
    )
    def test_no_list_shows_a_row_of_another_hospital(
        self, name: str, asked: dict[str, str], role: Role
    ) -> None:
        named = {
            "hospital": {"own": self.own.pk, "other": self.other.pk, "none": "0"},
            "transplant": {"own": self.mine["rows"][2].pk, "other": self.theirs["rows"][2].pk},
            "q": {"other-code": self.theirs["rows"][3].registry_code},
        }
        query = {key: named.get(key, {}).get(value, value) for key, value in asked.items()}
        answer = self.client_of(role).get(f"{reverse(name)}?{urlencode(query)}")
        shown = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()

        echoed = {str(value) for value in query.values()}
        assert answer.status_code in (200, 400, 404)
        assert [one for one in self.secrets - echoed if one in shown] == []

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.sampled_from(["get", "post"]),
        st.sampled_from(
            ["follow-up-detail", "follow-up-correct", "follow-up-discard", "follow-up-edit", "transplant-facts",
             "count-list", "count-file", "count-remove", "transplant-detail"]
        ),
        st.sampled_from(["form", "draft"]),
        st.integers(0, 3),
        st.sampled_from(["d100", "m6", "y1"]),
        st.sampled_from([Role.HOSPITAL_COORDINATOR, Role.HOSPITAL_PHYSICIAN]),
    )  # fmt: skip
    def test_no_page_of_another_hospital_answers_and_nothing_of_it_changes(
        self, method: str, name: str, kind: str, place: int, visit: str, role: Role
    ) -> None:
        row: Transplant = self.theirs["rows"][place]
        key = self.theirs[kind].pk if name.startswith("follow-up-") and name != "follow-up-edit" else row.pk
        args = [key, visit] if name == "follow-up-edit" else [key]
        data = {
            "action": "hand_in",
            "reason": "r",
            "text": "day,anc\n5,0.1\n",
            "take": "1",
            "day": f"{row.infused_on}",
            **{k: f"{v}" for k, v in dead(row, 20).items()},
        }
        before = self.state()

        answer = getattr(self.client_of(role), method)(reverse(f"transplants:{name}", args=args), data)

        assert answer.status_code in (404, 405)
        assert self.state() == before

    def state(self) -> Any:
        rows = {"transplant__hospital": self.other.pk}
        return (
            list(FollowUp.objects.filter(**rows).order_by("pk").values()),
            list(BloodCount.objects.filter(**rows).order_by("pk").values()),
            list(Outcome.objects.filter(**rows).order_by("pk").values()),
            list(Transplant.objects.filter(hospital=self.other.pk).order_by("pk").values()),
        )

    def test_reminders_stay_within_their_hospital(self) -> None:
        people = [member_of(self.own), member_of(self.other)]
        follow_up_sweep()

        for user, hospital in zip(people, (self.own, self.other), strict=True):
            [told] = Notification.objects.filter(user=user)
            assert told.params["hospital"] == hospital.code


pytestmark = pytest.mark.django_db
