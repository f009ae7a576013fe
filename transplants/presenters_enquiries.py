"""Enquiries in words: whose turn it is, until when, what a person may do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.models import User
from core.roles import Permission
from hospitals.querysets import open_in
from transplants.choices_enquiries import EMDIS, STATE_TONE, EnquiryState, Side
from transplants.models_enquiries import Enquiry, EnquiryMessage
from transplants.querysets_enquiries import side_of

ENDINGS = {"application/pdf": "PDF", "image/png": "PNG", "image/jpeg": "JPEG"}


def state_tag(row: Enquiry, side: Side) -> dict[str, str]:
    """An open one says whose turn it is, as this side reads it."""
    if not row.is_open:
        return {"text": str(row.get_state_display()), "tone": STATE_TONE.get(row.state, "")}
    if row.waits_for == side:
        return {"text": _("your turn"), "tone": "warn"}
    text = _("the hospital's turn") if row.waits_for == Side.HOSPITAL else _("the bank's turn")
    return {"text": text, "tone": "info"}


def due_tag(row: Enquiry, today: dt.date) -> dict[str, str]:
    """How long until an answer is due; {} where none is."""
    if row.due_on is None:
        return {}
    days = (row.due_on - today).days
    if days < 0:
        text = ngettext("overdue since %(n)d day", "overdue since %(n)d days", -days) % {"n": -days}
        return {"text": text, "tone": "bad"}
    if days == 0:
        return {"text": _("due today"), "tone": "warn"}
    return {"text": ngettext("due in %(n)d day", "due in %(n)d days", days) % {"n": days}, "tone": ""}


def is_unseen(row: Enquiry, side: Side) -> bool:
    seen = row.bank_seen_at if side == Side.BANK else row.hospital_seen_at
    return seen is None or seen < row.last_at


def list_row(row: Enquiry, today: dt.date, side: Side) -> dict[str, Any]:
    return {
        "row": row,
        "url": reverse("transplants:enquiry-detail", args=[row.pk]),
        "state": state_tag(row, side),
        "due": due_tag(row, today),
        "unseen": is_unseen(row, side),
    }


def facts(row: Enquiry, user: User) -> list[dict[str, Any]]:
    items = [
        {"label": _("Patient"), "value": row.patient.code},
        {"label": _("Hospital"), "value": f"{row.hospital.code} {row.hospital.display_name}"},
        {"label": _("Unit"), "value": row.unit.public_no if row.unit else ""},
        {"label": _("Asked by"), "value": _asked_by(row)},
        {"label": _("Answered until"), "value": f"{row.due_on:%Y-%m-%d}" if row.due_on else ""},
    ]
    if row.declined_for:
        items.append({"label": _("Declined because"), "value": row.get_declined_for_display()})
    if side_of(user) == Side.BANK:
        items += [
            {"label": _("Taken on by"), "value": str(row.owner) if row.owner else ""},
            {"label": "EMDIS", "value": EMDIS[row.kind]},
        ]
    return items


def _asked_by(row: Enquiry) -> str:
    """The hospital, 2026-11-30; in Chinese with its own comma."""
    values = {"who": row.get_asked_from_display(), "day": f"{row.asked_at:%Y-%m-%d}"}
    return _("%(who)s, %(day)s") % values


def thread(messages: Iterable[EnquiryMessage], side: Side) -> list[dict[str, Any]]:
    """Messages as they came; of the other side's people only the side, where the bank does not name its own."""
    return [
        {
            "row": one,
            "own": one.side == side,
            "who": f"{one.written_by.full_name} · {one.get_side_display()}",
            "files": [
                {
                    "url": reverse("transplants:enquiry-file", args=[file.pk]),
                    "label": ENDINGS[file.content_type],
                    "kb": max(1, file.size_bytes // 1024),
                }
                for file in one.light_files  # type: ignore[attr-defined]
            ],
        }
        for one in messages
    ]


def may(row: Enquiry, user: User) -> dict[str, bool]:
    """What the page offers; the services decide."""
    side = side_of(user)
    writes = open_in(user, Permission.ENQUIRY_ASK, row.hospital_id)
    asked_by_us = side == row.asked_from
    return {
        "reply": writes and row.state in (EnquiryState.OPEN, EnquiryState.ANSWERED),
        "answer": writes and row.is_open and not asked_by_us,
        "decline": side == Side.BANK and row.is_open and not asked_by_us,
        "cancel": writes and row.is_open and asked_by_us,
        "take": side == Side.BANK and row.is_open,
    }
