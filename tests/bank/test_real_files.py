"""The WMDA validation files: what the loaded MAC subset can read comes in, the rest is named."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from bank.models import CordBloodUnit, Measurement
from bank.services_import import units_import
from core.audit import Actor
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.release import compile_release

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(scope="module")
def release(shared_data: Path) -> Nomenclature:
    return compile_release(shared_data / "imgt" / "3580")


@pytest.fixture(scope="module")
def subset(shared_data: Path) -> MacTable:
    return MacTable.from_file(shared_data / "mac" / "numer.v3.subset.txt")


def run(path: Path, release: Nomenclature, subset: MacTable, **options: Any) -> Any:
    return units_import(
        data=path.read_bytes(), file_name=path.name, actor=Actor.system("test"),
        nomenclature=release, mac=subset, **options,
    )  # fmt: skip


def test_donors_as_reported(shared_data: Path, release: Nomenclature, subset: MacTable) -> None:
    path = shared_data / "wmda" / "WMDA_Phase3_donor.in"

    dry = run(path, release, subset, skip_bad=True, dry_run=True)
    report = run(path, release, subset, skip_bad=True)

    assert (report.rows, report.ok, report.failed) == (10_000, 6_698, 3_302)
    assert {finding.code for finding in report.findings} == {"unknown_mac"}
    assert len({finding.line for finding in report.findings}) == 3_302
    assert dry.as_dict() == report.as_dict()
    assert CordBloodUnit.objects.count() == 6_698
    again = run(path, release, subset, skip_bad=True)
    assert (again.imported, again.unchanged, again.failed) == (0, 6_698, 3_302)


def test_a_finding_names_line_locus_and_code_in_the_reader_s_language(
    shared_data: Path, release: Nomenclature, subset: MacTable
) -> None:
    path = shared_data / "wmda" / "WMDA_Phase3_donor.in"
    line = next(
        number for number, text in enumerate(path.read_text().splitlines(), start=1) if "B*14:WSJU" in text
    )

    report = run(path, release, subset, dry_run=True)
    first = next(finding for finding in report.findings if finding.line == line)

    assert first.column == "B"
    assert "WSJU in B*14:WSJU" in first.text
    with translation.override("zh-hans"):
        assert "WSJU" in first.text


def test_donors_as_gl_strings_with_invented_counts(
    shared_data: Path, release: Nomenclature, subset: MacTable
) -> None:
    path = shared_data / "wmda" / "don.gl.txt.gz"

    report = run(path, release, subset, invent_counts=1, declaration="real typings for tests")

    assert (report.rows, report.imported, report.held, report.findings) == (10_000, 10_000, 0, [])
    assert CordBloodUnit.objects.filter(counts_invented=True).offered().count() == 10_000
    assert CordBloodUnit.objects.searchable().count() == 8_995  # 1,005 have no DRB1
    assert Measurement.objects.filter(invented=True).count() == 30_000


def test_patients_read_as_units_too(shared_data: Path, release: Nomenclature, subset: MacTable) -> None:
    reported = run(shared_data / "wmda" / "WMDA_Phase3_patient.in", release, subset, dry_run=True)
    decoded = run(shared_data / "wmda" / "pat.gl.txt.gz", release, subset, dry_run=True)

    assert (reported.ok, reported.failed) == (835, 165)
    assert (decoded.ok, decoded.failed) == (1_000, 0)


def test_a_cut_download_is_refused_whole(
    shared_data: Path, tmp_path: Path, release: Nomenclature, subset: MacTable
) -> None:
    cut = tmp_path / "don.gl.txt.gz"
    cut.write_bytes((shared_data / "wmda" / "don.gl.txt.gz").read_bytes()[:-100])

    report = run(cut, release, subset, invent_counts=1, skip_bad=True)

    assert [finding.code for finding in report.findings] == ["file_broken_gzip"]
    assert not CordBloodUnit.objects.exists()
    assert gzip.decompress((shared_data / "wmda" / "don.gl.txt.gz").read_bytes())
