"""A dossier put together, and as JSON. The same content gives the same bytes, apart from who made it when."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bank.dossier import trail
from bank.dossier.records import Record, utc
from bank.dossier.registry import Section, Subject, sections
from bank.models import CordBloodUnit
from core.audit import Actor

FORMAT, VERSION = "qidai.unit-dossier", 1  # docs/dossier.md; a new version where a reader could stumble


@dataclass(frozen=True)
class Part:
    section: Section
    records: Sequence[Record]


@dataclass(frozen=True)
class Dossier:
    """All that is recorded of a unit, in the language that was active when it was put together."""

    unit: CordBloodUnit
    made_at: dt.datetime
    made_by: Actor
    parts: Sequence[Part]
    synthetic: bool

    def as_json(self) -> dict[str, Any]:
        unit = self.unit
        return {
            "format": FORMAT,
            "version": VERSION,
            "made_at": utc(self.made_at),
            "made_by": {"id": self.made_by.id, "name": self.made_by.label},
            "synthetic": self.synthetic,
            "unit": {"id": str(unit.pk), "bank": unit.bank.code, "unit_no": unit.unit_no, "din": unit.din},
            "sections": {
                part.section.key: [record.as_json() for record in part.records] for part in self.parts
            },
        }

    @cached_property
    def json(self) -> bytes:
        return (json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n").encode()

    @property
    def sha256(self) -> str:
        """Of the JSON file."""
        return hashlib.sha256(self.json).hexdigest()


def dossier_of(unit: CordBloodUnit, *, made_by: Actor, made_at: dt.datetime, synthetic: bool) -> Dossier:
    """unit: with bank, donation and batch. Every section, also one without records: that nothing is there is told."""
    subject = Subject(unit)
    parts = [Part(section, section.records(subject)) for section in sections()]
    told = trail.entries(subject, _targets(parts))
    parts = [Part(one.section, told) if one.section.key == "trail" else one for one in parts]
    return Dossier(unit, made_at, made_by, parts, synthetic)


def _targets(parts: Sequence[Part]) -> dict[str, set[str]]:
    """The rows whose audit entries are told too: by model, their keys; those that a record refers to as its lot."""
    found: dict[str, set[str]] = {}
    for part in parts:
        for record in part.records if part.section.trail else ():
            if record.type in part.section.covers:
                found.setdefault(record.type, set()).add(record.id)
            for one in record.fields:
                if isinstance(one.value, dict) and one.value.get("type") in part.section.covers:
                    found.setdefault(one.value["type"], set()).add(one.value["id"])
    return found
