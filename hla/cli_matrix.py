"""`match_matrix`: matches per locus of all patients against all units, written to a file or a stream."""

import argparse
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import Any, BinaryIO, Final, TextIO

from hla.cli import INVALID, OK, STDIN, Command, Refusal, Surroundings, add_reference_arguments
from hla.loci import LOCI, SEARCH_LOCI, locus_of
from hla.matrix import Matrix, MatrixError, Rows, is_special, write_matrix
from hla.nomenclature import NomenclatureError
from hla.people import People, PeopleError, Unreadable, read_people, summary
from hla.plain import release_name
from hla.resolve import Resolver, shown

STDIN_NUMBER: Final = 0  # its file descriptor
BAR: Final = 30
REDRAWN: Final = 0.1  # seconds between two states of the bar


def add_matrix_arguments(parser: argparse.ArgumentParser) -> None:
    layout = "one person a line, each id once: id%%GL, id;GL or CSV, also gzipped; - for standard input"
    parser.add_argument("--patients", metavar="FILE", required=True, help=layout)
    parser.add_argument("--units", metavar="FILE", required=True, help="likewise")
    parser.add_argument(
        "--loci", default=",".join(SEARCH_LOCI), help="loci to count, joined by commas (default: %(default)s)"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        required=True,
        help="gzipped if it ends in .gz; no input file; - for standard output",
    )
    parser.add_argument(
        "--unreadable",
        choices=("stop", "untyped"),
        default="stop",
        help="what to do about a typing that cannot be read: stop (the default), or count it as untyped",
    )
    parser.add_argument(
        "--processes", type=int, default=processors(), help="counting processes (default: %(default)s)"
    )
    parser.add_argument(
        "--frequencies",
        metavar="PATH|NAME",
        help="with probabilities: a haplotype frequency set, as a file or by the name of one loaded here",
    )
    parser.add_argument(
        "--population", default="", help="of --frequencies, where a file holds several (API, CAU, …)"
    )
    parser.add_argument(
        "--truncated", action="store_true", help="accept a set of --frequencies whose sum is below 0.98"
    )
    parser.add_argument(
        "--ignore-checksum",
        action="store_true",
        help="accept a set of --frequencies that is not the file that its metadata describe",
    )
    parser.add_argument(
        "--nulls",
        choices=("absent", "as-named"),
        default="absent",
        help="what a null allele is to a probability: absent, its partner counts twice (the default), or an allele "
        "of its own, as in the WMDA's validation",
    )
    add_reference_arguments(parser)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def asked_loci(text: str) -> list[str]:
    """The loci of --loci. Raises Refusal."""
    found = []
    for name in text.split(","):
        locus = locus_of(name)
        if locus is None or locus in found:
            problem = "given twice" if locus else "no HLA locus that is read"
            raise Refusal(
                f"--loci: {name.strip() or '(nothing)'} is {problem}. Use some of {', '.join(LOCI)}."
            )
        found.append(locus)
    return found


def refuse_replacing(options: dict[str, Any]) -> None:
    """The output must not take the place of an input, also under another name. Raises Refusal."""
    out = options["out"]
    if out == STDIN or is_special(out):
        return
    for side in ("patients", "units"):
        source = STDIN_NUMBER if options[side] == STDIN else options[side]
        with suppress(OSError):  # one of them is not there: they are not the same
            if os.path.samefile(source, out):
                raise Refusal(
                    f"--out: {out} is the file of --{side} and would be replaced. Give another file."
                )


def match_matrix(options: dict[str, Any], around: Surroundings) -> int:
    """Read both files, then count and write."""
    started = time.monotonic()
    loci = asked_loci(options["loci"])
    if options["processes"] < 1:
        raise Refusal("--processes: at least one is needed.")
    if options["patients"] == options["units"] == STDIN:
        raise Refusal("Only one of --patients and --units can be read from standard input.")
    refuse_replacing(options)
    resolver = around.resolver(options)
    stop = options["unreadable"] == "stop"
    try:
        patients, units = (
            read_people(options[side], loci, resolver, blank=options["blank"], stop=stop)
            for side in ("patients", "units")
        )
    except OSError as error:
        raise Refusal(f"{error.filename} cannot be read: {error.strerror}.") from None
    except PeopleError as error:
        around.warn(f"match_matrix: {error}")
        return INVALID
    unreadable = [*patients.unreadable, *units.unreadable]
    if unreadable and stop:
        around.warn(f"match_matrix: {unreadable[0]}")
        around.warn("Nothing was written. --unreadable untyped counts such a locus as not typed.")
        return INVALID
    matrix: Rows
    if options.get("frequencies"):
        matrix = predicted(patients, units, options, around, resolver)
    else:
        matrix = Matrix.of(patients, units, resolver)
    write(matrix, options, around)
    report(matrix, resolver, unreadable, around, time.monotonic() - started)
    return OK


