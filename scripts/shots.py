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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from tests.e2e import browser as chromium  # noqa: E402

VAR = Path(os.environ.get("QIDAI_VAR") or CHECKOUT / "var").resolve()
LANGS, WIDTHS, SCHEMES = ("en", "zh-hans"), (1440, 390), ("light", "dark")
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
READY_PATIENCE = 240.0

Find = Callable[[Page], str]


@dataclass(frozen=True)
class Shot:
    """One page. `path` is an address, or finds one with a page of that role; `act` does something on it first."""

    name: str
    role: str | None
    path: str | Find
    status: int = 200
    act: Callable[[Page], None] | None = None
    within: str = "html"


def first_link(start: str, pattern: str, nth: int = 0) -> Find:
    """The nth link of the page `start` whose path matches; UUID stands for a row's id."""
    wanted = re.compile(pattern.replace("UUID", UUID) + "$")

    def find(page: Page) -> str:
        page.goto(start)
        links: list[str] = page.eval_on_selector_all(
            "main a[href]", "all => all.map(a => a.pathname + a.search)"
        )
        matching = list(dict.fromkeys(link for link in links if wanted.match(link.split("?")[0])))
        if len(matching) <= nth:
            raise LookupError(f"{start} has no link {nth} like {pattern}")
        return matching[nth]

    return find


def then(find: Find, suffix: str) -> Find:
    """The found address with something behind it."""
    return lambda page: find(page) + suffix


def through(find: Find, pattern: str) -> Find:
    """A link on the found page."""
    return lambda page: first_link(find(page), pattern)(page)


def submit(page: Page) -> None:
    """Send the main form as it stands; the browser's own checks are not what we look at."""
    form = page.locator("main form[method=post]").last
    form.evaluate("form => { form.noValidate = true }")
    form.locator("button").first.click()
    page.wait_for_load_state()


def wrong_password(page: Page) -> None:
    page.locator("main input[type=email]").fill("nobody@example.org")
    page.locator("main input[type=password]").fill("not a password of anybody")
    submit(page)


def open_menu(page: Page) -> None:
    page.locator(".top details.menu:visible > summary").last.click()


SHOW_IDENTITY = "main form[action$='/identity/#identity'] button"


def open_next_typing(page: Page) -> None:
    page.locator("main .next-typings > summary").click()


def recompute(page: Page) -> None:
    """From a list to the proof that it can be computed again."""
    page.locator("main form[action$='/replay/'] button").click()
    page.wait_for_selector("main .kpis", timeout=60_000)


def simulate(page: Page) -> None:
    """Inventory planning of few patients; asked for a second time it is there."""
    page.locator("main input[name=patients]").fill("2000")
    page.locator("main form.form button.primary").click()
    page.wait_for_selector("main .kpis", timeout=120_000)


def too_many_units(page: Page) -> None:
    page.locator("main input[name=n]").fill("51")
    submit_first(page)


def keep_report(page: Page) -> None:
    """From a list to a kept report, before its signature."""
    page.locator("main input[name=n]").fill("5")
    submit_first(page)
    page.wait_for_selector("main input[type=password]")


def submit_first(page: Page) -> None:
    form = page.locator("main form[method=post]").first
    form.evaluate("form => { form.noValidate = true }")
    form.locator("button").first.click()
    page.wait_for_load_state()


def sign_wrongly(page: Page) -> None:
    keep_report(page)
    page.locator("main input[type=radio]").first.check()
    page.locator("main input[type=password]").fill("not a password of anybody")
    submit_first(page)


def with_identity(page: Page) -> str:
    """A patient whose identity is stored."""
    for nth in range(20):
        path = first_link("/patients/", "/patients/UUID/", nth)(page)
        page.goto(path)
        if page.locator(SHOW_IDENTITY).count():
            return path
    raise LookupError("no patient with a stored identity")


def show_identity(page: Page) -> None:
    page.locator(SHOW_IDENTITY).first.click()
    page.wait_for_load_state()


def another_mother(page: Page) -> None:
    """A typing that can hardly be that of the mother: nothing is saved, the page asks why."""
    for locus, (first, second) in {"A": ("80:01", "36:01"), "B": ("42:01", "53:01")}.items():
        page.locator(f"main input[name=hla_{locus}_1]").fill(first)
        page.locator(f"main input[name=hla_{locus}_2]").fill(second)
    submit(page)


