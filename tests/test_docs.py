"""What the documents promise exists: files they link to, commands, variables, columns, names in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from bank.imports.columns import VALUE_COLUMNS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
APPS = ("config", "core", "hla", "bank", "hospitals", "matching", "transplants")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_what_a_document_links_to_exists(document):
    links = re.findall(r"\]\((?!https?://)([^)#\s]+)", document.read_text(encoding="utf-8"))

    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_commands_that_a_document_names_exist(document):
    text = document.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    django = set(get_commands())

    made = set(re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE))
    managed = set(re.findall(r"manage\.py ([a-z_]+)", text))
    bare = set(re.findall(r"`(load_\w+|audit_\w+|import_\w+|demo_\w+)", text))

    assert sorted(made - targets) == []
    assert sorted((managed | bare) - django) == []


def test_the_readme_names_every_column_of_a_unit_file():
    missing = [column.name for column in VALUE_COLUMNS if f"`{column.name}`" not in README]

    assert missing == []


def test_the_readme_names_every_setting_of_the_environment():
    code = [
        ROOT / "config" / "settings.py",
        ROOT / "config" / "supervisor.py",
        ROOT / "config/embedded/binaries.py",
    ]
    read = {word for path in code for word in re.findall(r"\"(QIDAI_[A-Z_]+|[A-Z]+_URL)\"", path.read_text())}
    internal = {"QIDAI_DEBUG"}  # Django's debug pages: never for people

    assert sorted(word for word in read - internal if f"`{word}`" not in README) == []


def test_the_glossary_points_to_what_is_there():
    glossary = (ROOT / "docs" / "domain.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for app in APPS for path in (ROOT / app).rglob("*.py"))

    cells = [line.rsplit("|", 2)[1] for line in glossary.splitlines() if line.startswith("| ")]
    names = {code for cell in cells for code in re.findall(r"`([^`]+)`", cell)}

    absent = [n for n in sorted(names) if not (ROOT / n).exists() and n.rsplit(".", 1)[-1] not in source]
    assert absent == []
