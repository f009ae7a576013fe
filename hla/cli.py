"""The commands of the kernel: `hla_explain`, `hla_compare`, `match_matrix`. No database, no Django.

Exit status: 0 all well, 1 the command cannot be done as it was written, 2 a typing is invalid.
"""

import argparse
import contextlib
import gc
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from hla.antigens import ANTIGEN_RULES
from hla.cache import Cache
from hla.nomenclature import NomenclatureError
from hla.resolve import Resolver, resolver_for

if TYPE_CHECKING:
    from hla.frequencies.sets import HaplotypeSet

Json = dict[str, Any]

OK, REFUSED, INVALID, INTERRUPTED = 0, 1, 2, 130
STDIN: Final = "-"


class Refusal(Exception):
    """The command cannot be done; the text says why and what to do."""


@dataclass(frozen=True)
class Surroundings:
    """Where a command reads and writes. folder: where compiled reference data are kept (var/hla)."""

    folder: Path
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO

    def warn(self, sentence: str) -> None:
        self.stderr.write(f"{sentence}\n")

    def resolver(self, options: dict[str, Any]) -> Resolver:
        """Over the reference data that --release and --mac name. Raises Refusal."""
        cache = Cache(self.folder, self.warn)
        try:
            nomenclature, mac = cache.nomenclature(options["release"]), cache.mac(options["mac"])
        except NomenclatureError as error:
            raise Refusal(str(error)) from None
        return resolver_for(nomenclature, mac, cache.ciwd())

    def frequencies(self, source: str, population: str, **reading: bool) -> "HaplotypeSet":
        """The haplotype frequency set in a file, or loaded here by a name. Raises NomenclatureError.

        reading: truncated, ignore_checksum, as hla.frequencies.files.read_set has them.
        """
        return Cache(self.folder, self.warn).frequencies(source, population, **reading)


