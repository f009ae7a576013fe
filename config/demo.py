"""The demonstration installation: who signs in, and where their passwords stand. Used by two commands."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from core.audit import Actor
from core.models import User
from core.roles import HOSPITAL_ROLES, Role
from core.services import user_create
from hospitals.models import Hospital
from hospitals.services import membership_add

PASSWORD_BYTES = 9
PEOPLE = {
    Role.COLLECTION: "Gao Min",
    Role.LAB: "Lin Yue",
    Role.QA: "Qian Wei",
    Role.MEDICAL_DIRECTOR: "Ma Jianguo",
    Role.SEARCH_COORDINATOR: "Shen Jia",
    Role.SHIPPING: "Song Bo",
    Role.HOSPITAL_COORDINATOR: "He Lan",
    Role.HOSPITAL_PHYSICIAN: "Zhou Ping",
    Role.DIRECTOR: "Dong Hua",
    Role.ADMIN: "An Ran",
    Role.AUDITOR: "Su Qing",
}
# Second people, where nobody takes two steps of one thing: whoever enters a result verifies none, whoever packs a unit
# does not check it, and whoever verified its typing does not release it.
COLLEAGUES = {
    Role.LAB: "Tao Ning",
    Role.QA: "Qin Lu",
    Role.SHIPPING: "Lou Wei",
}
SECOND = "-2"


@dataclass(frozen=True)
class Login:
    email: str
    password: str
    name: str
    hospital: str


def logins_path() -> Path:
    return Path(settings.VAR_DIR) / "demo-logins.json"


def create_people(hospital: Hospital | None, by: Actor) -> dict[str, Login]:
    """One person per role, then the colleagues: by the role's code, that of a colleague with SECOND behind it.

    The two of a hospital belong to `hospital`. Every installation has its own passwords.
    """
    first = {role.value: _person(role, name, hospital, by) for role, name in PEOPLE.items()}
    second = {
        f"{role.value}{SECOND}": _person(role, name, hospital, by, SECOND)
        for role, name in COLLEAGUES.items()
    }
    return first | second


def role_of(key: str) -> Role:
    """Of a key of the log-ins."""
    return Role(key.removesuffix(SECOND))


def _person(role: Role, name: str, hospital: Hospital | None, by: Actor, suffix: str = "") -> Login:
    email = f"{role.value.replace('_', '-')}{suffix}@demo.qidai.example"
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    user: User = user_create(email=email, full_name=name, password=password, roles=[role], by=by)
    place = ""
    if role in HOSPITAL_ROLES and hospital is not None:
        membership_add(hospital_id=hospital.pk, user_id=user.pk, by=by)
        place = str(hospital)
    return Login(email, password, name, place)


def write_logins(logins: dict[str, Login]) -> None:
    """Readable by the owner only; the file appears whole or not at all."""
    path = logins_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    content = {key: asdict(login) for key, login in logins.items()}
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
    part.replace(path)


def read_logins() -> dict[str, Login]:
    """What write_logins left, by the code of a role; {} on an installation without a demonstration."""
    try:
        content = json.loads(logins_path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {key: Login(**login) for key, login in content.items()}
