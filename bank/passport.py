"""What the passport of one unit shows, by who reads it. One function per part; no rules of its own."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from bank import code_messages, emdis, lots, places, stock_pages, storing
from bank.action_words import ACTIONS
from bank.choices import (
    BEFORE_OFFER,
    STATUS_TONE,
    TAKEN,
    Analyte,
    DonorType,
    HaemoglobinopathyValue,
    Source,
    Subject,
    TimePoint,
    UnitStatus,
)
from bank.codes import cbu, grid, sec
from bank.codes import din as din_codes
from bank.codes.errors import CodeError
from bank.labels.formats import LabelKind
from bank.limits import cd34_percent
from bank.models import (
    CordBloodUnit,
    HaemoglobinopathyResult,
    HlaTyping,
    Measurement,
    ProductCode,
    Slot,
)
from bank.passport_actions import actions
from bank.passport_donor import donor
from bank.presenters_screening import screening
from bank.services_labels import refusal
from bank.stays import MOVES
from core import populations
from core.hla_messages import SEVERITIES, Remark, stored_remarks
from core.models import AuditEntry, User
from core.roles import Permission
from hla.typing import canonical_loci

MAX_ENTRIES = 100

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
        **state_shown(unit, internal=internal),
        "identity": identity(unit),
        "counts": counts(unit),
        "measured": measured(unit),
        "typing": current,
        "loci": typed_loci(current) if current else [],
        "notes": notes(current) if current else {},
        "quality": quality(unit),
        "screening": screening(unit, user),
        "patients_url": patients_url(unit, user),
        "label_url": label_url(unit, user),
        "partner_note": partner_note(unit) if internal else "",
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
        "place": place(unit, user),
        **stock_pages.on_passport(unit, user),
        "donation": unit.donation,
        "donor": donor(unit),
        "blocked_lots": lots.blocked_lots_of(unit),
        "timeline": timeline(unit),
        "actions": actions(unit, user),
        "mother_url": _for_importers("unit-mother", unit, user),
        "release_url": release_url(unit),
        "typing_url": _for_importers("unit-typing", unit, user) if unit.status in BEFORE_OFFER else "",
        "settle_url": settle_url(unit, user),
        "markers_url": _for_importers("unit-markers", unit, user),
    }


def partner_note(unit: CordBloodUnit) -> str:
    """Why nothing can be done with a partner's unit here; "" of an own one."""
    if unit.source == Source.OWN:
        return ""
    if unit.gone_at:
        return _("It stood on an earlier list and is no longer on the partner's newest. Ask the partner.")
    return _(
        "It is read from the partner's list and kept as the list says: results, holds, release, storage and labels are "
        "the partner's affair. A newer list changes it."
    )


def _current(typings: list[HlaTyping], subject: Subject) -> HlaTyping | None:
    return next((typing for typing in typings if typing.is_current and typing.subject == subject), None)


def _for_importers(name: str, unit: CordBloodUnit, user: User) -> str:
    """A page where whoever may records something of an own unit; else ""."""
    may = unit.source == Source.OWN and user.has_permission(Permission.INVENTORY_IMPORT)
    return reverse(f"bank:{name}", args=[unit.pk]) if may else ""


def settle_url(unit: CordBloodUnit, user: User) -> str:
    """Where typings that contradict one another are settled, for whoever may."""
    may = unit.typing_conflict and unit.source == Source.OWN and user.has_permission(Permission.UNIT_CONFIRM)
    return reverse("bank:unit-typing-settle", args=[unit.pk]) if may else ""


def release_url(unit: CordBloodUnit) -> str:
    """What the release specification says of an own unit in quarantine, or said of one that was released."""
    shown = unit.source == Source.OWN and (unit.status == UnitStatus.QUARANTINE or unit.releases.exists())
    return reverse("bank:unit-release", args=[unit.pk]) if shown else ""


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


def state_shown(unit: CordBloodUnit, *, internal: bool) -> dict[str, Any]:
    """A hospital for which a unit is kept learns that it cannot be counted on now, and not what keeps it back."""
    if internal or unit.is_listed or (unit.status == UnitStatus.RESERVED and not unit.blocks):
        tone = "" if unit.blocks else STATUS_TONE.get(unit.status, "")
        return {"state": unit.state_label, "block_labels": unit.block_labels, "tone": tone}
    if unit.status in TAKEN:
        return {"state": unit.state_label, "block_labels": [], "tone": STATUS_TONE.get(unit.status, "")}
    return {"state": UnitStatus.ON_HOLD.label, "block_labels": [], "tone": "warn"}


def patients_url(unit: CordBloodUnit, user: User) -> str:
    """A page of `matching` by its name, which this app may not import: the waiting patients that the unit is for."""
    may = user.has_permission(Permission.REQUEST_VIEW)
    return reverse("matching:unit-patients", args=[unit.pk]) if may else ""


def label_url(unit: CordBloodUnit, user: User) -> str:
    """Where its labels are printed, for whoever may, and where it may have any."""
    may = user.has_permission(Permission.INVENTORY_VIEW_ALL) and user.has_permission(Permission.LABEL_PRINT)
    return f"{reverse('bank:label-sheet')}?units={unit.pk}" if may and not refusal(unit) else ""


