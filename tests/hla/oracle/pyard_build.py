"""Makes py-ard's database from a release folder, without network: python -m tests.hla.oracle.pyard_build DATA TO.

DATA is a folder with imgt/ and mac/ as ../shared/data has them. The environment must hold IMGT_HLA_URL, which
py-ard reads when it is imported; tests.hla.oracle.pyard_oracle.ready() sees to that.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import pyard

RELEASE = "3580"


def build(data: Path, folder: Path) -> None:
    """Fill `folder` with pyard-3580.sqlite3: release, antigens, and our subset of multiple allele codes."""
    base = folder / f"pyard-{RELEASE}.sqlite3"
    base.touch()  # py-ard asks the network for the known releases if there is no such file
    pyard.init(RELEASE, data_dir=str(folder), load_mac=False)
    with sqlite3.connect(base) as connection:
        # below release 3.64 nothing makes this table, and py-ard would read all serology anew at each start
        connection.execute(
            "CREATE TABLE IF NOT EXISTS antigen_specifities (allele TEXT PRIMARY KEY, hats TEXT)"
        )
        connection.execute("CREATE TABLE mac_codes (code TEXT PRIMARY KEY, alleles TEXT)")
        connection.executemany("INSERT INTO mac_codes VALUES (?, ?)", codes(data))
    connection.close()


def codes(data: Path) -> list[list[str]]:
    text = (data / "mac" / "numer.v3.subset.txt").read_text(encoding="ascii")
    cells = [line.split("\t") for line in text.splitlines()]
    return [row for row in cells if len(row) == 2 and row != ["CODE", "SUBTYPE"]]


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
