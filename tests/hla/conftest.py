"""Resolvers over the built-in nomenclature, a made-up release and the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hla.mac import EMPTY_MAC, MacTable
from hla.nomenclature import Nomenclature
from hla.release import compile_release
from hla.resolve import Resolver, resolver_for
from scripts.validate_hla import RealData
from tests.hla import toy_release
from tests.hla.reading import Reader

TOY_CODES = {
    "AB": "01/02",
    "AC": "01/03/09",
    "NULLS": "15",
    "NULL": "15N",
    "WITHN": "15/03",
    "GONE": "77/78",
    "ALIEN": "02:01/02:71/02:72",
    "HALF": "02:01/02:71",
    "MANY": "01/71/72",
    "SPEC": "02:01/02:15N/03:01",
}


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Nomenclature:
    return compile_release(toy_release.write(tmp_path_factory.mktemp("release")))


@pytest.fixture(scope="session")
def toy_mac() -> MacTable:
    return MacTable.of("toy", TOY_CODES)


@pytest.fixture
def resolver(toy: Nomenclature, toy_mac: MacTable) -> Resolver:
    return Resolver(toy, toy_mac)


@pytest.fixture(scope="session")
def reader(toy: Nomenclature, toy_mac: MacTable) -> Reader:
    return Reader(resolver_for(toy, toy_mac))


@pytest.fixture(scope="session")
def builtin() -> Resolver:
    return Resolver(Nomenclature.builtin(), EMPTY_MAC)


@pytest.fixture(scope="session")
def real(shared_data: Path) -> RealData:
    return RealData(shared_data)
