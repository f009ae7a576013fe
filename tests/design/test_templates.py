"""Rules of the templates that no linter knows: nothing inline, every part documented and shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PARTS = sorted((ROOT / "templates/_components").glob("*.html"))
STYLES = sorted((ROOT / "static/css").glob("*.css"))

# Refused by our Content-Security-Policy, so it would silently do nothing.
INLINE = re.compile(
    r"""\sstyle\s*=|<style\b|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=|javascript:|hx-on\b""", re.I
)
FRAME = {"header.html", "nav.html", "language.html", "account_menu.html", "brand.html"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_nothing_is_inline(path: Path) -> None:
    assert INLINE.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.name)
def test_part_says_its_context(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("{% comment %}")


def test_every_part_stands_in_the_list() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "templates/_components/README.md").read_text(), re.M))

    assert listed == {path.stem for path in PARTS if path.name not in FRAME}


def test_every_part_is_in_the_gallery() -> None:
    """Directly, or inside a part that is."""
    shown: set[str] = set()
    waiting = [ROOT / "templates/components.html", *(ROOT / "templates/components").glob("*.html")]
    while waiting:
        names = set(re.findall(r"_components/(\w+\.html)", waiting.pop().read_text(encoding="utf-8")))
        waiting += [ROOT / "templates/_components" / name for name in names - shown]
        shown |= names

    assert {path.name for path in PARTS} - shown - FRAME - {"messages.html"} == set()


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_load_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "url(" not in text
    assert "@import" not in text
    assert text.count("{") == text.count("}")
    assert len(text.splitlines()) <= 400


def test_every_colour_name_is_defined() -> None:
    used = {
        name for path in STYLES for name in re.findall(r"var\(--([\w-]+)", path.read_text(encoding="utf-8"))
    }
    defined = set(re.findall(r"--([\w-]+):", (ROOT / "static/css/tokens.css").read_text(encoding="utf-8")))

    assert used - defined == set()