def predicted(
    patients: People, units: People, options: dict[str, Any], around: Surroundings, resolver: Resolver
) -> Rows:
    """The matrix with probabilities. Raises Refusal."""
    from hla.prediction.matrix import PredictedMatrix  # compiled code: only who asks for it waits for it
    from hla.prediction.table import HaplotypeTable

    reading = {name: options[name] for name in ("truncated", "ignore_checksum")}
    try:
        found = around.frequencies(options["frequencies"], options["population"], **reading)
    except NomenclatureError as error:
        raise Refusal(str(error)) from None
    lacking = [locus for locus in patients.columns if locus not in found.loci]
    if lacking:
        raise Refusal(f"--frequencies: {found.name} has no {', '.join(lacking)}; leave it out of --loci.")
    table = HaplotypeTable.of(found, resolver, nulls=options["nulls"]).only(patients.columns)
    if table.unread:
        around.warn(
            f"{found.name}: {len(table.unread):,} names are not read, with {table.unread_share:.2%} of all "
            f"haplotypes: {shown(table.unread)}"
        )
    try:
        matrix = PredictedMatrix.of(patients, units, table)
    except MatrixError as error:
        raise Refusal(str(error)) from None
    for sentence in matrix.notes():
        around.warn(sentence)
    return matrix


def write(matrix: Rows, options: dict[str, Any], around: Surroundings) -> None:
    """Write the file; whatever ends the work leaves none behind. Raises Refusal."""
    bar = Bar(around.stderr, matrix.pairs)
    out = binary(around.stdout) if options["out"] == STDIN else options["out"]
    with Ending(to_file=isinstance(out, str) and not is_special(out)) as ending:

        def progress(pairs: int) -> None:
            ending.check()
            bar.progress(pairs)

        try:
            write_matrix(matrix, out, processes=options["processes"], progress=progress)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Refusal(f"{options['out']} cannot be written: {error.strerror}.") from None
        except MatrixError as error:
            raise Refusal(str(error)) from None
        finally:
            bar.clear()


class Ending:
    """Within it, Ctrl-C and SIGTERM end the writing of a file at its next step, so that nothing half-written stays.

    They are only noted: an exception raised while a process is being forked may be lost, or leave its pool locked. A
    stream, which may wait for its reader for ever, is ended at once by the system; the counting processes follow.
    """

    def __init__(self, *, to_file: bool) -> None:
        self.handler = self.note if to_file else signal.SIG_DFL
        self.number = 0
        self.before: dict[int, Any] = {}

    def __enter__(self) -> "Ending":
        with suppress(ValueError):  # not the main thread: called by a program that has its own way to end
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self.handler)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def note(self, number: int, frame: FrameType | None) -> None:
        self.number = number

    def check(self) -> None:
        """Raises SystemExit if the work is to end."""
        if self.number:
            sys.exit(128 + self.number)


def binary(stream: TextIO) -> BinaryIO:
    """The stream below a text stream. Raises Refusal."""
    below: BinaryIO | None = getattr(stream, "buffer", None)
    if below is None:
        raise Refusal("--out -: the output here takes only text; give a file.")
    return below


def report(
    matrix: Rows, resolver: Resolver, unreadable: list[Unreadable], around: Surroundings, seconds: float
) -> None:
    """What was done, on standard error."""
    for sentence in summary(unreadable):
        around.warn(sentence)
    around.warn(
        f"{len(matrix.patients):,} patients, {len(matrix.units):,} units, {matrix.pairs:,} pairs at "
        f"{', '.join(matrix.units.columns)}; {release_name(resolver.nomenclature.release)}; {seconds:.1f} s"
    )


class Bar:
    """A bar on a terminal; nothing elsewhere."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self.stream = stream
        self.total = total
        self.done = 0
        self.shown = stream.isatty()
        self.drawn_at = float("-inf")

    def progress(self, pairs: int) -> None:
        """So many more pairs have been written."""
        self.done += pairs
        now = time.monotonic()
        if self.shown and (now - self.drawn_at > REDRAWN or self.done == self.total):
            self.drawn_at = now
            filled = BAR * self.done // self.total
            bar = "█" * filled + "░" * (BAR - filled)
            self.stream.write(f"\r{bar} {100 * self.done // self.total:3} %  {self.done:,} pairs")
            self.stream.flush()

    def clear(self) -> None:
        if self.shown:
            self.stream.write("\r\x1b[K")
            self.stream.flush()


MATRIX: Final = Command(
    "Count the matches of all patients with all units, locus by locus, one row per pair; or their probabilities.",
    add_matrix_arguments,
    match_matrix,
)
