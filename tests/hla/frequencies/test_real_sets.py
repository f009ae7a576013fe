"""The sets that their owners publish: read whole, and the same in every form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hla.frequencies.errors import FrequencyError
from hla.frequencies.files import read_set
from hla.frequencies.sets import HaplotypeSet
from hla.frequencies.synthetic import recombine

COLUMN = {"CAU": "EUR", "AFA": "AFA", "API": "API", "HIS": "HIS"}
SIZES = {"CAU": (3380, 0.99669), "AFA": (2012, 1.00389), "API": (1629, 0.9963), "HIS": (1821, 1.00394)}


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.getfixturevalue("shared_data")) / "frequencies"


def read(path: Path, population: str, **values: Any) -> tuple[HaplotypeSet, list[str]]:
    found, notes = read_set(path, name=population, population=population, **values)
    return found, [note.code for note in notes]


def content(found: HaplotypeSet) -> dict[tuple[str, ...], float]:
    """Without the marks of groups, which only the spreadsheet writes."""
    return {
        tuple(name.rstrip("g") for name in found.names(place)): float(found.frequencies[place])
        for place in range(len(found))
    }


@pytest.mark.parametrize("population", SIZES)
def test_spreadsheet_and_csv_of_a_population_agree(folder: Path, population: str) -> None:
    table, _ = read(folder / "hfx" / f"HEGL_{population}.csv", population)
    sheet, notes = read(folder / "nmdp-2007" / "ACBDRB1DQB1.xls", population, column=COLUMN[population])

    assert (len(table), round(table.total, 5)) == SIZES[population]
    assert content(sheet) == pytest.approx(content(table), abs=1e-15)
    assert (sheet.resolution, table.resolution) == ("g", "allele")
    assert {"colons", "zero", "normalised"} <= set(notes)


def test_hfx_and_gzipped_csv_of_cau_agree(folder: Path) -> None:
    hfx, notes = read(folder / "hfx" / "HEGL_CAU.hfx-metadata.json", "CAU")
    packed, _ = read(folder / "CAU.freqs.gz", "CAU", resolution="g", release="2.16.0")

    assert (hfx.resolution, hfx.release) == ("g", "2.16.0")
    assert notes == ["release", "zero", "normalised"]  # 14 lines with the frequency 0
    assert hfx.checksum == packed.checksum
    assert {"A*01:16N", "C*05:07N"} <= {*hfx.alleles["A"], *hfx.alleles["C"]}


def test_the_metadata_of_api_carry_the_checksum_of_cau(folder: Path) -> None:
    """As they are published; so the file is refused unless one asks for it."""
    path = folder / "hfx" / "HEGL_API.hfx-metadata.json"
    with pytest.raises(FrequencyError, match="--ignore-checksum"):
        read(path, "API")

    found, notes = read(path, "API", ignore_checksum=True)

    assert (len(found), found.resolution) == (1629, "g")
    assert "checksum_ignored" in notes


def test_the_metadata_of_afa_name_cau(folder: Path) -> None:
    """As they are published: they describe another population, and that is said."""
    found, notes = read(folder / "hfx" / "HEGL_AFA.hfx-metadata.json", "AFA")

    assert len(found) == 3380
    assert "population" in notes


def test_a_folder_of_several_sets_is_not_guessed_from(folder: Path) -> None:
    with pytest.raises(FrequencyError, match="holds several frequency sets"):
        read(folder / "hfx", "CAU")


@pytest.mark.slow
def test_fifty_thousand_haplotypes_of_a_real_set(folder: Path) -> None:
    source, _ = read(folder / "hfx" / "HEGL_API.csv", "API")

    assert len(recombine(source, 50_000, seed=1)) == 50_000
