"""Addresses in the environment: read strictly, refused with the name of the setting and the cure."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from config import env


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("", ("console", "", 25, "", "", False, False)),
        ("   ", ("console", "", 25, "", "", False, False)),
        ("none:", ("dummy", "", 25, "", "", False, False)),
        ("smtp://mail.example", ("smtp", "mail.example", 25, "", "", False, False)),
        ("SMTP://mail.example/", ("smtp", "mail.example", 25, "", "", False, False)),
        ("smtp://mail.example?tls=0", ("smtp", "mail.example", 25, "", "", False, False)),
        ("smtp://me%40x:p%2Fw@mail:587?tls=1", ("smtp", "mail", 587, "me@x", "p/w", False, True)),
        ("smtp://[::1]:2525", ("smtp", "::1", 2525, "", "", False, False)),
        ("smtps://mail", ("smtp", "mail", 465, "", "", True, False)),
    ],
)
def test_how_emails_leave(value: str, wanted: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIDAI_EMAIL_URL", value)

    assert env.email("QIDAI_EMAIL_URL", default="console:") == env.Mail(*wanted)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("mail.example:25", "no known kind of delivery"),
        ("mail.example", "no known kind of delivery"),
        ("ftp://x:secret@y", "no known kind of delivery"),
        ("console://secret", "says more than console:"),
        ("none:?tls=1", "says more than none:"),
        ("smtp:", "names no mail server"),
        ("smtp://", "names no mail server"),
        ("smtp://x:secret@", "names no mail server"),
        ("smtp://x:secret@:587", "names no mail server"),
        ("smtp://x:secret@mail..example", "no possible mail server"),
        ("smtp://x:secret@mail example", "no possible mail server"),
        ("smtp://x:secret@[mail", "cannot be read"),
        ("smtp://x:%ffsecret@mail", "cannot be read"),
        ("smtp://x:secret@y:port", "a port that is no number"),
        ("smtp://x:secret@y:0", "a port that is no number"),
        ("smtp://x:secret@y:65536", "a port that is no number"),
        ("smtp://x:12/secret@y", "signs behind its mail server"),  # a slash of the password
        ("smtp://x:12#secret@y", "signs behind its mail server"),
        ("smtp://x@y", "without the other"),
        ("smtp://:secret@y", "without the other"),
        ("smtp://x:secret@y?tls=yes", "an option other than"),
        ("smtp://x:secret@y?tls", "an option other than"),
        ("smtp://x:secret@y?ssl=1", "an option other than"),
        ("smtp://x:secret@y?tls=1&tls=0", "an option other than"),
        ("smtps://x:secret@y?tls=1", "smtps:// takes none"),
    ],
)
def test_an_address_of_emails_that_is_not_understood_is_refused_without_its_password(
    value: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QIDAI_EMAIL_URL", value)

    with pytest.raises(env.BadEnvironment) as refused:
        env.email("QIDAI_EMAIL_URL", default="none:")

    said = str(refused.value)
    assert said.startswith("QIDAI_EMAIL_URL ")
    assert why in said
    assert "write none:, console:, smtp://user:password@host" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("", "https://first.example"),
        ("https://qidai.example.org/", "https://qidai.example.org"),
        ("http://10.0.0.2:8000/qidai", "http://10.0.0.2:8000/qidai"),
    ],
)
def test_where_links_lead(value: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIDAI_PUBLIC_URL", value)

    assert env.web_address("QIDAI_PUBLIC_URL", default="https://first.example") == wanted
    monkeypatch.setenv("QIDAI_PUBLIC_URL", "")
    assert env.web_address("QIDAI_PUBLIC_URL", default="") == ""


@pytest.mark.parametrize(
    "value",
    ["qidai.example.org", "ftp://x", "https://", "https://x:0", "https://a b", "https://x/?next=1", "//x"],
)
def test_an_address_of_the_installation_that_is_none_is_refused(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QIDAI_PUBLIC_URL", value)

    with pytest.raises(env.BadEnvironment, match=r"^QIDAI_PUBLIC_URL .*; write it as https://"):
        env.web_address("QIDAI_PUBLIC_URL", default="")


def settings_with(**given: str) -> subprocess.CompletedProcess[str]:
    """What the settings of production say of e-mails; the servers are never asked."""
    production = {
        "QIDAI_ENV": "production", "QIDAI_SECRET_KEY": "x" * 60, "QIDAI_FIELD_KEY": "y" * 60,
        "DATABASE_URL": "postgres://a:b@localhost/c", "REDIS_URL": "redis://localhost/0",
        "QIDAI_ALLOWED_HOSTS": ".example.org,qidai.example.org",
    }  # fmt: skip
    code = (
        "from config import settings as s;"
        "print(s.EMAIL_BACKEND.split('.')[-2], s.DEFAULT_FROM_EMAIL, s.PUBLIC_URL, sep='|')"
    )
    environment = {**os.environ, **production, **given}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


def test_production_takes_what_is_set_to_nothing_as_not_set() -> None:
    done = settings_with(QIDAI_EMAIL_URL="", QIDAI_PUBLIC_URL="", QIDAI_FROM_EMAIL="", QIDAI_TIME_ZONE="")

    assert done.stdout.strip() == "dummy|qidai@localhost|https://qidai.example.org", done.stderr


def test_production_does_not_start_with_an_address_that_it_does_not_understand() -> None:
    done = settings_with(QIDAI_EMAIL_URL="smtp://x:secret@mail?starttls=1")

    assert done.returncode
    assert done.stderr.startswith("QIDAI_EMAIL_URL has an option other than tls=1 or tls=0;")
    assert len(done.stderr.splitlines()) == 1
