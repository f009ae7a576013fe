"""A patient of each indication on the way from the request to the signed report: made once, as people make it.

What was made is noted beside the pictures, so that another run finds it again. Signed reports are drawn page by page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pypdfium2
from playwright.sync_api import Page
from shots_finding import first_link
from shots_site import Combination, Shot, Site, Taken, chromium

COORDINATOR, PHYSICIAN = "hospital_coordinator", "hospital_physician"
LANGS = ("en", "zh-hans")
PARTNER = re.compile(r"(?:a pair with|可与) ([^,·]+?)(?:,| ·| 配对|$)")


@dataclass(frozen=True)
class Indication:
    """policy: chosen by its English name where it is not proposed by itself."""

    name: str
    diagnosis: str
    birth_date: str
    weight_kg: str
    policy: str = ""
    units: int = 1


INDICATIONS = (
    Indication("malignant", "aml", "1984-03-02", "52"),
    Indication("non-malignant", "saa", "2022-05-01", "14"),
    Indication("children", "all", "2016-09-12", "27"),
    Indication("double", "aml", "1979-11-20", "71", "Two units v1", units=2),
)


@dataclass
class Way:
    """Addresses of what was made for one patient; reports by language."""

    patient: str = ""
    request: str = ""
    run: str = ""
    reports: dict[str, str] = field(default_factory=dict)


def prepare(site: Site, folder: Path) -> dict[str, Way]:
    note = folder / "indications.json"
    known = {name: Way(**way) for name, way in json.loads(note.read_text()).items()} if note.exists() else {}
    for one in INDICATIONS:
        if one.name not in known or not _still_there(site, known[one.name]):
            known[one.name] = _made(site, one)
            note.write_text(json.dumps({name: asdict(way) for name, way in known.items()}, indent=1))
    return known


def _still_there(site: Site, way: Way) -> bool:
    with site.page_as(COORDINATOR) as page:
        answers = [page.goto(path) for path in (way.run, *way.reports.values())]
        return all(answer is not None and answer.status == 200 for answer in answers)


def _made(site: Site, one: Indication) -> Way:
    way = Way()
    with site.page_as(COORDINATOR) as page:
        way.patient = _new_patient(page, one)
        page.locator("main .page-head a.btn.primary").click()
        if one.policy:
            page.locator("main select[name=policy]").select_option(label=one.policy)
            page.locator("main button[name=defaults]").click()
        page.locator("main button[name=search]").click()
        page.wait_for_selector("table.match", timeout=60_000)
        way.run = _path(page)
        way.request = first_link(way.run, "/requests/UUID/")(page)
        for lang in LANGS:
            way.reports[lang] = _kept_report(page, way.run, lang, pairs=5 if one.units > 1 else 0)
        page.goto(way.run)
        for _ in range(2):
            with page.expect_response(lambda response: response.url.endswith("/shortlist/")):
                page.locator("table.match form[action$='/shortlist/'] button").first.click()
    with site.page_as(PHYSICIAN) as page:
        for path in way.reports.values():
            _sign(page, path, one.units, site.logins[PHYSICIAN]["password"])
    return way


def _path(page: Page) -> str:
    return str(page.evaluate("location.pathname"))


def _new_patient(page: Page, one: Indication) -> str:
    page.goto("/patients/new/")
    page.locator("main select[name=sex]").select_option("F")
    page.locator("main input[name=birth_date]").fill(one.birth_date)
    page.locator("main input[name=weight_kg]").fill(one.weight_kg)
    page.locator("main select[name=diagnosis]").select_option(one.diagnosis)
    page.locator("main select[name=abo]").select_option("O")
    for locus, values in chromium.TYPING.items():
        for place, value in enumerate(values, start=1):
            page.locator(f"main input[name=hla_{locus}_{place}]").fill(value)
    page.locator("main .form-actions button.primary").click()
    page.wait_for_load_state()
    doubt = page.locator("main input[name=confirmed]")
    if doubt.count():
        doubt.first.check()
        page.locator("main .form-actions button.primary").click()
        page.wait_for_load_state()
    return _path(page)


def _kept_report(page: Page, run: str, lang: str, pairs: int) -> str:
    page.goto(f"{run}report/")
    page.locator("main input[name=n]").fill("5")
    page.locator("main input[name=pairs]").fill(str(pairs))
    page.locator("main select[name=lang]").select_option(lang)
    page.locator("main form.form button.primary").click()
    page.wait_for_url("**/requests/reports/**")
    return _path(page)


def _sign(page: Page, path: str, units: int, password: str) -> None:
    page.goto(path)
    page.locator("main input[name=meaning][value=chosen]").check()
    _choose(page, units)
    page.locator("main input[name=remark]").fill("Synthetic demonstration. 合成演示。")
    page.locator("main input[type=password]").fill(password)
    page.locator("main form[action$='/sign/'] button.primary").click()
    page.wait_for_selector("main a[href$='/signed.pdf']")


def _choose(page: Page, units: int) -> None:
    """The first unit, or the first one that stands in a pair and its partner."""
    boxes = page.locator("main input[name=chosen]")
    if units == 1:
        boxes.first.check()
        return
    for place in range(boxes.count()):
        box = boxes.nth(place)
        label = page.locator(f"main label[for='{box.get_attribute('id')}']").inner_text()
        if found := PARTNER.search(label):
            box.check()
            page.locator(f"main input[name=chosen][value='{found[1]}']").check()
            return
    raise LookupError("the report holds no pair")


def shots(name: str, way: Way) -> list[Shot]:
    """The pages of this way, in the order in which people meet them."""
    unit = first_link(way.run, "/requests/searches/UUID/units/UUID/")

    def compare(page: Page) -> str:
        page.goto(way.run)
        boxes = page.locator("input[form=compare]")
        units = [("unit", boxes.nth(place).get_attribute("value") or "") for place in range(2)]
        return f"{way.run}compare/?{urlencode(units)}"

    def compare_pairs(page: Page) -> str:
        page.goto(f"{way.run}pairs/")
        boxes = page.locator("input[form=compare-pairs]")
        pairs = [("pair", boxes.nth(place).get_attribute("value") or "") for place in range(3)]
        return f"{way.run}pairs/compare/?{urlencode(pairs)}"

    found = [
        Shot(f"{name}-1-request-new", COORDINATOR, first_link(way.patient, "/requests/new/")),
        Shot(f"{name}-2-request", COORDINATOR, way.request),
        Shot(f"{name}-3-list", COORDINATOR, f"{way.run}?per_page=25"),
        Shot(f"{name}-4-excluded", COORDINATOR, f"{way.run}?show=excluded&per_page=25"),
        Shot(f"{name}-5-unit", COORDINATOR, unit),
        Shot(f"{name}-6-compare", COORDINATOR, compare),
        Shot(f"{name}-7-pairs", COORDINATOR, f"{way.run}pairs/"),
        *([Shot(f"{name}-7-pairs-compare", COORDINATOR, compare_pairs)] if name == "double" else []),
        Shot(f"{name}-8-shortlist", COORDINATOR, first_link(way.run, "/patients/UUID/shortlist/")),
        Shot(f"{name}-9-report", COORDINATOR, f"{way.run}report/"),
    ]
    signed = [Shot(f"{name}-signed-{lang}", PHYSICIAN, path) for lang, path in way.reports.items()]
    return [*found, *signed]


def is_asked(only: str) -> bool:
    """Whether a page of a way, or a paper, is among those whose name matches."""
    nothing = Way(reports=dict.fromkeys(LANGS, ""))
    names = [shot.name for one in INDICATIONS for shot in shots(one.name, nothing)]
    return any(re.search(only, name) for name in [*names, *(f"{one.name}-paper" for one in INDICATIONS)])


def papers(site: Site, name: str, way: Way, folder: Path) -> Iterator[Taken]:
    """Each page of the signed reports as a picture."""
    for lang, path in way.reports.items():
        shot = Shot(f"{name}-paper-{lang}", PHYSICIAN, path)
        with site.page_as(PHYSICIAN) as page:
            page.goto(path)
            with page.expect_download() as download:
                page.locator("main a[href$='/signed.pdf']").click()
            file = Path(download.value.path()).read_bytes()
        with pypdfium2.PdfDocument(file) as document:
            for number, sheet in enumerate(document, start=1):
                picture = f"{shot.name}-{number}.png"
                sheet.render(scale=1.3).to_pil().save(folder / picture)
                yield Taken(shot, Combination(lang, number, "page"), picture, [])


def every_shot(ways: dict[str, Way]) -> list[Shot]:
    return [shot for name, way in ways.items() for shot in shots(name, way)]
