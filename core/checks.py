"""`manage.py check --deploy`: what an administrator must put right before real patients."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def two_database_roles(**kwargs: Any) -> list[CheckMessage]:
    """The application must not connect as the owner of its own ledger."""
    if settings.DATABASES["default"].get("USER") != settings.DATABASE_OWNER.get("USER"):
        return []
    return [
        Warning(
            "The application connects as the owner of the database and could rewrite its own ledger.",
            hint="Give DATABASE_URL the role qidai_app and DATABASE_OWNER_URL the role that migrates.",
            id="qidai.W001",
        )
    ]
