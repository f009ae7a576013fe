"""What stands on the labels of a unit and of a place, in the language that is active. No coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bank import places
from bank.codes import din, structures
from bank.labels.formats import LabelKind
from bank.models import CordBloodUnit, Slot, StorageNode

STORE_AT = "≤ −150 °C"


@dataclass(frozen=True)
class UnitFace:
    """A unit's label. number: as people read it; check: its check character, in a box; group: of the blood."""

    number: str
    check: str
    linear: str
    matrix: str
    group: str
    rhesus: str
    facts: Sequence[tuple[str, str]]
    product: str
    storage: str
    bank: str


@dataclass(frozen=True)
class SmallFace:
    """A label for what belongs to a unit, or for a place. title: large, unless `number` stands there."""

    number: str
    check: str
    linear: str
    matrix: str
    title: str
    detail: str


Face = UnitFace | SmallFace


def linear_of(unit: CordBloodUnit) -> str:
    """What the linear code carries: the DIN with the default flags (data structure 001), else the unit number."""
    return din.scanned(unit.din, din.DEFAULT_FLAG) if unit.din else unit.unit_no


def matrix_of(unit: CordBloodUnit) -> str:
    """DIN and product as a compound message; without a product the same as the linear code."""
    made = unit.product
    return structures.compound([linear_of(unit), made.scanned]) if unit.din and made else linear_of(unit)


def unit_face(unit: CordBloodUnit, description: str) -> UnitFace:
    """description: of its product, from the loaded table; "" if that says nothing."""
    volume = f"{unit.volume_ml:g} mL" if unit.volume_ml else ""
    collected = unit.collected_on.isoformat() if unit.collected_on else ""
    facts = [
        (_("Unit number"), unit.unit_no if unit.din else ""),
        (_("CBU id"), unit.cbu_id),
        (_("Collected on"), collected),
        (_("Volume"), volume),
    ]
    return UnitFace(
        number=unit.din_spaced or unit.unit_no,
        check=unit.din_check,
        linear=linear_of(unit),
        matrix=matrix_of(unit),
        group=unit.abo,
        rhesus=_rhesus(unit.rh),
        facts=[(label, value) for label, value in facts if value],
        product=" ".join(filter(None, (unit.product_code, description))) or _("Umbilical cord blood"),
        storage=_("Store at %(temperature)s") % {"temperature": STORE_AT},
        bank=unit.bank.name,
    )


def _rhesus(sign: str) -> str:
    return {"+": _("Rh positive"), "-": _("Rh negative")}.get(sign, "")


def small_faces(unit: CordBloodUnit, kind: LabelKind, count: int) -> Iterator[SmallFace]:
    """One for each segment or tube."""
    for number in range(1, count + 1):
        title = str(kind.label)
        if count > 1:
            title = _("%(what)s %(number)s of %(count)s") % {"what": title, "number": number, "count": count}
        collected = unit.collected_on.isoformat() if unit.collected_on else ""
        detail = " · ".join(filter(None, (unit.unit_no if unit.din else "", collected)))
        yield SmallFace(
            unit.din_spaced or unit.unit_no, unit.din_check, linear_of(unit), linear_of(unit), title, detail
        )


def place_face(place: StorageNode | Slot) -> SmallFace:
    if isinstance(place, Slot):
        code, names = place.place, [*map(str, places.chain(place.canister)), str(place.position)]
    else:
        code, names = place.path, list(map(str, places.chain(place)))
    return SmallFace(code, "", code, code, "", " · ".join(names))
