"""`make shots`: every page in both languages, wide and narrow, light and dark, to be looked at.

Takes the pages of PAGES from a running Qidai (`--base-url`, else the one that `make run` started, else one it
starts itself) into var/shots/ with a contact sheet, and checks each: axe clean, nothing wider than the window,
a glyph for every character, nothing in the console, nothing refused. Ends with 1 if there is any finding.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import shots_indications as indications
from playwright.sync_api import Page, sync_playwright
from shots_finding import RUN, first_link
from shots_pages import PAGES
from shots_site import Combination, Site, Taken, chromium

CHECKOUT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("QIDAI_VAR") or CHECKOUT / "var").resolve()
LANGS, WIDTHS, SCHEMES = ("en", "zh-hans"), (1440, 390), ("light", "dark")
READY_PATIENCE = 240.0

ASK = "main .page-head a.btn.primary"  # new match request; only a typed patient has it


SEARCH_AGAIN = "main form[action$='/repeat/'] button"


def _open_patient_with_weight(page: Page) -> None:
    """One with a weight, so that the list shows doses per kg."""
    for nth in range(20):
        page.goto(first_link("/patients/", "/patients/UUID/", nth)(page))
        if " kg" in page.locator("h1").inner_text() and page.locator(ASK).count():
            return


def search_once(site: Site) -> None:
    """The demo holds no search yet: ask for one as a coordinator does, and wait for its list."""
    role = "hospital_coordinator"
    with chromium.page_of(site.browser, site.base_url, storage_state=site.state_of(role)) as (page, _):
        with contextlib.suppress(LookupError):
            RUN(page)
            return
        _open_patient_with_weight(page)
        page.locator(ASK).click()
        page.locator("main button[name=search]").click()
        page.wait_for_selector("table.match", timeout=60_000)
        page.locator(SEARCH_AGAIN).click()  # a second list, for what changed
        page.wait_for_selector("table.match", timeout=60_000)


def contact_sheet(taken: list[Taken], folder: Path) -> Path:
    """All pictures on one page, a row per page."""
    rows = []
    for name, group in itertools.groupby(taken, key=lambda one: one.shot.name):
        cells = "".join(
            f'<td><a href="{one.picture}"><img loading="lazy" src="{one.picture}" alt=""></a>'
            f"<p>{one.combination}</p>"
            + "".join(f"<p class=bad>{html.escape(finding)}</p>" for finding in one.findings)
            + "</td>"
            for one in group
        )
        rows.append(f"<tr><th>{html.escape(name)}</th>{cells}</tr>")
    style = (
        "body{font:14px sans-serif}th{text-align:left;vertical-align:top}td{vertical-align:top;padding:6px}"
        "img{width:220px;max-height:420px;object-fit:cover;object-position:top;border:1px solid #999}"
        "p{margin:2px 0}.bad{color:#a00;max-width:220px;overflow-wrap:anywhere}"
    )
    sheet = folder / "index.html"
    sheet.write_text(
        f"<!doctype html><meta charset=utf-8><title>Qidai, all pages</title><style>{style}</style>"
        f"<table>{''.join(rows)}</table>",
        encoding="utf-8",
    )
    return sheet


def running_address() -> str | None:
    """Where `make run` says that it runs."""
    note = VAR / "run.lock"
    words = note.read_text().split() if note.exists() else []
    if len(words) != 2 or not Path(f"/proc/{words[0]}").exists():
        return None
    return words[1]


@contextlib.contextmanager
def served(base_url: str | None) -> Iterator[str]:
    """The address given, or of `make run`, or of one that we start and stop."""
    address = base_url or running_address()
    if address:
        yield address
        return
    with (VAR / "shots-server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.supervisor"], cwd=CHECKOUT, stdout=log, stderr=log
        )
        try:
            yield _wait_for(process)
        finally:
            process.terminate()
            process.wait(60)


def _wait_for(process: subprocess.Popen[bytes]) -> str:
    log = VAR / "shots-server.log"
    deadline = time.monotonic() + READY_PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"runs at (http://\S+?)/ ", log.read_text(errors="replace")):
            return found.group(1)
        time.sleep(0.3)
    raise SystemExit(f"Qidai did not start; see {log}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base-url", help="a running Qidai with demo data")
    parser.add_argument("--logins", type=Path, default=VAR / "demo-logins.json")
    parser.add_argument("--only", default="", help="pages whose name matches this regular expression")
    parser.add_argument("--combination", default="", help="e.g. zh-hans-390, a part of language-width-scheme")
    parser.add_argument("--out", type=Path, default=VAR / "shots")
    return parser.parse_args()


def take_all(site: Site, chosen: argparse.Namespace) -> list[Taken]:
    combinations = [Combination(*values) for values in itertools.product(LANGS, WIDTHS, SCHEMES)]
    wanted = [one for one in combinations if chosen.combination in str(one)]
    taken: list[Taken] = []
    ways = indications.prepare(site, chosen.out) if indications.is_asked(chosen.only) else {}
    pages = [*PAGES, *indications.every_shot(ways)]
    for shot in pages:
        if not re.search(chosen.only, shot.name):
            continue
        taken += [site.take(shot, combination, chosen.out) for combination in wanted]
        findings = [one for one in taken if one.shot is shot and one.findings]
        print(f"{shot.name:22} {'ok' if not findings else f'{len(findings)} with findings'}", flush=True)
        for one in findings:
            for finding in dict.fromkeys(one.findings):
                print(f"    {one.combination}: {finding}", flush=True)
    for name, way in ways.items():
        if re.search(chosen.only, f"{name}-paper"):
            taken += indications.papers(site, name, way, chosen.out)
    return taken


def main() -> int:
    chosen = arguments()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with served(chosen.base_url) as address, sync_playwright() as playwright:
        logins = json.loads(chosen.logins.read_text(encoding="utf-8"))
        browser = chromium.launch(playwright)
        site = Site(browser, address, logins)
        search_once(site)
        taken = take_all(site, chosen)
        browser.close()
    sheet = contact_sheet(taken, chosen.out)
    wrong = sum(bool(one.findings) for one in taken)
    print(f"{len(taken)} pictures, {wrong} with findings; look at {sheet}")
    return 1 if wrong or not taken else 0


if __name__ == "__main__":
    sys.exit(main())