GOOD_UNITS = """unit_no,tnc_e7,cd34_e6,A_1,A_2,B_1,B_2,DRB1_1,DRB1_2
SHOT-1,151.5,4.2,11:01,24:02,40:01,46:01,09:01,15:01
"""
BAD_UNITS = f"""{GOOD_UNITS}SHOT-2,4100,4.2,99:01,24:02,40:01,46:AZZZ,09:01,15:01
SHOT-1,x,,1,,,,,
"""


def upload(content: str) -> Callable[[Page], None]:
    """A file into the import page: its preview, which writes nothing."""

    def act(page: Page) -> None:
        file = {"name": "units.csv", "mimeType": "text/csv", "buffer": content.encode()}
        page.locator("main input[type=file]").set_input_files(files=[file])
        submit(page)

    return act


EXPORT = """Session ID;20261101-1
Bead;Allele Specificity;Serologic;Raw;Normal
1;-,-,-;NC;35;0
2;-,-,-;PC;15200,0;15165,0
3;A*24:02;A24;12100,5;12065,5
4;A*24:03;A24;9800;9765
5;DQA1*05:01,DQB1*02:01;DQ2;5321,4;5286,4
6;B*40:01;B60;20;-15
7;A*24:02;A24;11000;10965
"""
BAD_EXPORT = EXPORT.replace("A*24:03", "A*24:3").replace("9765", "viele") + "8;A*99999:01;A;1;1\n"


def with_antibodies(page: Page) -> str:
    """A patient with beads in a serum, so that there is something to see."""
    for nth in range(60):
        path = first_link("/patients/?per_page=100", "/patients/UUID/", nth)(page)
        page.goto(path)
        if page.locator("#antibodies table").count():
            return path
    raise LookupError("no patient with antibodies")


def fill_serum(content: str) -> Callable[[Page], None]:
    """A pasted export into the form of a serum: its preview or its errors, which write nothing."""

    def act(page: Page) -> None:
        page.locator("main input[name=sampled_on]").fill("2026-11-01")
        page.locator("main textarea[name=text]").fill(content)
        page.locator("main .form-actions button.primary").click()
        page.wait_for_load_state()

    return act


def type_serum(page: Page) -> None:
    """The same by hand, with an error beside its row."""
    page.locator("main details.fold > summary").last.click()
    page.locator("main input[name=specificity_1]").fill("A*24:02")
    page.locator("main input[name=mfi_1]").fill("many")
    page.locator("main .form-actions button.primary").click()
    page.wait_for_load_state()


ASK = "main .page-head a.btn.primary"  # new match request; only a typed patient has it


SEARCH_AGAIN = "main form[action$='/repeat/'] button"
PICK = "table.match form[action$='/shortlist/'] button"


def with_picked_units(page: Page) -> str:
    """The shortlist of the patient of the newest list, with two units on it."""
    path = RUN(page)
    page.goto(path)
    for _ in range(2 - page.locator("table.match a.tag[href$='/shortlist/']").count()):
        with page.expect_response(lambda response: response.url.endswith("/shortlist/")):
            page.locator(PICK).first.click()
    page.goto(path)
    return first_link(path, "/patients/UUID/shortlist/")(page)


def open_watch(page: Page) -> None:
    page.locator("#watch details > summary").click()


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


def side_by_side(page: Page) -> str:
    """The address that compares the first three units of the list."""
    path = RUN(page)
    page.goto(path)
    boxes = page.locator("input[form=compare]")
    units = [("unit", boxes.nth(place).get_attribute("value") or "") for place in range(3)]
    return f"{path}compare/?{urlencode(units)}"


def excluded_unit(page: Page) -> str:
    """Why a rule excludes the first unit of the other tab."""
    page.goto(f"{RUN(page)}?show=excluded")
    return page.locator("table.match a[data-main]").first.get_attribute("href") or ""


def open_why(page: Page) -> None:
    page.locator("table.match a[data-main]").first.click()
    page.wait_for_selector(".why-row .why")


def tick_two(page: Page) -> None:
    for place in (0, 2):
        page.locator("input[form=compare]").nth(place).check()


def wrong_thresholds(page: Page) -> None:
    """A draft with mistakes, saved."""
    page.locator("[name='tnc_dose.least']").fill("-1")
    page.locator("[name='dsa.mfi']").fill("1,000")
    page.locator("[name='sort.2']").select_option("class")
    page.locator("main button[name=save]").click()
    page.wait_for_load_state()


def try_draft(page: Page) -> None:
    """Another dose and another order, on the newest list."""
    page.locator("[name='tnc_dose.least']").fill("6")
    page.locator("[name='cd34_dose.action']").select_option("exclude")
    page.locator("[name='sort.1']").select_option("cd34")
    page.locator("[name='sort.2']").select_option("class")
    page.locator("[name=run]").select_option(index=1)
    page.locator("main button[name=preview]").click()
    page.wait_for_selector(".preview", timeout=30_000)


