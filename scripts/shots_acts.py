"""What is done on a page before its picture is taken, and pages that want a look for them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from playwright.sync_api import Page
from shots_finding import RUN, first_link


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
    page.locator("main .more-menu > summary").click()
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


BAD_RESULTS = """unit,test,value,time_point,subject,tested_on
SHOT-1,tnc,131.5,processing,,2026-03-02
SHOT-1,hbs_ag,maybe,,mother,2026-03-02
"""
STRANGE_COLUMNS = """脐带血编号,血型,有核细胞数(×10^8),CD34+,HLA-A 1,HLA-A 2,备注
SHOT-1,O,15.15,4.2,11:01,24:02,x
"""
UNIT_XML = (
    '<INVENTORIES><INVENTORY POOL="6939"><CBU><ID>SHOT-1</ID><HLA><A><DNA><FIELD1>11:01</FIELD1><FIELD2>24:02</FIELD2>'
    "</DNA></A></HLA><IDM><CMV>N</CMV></IDM><STATUS>AV</STATUS><TNC_FRZN>15.15</TNC_FRZN></CBU></INVENTORY></INVENTORIES>"
)


def make_inventory_file(page: Page) -> None:
    """The newest there is, or a first one; what it shows is the page of that file."""
    if page.locator("main table a").count():
        page.locator("main table a").first.click()
        return
    page.locator("main [name=issuing_organisation]").fill("6939")
    page.locator("main [name=counts]").select_option("e8")
    submit(page)


def open_folds(page: Page) -> None:
    """The first thing that one can do."""
    page.locator("main details.fold summary").last.wait_for()
    page.locator("section[aria-labelledby=acts] details summary").first.click()


def upload(content: str, name: str = "units.csv") -> Callable[[Page], None]:
    """A file into the import page: its preview, which writes nothing."""

    def act(page: Page) -> None:
        file = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
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
