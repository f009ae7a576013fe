"""What the passport of one unit shows, by who reads it. One function per part; no rules of its own."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from bank import din as din_codes
from bank.choices import (
    STATUS_TONE,
    Analyte,
    HaemoglobinopathyValue,
    Source,
    Subject,
    TimePoint,
    UnitStatus,
)
from bank.limits import cd34_percent
from bank.models import CordBloodUnit, HaemoglobinopathyResult, HlaTyping, Measurement, Slot, StorageNode
from bank.querysets import waiting_for
from core import populations
from core.hla_messages import SEVERITIES, Remark, stored_remarks
from core.models import AuditEntry, User
from core.roles import Permission
from hla.typing import canonical_loci

MAX_ENTRIES = 100

ACTIONS = {
    "units.import": lambda: _("Imported"),
    "unit.hold": lambda: _("Put on hold"),
    "unit.unhold": lambda: _("Hold lifted"),
    "unit.discard": lambda: _("Discarded"),
    "unit.confirm_values": lambda: _("Values confirmed"),
    "unit.populations": lambda: _("Population changed"),
    "unit.processing": lambda: _("Processing recorded"),
    "unit.measurement": lambda: _("Measurement recorded"),
    "unit.haemoglobinopathy": lambda: _("Haemoglobinopathy result recorded"),
    "unit.results_verify": lambda: _("Results verified"),
    "unit.mother_typing": lambda: _("Mother's typing recorded"),
}


SCREEN_TONE: dict[str, str] = {HaemoglobinopathyValue.DISEASE: "bad", HaemoglobinopathyValue.TRAIT: "warn"}


def context(unit: CordBloodUnit, user: User) -> dict[str, Any]:
    """Everything for the page. Storage, donation, typing history, audit and the mother's typing only for the bank's
    staff: the mother is a third person, and of her a hospital learns what the NIMA rule says."""
    internal = user.has_permission(Permission.INVENTORY_VIEW_ALL)
    typings = list(unit.typings.order_by("-is_current", "-created_at"))
    current = _current(typings, Subject.UNIT)
    shared = {
        "unit": unit,
        "internal": internal,
        "tone": "" if unit.blocks else STATUS_TONE.get(unit.status, ""),
        "identity": identity(unit),
        "counts": counts(unit),
        "measured": measured(unit),
        "typing": current,
        "loci": typed_loci(current) if current else [],
        "notes": notes(current) if current else {},
        "quality": quality(unit),
        "markers": list(unit.markers.all()),
        "patients_url": patients_url(unit, user),
    }
    if not internal:
        return shared
    mother = _current(typings, Subject.MOTHER)
    earlier = [typing for typing in typings if typing not in (current, mother)]
    return shared | {
        "mother": mother,
        "mother_loci": typed_loci(mother) if mother else [],
        "mother_notes": notes(mother) if mother else {},
        "earlier_typings": earlier,
        "place": place(unit),
        "donation": unit.donation,
        "timeline": timeline(unit),
        "actions": actions(unit, user),
        "mother_url": mother_url(unit, user),
    }


def _current(typings: list[HlaTyping], subject: Subject) -> HlaTyping | None:
    return next((typing for typing in typings if typing.is_current and typing.subject == subject), None)


def mother_url(unit: CordBloodUnit, user: User) -> str:
    """Where the mother's typing is recorded, for whoever may."""
    may = unit.source == Source.OWN and user.has_permission(Permission.INVENTORY_IMPORT)
    return reverse("bank:unit-mother", args=[unit.pk]) if may else ""


def quality(unit: CordBloodUnit) -> list[dict[str, Any]]:
    """How it was processed and screened, and by whom its bank is accredited today."""
    screen = unit.haemoglobinopathy_results.in_force().select_related("verified_by").first()
    schemes = unit.bank.accreditations.valid_on(timezone.localdate())
    names = ", ".join(dict.fromkeys(row.title for row in schemes))
    return [
        {"label": _("Red cells"), "value": unit.get_red_cells_display()},
        {"label": _("Processing method"), "value": unit.processing_method},
        {
            "label": _("Haemoglobinopathy"),
            "value": screen.get_result_display() if screen else "",
            "note": screen_note(screen) if screen else _("not tested"),
            "tone": SCREEN_TONE.get(screen.result, "") if screen else "",
        },
        {"label": _("Bank accredited by"), "value": names},
    ]


def screen_note(screen: HaemoglobinopathyResult) -> str:
    """Method, day, and whether a second person has seen it."""
    day = screen.tested_on.isoformat() if screen.tested_on else ""
    seen = _("verified") if screen.verified_by_id else _("not verified")
    return " · ".join(filter(None, (screen.method, day, seen)))


def patients_url(unit: CordBloodUnit, user: User) -> str:
    """A page of `matching` by its name, which this app may not import: the waiting patients that the unit is for."""
    may = user.has_permission(Permission.REQUEST_VIEW)
    return reverse("matching:unit-patients", args=[unit.pk]) if may else ""


