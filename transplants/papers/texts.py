"""The bank's own texts on papers: which is in force, and its lines as blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core.pdf.document import Block, Heading, Notice, Text
from transplants.choices_papers import TextKind
from transplants.papers.defaults import PROPOSALS

if TYPE_CHECKING:
    from transplants.models_papers import PaperText


@dataclass(frozen=True)
class BankText:
    """In the language that is active. version 0: nobody has approved one, it is the program's proposal."""

    kind: TextKind
    version: int
    text: str


def bank_text(in_force: Mapping[str, PaperText], kind: TextKind) -> BankText:
    if row := in_force.get(kind):
        return BankText(kind, row.version, row.text)
    english, chinese = PROPOSALS[kind]
    return BankText(kind, 0, chinese if (get_language() or "").startswith("zh") else english)


def blocks(found: BankText) -> Iterator[Block]:
    """Its lines, and which version it is; of a proposal first of all that it is one."""
    if not found.version:
        yield Notice(
            _("Unconfirmed: a proposal of the program, to be approved by the medical director of the bank."),
            "bad",
        )
    yield from map(_block, lines(found.text))
    if found.version:
        yield Text(_("Text of the bank, version %(n)d.") % {"n": found.version}, "muted", small=True)


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def shown_lines(text: str) -> list[dict[str, str]]:
    """For a page: what each line is, and its words."""
    signs = {"# ": "heading", "! ": "warning", "- ": "step"}
    return [
        {"is": signs.get(line[:2], ""), "text": line[2:].strip() if line[:2] in signs else line}
        for line in lines(text)
    ]


def _block(line: str) -> Block:
    sign, rest = line[:2], line[2:].strip()
    if sign == "# ":
        return Heading(rest, 2)
    if sign == "! ":
        return Notice(rest, "bad")
    return Text(f"• {rest}" if sign == "- " else line)
