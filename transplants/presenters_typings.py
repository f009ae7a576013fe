"""Confirmatory typings in words: what is next, until when, locus by locus, what a person may do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bank import typing_compared
from bank.models import CordBloodUnit, HlaTyping
from bank.typing_compared import Agreement, LocusCompared, Reported, loci_of
from core.models import AuditEntry, User
from core.roles import Permission
from core.typing_form import reading_text
from hla.locus_typing import LocusTyping
from hospitals.querysets import open_in
from matching.choices import CLASS_SIZE
from matching.confirmed_match import Fall
from transplants import match_held
from transplants.choices_enquiries import EnquiryKind
from transplants.choices_orders import TypingState
from transplants.choices_typings import EMDIS, STATE_TONE, TypingMethod
from transplants.guards_typings import ASKABLE, is_bank, shown_of
from transplants.models import ConfirmatoryTyping, Reservation
from transplants.services_enquiries import deadlines

# agreement -> (word, tone, icon of the tag)
AGREEMENT: dict[Agreement, tuple[Any, str, str]] = {
    Agreement.AGREES: (gettext_lazy("agrees"), "good", "good"),
    Agreement.MORE: (gettext_lazy("agrees, says more"), "good", "good"),
    Agreement.LESS: (gettext_lazy("agrees, says less"), "warn", "warn"),
    Agreement.DIFFERS: (gettext_lazy("contradicts"), "bad", "bad"),
    Agreement.NOT_TYPED: (gettext_lazy("not typed anew"), "", "info"),
    Agreement.NOT_LISTED: (gettext_lazy("not listed before"), "", "info"),
}


def days_to_confirm() -> int:
    """Days within which the bank wants to give the result: the deadline of that kind of enquiry, which it sets."""
    return deadlines()[EnquiryKind.CONFIRMATORY_TYPING]


def due_on(row: ConfirmatoryTyping, days: int) -> dt.date:
    return timezone.localdate(row.asked_at) + dt.timedelta(days=days)


def due_tag(row: ConfirmatoryTyping, today: dt.date, days: int) -> dict[str, str]:
    """How long until the result is due; {} once it is there."""
    if not row.is_open:
        return {}
    left = (due_on(row, days) - today).days
    if left < 0:
        text = ngettext("overdue since %(n)d day", "overdue since %(n)d days", -left) % {"n": -left}
        return {"text": text, "tone": "bad"}
    if left == 0:
        return {"text": _("due today"), "tone": "warn"}
    return {"text": ngettext("due in %(n)d day", "due in %(n)d days", left) % {"n": left}, "tone": ""}


def state_tag(row: ConfirmatoryTyping) -> dict[str, str]:
    """One that vouches for nothing any more says so."""
    text = str(row.get_state_display())
    if row.settled_at is not None:
        return {"text": _("%(state)s, overtaken") % {"state": text}, "tone": "warn"}
    return {"text": text, "tone": STATE_TONE.get(row.state, "")}


def list_row(row: ConfirmatoryTyping, today: dt.date, days: int, user: User) -> dict[str, Any]:
    return {
        "row": row,
        "url": reverse("transplants:typing-detail", args=[row.pk]),
        "patient_url": patient_url(row, user),
        "state": state_tag(row),
        "due": due_tag(row, today, days),
    }


def patient_url(row: ConfirmatoryTyping, user: User) -> str:
    """For whom the patient's page opens: the laboratory sees a code and no more."""
    opens = open_in(user, Permission.PATIENT_VIEW, row.hospital_id)
    return reverse("hospitals:patient-detail", args=[row.patient_id]) if opens else ""


# --- locus by locus -------------------------------------------------------------------------------


def listed_beside(row: ConfirmatoryTyping) -> HlaTyping | None:
    """The typing with which the result was compared, or is to be."""
    return row.compared_with or typing_compared.in_force(row.unit_id)


def found_gl(row: ConfirmatoryTyping) -> str:
    return str(row.reported.get("gl", ""))


def compared(row: ConfirmatoryTyping) -> list[LocusCompared]:
    """Listed beside found; nothing before a result is entered."""
    listed = listed_beside(row)
    if not found_gl(row) or listed is None:
        return []
    return typing_compared.compared(loci_of(listed.canonical_gl), loci_of(found_gl(row)))


def locus_rows(found: list[LocusCompared]) -> list[dict[str, Any]]:
    return [
        {
            "locus": one.locus,
            "listed": _read(one.listed),
            "found": _read(one.found),
            "text": AGREEMENT[one.agreement][0],
            "tone": AGREEMENT[one.agreement][1],
            "icon": AGREEMENT[one.agreement][2],
        }
        for one in found
    ]


