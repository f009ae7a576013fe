"""Files of units between check and confirmation: kept outside the database, handed back only to their owner."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import UploadedFile

from core.models import User
from hla.typing import Blank

KEPT_SECONDS = 24 * 3600
FINDINGS_KEPT_SECONDS = 7 * KEPT_SECONDS
_SALT = "bank.uploads"


@dataclass(frozen=True)
class Choices:
    """What a person has said of a file. counts: "" where nothing; mapping: heading -> column, "" to leave it out.

    purpose: what the file is of, "" for units. full: a partner's list that names all of its units. more: what only one
    purpose asks.
    """

    purpose: str = ""
    bank_code: str = ""
    blank: Blank = "unknown"
    counts: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    full: bool = True
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Upload:
    """A kept file; `token` is what the forms about it carry."""

    key: UUID
    name: str
    user: str
    choices: Choices

    @property
    def token(self) -> str:
        content = {
            "key": str(self.key),
            "user": self.user,
            "name": self.name,
            "choices": asdict(self.choices),
        }
        return signing.dumps(content, salt=_SALT, compress=True)

    def read(self) -> bytes | None:
        """The bytes, or None when they were tidied away."""
        try:
            return _path(self.key).read_bytes()
        except FileNotFoundError:
            return None

    def discard(self) -> None:
        _path(self.key).unlink(missing_ok=True)


def keep(file: UploadedFile, user: User, choices: Choices) -> tuple[Upload, bytes]:
    """Store an upload; files that nobody confirmed for a day go away."""
    _tidy()
    data = file.read()
    upload = Upload(uuid4(), file.name or "", str(user.pk), choices)
    _path(upload.key).write_bytes(data)
    return upload, data


def put(file: UploadedFile, key: UUID) -> tuple[int, str]:
    """Store an upload under a key, piece by piece; its size and SHA-256."""
    _tidy()
    digest, size = sha256(), 0
    beside = _path(key).with_suffix(".part")
    with beside.open("wb") as kept:
        for piece in file.chunks():
            kept.write(piece)
            digest.update(piece)
            size += len(piece)
    beside.replace(_path(key))
    return size, digest.hexdigest()


def bytes_of(key: UUID) -> bytes | None:
    """None when they were tidied away."""
    try:
        return _path(key).read_bytes()
    except FileNotFoundError:
        return None


def is_kept(key: UUID) -> bool:
    return _path(key).is_file()


def discard(key: UUID) -> None:
    _path(key).unlink(missing_ok=True)


def findings_path(key: UUID) -> Path:
    """Where all that was found wrong in a file lies as CSV, made or not."""
    return _folder() / f"{key}.findings.csv"


def of_token(token: str, user: User) -> Upload | None:
    """The upload of a token that this user was given; None for any other."""
    try:
        content: dict[str, Any] = signing.loads(token, salt=_SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        return None
    if content["user"] != str(user.pk) or "choices" not in content:
        return None
    choices = Choices(**content["choices"])
    return Upload(UUID(content["key"]), content["name"], content["user"], choices)


def _folder() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _path(key: UUID) -> Path:
    return _folder() / f"{key}.upload"


def _tidy() -> None:
    for pattern, seconds in (
        ("*.upload", KEPT_SECONDS),
        ("*.part", KEPT_SECONDS),
        ("*.findings.csv", FINDINGS_KEPT_SECONDS),
    ):
        for path in _folder().glob(pattern):
            with suppress(FileNotFoundError):  # another process tidies too
                if time.time() - path.stat().st_mtime > seconds:
                    path.unlink()