UNIT = first_link("/units/", "/units/UUID/")
PATIENT = first_link("/patients/", "/patients/UUID/")
REQUEST = first_link("/requests/", "/requests/UUID/")
RUN = first_link("/requests/", "/requests/searches/UUID/")
RESULT = through(RUN, "/requests/searches/UUID/units/UUID/")
PAIRS = then(RUN, "pairs/")
LISTED_UNIT = through(through(RUN, "/units/UUID/"), "/requests/units/UUID/")  # stands in a list
FAR_UNIT = through(
    first_link("/units/?status=QUARANTINE", "/units/UUID/"), "/requests/units/UUID/"
)  # in no list
POLICY = first_link("/policies/", "/policies/UUID/")
HOSPITAL = first_link("/hospitals/", "/hospitals/UUID/")

TYPINGS = """A*02:01+A*24:02:01:02L^B*40:01+B15^C*04:09N+C*01:02^DRB1*15:XX+DR9^DPB1*02:01+DPB1*05:01^A2+A11
B*40:01+B*46:01|B*40:02+B*46:XX
A*02:01+A*02:1^Bw4+B60"""
PAIR = {
    "patient": "A*02:01+A*24:02^B*40:01+B*46:01^C*01:02+C*03:04^DRB1*09:01+DRB1*15:01^DPB1*02:01+DPB1*05:01^A1",
    "unit": "A*02:06+A*24:02^B*40:02+B46^DRB1*09:01+DRB1*15:XX^DQB1*03:03+DQB1*06:01^DPB1*02:01+DPB1*04:01",
}