def _read(typing: LocusTyping | None) -> str:
    return reading_text(typing) if typing is not None else ""


def loci_with(found: list[LocusCompared], *agreements: Agreement) -> str:
    return ", ".join(f"HLA-{one.locus}" for one in found if one.agreement in agreements)


def notice(row: ConfirmatoryTyping, found: list[LocusCompared]) -> dict[str, str]:
    """The one sentence that must be seen above the table; {} where there is none."""
    differ = loci_with(found, Agreement.DIFFERS)
    if row.settled_at is not None:
        text = _(
            "Somebody has said since which typing of the unit is right. This one vouches for nothing any more."
        )
        return {"tone": "warn", "title": _("The conflict is settled"), "text": text}
    if row.state == TypingState.REPORTED and differ:
        text = _("At %(loci)s the result and the listed typing cannot be of one person. No order goes on.")
        title = _("The result contradicts the listed typing")
        return {"tone": "bad", "title": title, "text": text % {"loci": differ}}
    if row.state == TypingState.DISCREPANT:
        text = _(
            "%(loci)s contradicts. The unit goes no step further until quality assurance has settled it."
        )
        title = _("Do not count on this unit")
        return {
            "tone": "bad",
            "title": title,
            "text": text % {"loci": ", ".join(f"HLA-{x}" for x in row.differing)},
        }
    if row.state == TypingState.CONFIRMED and (worse := _of_patient(row)):
        return worse
    more = loci_with(found, Agreement.MORE, Agreement.NOT_LISTED)
    if row.state == TypingState.CONFIRMED and more:
        text = _(
            "At %(loci)s. The listed typing stays in force: what a search reads of a promised unit is not changed."
        )
        return {
            "tone": "info",
            "title": _("The result says more than the listed typing"),
            "text": text % {"loci": more},
        }
    return {}


def _of_patient(row: ConfirmatoryTyping) -> dict[str, str]:
    """What a confirmed typing does not settle for the patient for whom it was asked, while the unit is kept for him."""
    kept, listed = row.reservation, row.compared_with
    if listed is None or not kept.is_active:
        return {}
    if little := match_held.too_little(row, listed, match_held.policy_of(kept)):
        text = _("At %(loci)s. An order waits until the unit is typed by its alleles there.")
        title = _("The result agrees and says too little")
        return {"tone": "warn", "title": title, "text": text % {"loci": _named(little)}}
    fall = match_held.fallen(kept, row, listed)
    if fall is None:
        return {}
    title = _("The unit matches the patient less than it was listed")
    text = _(
        "At %(loci)s; %(classes)s. Before it is ordered, the hospital has to say that it is wanted all the same."
    )
    params = {
        "loci": _named([one.name for one in fall.change.loci]),
        "classes": ", ".join(class_words(one) for one in fall.change.classes) or _("no class changes"),
    }
    return {"tone": "bad", "title": title, "text": text % params}


CLASS_NAMES: dict[str, Any] = {
    "antigen6": gettext_lazy("A and B by antigen, DRB1 by allele"),
    "allele6": gettext_lazy("A, B, DRB1 by allele"),
    "allele8": gettext_lazy("A, B, C, DRB1 by allele"),
    "allele10": gettext_lazy("A, B, C, DRB1, DQB1 by allele"),
}


def class_words(fall: Fall) -> str:
    """Such as "A, B, DRB1 by allele: at most 5/6 instead of 6/6"."""
    return _("%(name)s: at most %(after)d/%(size)d instead of %(before)d/%(size)d") % {
        "name": CLASS_NAMES[fall.name],
        "after": fall.after,
        "before": fall.before,
        "size": CLASS_SIZE[fall.name],
    }


def _named(loci: list[str]) -> str:
    return ", ".join(f"HLA-{locus}" for locus in loci)


def next_step(row: ConfirmatoryTyping) -> str:
    """What is to be done next, and by whom."""
    return {
        TypingState.ASKED: _("The laboratory takes one attached segment."),
        TypingState.SAMPLED: _("The laboratory types the segment and enters the result."),
        TypingState.REPORTED: _("A second person compares the result with the report and verifies it."),
    }.get(TypingState(row.state), "")


# --- the page -------------------------------------------------------------------------------------


