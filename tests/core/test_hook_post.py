"""A signed POST: to the address that was written down, and to none inside the bank's own network."""

from __future__ import annotations

import hashlib
import hmac
import socket
import time
from contextlib import suppress
from typing import Any

import pytest

from core import hook_post
from core.hook_post import NotPosted, is_public, post, read_address
from tests.core.receiver import Receiver


def sent(url: str, body: bytes = b'{"text":"\xe8\x84\x90"}') -> Any:
    return post(url=url, secret="known to both", body=body, headers={"X-Qidai-Delivery": "1"})


def test_what_arrives_and_how_it_is_signed(receiver: Receiver) -> None:
    before = int(time.time())

    answer = sent(receiver.url)

    (taken,) = receiver.taken
    assert (answer.status, answer.excerpt) == (200, "ok")
    assert taken.path == "/in?key=of-the-other-side"
    assert taken.headers["Content-Type"] == "application/json; charset=utf-8"
    stamp = taken.headers["X-Qidai-Timestamp"]
    assert before <= int(stamp) <= time.time()
    wanted = hmac.new(b"known to both", stamp.encode() + b"." + taken.body, hashlib.sha256).hexdigest()
    assert taken.headers["X-Qidai-Signature"] == f"v1={wanted}"


def test_the_signature_as_written_down() -> None:
    """Worked out apart: printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret"""
    assert hook_post.signature("secret", 1700000000, b'{"a":1}') == "v1=" + (
        "49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
    )


@pytest.mark.parametrize("status", [302, 307, 400, 404, 500])
def test_anything_but_2xx_is_a_failure_and_a_redirect_is_not_followed(
    receiver: Receiver, status: int
) -> None:
    receiver.status, receiver.headers = status, {"Location": receiver.url}
    receiver.body = b"why\nnot\x00?" + b"x" * 5000

    with pytest.raises(NotPosted) as caught:
        sent(receiver.url)

    assert len(receiver.taken) == 1
    assert caught.value.status == status
    assert caught.value.excerpt.startswith("why not ?x")
    assert len(caught.value.excerpt) <= hook_post.EXCERPT
    assert ("redirected" in caught.value.why) == (status < 400)


def test_an_answer_that_never_ends_is_cut(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook_post, "TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(hook_post, "EXCERPT", 100_000_000)
    receiver.drip = True

    with suppress(NotPosted):
        sent(receiver.url)  # cut in the midst of the body: what was read counts

    assert len(receiver.taken) == 1


def test_nobody_listens(unused: str) -> None:
    with pytest.raises(NotPosted, match="ConnectionRefusedError"):
        sent(unused)


@pytest.fixture
def unused() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/in",
        "ftp://example.org/",
        "https://",
        "https:///path",
        "https://me:pass@example.org/",
        "https://example.org/#part",
        "https://example.org:port/",
        "https://exam ple.org/",
        "https://example.org/\r\nX-Evil: 1",
        "https://脐带.example/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "//example.org/",
        "",
    ],
)
def test_addresses_that_are_not_taken(url: str) -> None:
    with pytest.raises(NotPosted):
        read_address(url)


@pytest.mark.parametrize(
    "url", ["https://example.org", "https://example.org:8443/in?key=1", "https://1.1.1.1/"]
)
def test_addresses_that_are_taken(url: str) -> None:
    assert read_address(url).scheme == "https"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True),
        ("2606:4700:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:1.1.1.1", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("fec0::1", False),
        ("::a00:1", False),
        ("::1.1.1.1", False),
        ("2001:0:4136:e378::1", False),
        ("2001:db8::1", False),
        ("4000::1", False),
        ("2400:3200::1", True),
    ],
)
def test_which_addresses_are_of_the_internet(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the name server says."""
    known: dict[str, list[str]] = {}
    honest = socket.getaddrinfo

    def looked_up(host: str, port: int, *more: Any, **named: Any) -> list[Any]:
        if host == "127.0.0.1":  # an address, as whoever connects writes it
            return honest(host, port, *more, **named)
        if host not in known:
            raise socket.gaierror("no such name")
        return [(0, 0, 0, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    return known


@pytest.mark.parametrize("addresses", [["10.0.0.7"], ["1.1.1.1", "169.254.169.254"], ["::ffff:192.168.0.1"]])
def test_a_name_that_leads_inside_is_refused(
    names: dict[str, list[str]], addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names["inside.example"] = addresses
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("it was connected to"))

    with pytest.raises(NotPosted, match="private network"):
        sent("https://inside.example/in")


def test_the_setting_lets_a_private_gateway(
    names: dict[str, list[str]], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_PRIVATE = True
    names["inside.example"] = ["10.0.0.7"]
    tried: list[Any] = []

    def refused(where: Any, *_: Any) -> None:
        tried.append(where)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refused)
    with pytest.raises(NotPosted, match="ConnectionRefusedError"):
        sent("https://inside.example/in")
    assert tried == [("10.0.0.7", 443)]
    with pytest.raises(NotPosted, match="https"):
        sent("http://inside.example/in")


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "::a9fe:a9fe",
        "2002:a9fe:a9fe::",
    ],
)
def test_no_setting_lets_link_local_addresses(
    names: dict[str, list[str]], settings: Any, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """There a cloud tells a machine its own keys."""
    settings.WEBHOOK_PRIVATE = True
    names["inside.example"] = [address]
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("it was connected to"))

    with pytest.raises(NotPosted, match="link-local"):
        sent("https://inside.example/in")
    if "%" not in address:
        with pytest.raises(NotPosted, match="link-local"):
            read_address(f"https://[{address}]/" if ":" in address else f"https://{address}/")


def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to(
    names: dict[str, list[str]], receiver: Receiver
) -> None:
    """The name is not looked up a second time: a server of names cannot say one thing and then another."""
    port = receiver.url.split(":")[2].split("/")[0]
    names["localhost"] = ["127.0.0.1"]

    sent(f"http://localhost:{port}/in")

    assert receiver.taken[0].headers["Host"] == f"localhost:{port}"


def test_localhost_that_leads_elsewhere_by_http_is_refused(names: dict[str, list[str]]) -> None:
    names["localhost"] = ["1.1.1.1"]

    with pytest.raises(NotPosted, match="https"):
        sent("http://localhost/in")


def test_in_production_loopback_is_private(names: dict[str, list[str]], settings: Any) -> None:
    settings.WEBHOOK_LOOPBACK = False
    names["loop.example"] = ["127.0.0.1"]

    for url in ("http://127.0.0.1/", "http://localhost/", "https://127.0.0.1/", "https://loop.example/"):
        with pytest.raises(NotPosted):
            sent(url)


def test_a_name_that_nobody_knows(names: dict[str, list[str]]) -> None:
    with pytest.raises(NotPosted, match="no name server"):
        sent("https://nowhere.example/")


def test_by_https_the_certificate_is_looked_at(receiver: Receiver) -> None:
    """The receiver speaks no TLS: that is a failure, and never a fall-back to plain text."""
    with pytest.raises(NotPosted, match="SSL"):
        sent(receiver.url.replace("http://", "https://"))
    assert receiver.taken == []