PAGES = [
    Shot("login", None, "/accounts/login/"),
    Shot("login-wrong", None, "/accounts/login/", act=wrong_password),
    Shot("home-hospital", "hospital_coordinator", "/"),
    Shot("home-lab", "lab", "/"),
    Shot("menu", "search_coordinator", "/", act=open_menu, within=".top"),
    Shot("find", "search_coordinator", "/find/?q=A"),
    Shot("find-nothing", "search_coordinator", "/find/?q=zzzz"),
    Shot("profile", "hospital_coordinator", "/profile/"),
    Shot("password-change", "hospital_coordinator", "/accounts/password/change/"),
    Shot("logout", "hospital_coordinator", "/accounts/logout/"),
    Shot("patients", "hospital_coordinator", "/patients/?per_page=25"),
    Shot("patients-none", "hospital_coordinator", "/patients/?q=zzzz"),
    Shot("patient", "hospital_coordinator", PATIENT),
    Shot("patient-new", "hospital_coordinator", "/patients/new/"),
    Shot("patient-new-errors", "hospital_coordinator", "/patients/new/", act=submit),
    Shot("patient-edit", "hospital_coordinator", then(PATIENT, "edit/")),
    Shot("patient-typing", "hospital_coordinator", then(PATIENT, "typing/")),
    Shot("patient-antibodies", "hospital_coordinator", with_antibodies),
    Shot("serum", "search_coordinator", through(with_antibodies, "/patients/sera/UUID/")),
    Shot("serum-new", "hospital_coordinator", then(PATIENT, "sera/new/")),
    Shot("serum-new-preview", "hospital_coordinator", then(PATIENT, "sera/new/"), act=fill_serum(EXPORT)),
    Shot("serum-new-errors", "hospital_coordinator", then(PATIENT, "sera/new/"), act=fill_serum(BAD_EXPORT)),
    Shot("serum-new-by-hand", "hospital_coordinator", then(PATIENT, "sera/new/"), act=type_serum),
    Shot("patient-identity", "hospital_coordinator", with_identity, act=show_identity),
    Shot("requests", "hospital_coordinator", "/requests/"),
    Shot("request-new", "hospital_coordinator", through(PATIENT, r"/requests/new/")),
    Shot("request", "hospital_coordinator", REQUEST),
    Shot("new-units", "search_coordinator", "/requests/new-units/?shown=all"),
    Shot("new-units-none", "hospital_coordinator", "/requests/new-units/?q=zzzz"),
    Shot("unit-patients", "search_coordinator", LISTED_UNIT),
    Shot("unit-patients-none", "search_coordinator", FAR_UNIT),
    Shot("match-list", "hospital_coordinator", then(RUN, "?per_page=25")),
    Shot("match-ticked", "hospital_coordinator", then(RUN, "?per_page=25"), act=tick_two),
    Shot("match-excluded", "hospital_coordinator", then(RUN, "?show=excluded&per_page=25")),
    Shot("match-excluded-why", "hospital_coordinator", then(RUN, "?show=excluded&per_page=25"), act=open_why),
    Shot("match-no-unit", "hospital_coordinator", then(RUN, "?show=excluded&tnc=900")),
    Shot("match-compare", "hospital_coordinator", side_by_side),
    Shot("match-compare-differences", "hospital_coordinator", then(side_by_side, "&differences=1")),
    Shot("match-compare-one", "hospital_coordinator", then(RUN, "compare/"), status=400),
    Shot("match-why-excluded", "hospital_coordinator", excluded_unit),
    Shot("match-why", "hospital_coordinator", RESULT),
    Shot("match-next-typing", "hospital_coordinator", RUN, act=open_next_typing),
    Shot("match-replay", "hospital_coordinator", RUN, act=recompute),
    Shot("match-report", "hospital_coordinator", then(RUN, "report/")),
    Shot("match-report-error", "hospital_coordinator", then(RUN, "report/"), act=too_many_units),
    Shot("match-report-kept", "hospital_physician", then(RUN, "report/"), act=keep_report),
    Shot("match-report-sign-error", "hospital_physician", then(RUN, "report/"), act=sign_wrongly),
    Shot("match-reports", "hospital_physician", then(REQUEST, "reports/")),
    Shot("match-distribution", "hospital_coordinator", then(RESULT, "distribution/")),
    Shot("pairs", "hospital_coordinator", PAIRS),
    Shot("pairs-passed", "hospital_coordinator", then(PAIRS, "?passed=1")),
    Shot("pair", "hospital_coordinator", through(PAIRS, "/requests/searches/UUID/pairs/UUID/UUID/")),
    Shot("match-changes", "hospital_coordinator", then(RUN, "changes/")),
    Shot("shortlist", "hospital_coordinator", with_picked_units),
    Shot("shortlist-none", "hospital_physician", through(PATIENT, "/patients/UUID/shortlist/")),
    Shot("request-watch", "hospital_coordinator", REQUEST, act=open_watch),
    Shot("watched", "hospital_coordinator", "/requests/watched/"),
    Shot("notifications", "hospital_coordinator", "/notifications/"),
    Shot("match-success", "director", "/success/?by=disease"),
    Shot("match-success-hospital", "hospital_coordinator", "/success/?by=hospital"),
    Shot("mails", "admin", "/mails/"),
    Shot("units", "lab", "/units/?per_page=25"),
    Shot("units-none", "lab", "/units/?q=zzzz"),
    Shot("unit", "lab", UNIT),
    Shot("unit-hospital", "hospital_coordinator", UNIT),
    Shot("unit-mother", "lab", then(UNIT, "mother/")),
    Shot("unit-mother-differs", "lab", then(UNIT, "mother/"), act=another_mother),
    Shot("banks", "qa", "/units/banks/"),
    Shot("recovery", "lab", "/units/recovery/"),
    Shot("unit-import", "lab", "/units/import/"),
    Shot("unit-import-preview", "lab", "/units/import/", act=upload(GOOD_UNITS)),
    Shot("unit-import-errors", "lab", "/units/import/", act=upload(BAD_UNITS)),
    Shot("unit-imports", "lab", "/units/imports/"),
    Shot("limits", "qa", "/units/limits/"),
    Shot("planning", "director", "/planning/"),
    Shot("planning-figures", "director", "/planning/", act=simulate),
    Shot("planning-units", "director", then(first_link("/planning/", "/planning/UUID/"), "units/")),
    Shot("prognosis", "hospital_coordinator", through(PATIENT, "/requests/prognosis/UUID/")),
    Shot("hospitals", "admin", "/hospitals/?per_page=25"),
    Shot("hospital", "admin", HOSPITAL),
    Shot("hospital-new", "admin", "/hospitals/new/"),
    Shot("releases", "admin", "/reference/"),
    Shot("policies", "hospital_physician", "/policies/?retired=on"),
    Shot("policies-none", "hospital_physician", "/policies/?q=zzzz"),
    Shot("policy", "medical_director", POLICY),
    Shot("policy-copy", "hospital_physician", then(POLICY, "copy/")),
    Shot("policy-edit", "medical_director", then(POLICY, "edit/")),
    Shot("policy-edit-errors", "medical_director", then(POLICY, "edit/"), act=wrong_thresholds),
    Shot("policy-preview", "medical_director", then(POLICY, "edit/"), act=try_draft),
    Shot("frequencies", "admin", "/reference/frequencies/"),
    Shot("frequencies-built-in", "lab", "/reference/frequencies/built-in/"),
    Shot("calibration", "qa", "/reference/calibration/?quantity=8"),
    Shot("workbench", "hospital_coordinator", "/workbench/"),
    Shot("workbench-typing", "hospital_coordinator", f"/workbench/?{urlencode({'typing': TYPINGS})}"),
    Shot("workbench-compare", "auditor", f"/workbench/compare/?{urlencode(PAIR)}"),
    Shot("people", "admin", "/users/"),
    Shot("person-new", "admin", "/users/new/"),
    Shot("person-new-errors", "admin", "/users/new/", act=submit),
    Shot("person", "admin", first_link("/users/", "/users/UUID/")),
    Shot("jobs", "admin", "/jobs/?per_page=25"),
    Shot("job", "admin", first_link("/jobs/", "/jobs/UUID/")),
    Shot("audit", "auditor", "/audit/?per_page=25"),
    Shot("forbidden", "lab", "/patients/", status=403),
    Shot("not-found", "lab", "/no-such-page/", status=404),
    Shot("components", "lab", "/components/"),
]