def facts(row: ConfirmatoryTyping, user: User) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = [
        {"label": _("Patient"), "value": row.patient.code},
        {"label": _("Hospital"), "value": f"{row.hospital.code} {row.hospital.display_name}"},
        {"label": _("Reservation"), "value": row.reservation.number},
        {"label": _("Asked for on"), "value": f"{timezone.localtime(row.asked_at):%Y-%m-%d}"},
        {"label": _("Note to the bank"), "value": row.note},
        {"label": _("Segment taken on"), "value": f"{row.sampled_on:%Y-%m-%d}" if row.sampled_on else ""},
    ]
    if row.reported:
        found = Reported.from_json(row.reported)
        items += [
            {"label": _("Laboratory"), "value": found.laboratory},
            {"label": _("Method"), "value": TypingMethod(row.method).label if row.method else ""},
            {"label": _("Date of the report"), "value": found.typed_on},
        ]
    if row.end_reason:
        items.append({"label": _("Reason"), "value": row.end_reason})
    if user.has_permission(Permission.INVENTORY_VIEW_ALL):
        left = "" if row.unit.segments is None else str(row.unit.segments)
        items.append({"label": _("Segments left"), "value": left})
        items.append({"label": "EMDIS", "value": EMDIS[row.state]})
    return items


def withdrawn(row: ConfirmatoryTyping, user: User) -> list[dict[str, str]]:
    """For the bank: results that were entered wrongly, with what they said."""
    if not user.has_permission(Permission.INVENTORY_VIEW_ALL):
        return []
    return [
        {"gl": one.get("gl", ""), "who": one.get("withdrawn_by", ""), "why": one.get("reason", "")}
        for one in row.withdrawn
    ]


WORDS: dict[str, tuple[Callable[[], str], str]] = {
    "typing.ask": (lambda: _("Asked for"), ""),
    "typing.sample": (lambda: _("Segment taken"), ""),
    "typing.report": (lambda: _("Result entered"), ""),
    "typing.take_back": (lambda: _("Result taken back"), "warn"),
    "typing.verify": (lambda: _("Result verified"), "good"),
    "typing.cancel": (lambda: _("Cancelled"), "bad"),
    "typing.drop": (lambda: _("The reservation has ended: no segment is taken"), "bad"),
    "typing.settle": (lambda: _("The conflict of the unit's typings is settled"), "warn"),
}


def timeline(row: ConfirmatoryTyping) -> list[dict[str, Any]]:
    """What happened, newest first, from the trail of this row."""
    entries = AuditEntry.objects.filter(target_type=row._meta.label, target_key=str(row.pk))
    return [_entry(entry) for entry in entries.order_by("-at", "-pk")]


def _entry(entry: AuditEntry) -> dict[str, Any]:
    words, tone = WORDS.get(entry.action, (lambda: entry.action, ""))
    differ = (entry.after or {}).get("differing")
    detail = (
        [_("contradicts at %(loci)s") % {"loci": ", ".join(f"HLA-{x}" for x in differ)}] if differ else []
    )
    return {
        "at": entry.at,
        "text": words(),
        "actor": _("automatically") if entry.actor_id.startswith("system:") else entry.actor_label,
        "detail": " · ".join([*detail, entry.reason] if entry.reason else detail),
        "tone": "bad" if differ else tone,
    }


def may(row: ConfirmatoryTyping, user: User) -> dict[str, bool]:
    """What the page offers; the services decide."""
    works = is_bank(user, Permission.TYPING_WORK)
    verifies = is_bank(user, Permission.RESULT_VERIFY)
    own = open_in(user, Permission.ORDER_ASK, row.hospital_id)
    by_bank = works or is_bank(user, Permission.ORDER_ASK)
    asked, sampled = row.state == TypingState.ASKED, row.state == TypingState.SAMPLED
    reported = row.state == TypingState.REPORTED
    return {
        "sample": works and asked,
        "report": works and sampled,
        "verify": verifies and reported and row.reported_by_id != user.pk,
        "own_work": verifies and reported and row.reported_by_id == user.pk,
        "take_back": (works or verifies) and reported,
        "cancel": (asked and (own or by_bank)) or (sampled and by_bank),
        "settle": row.state == TypingState.DISCREPANT
        and row.unit.typing_conflict
        and user.has_permission(Permission.UNIT_CONFIRM),
    }


def shown(row: ConfirmatoryTyping) -> str:
    return shown_of(row, typing_compared.in_force(row.unit_id))


def ask_url(reservation: Reservation, user: User) -> str:
    """Where the unit of a reservation is asked to be typed anew; "" where that is not possible now."""
    unit: CordBloodUnit = reservation.unit
    ready = reservation.is_active and unit.status in ASKABLE and not unit.blocks and bool(unit.segments)
    if not ready or not open_in(user, Permission.ORDER_ASK, reservation.hospital_id):
        return ""
    listed = typing_compared.in_force(unit.pk)
    rows = ConfirmatoryTyping.objects
    if listed is None or rows.open().filter(unit=unit).exists():
        return ""
    if match_held.is_enough(reservation, unit, listed):
        return ""
    return reverse("transplants:typing-create", args=[reservation.pk])