def identity(unit: CordBloodUnit) -> list[dict[str, Any]]:
    population = {"label": _("Population"), "value": populations.shown_populations(unit.populations)}
    return [
        {"label": _("DIN"), "value": din_codes.spaced(unit.din) if unit.din else ""},
        {"label": _("Unit number"), "value": unit.unit_no},
        {"label": _("Bank"), "value": unit.bank.name},
        {"label": _("Source"), "value": unit.get_source_display()},
        {"label": _("Collected on"), "value": unit.collected_on.isoformat() if unit.collected_on else ""},
        {"label": _("Sex"), "value": unit.get_sex_display()},
        {"label": _("Blood group"), "value": unit.blood_group},
        *([population] if unit.populations else []),
        {"label": _("Segments left"), "value": unit.segments},
    ]


def counts(unit: CordBloodUnit) -> list[dict[str, Any]]:
    """The listed values, as figures."""
    share = cd34_percent(unit.tnc_e7, unit.cd34_e6) if unit.tnc_e7 and unit.cd34_e6 else None
    return [
        {"value": _number(unit.tnc_e7), "label": _("TNC, ×10⁷")},
        {"value": _number(unit.cd34_e6, 2), "label": _("CD34, ×10⁶")},
        {"value": f"{share:.2f} %" if share is not None else "–", "label": _("CD34 of TNC")},
        {"value": _number(unit.volume_ml), "label": _("Volume, mL")},
    ]


def _number(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def measured(unit: CordBloodUnit) -> list[dict[str, Any]]:
    """Measurements in force by time point, in the order of a unit's life."""
    rows = unit.measurements.in_force().select_related("entered_by", "verified_by")
    groups: dict[str, list[Measurement]] = {}
    for row in rows:
        groups.setdefault(row.time_point, []).append(row)
    order = list(Analyte.values)
    return [
        {"label": point.label, "rows": sorted(groups[point], key=lambda row: order.index(row.analyte))}
        for point in TimePoint
        if point in groups
    ]


def typed_loci(typing: HlaTyping) -> list[dict[str, str]]:
    """All typed loci of a canonical GL text; antigens reported beside DNA have a row of their own."""
    return [
        {"locus": locus, "first": first, "second": second}
        for locus, first, second in canonical_loci(typing.canonical_gl)
    ]


def notes(typing: HlaTyping) -> dict[str, list[Remark]]:
    """What the parser remarked: conflicts and warnings are seen at once, the rest unfolds."""
    found = stored_remarks(typing.notes)
    return {severity: [one for one in found if one.severity == severity] for severity in SEVERITIES}


def place(unit: CordBloodUnit) -> str:
    """Where it lies: `Site S1 · Tank T2 · Rack 4 · Canister 7 · 12`; "" where no slot is given."""
    slot = Slot.objects.filter(unit=unit).select_related("canister__parent__parent__parent").first()
    if slot is None:
        return ""
    names = [str(slot.position)]
    node: StorageNode | None = slot.canister
    while node is not None:
        names.append(str(node))
        node = node.parent
    return " · ".join(reversed(names))


def timeline(unit: CordBloodUnit) -> list[dict[str, Any]]:
    """What happened to the unit, newest first: its own audit entries and that of its import."""
    rows = AuditEntry.objects.filter(target_type="bank.CordBloodUnit", target_key=str(unit.pk))
    if unit.import_batch_id:
        batch = {"target_type": "bank.ImportBatch", "target_key": str(unit.import_batch_id)}
        rows = rows | AuditEntry.objects.filter(**batch)
    return [_entry(row) for row in rows.order_by("-at", "pk")[:MAX_ENTRIES]]


def _entry(row: AuditEntry) -> dict[str, Any]:
    status = (row.after or {}).get("status", "")
    label = str(UnitStatus(status).label) if status in UnitStatus.values else ""
    text = ACTIONS[row.action]() if row.action in ACTIONS else row.action
    return {
        "at": row.at,
        "text": f"{text} → {label}" if label else text,
        "actor": row.actor_label,
        "detail": row.reason or (row.target_label if row.action == "units.import" else ""),
        "tone": STATUS_TONE.get(status, ""),
    }


def actions(unit: CordBloodUnit, user: User) -> list[dict[str, Any]]:
    """What this person may do with the unit in its present state."""
    found: list[dict[str, Any]] = []
    may_hold = user.has_permission(Permission.UNIT_HOLD)
    if unit.held_for_confirmation and user.has_permission(Permission.UNIT_CONFIRM):
        found.append(
            {"name": "confirm", "url": "bank:unit-confirm", "label": _("Confirm values"), "tone": "primary"}
        )
    if may_hold and unit.status == UnitStatus.ON_HOLD:
        found.append(
            {"name": "unhold", "url": "bank:unit-unhold", "label": _("Lift the hold"), "tone": "primary"}
        )
    elif may_hold and unit.status in (UnitStatus.LISTED, UnitStatus.QUARANTINE, UnitStatus.RESERVED):
        found.append({"name": "hold", "url": "bank:unit-hold", "label": _("Put on hold"), "tone": "danger"})
    if unit.source != Source.OWN:
        return found
    if user.has_permission(Permission.INVENTORY_IMPORT):
        found += [
            _action("population", _("Change the population")),
            _action("processing", _("Record the processing")),
            _action("measurement", _("Record a measurement")),
            _action("haemoglobinopathy", _("Record a haemoglobinopathy result")),
        ]
    if user.has_permission(Permission.UNIT_CONFIRM) and (waiting := waiting_for(unit, user.pk)):
        found.append(_action("verify", _("Verify results")) | {"results": waiting})
    return found


def _action(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "url": f"bank:unit-{name}", "label": label, "tone": ""}
