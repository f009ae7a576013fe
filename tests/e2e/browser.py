"""A real Chromium, and what a page must hold in it: accessible, nothing wider than the window, every character
drawn, no error in the console. Used by the journeys of tests/e2e and by scripts/shots.py."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Response, expect

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
# What a new patient is typed as, locus by locus.
TYPING = {
    "A": ("11:01", "24:02"),
    "B": ("40:01", "46:01"),
    "C": ("01:02", "07:02"),
    "DRB1": ("09:01", "15:01"),
    "DQB1": ("03:03", "06:01"),
}
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def executable() -> str | None:
    """The Chromium of the environment or of the system; None: the one that Playwright brought."""
    named = os.environ.get("QIDAI_CHROMIUM")
    if named:
        return named
    for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser"):
        if Path(path).exists():
            return path
    return None


# Not a measure of speed: a suite may run on a machine with other work.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=executable(), args=FLAGS)


@dataclass
class Watch:
    """Collects what a reader never sees: console errors, refused content, failed requests, exceptions."""

    problems: list[str] = field(default_factory=list)
    expected_status: int = 200
    document_status: int = 0  # of the page that is shown now

    def on(self, page: Page) -> Watch:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("response", self._response)
        return self

    def _console(self, message: ConsoleMessage) -> None:
        # A failed load is reported by _response, with its address. htmx calls it an error when a newer answer is
        # awaited instead of an older one (the live check of a typing: hx-sync replace), which is meant.
        expected = ("Failed to load resource", "htmx:sendAbort", "htmx:afterRequest")
        if message.type == "error" and not message.text.startswith(expected):
            self.problems.append(f"console: {message.text[:300]}")

    def _response(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self.document_status = response.status
        if response.status >= 400 and response.status != self.expected_status:
            self.problems.append(f"{response.status} {response.url}")


def evaluate_unbound(page: Page, source: str) -> None:
    """Run our own script in a page whose Content-Security-Policy refuses every other way."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": source})
    session.detach()


def accessibility_findings(page: Page, *, only_contrast: bool = False, within: str = "html") -> list[str]:
    """Every violation that axe-core finds, one line each. Between two colour schemes only the contrast differs.

    `within`: selector of the part looked at, where something on top covers the rest of the page.
    """
    evaluate_unbound(page, AXE.read_text(encoding="utf-8"))
    violations: list[dict[str, Any]] = page.evaluate(
        "async ([within, rules]) => (await axe.run(within, {runOnly: rules})).violations",
        [within, ["color-contrast"] if only_contrast else RULES],
    )
    return [
        f"axe {violation['id']}: {node['html'][:160]} ({' '.join(node['failureSummary'].split())[:200]})"
        for violation in violations
        for node in violation["nodes"]
    ]


_TOO_WIDE = """() => {
  const root = document.scrollingElement;
  if (root.scrollWidth <= innerWidth) return [];
  const right = element => Math.round(element.getBoundingClientRect().right);
  const wide = [...document.querySelectorAll("body *")].filter(element => right(element) > innerWidth + 1);
  return wide.slice(-3).map(e => `${e.tagName.toLowerCase()}.${e.className} reaches ${right(e)} px`);
}"""


def width_findings(page: Page) -> list[str]:
    """Elements that make the page itself scroll sideways; a table in its own scroller may be wide."""
    return [f"wider than the window: {line}" for line in page.evaluate(_TOO_WIDE)]


# Draws each distinct character in the font of its element and compares it with the drawing of characters
# that no font has: the box that stands for a missing glyph.
_MISSING = """() => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 40;
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  const draw = (text, font) => {
    pen.clearRect(0, 0, 40, 40);
    pen.font = `24px ${font}`;
    pen.fillText(text, 4, 30);
    return pen.getImageData(0, 0, 40, 40).data.join();
  };
  const seen = new Map();
  const add = (text, element) => {
    const font = getComputedStyle(element).fontFamily;
    if (!seen.has(font)) seen.set(font, new Set());
    for (const letter of text || "") if (letter.trim()) seen.get(font).add(letter);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) add(walker.currentNode.data, walker.currentNode.parentElement);
  for (const element of document.querySelectorAll("body *")) {
    for (const name of ["placeholder", "value"]) if (typeof element[name] === "string") add(element[name], element);
    for (const side of ["::before", "::after"]) {
      const content = getComputedStyle(element, side).content;
      if (content !== "none" && content !== "normal") add(content, element);
    }
  }
  const missing = [];
  for (const [font, letters] of seen) {
    const blank = draw(" ", font);
    const boxes = new Set(["\\uE5A3", "\\uF4C7", "\\u{10F00D}"].map(l => draw(l, font)).filter(d => d !== blank));
    for (const letter of letters) if (boxes.has(draw(letter, font))) missing.push(letter);
  }
  return [...new Set(missing)];
}"""


def missing_glyphs(page: Page) -> list[str]:
    """Characters of the page that no installed font can draw."""
    return page.evaluate(_MISSING)


def glyph_findings(page: Page) -> list[str]:
    missing = missing_glyphs(page)
    return [f"no glyph for {' '.join(f'{c} U+{ord(c):04X}' for c in missing[:12])}"] if missing else []


def sign_in(page: Page, email: str, password: str) -> None:
    """By the form, as people do. Found by type, so that it works in both languages."""
    page.goto("/accounts/login/")
    page.locator("main input[type=email]").fill(email)
    page.locator("main input[type=password]").fill(password)
    page.locator("main form button").click()
    page.wait_for_url(re.compile(r"^(?!.*/accounts/login/)"))


@contextmanager
def page_of(
    browser: Browser,
    base_url: str,
    *,
    lang: str = "en",
    width: int = 1440,
    scheme: str = "light",
    **context: Any,
) -> Iterator[tuple[Page, Watch]]:
    """A page in a language, a window width and a colour scheme, watched."""
    context.setdefault("locale", "zh-CN" if lang.startswith("zh") else "en-GB")
    opened = browser.new_context(
        base_url=base_url, viewport={"width": width, "height": 900}, color_scheme=scheme, **context
    )
    opened.set_default_timeout(PATIENCE_MS)
    opened.add_cookies([{"name": "django_language", "value": lang, "url": base_url}])
    page = opened.new_page()
    watch = Watch().on(page)
    try:
        yield page, watch
    finally:
        opened.close()
