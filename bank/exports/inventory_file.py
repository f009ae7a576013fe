"""An inventory file, written as a stream: units in, bytes and digests out."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings

from bank.choices import CountUnit, UpdateMode
from bank.exports.abroad import may_go_abroad
from bank.exports.digests import digest_of
from bank.exports.facts import UnitFacts, chunks, of_ids, on_offer
from bank.exports.inventory_xml import FOOT, gone_xml, head, unit_xml
from bank.models import Bank

Tell = Callable[[int], None]


@dataclass
class Written:
    """What came of it. digests: of every unit on offer that may go abroad, whether it stands in the file or not."""

    digests: dict[UUID, bytes] = field(default_factory=dict)
    written: int = 0
    removed: int = 0
    kept_back: int = 0
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Plan:
    """before: digests of the file since which a DIFF tells the differences; None for FULL."""

    bank: Bank
    counts: CountUnit
    at: dt.datetime
    before: Mapping[UUID, bytes] | None = None

    @property
    def mode(self) -> str:
        return (UpdateMode.FULL if self.before is None else UpdateMode.DIFF).value


def file_of(export_id: UUID) -> Path:
    """Where the file of an export lies, made or not."""
    folder = Path(settings.MEDIA_ROOT) / "exports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{export_id}.xml"


def write_file(path: Path, plan: Plan, tell: Tell) -> Written:
    """tell: units looked at so far."""
    with path.open("wb") as file:
        return _Writer(file, plan, tell).all()


class _Writer:
    def __init__(self, file: IO[bytes], plan: Plan, tell: Tell) -> None:
        self._file, self._plan, self._tell = file, plan, tell
        self._hub = plan.bank.emdis_hub
        self._digest = hashlib.sha256()
        self._done = Written()
        self._seen = 0

    def all(self) -> Written:
        plan = self._plan
        units = on_offer(plan.bank)
        synthetic = units.filter(synthetic=True).exists()
        self._put(head(plan.bank, mode=plan.mode, at=plan.at, counts=plan.counts, synthetic=synthetic))
        for chunk in chunks(units):
            allowed = may_go_abroad([facts.unit.pk for facts in chunk])
            for facts in chunk:
                self._take(facts, may=facts.unit.pk in allowed)
            self._seen += len(chunk)
            self._tell(self._seen)
        self._gone()
        self._put(FOOT)
        self._done.sha256 = self._digest.hexdigest()
        return self._done

    def _take(self, facts: UnitFacts, *, may: bool) -> None:
        if not may:
            self._done.kept_back += 1
            return
        element = unit_xml(facts, hub=self._hub, counts=self._plan.counts)
        digest = self._done.digests[facts.unit.pk] = digest_of(element)
        if self._plan.before is None or self._plan.before.get(facts.unit.pk) != digest:
            self._done.written += 1
            self._put(element + "\n")

    def _gone(self) -> None:
        """Units of the earlier file that are on offer no more, or may not be told of any more."""
        gone = sorted(set(self._plan.before or ()) - set(self._done.digests))
        for units in of_ids(gone):
            allowed = may_go_abroad([unit.pk for unit in units])
            for unit in units:
                self._done.removed += 1
                self._put(gone_xml(unit, hub=self._hub, abroad=unit.pk in allowed) + "\n")

    def _put(self, text: str) -> None:
        data = text.encode()
        self._file.write(data)
        self._digest.update(data)
        self._done.size += len(data)