@dataclass(frozen=True)
class Command:
    """One command: its sentence of help, its arguments, what it does (returns the exit status)."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[dict[str, Any], Surroundings], int]


class Parser(argparse.ArgumentParser):
    """Ends with status 1 on wrong usage: 2 means an invalid typing here."""

    def error(self, message: str) -> Any:
        self.print_usage(sys.stderr)
        self.exit(REFUSED, f"{self.prog}: {message}\n")


def add_reference_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--release",
        metavar="PATH|VERSION",
        help="IPD-IMGT/HLA release: its folder or zip, or the version of one used before, such as 3.58.0 "
        "(without: the one in use here, else the built-in nomenclature)",
    )
    parser.add_argument(
        "--mac", metavar="PATH", help="table of multiple allele codes, in the layout of NMDP's numer.v3.txt"
    )
    parser.add_argument(
        "--blank",
        choices=("unknown", "homozygous"),
        default="unknown",
        help="what one value alone, or beside a blank, means (default: the other is unknown)",
    )


def add_explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "typings", nargs="+", metavar="TYPING", help='such as "A*02:01+A*24:02"; - reads one per line'
    )
    parser.add_argument("--locus", help="locus of values that do not name it, such as A for 02:01")
    parser.add_argument("--json", action="store_true", help="one JSON object per line (always so with -)")
    add_reference_arguments(parser)


def explain(options: dict[str, Any], around: Surroundings) -> int:
    """`hla_explain`: what typings denote."""
    from hla.interpret import Interpreter
    from hla.loci import LOCI, locus_of
    from hla.plain import explained

    locus = options["locus"] and locus_of(options["locus"])
    if options["locus"] and locus is None:
        raise Refusal(f"{options['locus']} is not an HLA locus that is read. Use one of {', '.join(LOCI)}.")
    interpreter = Interpreter(around.resolver(options))
    as_json = options["json"] or STDIN in options["typings"]
    invalid = False
    for text in each_text(options["typings"], around.stdin):
        answer = interpreter.interpret(text, locus=locus, blank=options["blank"])
        invalid = invalid or "error" in answer
        put(around.stdout, answer, None if as_json else explained)
    return INVALID if invalid else OK


def add_compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patient", metavar="GL", help="typing of the patient")
    parser.add_argument("--unit", metavar="GL", help="typing of the unit")
    parser.add_argument(
        "--pairs",
        metavar="FILE",
        help='lines "id;patient GL;unit GL", - for standard input; prints JSON lines',
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument(
        "--antigen-rule",
        choices=ANTIGEN_RULES,
        default="split",
        help="whether two splits of one broad antigen are a mismatch (split, the default) or a match",
    )
    add_reference_arguments(parser)


def compare(options: dict[str, Any], around: Surroundings) -> int:
    """`hla_compare`: one patient against one unit, or many pairs."""
    from hla.comparison import Comparer
    from hla.plain import compared

    pair = options["patient"], options["unit"]
    if (options["pairs"] is None and None in pair) or (options["pairs"] is not None and pair != (None, None)):
        raise Refusal("Give --patient and --unit, or --pairs FILE.")
    comparer = Comparer(
        around.resolver(options), antigen_rule=options["antigen_rule"], blank=options["blank"]
    )
    if options["pairs"] is None:
        answers = iter([comparer.compare(*pair)])
    else:
        answers = comparer.compare_lines(each_line(options["pairs"], around.stdin))
    as_json = options["json"] or options["pairs"] is not None
    invalid = False
    for answer in answers:
        invalid = invalid or "error" in answer
        put(around.stdout, answer, None if as_json else compared)
    return INVALID if invalid else OK


def each_text(typings: Sequence[str], stdin: TextIO) -> Iterator[str]:
    """The typings of a command line, - standing for the lines of standard input."""
    for text in typings:
        if text == STDIN:
            yield from each_line(STDIN, stdin)
        else:
            yield text


def each_line(path: str, stdin: TextIO) -> Iterator[str]:
    """Lines of a text file or of standard input, each as soon as it is there. Raises Refusal."""
    try:
        with contextlib.ExitStack() as opened:
            source = stdin
            if path != STDIN:
                source = opened.enter_context(open(path, encoding="utf-8", errors="replace"))
            for number, line in enumerate(source):
                yield line.removeprefix("\ufeff" if number == 0 else "").rstrip("\r\n")
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}.") from None


def put(stdout: TextIO, answer: Json, text_of: Callable[[Json], str] | None) -> None:
    """Write an answer at once: as text, or as a line of JSON."""
    found = json.dumps(answer, ensure_ascii=False) if text_of is None else text_of(answer) + "\n"
    stdout.write(found + "\n")
    stdout.flush()


def command(name: str) -> Command:
    """A command by its name; one of COMMANDS."""
    if name == "match_matrix":
        from hla.cli_matrix import MATRIX

        return MATRIX
    return EXPLAIN if name == "hla_explain" else COMPARE


EXPLAIN: Final = Command(
    "What HLA typings denote: P groups, antigens, expression, ambiguity.", add_explain_arguments, explain
)
COMPARE: Final = Command(
    "Compare the typings of a patient and a unit, and say why they match or do not.",
    add_compare_arguments,
    compare,
)
COMMANDS: Final = ("hla_explain", "hla_compare", "match_matrix")


def run(name: str, options: dict[str, Any], around: Surroundings) -> int:
    """Run a command whose arguments have been read; its exit status."""
    try:
        return command(name).run(options, around)
    except Refusal as refusal:
        around.warn(f"{name}: {refusal}")
        return REFUSED


def collect_less() -> None:
    """Let the garbage collector look less often: a batch makes a million objects that all live on."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def main(name: str, arguments: Sequence[str], folder: Path) -> int:
    """Run a command on the streams of this process; its exit status."""
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    found = command(name)
    parser = Parser(prog=f"manage.py {name}", description=found.help)
    found.add_arguments(parser)
    options = vars(parser.parse_args(arguments))
    collect_less()
    try:
        return run(name, options, Surroundings(folder, sys.stdin, sys.stdout, sys.stderr))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough; nothing may be written at the end either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
