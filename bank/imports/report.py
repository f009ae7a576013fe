"""What came of an import, for people and programs: the same for a dry run and the real one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from bank.imports.errors import Finding


@dataclass
class ImportReport:
    """Counts of rows and all findings. `ok` rows are new or unchanged; `failed` rows have a finding.

    `warnings` stop nothing: new units whose typing needs a decision.

    `batch_id` is the stored batch; None for a dry run, or where nothing was new, or where errors stopped it.
    """

    rows: int = 0
    imported: int = 0
    unchanged: int = 0
    held: int = 0
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    dry_run: bool = False
    skip_bad: bool = False
    batch_id: UUID | None = None

    @property
    def failed(self) -> int:
        return self.rows - self.ok

    @property
    def ok(self) -> int:
        return self.imported + self.unchanged

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
            "errors": [finding.as_dict() for finding in self.findings],
            "warnings": [warning.as_dict() for warning in self.warnings],
        }
