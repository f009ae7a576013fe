"""Nomenclature compiled from a release."""

from hla.builtin import MAGIC, BuiltinNomenclature
from hla.nomenclature import Nomenclature, NomenclatureError


def nomenclature_from_bytes(data: bytes) -> Nomenclature:
    """What Nomenclature.to_bytes wrote."""
    if data == MAGIC:
        return BuiltinNomenclature()
    raise NomenclatureError("This is not a compiled nomenclature, or it is damaged.")
