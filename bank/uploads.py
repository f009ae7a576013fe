"""Files of units between check and confirmation: kept outside the database, handed back only to their owner."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import UploadedFile

from core.models import User
from hla.typing import Blank

KEPT_SECONDS = 24 * 3600
_SALT = "bank.uploads"


@dataclass(frozen=True)
class Upload:
    """A kept file; `token` is what the confirmation form carries."""

    key: UUID
    name: str
    bank_code: str
    token: str
    blank: Blank = "unknown"

    def read(self) -> bytes | None:
        """The bytes, or None when they were tidied away."""
        try:
            return _path(self.key).read_bytes()
        except FileNotFoundError:
            return None

    def discard(self) -> None:
        _path(self.key).unlink(missing_ok=True)


def keep(file: UploadedFile, user: User, bank_code: str, blank: Blank = "unknown") -> tuple[Upload, bytes]:
    """Store an upload; files that nobody confirmed for a day go away."""
    _tidy()
    data = file.read()
    key = uuid4()
    _path(key).write_bytes(data)
    content = {
        "key": str(key),
        "user": str(user.pk),
        "name": file.name or "",
        "bank": bank_code,
        "blank": blank,
    }
    return Upload(key, content["name"], bank_code, signing.dumps(content, salt=_SALT), blank), data


def of_token(token: str, user: User) -> Upload | None:
    """The upload of a token that this user was given; None for any other."""
    try:
        content: dict[str, Any] = signing.loads(token, salt=_SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        return None
    if content["user"] != str(user.pk):
        return None
    return Upload(
        UUID(content["key"]), content["name"], content["bank"], token, content.get("blank", "unknown")
    )


def _folder() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _path(key: UUID) -> Path:
    return _folder() / f"{key}.upload"


def _tidy() -> None:
    for path in _folder().glob("*.upload"):
        if time.time() - path.stat().st_mtime > KEPT_SECONDS:
            path.unlink(missing_ok=True)
