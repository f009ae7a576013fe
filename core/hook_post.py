"""One signed POST to an address that an administrator wrote down, and to no other.

An address may lead into the bank's own network (server-side request forgery). So: https only, the name is looked up
once, each of its addresses must be public, the connection goes to the address that was looked at, and a redirect is a
failure. On a developer's own machine http to loopback is let through.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Timer
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

TIMEOUT_SECONDS: Final = 10.0  # for all of it, except the look-up of the name
EXCERPT: Final = 200  # characters of an answer that are kept
_GLOBAL: Final = ipaddress.ip_network("2000::/3")  # all that is handed out of IPv6
_IPV4_WITHIN: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
_LINK_LOCAL: Final = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10")))


class NotPosted(Exception):
    """Why, for the administrator; status and excerpt where there was an answer."""

    def __init__(self, why: str, status: int | None = None, excerpt: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.status = status
        self.excerpt = excerpt


@dataclass(frozen=True)
class Answer:
    status: int
    excerpt: str


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`v1=` + HMAC-SHA-256 (hex) over the seconds since 1970, a full stop, and the body as it was sent."""
    signed = str(timestamp).encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def read_address(url: str) -> SplitResult:
    """The parts of an address that may be posted to, as far as it says itself; raises NotPosted."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        parts.port  # noqa: B018  raises where it is no number
    except ValueError:
        raise NotPosted(_("the address cannot be read")) from None
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise NotPosted(_("the address must be https://host/path, without a user or a fragment"))
    if not url.isascii() or any(sign <= " " for sign in url):
        raise NotPosted(_("the address must be ASCII, without spaces"))
    if parts.scheme != "https" and not (parts.scheme == "http" and _own_machine(host)):
        raise NotPosted(_("the address must begin with https://"))
    if (literal := _literal(host)) is not None:
        _check(literal)
    return parts


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _own_machine(host: str) -> bool:
    """Loopback, on a machine of a developer."""
    if not settings.WEBHOOK_LOOPBACK:
        return False
    return host == "localhost" or (
        (one := _literal(host)) is not None and ipaddress.ip_address(one).is_loopback
    )


def is_public(text: str) -> bool:
    """Whether an IP address is one of the internet, also where IPv6 carries an address of IPv4."""
    one = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(one, ipaddress.IPv6Address):
        if one.ipv4_mapped is not None:
            return is_public(str(one.ipv4_mapped))
        if one not in _GLOBAL or one.sixtofour is not None or one.teredo is not None:
            return False
    return one.is_global and not one.is_multicast


def _is_link_local(text: str) -> bool:
    """Where clouds tell a machine its own keys; also where IPv6 carries the address of IPv4."""
    one = ipaddress.ip_address(text.partition("%")[0])
    within: list[ipaddress.IPv4Address | ipaddress.IPv6Address | None] = [one]
    if isinstance(one, ipaddress.IPv6Address):
        within += [one.ipv4_mapped, one.sixtofour, *(one.teredo or ())]
        if any(one in network for network in _IPV4_WITHIN):
            within.append(ipaddress.IPv4Address(int(one) & 0xFFFFFFFF))
    return any(part in network for part in within if part is not None for network in _LINK_LOCAL)


def _check(address: str) -> None:
    if _is_link_local(address):
        raise NotPosted(_("the address is link-local: a private network that no setting lets"))
    if settings.WEBHOOK_PRIVATE or is_public(address):
        return
    if settings.WEBHOOK_LOOPBACK and ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        return
    raise NotPosted(_("the address lies in a private network (QIDAI_WEBHOOK_PRIVATE=1 lets it)"))


def _looked_up(parts: SplitResult) -> tuple[list[str], int]:
    """Every address of the host, all of them allowed, and the port."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotPosted(_("no name server knows the host")) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if parts.scheme == "http" and not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            raise NotPosted(_("the address must begin with https://"))
        _check(address)
    return addresses, port


class _Pinned(HTTPConnection):
    """Connects to the addresses that were checked, whatever the name leads to by now."""

    def __init__(self, host: str, port: int, addresses: list[str], context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=TIMEOUT_SECONDS)
        self.default_port = 443 if context else 80
        self._addresses = addresses
        self._context = context
        self.line: socket.socket | None = None  # also after the answer has taken `sock` over

    def connect(self) -> None:
        self.line = _connected(self._addresses, self.port)
        if self._context:
            secured = self._context.wrap_socket(
                self.line, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.line = secured
            secured.do_handshake()
        self.sock = self.line


def _connected(addresses: list[str], port: int) -> socket.socket:
    """To the first address that answers; they share the time."""
    last: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), TIMEOUT_SECONDS / len(addresses))
        except OSError as error:
            last = error
    raise last or OSError("no address")


def post(*, url: str, secret: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Post the JSON; raises NotPosted for anything but an answer of 2xx."""
    parts = read_address(url)
    addresses, port = _looked_up(parts)
    context = ssl.create_default_context() if parts.scheme == "https" else None
    connection = _Pinned(parts.hostname or "", port, addresses, context)
    timestamp = int(time.time())
    sent = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"Qidai/{settings.VERSION}",
        "X-Qidai-Timestamp": str(timestamp),
        "X-Qidai-Signature": signature(secret, timestamp, body),
        **headers,
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    end = Timer(TIMEOUT_SECONDS, _cut, [connection])  # an answer that drips in never ends by itself
    end.daemon = True
    end.start()
    try:
        connection.request("POST", target, body, sent)
        response = connection.getresponse()
        answer = Answer(response.status, _excerpt(response.read(4 * EXCERPT)))
    except (OSError, HTTPException, ValueError) as error:
        raise NotPosted(f"{type(error).__name__}: {error}") from None
    finally:
        end.cancel()
        connection.close()
    if not 200 <= answer.status < 300:
        why = "redirected, which is not followed" if 300 <= answer.status < 400 else "refused"
        raise NotPosted(f"{why} ({answer.status})", answer.status, answer.excerpt)
    return answer


def _cut(connection: _Pinned) -> None:
    """From another thread: whoever reads or writes has an end, also in the midst of a handshake."""
    if connection.line is not None:
        with suppress(OSError):
            socket.socket.shutdown(connection.line, socket.SHUT_RDWR)


def _excerpt(body: bytes) -> str:
    """Printable, on one line."""
    text = "".join(sign if sign.isprintable() else " " for sign in body.decode(errors="replace"))
    return " ".join(text.split())[:EXCERPT]
