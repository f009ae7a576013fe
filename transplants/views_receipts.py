"""Pages of what arrives: the checklist of the hospital, the files of temperature loggers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.exports import csv_response
from core.posting import carried_out, posted
from core.roles import Permission
from transplants import presenters_shipments as presenters
from transplants import services_loggers
from transplants import services_receipts as services
from transplants.choices_orders import Acceptance, LoggerVerdict
from transplants.curves_shipments import other_logger_text
from transplants.forms_shipments import LoggerForm, ReceiptForm
from transplants.logger_files import names_other_logger
from transplants.loggers import written
from transplants.models import LoggerFile, Shipment
from transplants.moments import zone_for
from transplants.views_shipments import act_on

_VIEW = Permission.SHIPMENT_VIEW


def _visible(request: HttpRequest, pk: Any, *acting: Permission) -> Shipment:
    person = person_of(request)
    rows = Shipment.objects.with_names().open_for(person, *acting)
    found: Shipment = get_visible_or_404(rows, person, pk=pk)
    return found


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, Permission.SHIPMENT_RECEIVE)
def shipment_receive(request: HttpRequest, pk: Any) -> HttpResponse:
    """One page for a phone: read the code, five answers, decide."""
    row = _visible(request, pk, Permission.SHIPMENT_RECEIVE)
    zone = zone_for(person_of(request), row.hospital)
    form = ReceiptForm(posted(request), row=row, zone=zone)
    outcome = carried_out(
        request,
        form,
        lambda: services.shipment_receive(
            shipment_id=row.pk, received=form.received(), user=person_of(request)
        ),
    )
    page = reverse("transplants:shipment-detail", args=[row.pk])
    if outcome.done:
        _tell(request, outcome.value.acceptance)
        return redirect(page)
    if request.method == "GET" and not presenters.may(row, person_of(request))["receive"]:
        return redirect(page)
    above = row.logger_files.in_force().light().filter(verdict=LoggerVerdict.ABOVE).first()
    crumbs = [
        (reverse("transplants:shipment-list"), pgettext("ordered units", "Shipments")),
        (page, row.number),
        ("", _("Receipt")),
    ]
    context = {
        "row": row,
        "form": form,
        "answers": services.ANSWERS,
        "above": above,
        "blocks": row.order.unit.block_labels,
        "crumbs": crumbs,
    }
    with timezone.override(zone):
        return render(request, "transplants/shipment_receive.html", context, status=outcome.status)


def _tell(request: HttpRequest, acceptance: str) -> None:
    if acceptance == Acceptance.REFUSED:
        messages.warning(request, _("Refused; the bank is told. Keep the shipper closed until it calls you."))
    elif acceptance == Acceptance.DEVIATION:
        messages.warning(request, _("Received with a deviation; the bank is told."))
    else:
        messages.success(request, _("Received; the bank is told."))


@require_POST
@permission_required(_VIEW)
def shipment_logger(request: HttpRequest, pk: Any) -> HttpResponse:
    row, person = _visible(request, pk), person_of(request)
    zone = zone_for(person, row.hospital)
    form = LoggerForm(request.POST, request.FILES, auto_id="logger_%s", zone=zone)

    def read() -> LoggerFile:
        file = services_loggers.logger_add(shipment_id=row.pk, user=person, **form.given())
        if names_other_logger(file, row):
            messages.warning(request, other_logger_text(file, row))
        return file

    return act_on(request, row, "logger", form, read, _("The temperature record is read and judged."))


@require_GET
@permission_required(_VIEW)
def logger_file(request: HttpRequest, pk: Any) -> HttpResponse:
    """The file as it came, as a download: it is a stranger's."""
    person = person_of(request)
    file = get_visible_or_404(LoggerFile.objects.light(), person, pk=pk)
    row, data = services_loggers.logger_open(file=file, user=person)
    response = HttpResponse(data, content_type="application/octet-stream")
    name = f"{row.shipment.number}-{row.sha256[:8]}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
@permission_required(_VIEW)
def logger_csv(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """All readings, in one form whatever the logger wrote."""
    rows = LoggerFile.objects.defer("content").select_related("shipment__hospital")
    file: LoggerFile = get_visible_or_404(rows, person_of(request), pk=pk)
    name = f"{file.shipment.number}-{file.sha256[:8]}-readings.csv"
    readings = ((int(at), float(value)) for at, value in file.readings)
    zone = zone_for(person_of(request), file.shipment.hospital)
    return csv_response(name, written.HEADER, written.rows(readings, zone))
