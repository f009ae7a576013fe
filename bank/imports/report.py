"""What came of an import, for people and programs: the same for a dry run and the real one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from bank.imports.errors import Finding


@dataclass
class ImportReport:
    """Counts of rows and all findings. `ok` rows are new or unchanged; `failed` rows have a finding.

    wants_listed: new own units that the file calls listed; undeclared: those of them that enter the quarantine because
    nobody declares that they were released. Of a partner's list rows may change units, and units may be gone.

    `warnings` stop nothing: new units whose typing needs a decision.

    kind: form of the file, "" where it could not be told. ignored: names of what the file holds and nobody reads.

    `batch_id` is the stored batch; None for a dry run, or where nothing was new, or where errors stopped it.
    """

    rows: int = 0
    imported: int = 0
    unchanged: int = 0
    held: int = 0
    changed: int = 0
    gone: int = 0
    wants_listed: int = 0
    undeclared: int = 0
    is_partner: bool = False
    bank: str = ""
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    dry_run: bool = False
    skip_bad: bool = False
    batch_id: UUID | None = None
    kind: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        return self.rows - self.ok

    @property
    def ok(self) -> int:
        return self.imported + self.unchanged + self.changed

    @property
    def changes(self) -> int:
        """Units that become new, other or gone."""
        return self.imported + self.changed + self.gone

    @property
    def blocked(self) -> bool:
        """Errors and no permission to skip them: nothing may be written."""
        return bool(self.findings) and not self.skip_bad

    @property
    def written(self) -> bool:
        return self.batch_id is not None

    def as_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "ok": self.ok,
            "failed": self.failed,
            "imported": self.imported,
            "unchanged": self.unchanged,
            "held": self.held,
            "changed": self.changed,
            "gone": self.gone,
            "undeclared": self.undeclared,
            "ignored": list(self.ignored),
            "errors": [finding.as_dict() for finding in self.findings],
            "warnings": [warning.as_dict() for warning in self.warnings],
        }
