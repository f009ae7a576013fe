"""A dossier as a printed document: a table or facts for each section, every value that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from bank.dossier.build import VERSION, Dossier, Part
from bank.dossier.labels import label
from bank.dossier.records import Field, Record
from core.pdf.document import Block, Cell, Column, Document, Fact, Facts, Heading, Notice, Table, Text, cell

REST = 1.9  # share of the last column, which holds what has no column of its own
SHARES = {
    "canonical_gl": 2.2,
    "justification": 1.6,
    "reason": 1.4,
    "lot": 1.2,
    "file": 1.6,
    "actor": 1.2,
    "action": 1.3,
    "at": 0.9,
}


def document_of(dossier: Dossier, language: str) -> Document:
    """In the language that is active: that of the dossier's texts."""
    unit = dossier.unit
    return Document(
        title=_("Dossier of unit %(unit)s") % {"unit": unit.unit_no},
        subject=_("Everything recorded of this cord blood unit"),
        author=dossier.made_by.label,
        language="zh-Hans" if language.startswith("zh") else language,
        running=unit.public_no,
        banner=_("Synthetic demonstration data. Not for clinical use.") if dossier.synthetic else "",
        foot=_(
            "Confidential: the mother is named by a code only. Kept for 30 years after the unit's last use."
        ),
        page_text=_("Page {page} of {pages}"),
        seal=_("Digest of these pages (SHA-256): {digest}"),
        made_at=dossier.made_at,
        blocks=tuple(_blocks(dossier)),
    )


def file_stem(dossier: Dossier) -> str:
    """With nothing that a file system or a header would stumble over."""
    return "qidai-dossier-" + re.sub(r"[^A-Za-z0-9_-]", "_", dossier.unit.unit_no)


def _blocks(dossier: Dossier) -> Iterator[Block]:
    unit = dossier.unit
    yield Heading(_("Dossier of a cord blood unit"), 0)
    yield Facts(
        (
            Fact(_("Unit"), unit.public_no),
            Fact(_("Unit number"), unit.unit_no),
            Fact(_("Bank"), unit.bank.name),
            Fact(_("Status"), ", ".join([str(unit.get_status_display()), *unit.block_labels])),
            Fact(_("Made at"), timezone.localtime(dossier.made_at).strftime("%Y-%m-%d %H:%M:%S %Z")),
            Fact(_("Made by"), dossier.made_by.label),
            Fact(_("Version of the format"), str(VERSION)),
            Fact(_("Digest of the JSON file (SHA-256)"), dossier.sha256),
        ),
        columns=2,
    )
    yield Text(
        _(
            "The JSON file with the same content is attached to this PDF; its digest stands in the audit trail too. "
            "Instants are in the bank's time zone here, in UTC there. Roles are those that a person has today."
        ),
        "muted",
        small=True,
    )
    if dossier.synthetic:
        yield Notice(_("Unit and results are synthetic demonstration data. Not for clinical use."))
    for part in dossier.parts:
        yield from _section(part)


def _section(part: Part) -> Iterator[Block]:
    yield Heading(str(part.section.title), 1, str(len(part.records)))
    if not part.records:
        yield Text(_("Nothing is recorded."), "muted", small=True)
    elif part.section.columns:
        yield _table(part)
    else:
        for record in part.records:
            facts = tuple(Fact(label(one.name), one.text) for one in record.fields if one.text)
            yield Facts((*facts, Fact(_("Key"), record.id)), columns=3)


def _table(part: Part) -> Table:
    names = part.section.columns
    columns = [Column(label(name), SHARES.get(name, 1.0)) for name in names]
    rows = tuple((*_cells(record, names), cell(_rest(record, names), small=True)) for record in part.records)
    return Table((*columns, Column(_("Further"), REST)), rows)


def _cells(record: Record, names: Sequence[str]) -> Iterator[Cell]:
    for name in names:
        found = record.get(name)
        yield cell(found.text if found and found.text else "–")


def _rest(record: Record, names: Sequence[str]) -> str:
    return " · ".join(_named(one) for one in record.fields if one.name not in names and one.text)


def _named(one: Field) -> str:
    return f"{label(one.name)}: {one.text}"
