"""The reference data in use: nomenclature, MAC table, CIWD table. `matching` owns them and registers the provider."""

from __future__ import annotations

from collections.abc import Callable

from hla.ciwd import CiwdTable
from hla.mac import EMPTY_MAC, MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver, resolver_for

NomenclatureProvider = Callable[[], Nomenclature | None]
MacProvider = Callable[[], MacTable | None]
CiwdProvider = Callable[[], CiwdTable | None]

_nomenclature: list[NomenclatureProvider] = []
_mac: list[MacProvider] = []
_ciwd: list[CiwdProvider] = []
_builtin: list[Nomenclature] = []


def register(*, nomenclature: NomenclatureProvider, mac: MacProvider, ciwd: CiwdProvider) -> None:
    _nomenclature[:] = [nomenclature]
    _mac[:] = [mac]
    _ciwd[:] = [ciwd]


def nomenclature() -> Nomenclature:
    """The active release; the built-in nomenclature where none was loaded."""
    active = _nomenclature[0]() if _nomenclature else None
    return active or builtin_nomenclature()


def builtin_nomenclature() -> Nomenclature:
    if not _builtin:
        _builtin.append(Nomenclature.builtin())
    return _builtin[0]


def mac_table() -> MacTable:
    """The loaded table of multiple allele codes; an empty one where none was loaded."""
    return (_mac[0]() if _mac else None) or EMPTY_MAC


def resolver() -> Resolver:
    """Reads typings by the reference data in use; one per process, so that its memory of texts lives on."""
    return resolver_for(nomenclature(), mac_table(), ciwd_table())


def ciwd_table() -> CiwdTable | None:
    """The loaded table of common and well-documented alleles; it warns, and changes no meaning."""
    return _ciwd[0]() if _ciwd else None
