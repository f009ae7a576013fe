"""The administrator's pages of web-hooks."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.urls import resolve, reverse

from core import hook_sending
from core.models import AuditEntry, WebHook
from core.roles import Role
from tests.core.receiver import Receiver
from tests.core.telling import signed_in
from tests.factories.core import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kind")]


def test_the_administrators_pages(receiver: Receiver) -> None:
    page = signed_in(UserFactory(roles=[Role.ADMIN]))
    assert "No web-hook yet" in page.get(reverse("core:hook-list")).content.decode()
    sent = {"name": "WeCom", "url": receiver.url, "language": "en", "codes": ["tank.alarm", "unit.held"]}

    answer = page.post(reverse("core:hook-create"), sent)
    hook = WebHook.objects.get()
    assert hook.secret in answer.content.decode()
    assert answer["Cache-Control"].find("no-store") >= 0
    url = reverse("core:hook-detail", args=[hook.pk])
    for shown in (page.get(url), page.get(reverse("core:hook-list"))):
        assert hook.secret not in shown.content.decode()
        assert "of-the-other-side" not in shown.content.decode()

    page.post(reverse("core:hook-test", args=[hook.pk]))
    assert hook_sending.deliveries_send()["sent"] == 1
    said = json.loads(receiver.taken[0].body)
    assert (said["kind"], said["text"]) == ("hook.test", "A test of Qidai's web-hook.")
    assert "posted" in page.get(url).content.decode()

    answer = page.post(reverse("core:hook-secret", args=[hook.pk]))
    former, hook = hook.secret, WebHook.objects.get()
    assert former != hook.secret
    assert hook.secret in answer.content.decode()

    page.post(
        reverse("core:hook-change", args=[hook.pk]), {**sent, "name": "Gateway", "url": f"{receiver.url}2"}
    )
    assert WebHook.objects.get().name == "Gateway"
    assert AuditEntry.objects.get(action="hook.change").after["url_changed"] is True
    page.post(reverse("core:hook-active", args=[hook.pk]), {"active": "no"})
    assert "Disabled: what happens now" in page.get(url).content.decode()
    answer = page.post(reverse("core:hook-test", args=[hook.pk]), follow=True)
    assert "enable it first" in answer.content.decode()


@pytest.mark.parametrize("name", ["core:hook-create", "core:hook-change"])
def test_the_address_stands_in_no_report_of_an_error(hook: WebHook, name: str) -> None:
    request = RequestFactory().post("/", {"name": "x", "url": "https://example.org/k3y"})
    view = resolve(reverse(name, args=[hook.pk] if name.endswith("change") else [])).func
    request.user = AnonymousUser()
    with suppress(Exception):
        view(request, pk=hook.pk) if name.endswith("change") else view(request)

    assert request.sensitive_post_parameters == ("url",)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"url": "http://example.org/"}, "must begin with https://"),
        ({"url": "https://10.0.0.1/"}, "private network"),
        ({"codes": []}, "This field is required"),
        ({"codes": ["no.such"]}, "no.such is not one of the available choices"),
        ({"name": "SMS"}, "a web-hook of this name already"),
    ],
)
def test_what_cannot_be_registered(hook: WebHook, values: dict[str, Any], words: str) -> None:
    page = signed_in(UserFactory(roles=[Role.ADMIN]))
    sent = {"name": "New", "url": "https://example.org/", "language": "en", "codes": ["tank.alarm"], **values}

    answer = page.post(reverse("core:hook-create"), sent)

    assert answer.status_code in (400, 409)
    assert words in answer.content.decode()
    assert WebHook.objects.count() == 1
