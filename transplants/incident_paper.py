"""The S(P)EAR form of an incident as a printed document: what an authority or a registry is told of it.

Patients by code only; inner notes are not in it, whoever fetches it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from bank.models import CordBloodUnit
from core import audit
from core.audit import Actor
from core.models import Installation, User
from core.pdf.document import (
    Block,
    Column,
    Document,
    Fact,
    Facts,
    Heading,
    Notice,
    Signatures,
    Table,
    Text,
    Together,
    cell,
)
from core.pdf.paint import pdf_bytes
from transplants.choices_incidents import IncidentKind
from transplants.models import Incident, Recall
from transplants.presenters_incidents import lot_of, moment, none_named, states_told, units_of
from transplants.services_incidents import is_of_bank

LANGUAGES: Final = [code for code, _name in settings.LANGUAGES]
DEFINITIONS: Final = {
    IncidentKind.REACTION: gettext_lazy(
        "Serious adverse reaction: an unintended response in donor or recipient that is fatal, life-threatening or "
        "disabling, or causes or prolongs a hospital stay or an illness."
    ),
    IncidentKind.EVENT: gettext_lazy(
        "Serious adverse event: an untoward occurrence between procurement and distribution that might lead to such a "
        "reaction, to death or to the transmission of a disease."
    ),
}


def incident_pdf(*, incident: Incident, user: User, language: str) -> bytes:
    """The form in one of settings.LANGUAGES; that it was fetched is audited."""
    synthetic = Installation.load().synthetic
    with translation.override(language):
        content = pdf_bytes(document_of(incident, user, language, synthetic=synthetic))
    _record(incident, user, language)
    return content


@transaction.atomic
def _record(incident: Incident, user: User, language: str) -> None:
    audit.record(
        actor=Actor.user(user),
        action="incident.form",
        target=(incident._meta.label, str(incident.pk), incident.number),
        after={"language": language},
        hospital_id=incident.hospital_id,
    )


def document_of(row: Incident, user: User, language: str, *, synthetic: bool) -> Document:
    """In the language that is active."""
    return Document(
        title=_("Incident %(number)s") % {"number": row.number},
        subject=_("Report of a serious adverse event or reaction (S(P)EAR)")
        if row.is_serious
        else row.kind_name,
        author=user.full_name,
        language="zh-Hans" if language.startswith("zh") else language,
        running=row.number,
        banner=_("Synthetic demonstration data. Not for clinical use.") if synthetic else "",
        foot=_("Confidential: patients are named by a code only."),
        page_text=_("Page {page} of {pages}"),
        seal=_("Digest of these pages (SHA-256): {digest}"),
        made_at=timezone.now().replace(microsecond=0),
        blocks=tuple(_blocks(row, user)),
    )


def _blocks(row: Incident, user: User) -> Iterator[Block]:
    yield Heading(_("Report of an incident"), 0, row.number)
    yield Text(row.title)
    if row.rapid_alert:
        yield Notice(_("Rapid alert"), "bad")
    yield Facts(tuple(Fact(label, value) for label, value in _facts(row, user)), columns=3)
    if row.is_serious and (definition := DEFINITIONS.get(IncidentKind(row.kind))):
        yield Text(str(definition), "muted", small=True)
    yield Heading(_("What happened"))
    yield Text(row.what)
    yield from _units(row, user)
    yield from _recalls(row, user)
    yield Heading(_("Cause"))
    yield Text(row.cause or _("Not known yet."), "" if row.cause else "muted")
    yield Heading(_("Measures"))
    yield Text(row.measures or _("None written yet."), "" if row.measures else "muted")
    labels = (_("Written by"), _("Quality assurance"), _("Medical director"))
    places = (_("Name in print"), _("Date"), _("Signature"))
    yield Together((Heading(_("Signatures")), Signatures(labels, places)))


def _facts(row: Incident, user: User) -> Iterator[tuple[str, str]]:
    yield _("Kind"), row.kind_name
    yield _("Seriousness"), str(row.get_seriousness_display())
    yield _("Imputability"), str(row.get_imputability_display())
    yield _("Happened on"), f"{row.happened_on:%Y-%m-%d}"
    yield _("Opened"), moment(row.opened_at)
    yield _("Opened by"), row.opened_by
    yield _("State"), str(row.get_state_display())
    yield _("To be reported until"), f"{row.due_on:%Y-%m-%d}" if row.due_on else ""
    yield _("Reported outside at"), moment(row.reported_out_at)
    yield _("Reported to"), row.reported_to
    yield _("Hospital"), row.hospital.code if row.hospital else ""
    yield _("Patient"), row.patient.code if row.patient else ""
    yield pgettext("transplant", "Order"), row.order.number if row.order else ""
    yield _("Lot"), lot_of(row, of_bank=is_of_bank(user))
    yield _("Closed"), f"{moment(row.closed_at)} {row.closed_by.full_name}" if row.closed_by else ""


def _units(row: Incident, user: User) -> Iterator[Block]:
    """Those that the person may see named, as the page shows them."""
    found = list(units_of(row, user))
    told = states_told([one.unit_id for one in found], user)
    rows = tuple(
        (
            cell(one.unit.public_no),
            cell(one.unit.din or "–"),
            cell(one.unit.bank.name),
            cell(_state(one.unit) if one.unit_id in told else "–"),
        )
        for one in found
    )
    yield Heading(_("Units"), 1, str(len(rows)))
    if not rows:
        yield Text(none_named(user), "muted")
        return
    columns = (Column(_("Unit")), Column("DIN"), Column(_("Bank")), Column(_("Status")))
    yield Table(columns, rows)


def _state(unit: CordBloodUnit) -> str:
    return ", ".join([str(unit.get_status_display()), *map(str, unit.block_labels)])


def _recalls(row: Incident, user: User) -> Iterator[Block]:
    """For whoever may know of recalls."""
    found = list(Recall.objects.visible_to(user).filter(incident=row).with_names().order_by("started_at"))
    if not found:
        return
    yield Heading(_("Recalls"), 1, str(len(found)))
    columns = (Column(_("Recall")), Column(_("Since")), Column(_("Lifted")), Column(_("Reason"), 2.0))
    yield Table(
        columns,
        tuple(
            (
                cell(one.number),
                cell(moment(one.started_at)),
                cell(moment(one.lifted_at) or "–"),
                cell(one.reason),
            )
            for one in found
        ),
    )
