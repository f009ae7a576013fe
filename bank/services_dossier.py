"""Fetching the dossier of a unit: put together, written as a file, and that it was fetched."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone, translation

from bank.dossier.build import Dossier, dossier_of
from bank.dossier.printed import document_of, file_stem
from bank.models import CordBloodUnit
from bank.writing import guard_own, locked_unit
from core import audit
from core.audit import Actor
from core.models import Installation
from core.pdf.paint import pdf_bytes

Format = Literal["json", "pdf"]
TYPES: dict[Format, str] = {"json": "application/json", "pdf": "application/pdf"}


@dataclass(frozen=True)
class DossierFile:
    name: str
    content: bytes
    content_type: str
    sha256: str


def dossier_fetch(*, unit_id: UUID, form: Format, language: str, actor: Actor) -> DossierFile:
    """The dossier as a file; the audit entry holds the digests of what is handed out.

    It is read behind the lock of the unit, for which every service that writes about it waits: the file is of one
    moment. It is laid out without the lock, which takes longer. language: of the PDF, one of settings.LANGUAGES; the
    JSON speaks none.
    """
    with translation.override(language):
        dossier = _of_one_moment(unit_id, actor)
        content = dossier.json if form == "json" else _pdf(dossier, language)
    name = f"{file_stem(dossier)}.{form}"
    file = DossierFile(name, content, TYPES[form], hashlib.sha256(content).hexdigest())
    _record(dossier, file, form, language, actor)
    return file


@transaction.atomic
def _of_one_moment(unit_id: UUID, actor: Actor) -> Dossier:
    guard_own(locked_unit(unit_id))
    return read(unit_id, actor)


@transaction.atomic
def _record(dossier: Dossier, file: DossierFile, form: Format, language: str, actor: Actor) -> None:
    after = {"format": form, "sha256": file.sha256, "json_sha256": dossier.sha256}
    told = after if form == "json" else {**after, "language": language}
    audit.record(actor=actor, action="unit.dossier", target=dossier.unit, after=told)


def read(unit_id: UUID, actor: Actor) -> Dossier:
    """As it is now, in the active language; nothing is noted."""
    unit = CordBloodUnit.objects.select_related("bank", "donation", "import_batch").get(pk=unit_id)
    return dossier_of(
        unit,
        made_by=actor,
        made_at=timezone.now().replace(microsecond=0),
        synthetic=Installation.load().synthetic,
    )


def _pdf(dossier: Dossier, language: str) -> bytes:
    return pdf_bytes(document_of(dossier, language), {f"{file_stem(dossier)}.json": dossier.json})
