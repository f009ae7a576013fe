"""The command `manage.py estimate`: the estimators of the dashboards for any CSV file. No database, no Django.

Exit status: 0 all well, 1 the command or the file cannot be used as it is, 2 a value in the file is wrong.
"""

import argparse
import contextlib
import io
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final, TextIO

from transplants.statistics.answers import ANSWERS, Json, Wish, answer
from transplants.statistics.cox import TIES
from transplants.statistics.errors import StatisticsError
from transplants.statistics.limits import LIMIT_TYPES
from transplants.statistics.rows import FileError, Rows, read_rows

OK, REFUSED, INVALID = 0, 1, 2
HELP: Final = (
    "Survival estimates of a CSV file: Kaplan–Meier (km), cumulative incidence (cif), Gray's test (gray), log-rank "
    "(logrank), Cox (cox), Fine–Gray (finegray). Columns: time, event (0 = censored, 1, 2, … = causes), and where "
    "needed group, strata, entry, subject; in cox and finegray every other column is a covariate."
)


class Parser(argparse.ArgumentParser):
    """Ends with status 1 on wrong usage: 2 means a wrong value here."""

    def error(self, message: str) -> Any:
        self.print_usage(sys.stderr)
        self.exit(REFUSED, f"{self.prog}: {message}\n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("statistic", choices=tuple(ANSWERS))
    parser.add_argument("--csv", required=True, metavar="FILE", help="- for standard input")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--times", default="", metavar="T,T", help="read curves at these times (without: at every event)"
    )
    parser.add_argument("--cause", type=int, help="of gray (without: each) and finegray (without: 1)")
    parser.add_argument("--level", type=float, default=0.95, help="of confidence (default 0.95)")
    parser.add_argument("--limits", choices=LIMIT_TYPES, default=LIMIT_TYPES[0], help="type of limits")
    parser.add_argument("--ties", choices=TIES, default=TIES[0], help="of deaths on one day, in cox")
    parser.add_argument("--covariates", default="", metavar="A,B", help="only these columns")
    parser.add_argument(
        "--categories", default="", metavar="A,B", help="covariates that are labels (group always is)"
    )


def wish_of(options: dict[str, Any]) -> Wish:
    """Raises FileError."""
    try:
        times = tuple(float(text) for text in _listed(options["times"]))
    except ValueError:
        raise FileError(f"--times {options['times']} is not a list of numbers such as 100,365.") from None
    return Wish(
        times=times,
        cause=options["cause"],
        level=options["level"],
        limits=options["limits"],
        ties=options["ties"],
        covariates=_listed(options["covariates"]),
        categories=_listed(options["categories"]),
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def run(options: dict[str, Any], stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
    """The command with its arguments read; its exit status."""
    rows: Rows | None = None
    try:
        wish = wish_of(options)
        with _opened(options["csv"], stdin) as lines:
            rows = read_rows(lines)
        found = answer(options["statistic"], rows, wish)
    except FileError as error:
        stderr.write(f"estimate: {error}\n")
        return REFUSED
    except StatisticsError as error:
        stderr.write(f"estimate: {rows.told(error) if rows else error}\n")
        return INVALID
    stdout.write((json.dumps(found, ensure_ascii=False) if options["json"] else plain(found)) + "\n")
    return OK


@contextlib.contextmanager
def _opened(path: str, stdin: TextIO) -> Iterator[TextIO]:
    if path == "-":
        yield stdin
        return
    try:
        with open(path, encoding="utf-8", newline="") as file:
            yield file
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FileError(f"{path} cannot be read: {why}.") from None


def plain(found: Json) -> str:
    """The answer as text: names and values, tables with aligned columns."""
    return "\n".join(_lines(found, ""))


def _lines(found: Json, indent: str) -> Iterator[str]:
    for name, value in found.items():
        if isinstance(value, list) and value and all(not _nested(item) for item in value):
            yield f"{indent}{name}"
            yield from (f"{indent}  {line}" for line in _table(value))
        elif isinstance(value, list):
            for item in value:
                yield f"{indent}{name}:"
                yield from _lines(item, indent + "  ")
        elif isinstance(value, dict):
            yield f"{indent}{name}: " + ", ".join(
                f"{key} {_shown(part)}" for key, part in value.items() if not _nested({"": part})
            )
            yield from _lines({k: v for k, v in value.items() if _nested({"": v})}, indent + "  ")
        else:
            yield f"{indent}{name}: {_shown(value)}"


def _nested(item: Json) -> bool:
    return any(isinstance(value, list | dict) for value in item.values())


def _table(records: Sequence[Json]) -> Iterator[str]:
    cells = [list(records[0]), *([_shown(value) for value in record.values()] for record in records)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    for row in cells:
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def main(arguments: Sequence[str]) -> int:
    """The command on the streams of this process; its exit status."""
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    parser = Parser(prog="manage.py estimate", description=HELP)
    add_arguments(parser)
    return run(vars(parser.parse_args(arguments)), sys.stdin, sys.stdout, sys.stderr)
