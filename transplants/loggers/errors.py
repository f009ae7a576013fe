"""What is wrong with a file of a logger, line by line. In words: transplants.logger_messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """line: from 1, 0 for the file as a whole."""

    line: int
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


class LoggerError(Exception):
    """The file was not taken. findings: at least one, of the first lines that are wrong."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(", ".join(finding.code for finding in findings))
        self.findings: Sequence[Finding] = findings


def refused(code: str, line: int = 0, **params: Any) -> LoggerError:
    return LoggerError(Finding(line, code, params))
