"""What this app tells core: where units are found, what waits for whom, the navigation."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from bank import (
    code_messages,
    lookback,
    notices,
    notices_genetic,
    places,
    stock_pages,
    tank_alarms,
    today,
    today_more,
)
from bank.codes import product, scan
from bank.codes.errors import CodeError
from bank.dossier import registry, sections, sections_more, texts
from bank.models import CordBloodUnit, Lot, ProductCode, Slot, StorageNode, TankAlarm
from core import find, kinds, nav, work
from core.find import Hit
from core.models import User
from core.nav import NavItem
from core.roles import Permission
from core.work import WorkItem

_MAX_HITS = 10


def register() -> None:
    for kind in (tank_alarms.ALARM, *notices.KINDS, *notices_genetic.KINDS):
        kinds.register(kind)
    sections.register()
    sections_more.register()
    lookback.SAMPLES.append(stock_pages.in_lookback)
    texts.register()
    registry.leave_out(
        "bank.ImportFile", "work on a file before it was written: what was written is the import"
    )
    registry.leave_out("bank.Bank", "named with the unit; its other rows are not about this unit")
    find.register(find_units)
    find.register(find_places)
    find.register(find_products)
    find.register(find_lots)
    find.register_adviser(advise)
    work.register(work_items)
    work.register(storage_work)
    work.register(stock_pages.disposal_work)
    work.register(today.unit_work)
    work.register(today_more.desk_work)
    work.register(today_more.other_work)
    nav.register(
        NavItem(40, gettext_lazy("Inventory"), "bank:unit-list", Permission.INVENTORY_VIEW, "/units/")
    )


def find_units(user: User, text: str) -> list[Hit]:
    """Units by the beginning of a number; a whole number, or a code typed or scanned, is exact. Then the unit that lies
    in a place."""
    units = CordBloodUnit.objects.visible_to(user)
    exact = units.by_number(text)
    rows = [exact] if exact else list(units.numbered(text).order_by("unit_no", "pk")[:_MAX_HITS])
    return [_hit(unit, exact=unit == exact) for unit in rows] or _find_in_place(user, text)


def _hit(unit: CordBloodUnit, *, exact: bool, place: str = "") -> Hit:
    return Hit(
        kind=_("Unit"),
        label=unit.public_no,
        url=reverse("bank:unit-detail", args=[unit.pk]),
        detail=" · ".join(filter(None, (place, unit.unit_no, str(unit.get_status_display())))),
        exact=exact,
    )


def _find_in_place(user: User, text: str) -> list[Hit]:
    """The unit that lies in a place, typed or scanned; where one lies is for the bank's own people."""
    place = places.parse(scan.plain(text))
    if place is None or place.position is None:
        return []
    slot = Slot.objects.visible_to(user).at(place).select_related("unit").first()
    return [_hit(slot.unit, exact=True, place=str(place))] if slot and slot.unit else []


def find_products(user: User, text: str) -> list[Hit]:
    """The product code that was scanned or typed, where the loaded table has it."""
    code = description_code(text)
    rows = ProductCode.objects.visible_to(user).filter(code=code) if code else []
    url = reverse("bank:product-code-list")
    return [
        Hit(_("Product code"), row.code, f"{url}?q={row.code}", row.description, exact=True) for row in rows
    ]


def find_lots(user: User, text: str) -> list[Hit]:
    """Lots of this very number, or of manufacturer and number."""
    plain = " ".join(text.split())
    rows = Lot.objects.visible_to(user).named([plain])[:_MAX_HITS] if plain else []
    return [
        Hit(
            _("Lot"),
            str(lot),
            reverse("bank:lot-detail", args=[lot.merged_into_id or lot.pk]),
            str(lot.get_kind_display()),
        )
        for lot in rows
    ]


def description_code(text: str) -> str:
    """The product description code that a text is, "" if it is none."""
    try:
        read = scan.read(text)
        made = read.product if read.kind == scan.Kind.PRODUCT else product.parse(read.text)
    except CodeError:
        return ""
    return made.description_code if made else ""


def advise(user: User, text: str) -> list[str]:
    """What is wrong with a code, and what it should be; or why a right one finds nothing."""
    try:
        read = scan.read(text)
    except CodeError as error:
        return [code_messages.told(error)]
    if read.kind == scan.Kind.GRID:
        return [_("A GRID names an adult donor, not a cord blood unit; no donor with this GRID is here.")]
    if read.kind == scan.Kind.PRODUCT:
        known = ProductCode.objects.visible_to(user).filter(code=description_code(text)).exists()
        return [] if known else [_("This is a product code; the loaded table does not hold it.")]
    return []


def work_items(user: User) -> list[WorkItem]:
    """For whoever may confirm: units whose values wait for a person."""
    if not user.has_permission(Permission.UNIT_CONFIRM):
        return []
    waiting = CordBloodUnit.objects.to_confirm()
    count = waiting.count()
    if not count:
        return []
    title = ngettext("%(n)d unit waits for confirmation", "%(n)d units wait for confirmation", count)
    since = waiting.order_by("created_at").values_list("created_at", flat=True).first()
    return [
        WorkItem(
            title=title % {"n": count},
            url=reverse("bank:unit-list") + "?waiting=on",
            detail=_("Cell counts outside the plausible range, or values missing."),
            due_at=since + today.CONFIRM_WITHIN if since else None,
            since=since,
            kind="unit",
            count=count,
        )
    ]


def find_places(user: User, text: str) -> list[Hit]:
    """The canister of a place, typed or scanned: `T1-R3-C2-07`; a unit that lies in the place comes before it."""
    place = places.parse(text)
    canister = StorageNode.objects.visible_to(user).canister(place) if place else None
    if canister is None:
        return []
    url = reverse("bank:storage-canister", args=[canister.pk])
    way = " · ".join(map(str, places.chain(canister)))
    is_empty = not _find_in_place(user, text)
    return [Hit(kind=pgettext("storage", "Place"), label=canister.path, url=url, detail=way, exact=is_empty)]


def storage_work(user: User) -> list[WorkItem]:
    """For the people of the storage: alarms of tanks that nobody has acknowledged."""
    if not user.has_permission(Permission.STORAGE_EDIT):
        return []
    alarms = list(TankAlarm.objects.visible_to(user).open().select_related("tank"))
    if not alarms:
        return []
    title = ngettext("%(n)d alarm of a tank is open", "%(n)d alarms of tanks are open", len(alarms))
    return [
        WorkItem(
            title=title % {"n": len(alarms)},
            url=reverse("bank:storage"),
            detail=", ".join(dict.fromkeys(str(alarm.tank) for alarm in alarms)),
            due_at=min(alarm.opened_at for alarm in alarms),  # at once
            since=min(alarm.opened_at for alarm in alarms),
            kind="storage",
            count=len(alarms),
        )
    ]