def identity(unit: CordBloodUnit) -> list[dict[str, Any]]:
    population = {"label": _("Population"), "value": populations.shown_populations(unit.populations)}
    return [
        {"label": _("DIN"), "value": din_codes.spaced(unit.din) if unit.din else ""},
        {"label": _("Unit number"), "value": unit.unit_no},
        *codes(unit),
        {"label": _("Bank"), "value": unit.bank.name},
        {"label": _("Source"), "value": unit.get_source_display()},
        {"label": _("Collected on"), "value": unit.collected_on.isoformat() if unit.collected_on else ""},
        {"label": _("Sex"), "value": unit.get_sex_display()},
        {"label": _("Blood group"), "value": unit.blood_group},
        *([population] if unit.populations else []),
        {"label": _("Segments left"), "value": unit.segments},
    ]


def codes(unit: CordBloodUnit) -> list[dict[str, Any]]:
    """What others call the unit or its product; only what is known."""
    rows = [
        {"label": _("CBU id"), "value": unit.cbu_id, "note": _too_long(unit)},
        {"label": _("EMDIS status"), **_emdis(unit)},
        {"label": _("GRID"), "value": str(grid.parse(unit.grid)) if unit.grid else ""},
        {"label": _("Product code"), "value": unit.product_code, "note": _description(unit)},
        {"label": _("Single European Code"), **_european(unit)},
    ]
    return [row for row in rows if row.get("value") or row.get("note")]


def _emdis(unit: CordBloodUnit) -> dict[str, str]:
    """Of a unit that EMDIS knows; one that a flag keeps back is told nowhere."""
    status, reason = emdis.status_of(unit) if unit.cbu_id and not unit.blocks else ("", "")
    note = _("no segment is left for the confirmatory typing") if reason == emdis.NO_SAMPLE else ""
    return {"value": "/".join(filter(None, (status, reason))), "note": note}


def _too_long(unit: CordBloodUnit) -> str:
    """Why a unit of a bank with a hub has no CBU id."""
    if unit.cbu_id or not unit.bank.emdis_hub or unit.donor_type != DonorType.CORD:
        return ""
    try:
        cbu.build(unit.bank.emdis_hub, unit.unit_no)
    except CodeError as error:
        return code_messages.told(error)
    return ""


def _description(unit: CordBloodUnit) -> str:
    """Of its product, as the loaded table has it."""
    return ProductCode.objects.described(unit.product_code[:5]) if unit.product_code else ""


def _european(unit: CordBloodUnit) -> dict[str, str]:
    """The whole code; of a unit without a product its first part."""
    bank = unit.bank
    if whole := unit.sec:
        return {"value": f"{whole.first_part} {whole.second_part}"}
    if bank.country and bank.tissue_establishment_code and unit.din:
        first = sec.first_part(bank.country, bank.tissue_establishment_code, unit.din)
        return {"value": first, "note": _("the second part needs the product code")}
    return {"value": ""}


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


def place(unit: CordBloodUnit, user: User) -> dict[str, str]:
    """Where it lies: the number of the place, the way to it (`Site S1 · Tank T2 · Rack 4 · Canister 7 · 12`), its page.

    Without a slot both are "". scan_url: where whoever may moves it.
    """
    may = user.has_permission(Permission.STORAGE_EDIT) and storing.refusal_of_unit(unit) is None
    scan_url = f"{reverse('bank:storage-scan')}?unit={unit.pk}" if may else ""
    slot = Slot.objects.with_place().filter(unit=unit).first()
    if slot is None:
        return {"code": "", "way": "", "url": "", "scan_url": scan_url}
    way = " · ".join([*map(str, places.chain(slot.canister)), str(slot.position)])
    url = reverse("bank:storage-canister", args=[slot.canister_id])
    return {"code": slot.place, "way": way, "url": url, "scan_url": scan_url}


def timeline(unit: CordBloodUnit) -> list[dict[str, Any]]:
    """What happened to the unit, newest first: its own audit entries and that of its import."""
    rows = AuditEntry.objects.filter(target_type="bank.CordBloodUnit", target_key=str(unit.pk))
    if unit.import_batch_id:
        batch = {"target_type": "bank.ImportBatch", "target_key": str(unit.import_batch_id)}
        rows = rows | AuditEntry.objects.filter(**batch)
    return [_entry(row) for row in rows.order_by("-at", "pk")[:MAX_ENTRIES]]


def _entry(row: AuditEntry) -> dict[str, Any]:
    status = (row.after or {}).get("status", "")
    shown = status in UnitStatus.values and row.action != "unit.partner_gone"
    label = str(UnitStatus(status).label) if shown else ""
    text = ACTIONS[row.action]() if row.action in ACTIONS else row.action
    return {
        "at": row.at,
        "text": f"{text} → {label}" if label else text,
        "actor": row.actor_label,
        "detail": _detail(row),
        "tone": STATUS_TONE.get(status, ""),
    }


def _detail(row: AuditEntry) -> str:
    """Why; of a move from where to where, of a picking list where, of a label how many; of an import its file."""
    if row.action == "units.import":
        return row.reason or row.target_label
    if row.action in stock_pages.TAKEN:
        return stock_pages.told(row)
    if row.action in stock_pages.PLACED:
        return stock_pages.told_place(row)
    if row.action == "unit.label" and row.after:
        return f"{LabelKind(row.after['kind']).label} × {row.after['count']}"
    if row.action == "unit.picking_list" and row.after:
        return str(row.after["place"])
    way = [str((side or {}).get("place") or "–") for side in (row.before, row.after)]
    moved = " → ".join(way) if row.action in MOVES else ""
    return " · ".join(filter(None, (moved, row.reason)))
