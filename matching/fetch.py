"""Reference data from an address: fetched whole into a folder of its own under var/, or not at all.

http, https and file only, and no redirect away from them. The files are only read after this; nothing of what
was fetched is kept, whatever happens.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit

from django.conf import settings
from django.utils.translation import gettext as _

from core.errors import InvalidInput

SCHEMES = ("http", "https", "file")
SILENCE_SECONDS = 30.0  # without a byte the other side is given up
WHOLE_SECONDS = 3600.0
CHUNK = 1 << 18
MB = 1 << 20
GONE = (403, 404, 410)  # how servers say that there is no such file

Tell = Callable[[int, int | None], None]  # bytes so far, bytes in all where the server says them


def is_address(path: str | Path) -> bool:
    return isinstance(path, str) and "://" in path


def plain_name(path: str | Path) -> str:
    """What reference data were loaded from, without user, password and query of an address."""
    if not is_address(path):
        return Path(path).name
    try:
        parts = urlsplit(str(path))
    except ValueError:  # no address: which part of it is a password cannot be told
        return f"{str(path).partition('://')[0]}://…"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


@dataclass(frozen=True)
class Fetcher:
    """Fetches below one address. `limit`: largest file in bytes; `tell` hears how far it is."""

    address: str
    limit: int
    tell: Tell | None = None

    @contextmanager
    def file(self) -> Iterator[Path]:
        """The file of the address, in a folder that is gone afterwards. A file:// address is used in place."""
        if (here := self._here()) is not None:
            yield here
            return
        place = Path(settings.VAR_DIR) / "fetched"
        place.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=place))
        try:
            path = folder / _file_name(self.address)
            with path.open("wb") as target:
                self._copy(self.address, target.write)
            yield path
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def below(self, name: str) -> bytes | None:
        """Content of a file below the address; None where there is none."""
        parts = urlsplit(self.address)
        address = urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))
        content = bytearray()
        try:
            self._copy(address, content.extend)
        except NotThere:
            return None
        return bytes(content)

    def _here(self) -> Path | None:
        """The path of a file:// address."""
        try:
            parts = urlsplit(self.address)
        except ValueError as error:
            raise self._refused(str(error)) from error
        if parts.scheme not in SCHEMES:
            raise self._refused(_("only http, https and file addresses are read"))
        if parts.scheme != "file":
            return None
        if parts.netloc not in ("", "localhost"):
            raise self._refused(_("a file address names no other computer: write file:///folder/file"))
        return Path(request.url2pathname(parts.path))

    def is_local(self) -> bool:
        return self._here() is not None

    def _copy(self, address: str, write: Callable[[bytes], Any]) -> None:
        try:
            with _opener().open(address, timeout=SILENCE_SECONDS) as answer:
                self._read(answer, write)
        except HTTPError as error:
            kind = NotThere if error.code in GONE else InvalidInput
            raise self._refused(f"{error.code} {error.reason}", address, kind) from error
        except (HTTPException, OSError, ValueError) as error:  # URLError is an OSError
            raise self._refused(str(getattr(error, "reason", "") or error), address) from error

    def _read(self, answer: Any, write: Callable[[bytes], Any]) -> None:
        said = answer.headers.get("Content-Length", "")
        total = int(said) if said.isdecimal() else None
        done, end = 0, time.monotonic() + WHOLE_SECONDS
        while chunk := answer.read1(CHUNK):  # what has come: a dripping server does not hold us
            done += len(chunk)
            if max(done, total or 0) > self.limit:
                raise self._refused(_("it is larger than %(limit)s MB") % {"limit": self.limit // MB})
            if time.monotonic() > end:
                raise self._refused(_("it takes longer than an hour"))
            write(chunk)
            if self.tell:
                self.tell(done, total)
        if total is not None and done < total:
            raise self._refused(_("only %(done)s of %(total)s bytes came") % {"done": done, "total": total})

    def _refused(self, why: str, address: str = "", kind: type[InvalidInput] = InvalidInput) -> InvalidInput:
        return kind(
            "address_unreadable",
            _(
                "%(address)s cannot be fetched: %(why)s. Check the address and the connection, or fetch it "
                "yourself and give the path of the file."
            ),
            field="path",
            params={"address": plain_name(address or self.address), "why": why},
        )


class NotThere(InvalidInput):
    """The address is answered, but there is no such file."""


class _Redirects(request.HTTPRedirectHandler):
    """Follows an address to the same scheme, or from http to https; never to a file or back to plain text."""

    def redirect_request(
        self, req: request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> request.Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in (req.type, "https"):
            raise URLError(_("it leads to another kind of address (%(scheme)s)") % {"scheme": scheme})
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _file_name(address: str) -> str:
    """Last part of an address as the name of a file: the versions of some tables stand only there."""
    last = unquote(urlsplit(address).path).rpartition("/")[2]
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in last)
    return plain.lstrip(".")[-80:] or "fetched"


def _opener() -> request.OpenerDirector:
    """Knows http and https and nothing else; uses the proxy of the environment."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.UnknownHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        _Redirects(),
        request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
