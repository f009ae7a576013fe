"""Blood groups of unit and patient."""

from __future__ import annotations

from typing import Final

_ANTIGENS: Final = {"O": frozenset[str](), "A": frozenset("A"), "B": frozenset("B"), "AB": frozenset("AB")}


def abo_relation(patient_abo: str, unit_abo: str) -> str:
    """identical | minor | major | both | "" (a group is not known).

    Major: the unit's cells carry an antigen that the patient lacks. Minor: the patient's cells carry one that
    the unit lacks.
    """
    if patient_abo not in _ANTIGENS or unit_abo not in _ANTIGENS:
        return ""
    patient, unit = _ANTIGENS[patient_abo], _ANTIGENS[unit_abo]
    major, minor = bool(unit - patient), bool(patient - unit)
    if major and minor:
        return "both"
    return "major" if major else "minor" if minor else "identical"