@dataclass(frozen=True)
class Combination:
    lang: str
    width: int
    scheme: str

    def __str__(self) -> str:
        return f"{self.lang}-{self.width}-{self.scheme}"


@dataclass(frozen=True)
class Taken:
    shot: Shot
    combination: Combination
    picture: str
    findings: list[str]


class Site:
    """A running Qidai: signs in once per role, finds each address once."""

    def __init__(self, browser: Browser, base_url: str, logins: dict[str, dict[str, str]]) -> None:
        self.browser, self.base_url, self.logins = browser, base_url, logins
        self.states: dict[str | None, Any] = {None: None}
        self.paths: dict[str, str] = {}

    def state_of(self, role: str | None) -> Any:
        if role not in self.states:
            with chromium.page_of(self.browser, self.base_url) as (page, _):
                chromium.sign_in(page, self.logins[role]["email"], self.logins[role]["password"])
                self.states[role] = page.context.storage_state()
        return self.states[role]

    def path_of(self, shot: Shot) -> str:
        if shot.name not in self.paths:
            if isinstance(shot.path, str):
                self.paths[shot.name] = shot.path
            else:
                with chromium.page_of(
                    self.browser, self.base_url, storage_state=self.state_of(shot.role)
                ) as (page, _):
                    self.paths[shot.name] = shot.path(page)
        return self.paths[shot.name]

    def take(self, shot: Shot, combination: Combination, folder: Path) -> Taken:
        name = f"{shot.name}-{combination}.png"
        try:
            findings = self._take(shot, combination, folder / name)
        except (PlaywrightError, LookupError, KeyError) as error:
            findings = [f"not taken: {str(error).splitlines()[0]}"]
        return Taken(shot, combination, name, findings)

    def _take(self, shot: Shot, combination: Combination, picture: Path) -> list[str]:
        path = self.path_of(shot)
        how = {"lang": combination.lang, "width": combination.width, "scheme": combination.scheme}
        state = self.state_of(shot.role)
        with chromium.page_of(self.browser, self.base_url, storage_state=state, **how) as (page, watch):
            watch.expected_status = shot.status
            response = page.goto(path)
            if shot.act:
                shot.act(page)
            page.evaluate("document.fonts.ready.then(() => true)")
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=picture, full_page=True)
            got = response.status if response else 0
            return [
                *([f"status {got}, expected {shot.status}"] if got != shot.status else []),
                *watch.problems,
                *self._wrong_language(page, combination),
                *chromium.width_findings(page),
                *chromium.glyph_findings(page),
                *chromium.accessibility_findings(
                    page, only_contrast=combination.scheme == "dark", within=shot.within
                ),
            ]

    @staticmethod
    def _wrong_language(page: Page, combination: Combination) -> list[str]:
        lang = page.locator("html").get_attribute("lang")
        return [] if lang == combination.lang else [f"the page is in {lang}"]


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
    for shot in PAGES:
        if not re.search(chosen.only, shot.name):
            continue
        taken += [site.take(shot, combination, chosen.out) for combination in wanted]
        findings = [one for one in taken if one.shot is shot and one.findings]
        print(f"{shot.name:22} {'ok' if not findings else f'{len(findings)} with findings'}", flush=True)
        for one in findings:
            for finding in dict.fromkeys(one.findings):
                print(f"    {one.combination}: {finding}", flush=True)
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
