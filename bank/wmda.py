"""Codes and names of WMDA-style inventory files, for reading and for writing. Needs no database.

The names of the elements and the values of their codes are those of the public schema of BMDW (version 2.x, github.com/
BMDW4/BMDW-XSD), which follow the EMDIS dictionary. The schema of today is for members of WMDA: what is written here is
"WMDA-style", and whoever may have the official schema validates with that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bank import processing
from bank.choices import HaemoglobinopathyValue, MarkerTest, RedCells
from hla.loci import LOCI, SEROLOGY_PREFIX

SCHEMA_VERSION = "2.3"
ROOT, INVENTORY, UNIT, DONOR = "INVENTORIES", "INVENTORY", "CBU", "DONOR"
SEROLOGY_LOCI = ("A", "B", "C", "DRB1", "DQB1")  # the schema has antigens at these only

# Of the tests of `MarkerTest` those that the files have a code for, in the order of the schema; ALT is a number there.
MARKERS: Mapping[str, MarkerTest] = {
    "CMV": MarkerTest.CMV, "CMV_NAT": MarkerTest.CMV_NAT, "HBS_AG": MarkerTest.HBS_AG,
    "ANTI_HBC": MarkerTest.ANTI_HBC, "ANTI_HBS": MarkerTest.ANTI_HBS, "ANTI_HCV": MarkerTest.ANTI_HCV,
    "ANTI_HIV_12": MarkerTest.ANTI_HIV_12, "HIV_1_NAT": MarkerTest.HIV_1_NAT, "HIV_P24": MarkerTest.HIV_P24,
    "HCV_NAT": MarkerTest.HCV_NAT, "ANTI_HTLV": MarkerTest.ANTI_HTLV, "SYPHILIS": MarkerTest.SYPHILIS,
    "WNV": MarkerTest.WNV, "CHAGAS": MarkerTest.CHAGAS, "EBV": MarkerTest.EBV, "TOXO": MarkerTest.TOXO,
    "HBV_NAT": MarkerTest.HBV_NAT, "PB19_NAT": MarkerTest.PB19_NAT,
}  # fmt: skip

# What a partner's status means here: on offer, or kept and not offered. DE is in no inventory.
STATUS_READ = {"AV": "LISTED", "RS": "QUARANTINE", "TU": "QUARANTINE"}
DELETED = "DE"

# Buffy coat or density enriched, other: says nothing certain about red cells.
RED_CELLS_READ = {
    "RBR": RedCells.DEPLETED, "PRR": RedCells.DEPLETED, "PLR": RedCells.REPLETE, "NOT": RedCells.REPLETE,
}  # fmt: skip
RED_CELLS_WRITTEN = {RedCells.DEPLETED: "RBR", RedCells.REPLETE: "NOT"}

# NS and NC: not screened, cannot be. DU: unusual, without saying what.
HAEMOGLOBINOPATHY_READ = {
    "DN": HaemoglobinopathyValue.NOT_FOUND, "DU": HaemoglobinopathyValue.TRAIT, "CD": HaemoglobinopathyValue.PENDING,
    "DT": HaemoglobinopathyValue.DISEASE, "DD": HaemoglobinopathyValue.DISEASE,
}  # fmt: skip
HAEMOGLOBINOPATHY_NONE = ("NS", "NC")
HAEMOGLOBINOPATHY_WRITTEN = {
    HaemoglobinopathyValue.NOT_FOUND: "DN", HaemoglobinopathyValue.TRAIT: "DU",
    HaemoglobinopathyValue.DISEASE: "DU", HaemoglobinopathyValue.PENDING: "CD",
}  # fmt: skip

_DEVICES = {"AXP": "AXP", "SPX": "Sepax", "OTP": "Optipress II"}
_OTHER = ("OTH", "OTH")
_METHOD_WRITTEN = {
    "AXP": ("", "AXP"), "Sepax": ("", "SPX"), "Optipress II": ("", "OTP"), "HES": ("HES", ""), "manual": ("", "MAN"),
}  # fmt: skip
_DNA_FIRST = re.compile(r"(^|\|)\*?(?=\d)")


def method_of(method: str, device: str) -> str:
    """PROC_METH and PROC_METH_TYPE as a processing method of ours; "" where both are empty."""
    if device in _DEVICES:
        return _DEVICES[device]
    if method == "HES":
        return "HES"
    if device == "MAN":
        return "manual"
    return "other" if "OTH" in (method, device) else method or device


def method_codes(method: str) -> tuple[str, str]:
    """PROC_METH and PROC_METH_TYPE of a method of ours; "" is not written."""
    if not method:
        return "", ""
    return _METHOD_WRITTEN.get(processing.canonical_method(method), _OTHER)


def dna_read(locus: str, text: str) -> str:
    """`01:01` or `*01:01` of an element by its locus as a typing names it: `A*01:01`."""
    return _DNA_FIRST.sub(rf"\g<1>{locus}*", text.strip())


def dna_written(locus: str, text: str) -> str:
    """`A*01:01/A*01:02` as the files write it, without the locus: `01:01/01:02`."""
    return text.replace(f"{locus}*", "")


def serology_read(locus: str, text: str) -> str:
    """`24` of an element by its locus as an antigen is called: `A24`."""
    plain = text.strip()
    return f"{SEROLOGY_PREFIX[locus]}{plain}" if plain[:1].isdigit() else plain


def serology_written(locus: str, text: str) -> str:
    return text.replace(SEROLOGY_PREFIX[locus], "")


def typing_places() -> dict[str, tuple[str, str, bool]]:
    """Where a typing stands in a unit -> (column of ours, locus, whether by serology): HLA/A/DNA/FIELD1 is A_1."""
    places = {}
    for locus in LOCI:
        for position in (1, 2):
            places[f"HLA/{locus}/DNA/FIELD{position}"] = (f"{locus}_{position}", locus, False)
            if locus in SEROLOGY_LOCI:
                places[f"HLA/{locus}/SER/FIELD{position}"] = (f"{locus}_ser_{position}", locus, True)
    return places
