"""Files of temperature loggers: read, judged, and read anew where they were read wrongly."""

from __future__ import annotations

import hashlib
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.audit import Actor
from core.crypto import decrypt_bytes
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.querysets import open_in
from transplants import notices_shipments, shipment_incidents, shipping
from transplants.choices_orders import LoggerVerdict
from transplants.logger_files import given_file, judge, names_other_logger, way_back
from transplants.loggers.reading import Asked
from transplants.models import LoggerFile, Receipt, Shipment, ShippingRules, UnitReturn
from transplants.shipping import LockedShipment, locked_shipment
from transplants.writing import given_reason


@transaction.atomic
def logger_add(
    *, shipment_id: UUID, name: str, data: bytes, asked: Asked, user: User, reason: str = ""
) -> LoggerFile:
    """Take in the file of a temperature logger, and judge it; the same file read the same way is one row.

    The same file read in another zone, scale or column takes the place of the former reading, for a reason; the limit
    stays that of the day on which the file came. A record above the limit opens an incident, or is noted in the one
    that is open, whenever it comes. Raises InvalidInput for what the file holds, `reason_needed`; NotAllowed;
    Conflict `not_dispatched`.
    """
    fresh = given_file(name, data, asked)  # before anything is locked: a large file takes seconds
    found = locked_shipment(shipment_id)
    row = found.row
    if not shipping.is_shipping(user) and not open_in(user, Permission.SHIPMENT_RECEIVE, row.hospital_id):
        raise NotAllowed("not_yours", _("You may not do this with this shipment."))
    known: LoggerFile | None = row.logger_files.in_force().filter(sha256=fresh.sha256).first()
    if known is not None and known.read_as == fresh.read_as:
        return known
    if row.dispatched_at is None:
        raise Conflict(
            "not_dispatched", _("The way has not begun. Add the temperature record when it is under way.")
        )
    if known is not None:
        _void(row, known, reason, user)
        fresh.limit_c = known.limit_c
    fresh.shipment, fresh.uploaded_by = row, user
    receipt = Receipt.objects.filter(shipment=row).first()
    judge(fresh, row, receipt, ShippingRules.load())
    fresh.save(force_insert=True)
    _record(row, fresh, user)
    _tell(found, fresh, known, receipt, user)
    return fresh


@transaction.atomic
def logger_open(*, file: LoggerFile, user: User) -> tuple[LoggerFile, bytes]:
    """The file as it came; who took it away is on record. Raises Conflict where it is not what came."""
    row = LoggerFile.objects.select_related("shipment__order__unit", "shipment__order__patient").get(
        pk=file.pk
    )
    data = decrypt_bytes(bytes(row.content))
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise Conflict("file_changed", _("This file is not what it was when it came."))
    shipping.record(row.shipment, "shipment.logger_open", Actor.user(user), after={"file": row.name})
    return row, data


def _void(row: Shipment, known: LoggerFile, reason: str, user: User) -> None:
    try:
        why = given_reason(reason)
    except InvalidInput as error:
        raise InvalidInput(
            "reason_needed",
            _("This file was read before, in another way (%(zone)s, %(column)s). Write why it is read anew."),
            field="reason",
            params={"zone": known.read_as.get("zone", ""), "column": known.read_as.get("column", "")},
        ) from error
    known.voided_at, known.voided_by, known.void_reason = timezone.now(), user, why
    known.save(update_fields=["voided_at", "voided_by", "void_reason"])
    before = {"file": known.name, "sha256": known.sha256, "read_as": known.read_as, "verdict": known.verdict}
    shipping.record(row, "shipment.logger_void", Actor.user(user), before=before, reason=why)


def _record(row: Shipment, fresh: LoggerFile, user: User) -> None:
    told = {"file": fresh.name, "sha256": fresh.sha256, "verdict": fresh.verdict, "max_c": fresh.max_c}
    if names_other_logger(fresh, row):
        told["serial"] = fresh.serial
    shipping.record(row, "shipment.logger", Actor.user(user), after=told)


def _tell(
    found: LockedShipment, fresh: LoggerFile, known: LoggerFile | None, receipt: Receipt | None, user: User
) -> None:
    """Of what is too warm, and of a reading that was and is void now: nobody takes it out of the world alone."""
    findings = []
    if fresh.verdict == LoggerVerdict.ABOVE:
        findings.append(shipment_incidents.warm(found, fresh, receipt))
    elif known is not None and known.verdict == LoggerVerdict.ABOVE:
        findings.append(shipment_incidents.read_anew(found, known, fresh))
    back_c = _above_on_way_back(found.row, fresh, receipt)
    if back_c is not None:
        findings.append(shipment_incidents.warm_back(found, back_c))
    if findings:
        shipment_incidents.tell(findings, notices_shipments.deviation(found.row, but=user), user)


def _above_on_way_back(row: Shipment, fresh: LoggerFile, receipt: Receipt | None) -> float | None:
    """Of a unit that is back: it may be on offer again already when its file comes."""
    back = UnitReturn.objects.filter(order=row.order_id, returned_at__isnull=False).first()
    if back is None or receipt is None:
        return None
    return way_back([fresh], receipt, back.returned_at).above_c
