"""Addresses of core and config."""

from __future__ import annotations

from core.audit import Actor
from core.models import Job, OutgoingMail
from core.roles import Role
from tests.access.matrix import EVERYONE, PUBLIC, Row, World

R = Role
JOB_ROLES = EVERYONE - {R.COLLECTION, R.SHIPPING, R.DIRECTOR}
ADMIN = frozenset({R.ADMIN})
AUDIT_ROLES = frozenset({R.QA, R.MEDICAL_DIRECTOR, R.ADMIN, R.AUDITOR})


def build(world: World) -> None:
    from uuid import uuid4

    system = Actor.system("test")
    values = {"kind": "test", "title": "t", "actor_id": system.id, "actor_label": system.label}
    world.job = Job.objects.create(key="own", hospital_id=world.hospital.pk, **values)
    world.mail = OutgoingMail.objects.create(user=world.users[R.LAB], topic="t", state="failed")
    world.other_job = Job.objects.create(key="other", hospital_id=uuid4(), **values)


# The rows of everybody belong to whoever runs the installation; others see their own and their hospital's.
JOB_VIEWERS = frozenset({R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN, R.ADMIN, R.AUDITOR})

WATCHERS = frozenset({R.ADMIN, R.AUDITOR})  # over the installation

ROWS = [
    # everybody's own; what is another person's is a 404 or untouched (tests/core/test_notifications.py)
    Row("core:notification-list", EVERYONE, query="?show=unread", ok=(200,)),
    Row("core:notification-open", EVERYONE, lambda w: {"pk": w.job.pk}, ok=(404,)),
    Row("core:notifications-read", EVERYONE, method="post", data=lambda w: {"all": "1"}, ok=(302,)),
    Row("core:mail-list", WATCHERS, query="?state=failed", ok=(200,)),
    Row("core:mail-retry", ADMIN, lambda w: {"pk": w.mail.pk}, method="post", ok=(302,)),
    Row("config:home", EVERYONE),
    Row("config:today", EVERYONE),
    Row("api:task-list", EVERYONE, json=True),
    Row("config:find", EVERYONE, query="?q=nothing"),
    Row("config:components", EVERYONE),
    Row("config:healthz", PUBLIC),
    Row("core:job-list", JOB_ROLES),
    Row(
        "core:job-detail",
        JOB_ROLES,
        lambda w: {"pk": w.job.pk},
        other=lambda w: {"pk": w.other_job.pk},
        hidden_from=JOB_ROLES - JOB_VIEWERS,
    ),
    Row(
        "core:job-cancel",
        JOB_ROLES,
        lambda w: {"pk": w.job.pk},
        other=lambda w: {"pk": w.other_job.pk},
        hidden_from=JOB_ROLES - JOB_VIEWERS,
        forbidden_to=JOB_VIEWERS - {R.ADMIN},
        method="post",
    ),
    Row("core:audit-list", AUDIT_ROLES),
    Row("core:audit-export", AUDIT_ROLES),
    Row("core:profile", EVERYONE),
    Row("core:user-list", ADMIN),
    Row("core:user-create", ADMIN),
    Row(
        "core:user-create", ADMIN, method="post", data=lambda w: {"email": "x@example.org", "full_name": "X"}
    ),
    Row("core:user-edit", ADMIN, lambda w: {"pk": w.users[R.LAB].pk}),
    Row("core:user-active", ADMIN, lambda w: {"pk": w.users[R.LAB].pk}, method="post"),
    Row("core:user-password", ADMIN, lambda w: {"pk": w.users[R.LAB].pk}, method="post"),
    Row("core:language-set", PUBLIC, method="post", ok=(302,)),
    Row("api:schema", EVERYONE, json=True),
    Row("api:docs", EVERYONE, json=True),
]

# allauth's own pages: public by nature (sign in) or for whoever is signed in; sign-up is closed.
THIRD_PARTY = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_signup",
    "account_reauthenticate",
    "account_change_password",
}
