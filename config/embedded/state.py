"""What must survive a restart: passwords, the port, chosen folders. A JSON file, 0600, written atomically."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from config.embedded.errors import EmbeddedError

STATE_FILE = "state.json"


@dataclass
class State:
    """The memory of one pair of servers, kept in `root`/state.json."""

    root: Path
    passwords: dict[str, str] = field(default_factory=dict)
    data: str = ""
    sockets: str = ""
    roles_applied: str = ""
    valkey_port: int = 0
    valkey_pid: int = 0

    @classmethod
    def load(cls, root: Path) -> State:
        file = root / STATE_FILE
        try:
            values = json.loads(file.read_text())
        except FileNotFoundError:
            values = {}
        except ValueError as error:
            raise EmbeddedError(
                f"{file} is damaged ({error}); restore it, or remove {root} to begin anew"
            ) from error
        state = cls(root=root, **values)
        if state.data and Path(state.data).parent not in (root, shared_folder(root)):
            state.data = state.sockets = ""  # the checkout was moved or copied: that cluster is not this one
        return state

    def save(self) -> None:
        values = asdict(self)
        del values["root"]
        write_private(self.root / STATE_FILE, json.dumps(values, indent=1))

    def password(self, name: str) -> str:
        """The secret of one role, made at its first use."""
        if name not in self.passwords:
            self.passwords[name] = secrets.token_urlsafe(24)
            self.save()
        return self.passwords[name]


def short_name(path: Path) -> str:
    """A name in a shared temporary folder that stands for one user and one path."""
    return f"qidai-{os.getuid()}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"


def shared_folder(root: Path) -> Path:
    """Where the cluster of `root` lies when `root` itself is out of reach for PostgreSQL's account."""
    return Path("/var/tmp") / short_name(root)  # noqa: S108  0711, owner checked


def write_private(file: Path, text: str) -> None:
    """Write atomically, readable by nobody else at any moment."""
    temporary = file.with_name(f"{file.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(file)


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """One process at a time may look at or change the servers of `root`."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = (root / "lock").open("w")
    except PermissionError as error:
        raise EmbeddedError(
            f"{error}: the folder belongs to another user; set QIDAI_VAR to one of your own"
        ) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
