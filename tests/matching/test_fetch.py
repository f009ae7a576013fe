"""Reference data from an address: loopback servers only, and nothing left behind."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper

from core.errors import InvalidInput
from matching import fetch, services
from matching.fetch import Fetcher, plain_name
from matching.management.loading import Progress
from matching.models import MacTableVersion, NomenclatureRelease
from tests.factories.matching import ACTOR
from tests.hla import toy_release

MAC = b"LAST UPDATED: 11/20/26\nCODE\tSUBTYPE\n\nAB\t01/02\n"


class Served(dict[str, Any]):
    """Path -> content, or (status, headers, content)."""

    asked: list[str]
    address: str


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    pages = Served()
    pages.asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages.asked.append(self.path)
            found = pages.get(self.path.partition("?")[0], (404, {}, b"no such page"))
            status, headers, content = found if isinstance(found, tuple) else (200, {}, found)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pages.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield pages
    server.shutdown()
    server.server_close()
    thread.join(5)


def left_behind() -> list[Path]:
    return list((Path(settings.VAR_DIR) / "fetched").glob("*"))


def refusal(address: str, *, limit: int = 1 << 20) -> str:
    with pytest.raises(InvalidInput) as caught, Fetcher(address, limit).file():
        pytest.fail("it was fetched")
    assert caught.value.field == "path"
    assert left_behind() == []
    return caught.value.message


def test_a_file_is_fetched_and_gone_afterwards(served: Served) -> None:
    served["/codes/numer.v3.txt"] = MAC
    told: list[tuple[int, int | None]] = []

    with Fetcher(
        f"{served.address}/codes/numer.v3.txt?x=1", 1000, lambda *args: told.append(args)
    ).file() as path:
        assert path.name == "numer.v3.txt"
        assert path.read_bytes() == MAC
        assert Path(settings.VAR_DIR) in path.parents

    assert told[-1] == (len(MAC), len(MAC))
    assert left_behind() == []


@pytest.mark.parametrize("path", ["/", "/..", "/%2e%2e", "/.hidden", "/a%2Fb"])
def test_the_name_of_the_file_stays_in_its_folder(served: Served, path: str) -> None:
    served[path] = MAC
    with Fetcher(served.address + path, 1000).file() as found:
        assert found.parent.parent == Path(settings.VAR_DIR) / "fetched"
        assert found.read_bytes() == MAC


def test_a_missing_file_names_its_address(served: Served) -> None:
    message = refusal(f"{served.address}/nothing.txt")

    assert f"{served.address}/nothing.txt cannot be fetched: 404" in message
    assert "fetch it yourself" in message


def test_a_server_that_fails_is_told(served: Served) -> None:
    served["/x"] = (500, {}, b"")

    assert "500" in refusal(f"{served.address}/x")


def test_nobody_there_is_told() -> None:
    assert "refused" in refusal("http://127.0.0.1:9/x").lower()


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/x", "data://x", "gopher://x/y"])
def test_other_schemes_are_refused(address: str) -> None:
    assert "only http, https and file addresses" in refusal(address)


def test_a_file_address_is_used_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a b.txt"
    path.write_bytes(MAC)

    with Fetcher(path.as_uri(), 1).file() as found:
        assert found == path
    assert path.is_file()


def test_a_redirect_is_followed_within_its_scheme(served: Served) -> None:
    served["/old"] = (302, {"Location": "/new.txt"}, b"")
    served["/new.txt"] = MAC

    with Fetcher(f"{served.address}/old", 1000).file() as path:
        assert path.read_bytes() == MAC


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_elsewhere_is_refused(served: Served, target: str) -> None:
    served["/old"] = (302, {"Location": target}, b"")

    assert "cannot be fetched" in refusal(f"{served.address}/old")
    assert served.asked == ["/old"]


def test_a_redirect_back_to_plain_text_is_refused() -> None:
    handler = fetch._Redirects()
    secure = fetch.request.Request("https://127.0.0.1/x")
    plain = fetch.request.Request("http://127.0.0.1/x")
    given = (io.BytesIO(), 302, "Found", fetch.HTTPMessage())

    with pytest.raises(fetch.URLError, match="another kind"):
        handler.redirect_request(secure, *given, "http://127.0.0.1/y")
    assert handler.redirect_request(plain, *given, "https://127.0.0.1/y") is not None


def test_a_file_too_large_is_refused(served: Served) -> None:
    served["/big"] = b"x" * (2 << 20)

    assert "larger than 1 MB" in refusal(f"{served.address}/big")


def test_an_answer_without_length_is_counted(served: Served) -> None:
    served["/big"] = (200, {"Content-Length": "unknown"}, b"x" * (2 << 20))

    assert "larger than 1 MB" in refusal(f"{served.address}/big")


def test_an_answer_cut_short_is_refused(served: Served) -> None:
    served["/half"] = (200, {"Content-Length": "1000"}, b"x" * 10)

    assert "10 of 1000 bytes" in refusal(f"{served.address}/half")


def test_a_server_that_takes_too_long_is_left(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "WHOLE_SECONDS", -1)
    served["/slow"] = MAC

    assert "longer than an hour" in refusal(f"{served.address}/slow")


def test_a_server_that_falls_silent_is_left(monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    monkeypatch.setattr(fetch, "SILENCE_SECONDS", 0.05)
    served["/stuck"] = (200, {"Content-Length": "99"}, b"")
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    try:
        assert "timed out" in refusal(f"http://127.0.0.1:{listener.getsockname()[1]}/x")
    finally:
        listener.close()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://me:secret@example.org/a/b.zip?token=1#x", "https://example.org/a/b.zip"),
        ("/data/imgt/3580", "3580"),
        (Path("/data/x.txt"), "x.txt"),
    ],
)
def test_an_origin_shows_no_secret(given: Any, shown: str) -> None:
    assert plain_name(given) == shown


@pytest.mark.django_db
def test_a_release_is_loaded_from_a_folder_and_from_a_zip(served: Served, tmp_path: Path) -> None:
    for name, text in toy_release.files().items():
        served[f"/imgt/9990/{name}"] = text.encode()
    served["/toy.zip"] = toy_release.write_zip(tmp_path / "toy.zip", below="IMGTHLA-9990/").read_bytes()

    row = services.release_load(path=f"{served.address}/imgt/9990/", actor=ACTOR)
    again = services.release_load(path=f"{served.address}/toy.zip", actor=ACTOR)
    local = services.release_load(path=(tmp_path / "toy.zip").as_uri(), actor=ACTOR)

    assert row == again == local
    assert (row.version, row.origin, row.is_active) == ("9.99.0", f"{served.address}/imgt/9990/", True)
    assert left_behind() == []


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["wmda/hla_nom.txt", "tce/dpb_tce.csv", "Allelelist.txt"])
def test_a_release_with_a_missing_file_is_not_loaded(served: Served, missing: str) -> None:
    for name, text in toy_release.files().items():
        if name != missing:
            served[f"/imgt/{name}"] = text.encode()

    with pytest.raises(InvalidInput) as caught:
        services.release_load(path=f"{served.address}/imgt", actor=ACTOR)

    assert f"no readable file {missing}" in caught.value.message
    assert f"{served.address}/imgt" in caught.value.message
    assert not NomenclatureRelease.objects.exists()


@pytest.mark.django_db
def test_a_release_cut_short_on_its_way_leaves_the_one_in_use(served: Served, tmp_path: Path) -> None:
    path = toy_release.write_zip(tmp_path / "toy.zip")
    row = services.release_load(path=path, actor=ACTOR)
    content = path.read_bytes()
    served["/toy.zip"] = content[: len(content) // 2]
    served["/half.zip"] = (200, {"Content-Length": str(len(content))}, content[:999])

    for name in ("toy.zip", "half.zip"):
        with pytest.raises(InvalidInput):
            services.release_load(path=f"{served.address}/{name}", actor=ACTOR)

    assert list(NomenclatureRelease.objects.active()) == [row]
    assert NomenclatureRelease.objects.count() == 1
    assert left_behind() == []


@pytest.mark.django_db
def test_codes_are_loaded_from_a_packed_address(served: Served) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("numer.v3.txt", MAC)
    served["/numer.v3.zip"] = packed.getvalue()

    row = services.mac_load(path=f"{served.address}/numer.v3.zip", actor=ACTOR)

    assert (row.version, row.entries, row.origin) == ("11/20/26", 1, f"{served.address}/numer.v3.zip")


@pytest.mark.django_db
def test_the_command_says_which_address_failed(served: Served) -> None:
    with pytest.raises(CommandError, match=f"{served.address}/none.txt cannot be fetched: 404"):
        call_command("load_mac", f"{served.address}/none.txt")
    assert not MacTableVersion.objects.exists()


def test_progress_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        progress = Progress(OutputWrapper(stream))
        progress(1_000_000, 2_000_000)
        progress(2_000_000, 2_000_000)  # too soon
        progress.end()
        assert ("fetched 1.0 of 2.0 MB" in stream.getvalue()) is shown
        assert "fetched 2.0" not in stream.getvalue()
