"""py-ard as an independent reader of the release: expansions of names, groups, families, codes and antigens.

Test-only (LGPL, requirements-dev). Its database is made once, offline, and kept below var/oracle/. Everything
is given back in our terms: complete names without locus, P groups as the release writes them or, for an allele
outside any group, its two fields.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import subprocess
import sys
from collections import defaultdict
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
RELEASE = "3580"
SUFFIXES = "NLSCAQ"
LOCI = ("A", "B", "C", "DRB1", "DQB1", "DPB1")  # the six that are compared


class Refused(Exception):
    """py-ard does not read this text."""


def database(data: Path) -> Path:
    """Folder with py-ard's database for the release in `data`, made if it is not there (about 15 s).

    One process makes it while the others wait; it appears complete or not at all.
    """
    base = Path(os.environ.get("QIDAI_VAR") or ROOT / "var") / "oracle"
    base.mkdir(parents=True, exist_ok=True)
    folder = base / f"pyard-{key(data)}"
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            making = base / f"making-{os.getpid()}"
            making.mkdir()
            environment = os.environ | {"IMGT_HLA_URL": f"{(data / 'imgt').as_uri()}/", "PYARD_RC": "no"}
            command = [sys.executable, "-m", "tests.hla.oracle.pyard_build", str(data), str(making)]
            subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
            making.rename(folder)
    return folder


def key(data: Path) -> str:
    """Changes with py-ard, with our way of building, and with the files that are built from."""
    found = hashlib.sha256(version("py-ard").encode())
    built_from = [Path(__file__).with_name("pyard_build.py"), data / "mac" / "numer.v3.subset.txt"]
    for path in [*built_from, *sorted((data / "imgt" / RELEASE / "wmda").iterdir())]:
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def bare(name: str) -> str:
    """Without locus."""
    return name.split("*", 1)[1]


def as_ours(name: str) -> str:
    """A reduction to P groups: the group, or two fields for an allele that is in none."""
    if name.endswith("P"):
        return name
    locus, fields = name.rstrip(SUFFIXES).split("*")
    return f"{locus}*{':'.join(fields.split(':')[:2])}"


class PyArd:
    """py-ard over release 3.58.0."""

    def __init__(self, data: Path) -> None:
        os.environ["PYARD_RC"] = "no"
        import pyard

        with contextlib.redirect_stdout(io.StringIO()):
            folder = str(database(data))
            self.ard: Any = pyard.init(RELEASE, data_dir=folder, load_mac=True, cache_size=1_000_000)

    def reduced(self, text: str, to: str) -> list[str]:
        """Names of one value reduced "W" (to complete names) or "P". Raises Refused."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                found = self.ard.redux(text, to)
        except Exception as error:
            raise Refused(type(error).__name__) from None
        if not found:
            raise Refused("empty")
        return found.split("/")

    def alleles(self, text: str) -> frozenset[str]:
        """Complete names, without locus, null alleles included."""
        return frozenset(map(bare, self.reduced(text, "W")))

    def p_groups(self, text: str) -> frozenset[str]:
        """P groups of the expressed alleles; of a value that is null throughout, none."""
        return frozenset(as_ours(name) for name in self.reduced(text, "P") if not name.endswith("N"))

    def gl(self, text: str) -> list[list[list[frozenset[str]]]]:
        """Complete names of a GL text: per locus, per genotype, per value. Raises Refused."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                found = self.ard.redux(text, "W")
        except Exception as error:
            raise Refused(type(error).__name__) from None
        return [
            [[frozenset(value.split("/")) for value in pair.split("+")] for pair in locus.split("|")]
            for locus in found.split("^")
        ]

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """locus -> complete names of the release without locus."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self.ard.allele_group.who_alleles):
            found[name.split("*")[0]].append(bare(name))
        return found

    def members(self, locus: str, to: str) -> dict[str, set[str]]:
        """G ("G") or P ("P") group of a locus -> complete names, by asking for each allele of the release.

        Asking for the expansion of the group instead would not do: py-ard puts the two- and three-field names
        of members beside the members, so that A*01:01:01G would hold every A*01:01, of any G group.
        """
        found: dict[str, set[str]] = defaultdict(set)
        for name in self.names[locus]:
            (group,) = self.reduced(f"{locus}*{name}", to)
            if group.endswith(to):
                found[group].add(name)
        return found
