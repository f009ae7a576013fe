"""Where data and sockets of the private PostgreSQL lie, and who owns them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from config.embedded import launcher
from config.embedded.account import Account
from config.embedded.errors import EmbeddedError
from config.embedded.state import State, shared_folder, short_name

SOCKET_PORT = 5432  # only a part of the socket's name: TCP is off
SOCKET_NAME = f".s.PGSQL.{SOCKET_PORT}"
LONGEST_SOCKET_PATH = 100  # sun_path holds 107 bytes on Linux, 103 on macOS
TEMPORARY = (tempfile.gettempdir(), "/tmp", "/var/tmp")  # noqa: S108  own subfolders, 0700, owner checked


def choose(state: State, account: Account, name: str) -> None:
    """Set `state.data` and `state.sockets` and make the folders that are missing."""
    inside = account.mode != "nobody" or account.can(Path("/bin/sh"), "-c", f'cd "{state.root}"')
    home = state.root if inside else open_folder(state.root)
    state.data = str(home / name)
    state.sockets = str(_sockets(home))
    folder = Path(state.sockets)
    folder.mkdir(mode=0o700, exist_ok=True)
    _refuse_strangers(folder)
    own(folder, account)


def socket_file(state: State) -> Path:
    return Path(state.sockets) / SOCKET_NAME


def socket_lock(state: State) -> Path:
    return Path(state.sockets) / f"{SOCKET_NAME}.lock"


def open_folder(root: Path) -> Path:
    """A folder outside the checkout that the user nobody may enter; what lies in it guards itself (0700)."""
    folder = shared_folder(root)
    folder.mkdir(mode=0o711, exist_ok=True)
    _refuse_strangers(folder)
    return folder


def own(top: Path, account: Account) -> None:
    """Give a folder with all it holds to the account; root may have run the server in another way before."""
    if os.geteuid() != 0:
        return
    owner = launcher.nobody().pw_uid if account.mode == "nobody" else 0
    if top.stat().st_uid == owner:
        return
    for folder, _, files in os.walk(top):
        for path in (folder, *(os.path.join(folder, file) for file in files)):
            os.chown(path, owner, -1, follow_symlinks=False)


def _sockets(home: Path) -> Path:
    """Inside the checkout; where that is too deep, in a temporary folder.

    A cleaner may take the latter: then the server is started anew.
    """
    places = [home / "sockets"]
    places += [Path(base) / short_name(home) for base in TEMPORARY]
    for place in places:
        if len(os.fsencode(place / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
            return place
    raise EmbeddedError(f"no folder with a path short enough for a socket: {places}")


def _refuse_strangers(folder: Path) -> None:
    """A folder in a shared place could have been put there by somebody else."""
    known = {os.geteuid(), launcher.nobody().pw_uid} if os.geteuid() == 0 else {os.geteuid()}
    if folder.is_symlink() or folder.lstat().st_uid not in known:
        raise EmbeddedError(f"{folder} does not belong to us; remove it or set TMPDIR")
