"""What the tests of confirmatory typings share: a result entered or verified, a refusal that writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bank.models import HlaTyping
from core.errors import Conflict, DomainError
from core.models import AuditEntry, Notification, User
from tests.factories.hospitals import GL, member_of
from tests.factories.typings import (
    ConfirmatoryTypingFactory,
    given,
    promised,
    shown,
)
from transplants import services_typings as services
from transplants.models import ConfirmatoryTyping, Reservation


def own_coordinator(row: Reservation) -> User:
    return member_of(row.hospital, full_name="He Lan")


def sampled(row: Reservation | None = None, **values: Any) -> ConfirmatoryTyping:
    return ConfirmatoryTypingFactory(reservation=row or promised(), sampled=True, **values)


def entered(lab: User, gl: str = GL, row: Reservation | None = None, **values: Any) -> ConfirmatoryTyping:
    """A result that waits for a second person."""
    found = sampled(row)
    return services.typing_report(typing_id=found.pk, given=given(gl, **values), method="ngs", user=lab)


def verified(lab: User, qa: User, gl: str = GL, row: Reservation | None = None) -> ConfirmatoryTyping:
    found = entered(lab, gl, row)
    return services.typing_verify(typing_id=found.pk, user=qa, shown=shown(found))


def told(code: str) -> set[Any]:
    return set(Notification.objects.filter(code=f"typing.{code}").values_list("user", flat=True))


def refused(code: str, work: Callable[[], Any], kind: type[DomainError] = Conflict) -> DomainError:
    """The refusal, and that nothing was written."""
    before = (AuditEntry.objects.count(), Notification.objects.count(), HlaTyping.objects.count())
    rows = list(ConfirmatoryTyping.objects.order_by("pk").values())
    with pytest.raises(kind) as caught:
        work()
    assert caught.value.code == code
    assert (AuditEntry.objects.count(), Notification.objects.count(), HlaTyping.objects.count()) == before
    assert list(ConfirmatoryTyping.objects.order_by("pk").values()) == rows
    assert "%(" not in caught.value.message
    return caught.value
