"""Decision 8 begins with two roles: who may do what in the private PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg2
import pytest

from config import embedded
from config.embedded import postgres

from .embedded_tools import ask

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def urls(module_root: Path) -> dict[str, str]:
    """One pair of servers for the tests that only look."""
    return embedded.ensure(module_root)


def test_rights_of_owner_and_application(urls: dict[str, str]) -> None:
    owner, app = urls["DATABASE_OWNER_URL"], urls["DATABASE_URL"]

    ask(owner, "CREATE TABLE unit (id serial PRIMARY KEY, name text)")
    assert ask(app, "INSERT INTO unit (name) VALUES ('a') RETURNING id") == [(1,)]
    ask(app, "UPDATE unit SET name = 'b'")
    assert ask(app, "SELECT name FROM unit") == [("b",)]
    ask(app, "DELETE FROM unit")
    for forbidden in (
        "DROP TABLE unit",
        "ALTER TABLE unit ADD x int",
        "TRUNCATE unit",
        "CREATE TABLE own (id int)",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            ask(app, forbidden)


def test_attributes_of_the_roles(urls: dict[str, str]) -> None:

    rows = ask(
        urls["DATABASE_OWNER_URL"],
        "SELECT rolname, rolcanlogin, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles"
        " WHERE rolname LIKE 'qidai%' ORDER BY 1",
    )

    assert rows == [("qidai_app", True, False, False, False), ("qidai_owner", True, False, True, True)]
    owner = ask(
        urls["DATABASE_URL"],
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()",
    )
    assert owner == [("qidai_owner",)]


def test_a_test_database_of_the_owner_gives_the_same_rights(urls: dict[str, str]) -> None:
    ask(urls["DATABASE_OWNER_URL"], "CREATE DATABASE test_qidai")
    owner, app = (
        f"{urls[key].removesuffix('/qidai')}/test_qidai" for key in ("DATABASE_OWNER_URL", "DATABASE_URL")
    )

    ask(owner, "CREATE TABLE unit (id serial PRIMARY KEY)")

    assert ask(app, "INSERT INTO unit DEFAULT VALUES RETURNING id") == [(1,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask(app, "CREATE TABLE own (id int)")


def test_the_owner_may_make_the_extensions_that_we_use(urls: dict[str, str]) -> None:

    for extension in ("pg_trgm", "btree_gist", "btree_gin", "unaccent"):
        ask(urls["DATABASE_OWNER_URL"], f"CREATE EXTENSION {extension}")


def test_nobody_enters_without_the_password(urls: dict[str, str]) -> None:
    secret = urlsplit(urls["DATABASE_URL"]).password
    assert secret

    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        ask(urls["DATABASE_URL"].replace(secret, "wrong"), "SELECT 1")


def test_settings_are_those_of_production(urls: dict[str, str]) -> None:
    url = urls["DATABASE_URL"]

    # by a socket of this machine keepalives are shown as 0, whatever they are set to
    sockets = {name: value for name, value in postgres.SETTINGS.items() if name.startswith("tcp_")}
    shown = {name: ask(url, f"SHOW {name}")[0][0] for name in postgres.SETTINGS.keys() - sockets}
    reset = dict(ask(url, "SELECT name, reset_val FROM pg_settings WHERE name LIKE 'tcp_keepalives_%'"))

    assert shown | sockets == postgres.SETTINGS
    assert reset == sockets
    assert ask(url, "SHOW listen_addresses") == [("",)]
    assert ask(url, "SHOW fsync") == [("on",)]
    encoding = ask(
        url,
        "SELECT pg_encoding_to_char(encoding), datlocprovider::text, datlocale FROM pg_database"
        " WHERE datname = current_database()",
    )
    assert encoding == [("UTF8", "b", "C.UTF-8")]
    words = ask(
        url, "SELECT string_agg(w, ' ' ORDER BY w), upper('şğı') FROM unnest('{é,b,Ç,a,ç,z}'::text[]) w"
    )
    assert words == [("a b z Ç ç é", "ŞĞI")]


def test_throw_away_servers_skip_fsync(root: Path) -> None:
    url = embedded.ensure(root, durable=False)["DATABASE_URL"]

    assert ask(url, "SHOW fsync") == [("off",)]


def test_the_url_names_the_socket(urls: dict[str, str], module_root: Path) -> None:
    url = urlsplit(urls["DATABASE_URL"])

    assert Path(unquote(url.netloc.rpartition("@")[2].rpartition(":")[0])) == module_root / "sockets"
