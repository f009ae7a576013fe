"""No log of the web server holds the query of an address: on the Typing workbench it is what was typed."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from gunicorn.config import Config

from config.access_log import WithoutQueries
from config.supervisor import GUNICORN

from .embedded_tools import wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
ADDRESS = "/hla%0Aforged?a=SECRET"


def of_the_image() -> tuple[str, ...]:
    """What the image gives gunicorn after program, application and address."""
    command = re.search(r"^CMD (\[.*?\])", (CHECKOUT / "Dockerfile").read_text(), re.S | re.M)
    assert command
    words: list[str] = json.loads(command[1].replace("\\\n", ""))
    assert words[:3] == ["gunicorn", "config.wsgi:application", "--bind"]
    return tuple(words[4:])


@pytest.mark.parametrize("arguments", [GUNICORN, of_the_image()], ids=["here", "image"])
def test_the_access_log_holds_the_path_but_no_query(arguments: Sequence[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", "gunicorn", "wsgiref.simple_server:demo_app", "--bind", "127.0.0.1:0"]
    with log.open("wb") as output:
        server = subprocess.Popen([*command, *arguments], cwd=CHECKOUT, stdout=output, stderr=output)
    try:
        wait_until(lambda: "Listening at" in log.read_text(), 30)
        found = re.search(r"Listening at: (http://[\d.:]+)", log.read_text())
        assert found
        with urlopen(Request(found[1] + ADDRESS, headers={"Referer": f"{found[1]}/page?b=SECRET"})):
            pass
        wait_until(lambda: "GET" in log.read_text(), 10)
    finally:
        server.terminate()
        server.wait()

    line = next(line for line in log.read_text().splitlines() if "GET" in line)
    assert re.search(r'"GET /hla%0Aforged HTTP/1.1" 200 \d+ "http://[\d.:]+/page" "Python', line)
    assert "SECRET" not in log.read_text()


def test_an_error_names_the_path_but_no_query() -> None:
    log = WithoutQueries(Config())
    written = io.StringIO()
    log.error_log.addHandler(handler := logging.StreamHandler(written))
    try:
        log.exception("Error handling request %s %s", "GET", ADDRESS)
    finally:
        log.error_log.removeHandler(handler)

    assert written.getvalue().startswith("Error handling request GET /hla%0Aforged\n")
