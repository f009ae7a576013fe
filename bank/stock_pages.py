"""What pages say of samples and of proposals to discard."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bank.choices import BEFORE_OFFER, TRANSITIONS, Source, Subject, UnitStatus
from bank.choices_stocks import KINDS_OF, WAYS_OUT, SampleKind, SamplePurpose
from bank.lookback import Sample
from bank.models import CordBloodUnit, DiscardProposal, UnitSample
from bank.querysets_storage import ABOVE
from bank.services_disposal import may_propose
from core.models import AuditEntry, User
from core.roles import Permission
from core.work import WorkItem

# Entries of the audit trail that name a stock.
TAKEN = frozenset({"unit.sample_open", "unit.sample_use", "unit.sample_correct"})
PLACED = frozenset({"unit.sample_place", "unit.sample_take_out"})
ACTIONS = {
    "unit.sample_open": lambda: _("Sample laid aside"),
    "unit.sample_use": lambda: _("Sample used"),
    "unit.sample_correct": lambda: _("Stock of samples corrected"),
    "unit.sample_place": lambda: _("Sample put into its place"),
    "unit.sample_take_out": lambda: _("Sample taken out of its place"),
    "unit.discard_propose": lambda: _("Proposed that it leave"),
    "unit.discard_refuse": lambda: _("Proposal refused"),
    "unit.discard_withdraw": lambda: _("Proposal withdrawn"),
    "unit.discard": lambda: _("Discarded"),
    "unit.research": lambda: _("Given to research"),
    "unit.sample_sign_refused": lambda: _("Signature refused"),
    "unit.discard_sign_refused": lambda: _("Signature refused"),
}


def name_of(subject: str, kind: str) -> str:
    """`Segment`, `Serum of the mother`."""
    label = str(SampleKind(kind).label)
    return _("%(sample)s of the mother") % {"sample": label} if subject == Subject.MOTHER else label


def told(row: AuditEntry) -> str:
    """Detail of an entry about a stock: which, how many and for what."""
    after = row.after or {}
    subject, _dash, kind = str(after.get("sample", "")).partition("-")
    if kind not in KINDS_OF.get(subject, ()):
        return row.reason
    many = f"−{after['count']}" if "count" in after else ""
    purpose = str(SamplePurpose(after["purpose"]).label) if after.get("purpose") else ""
    left = _("%(n)s left") % {"n": after.get("left")}
    place = (row.before or {}).get("lies_in", "")
    free = _("%(place)s is free") % {"place": place} if place else ""
    parts = (name_of(subject, kind), many, purpose, after.get("for_what", ""), left, free, row.reason)
    return " · ".join(filter(None, parts))


def told_place(row: AuditEntry) -> str:
    """Detail of an entry about where a sample lies: which, from where, to where."""
    before, after = row.before or {}, row.after or {}
    subject, _dash, kind = str(after.get("sample", "")).partition("-")
    name = name_of(subject, kind) if kind in KINDS_OF.get(subject, ()) else ""
    way = " → ".join(filter(None, (before.get("lies_in"), after.get("lies_in"))))
    return " · ".join(filter(None, (name, way, row.reason)))


def place_of(sample: UnitSample) -> str:
    """The number of its place; "" where it has none. Needs the slot with its canister's parents."""
    slot = getattr(sample, "slot", None)
    return slot.place if slot else ""


def with_places(unit: CordBloodUnit) -> QuerySet[UnitSample]:
    return unit.samples.select_related(f"slot__canister__{ABOVE}")


def on_passport(unit: CordBloodUnit, user: User) -> dict[str, Any]:
    """Links to the two pages, and the proposal that waits; for the bank's staff."""
    if unit.source != Source.OWN:
        return {}
    proposal = open_proposal(unit)
    may = may_be_proposed(unit) and may_propose(user, unit)
    return {
        "samples": with_places(unit),
        "samples_url": reverse("bank:unit-samples", args=[unit.pk]),
        "proposal": proposal,
        "disposal_url": reverse("bank:unit-disposal", args=[unit.pk]) if may or proposal else "",
    }


def in_lookback(unit: CordBloodUnit) -> list[Sample]:
    """Stocks of the unit and of its mother, with where they lie."""
    return [
        Sample(
            name_of(stock.subject, stock.kind),
            stock.get_subject_display(),
            f"{stock.remaining}/{stock.opening}",
            " · ".join(filter(None, (place_of(stock), stock.place))),
            reverse("bank:unit-samples", args=[unit.pk]),
        )
        for stock in with_places(unit).order_by("subject", "kind")
    ]


def open_proposal(unit: CordBloodUnit) -> DiscardProposal | None:
    return unit.discard_proposals.open().select_related("proposed_by").first()


def may_be_proposed(unit: CordBloodUnit) -> bool:
    return bool(ways_of(unit))


def ways_of(unit: CordBloodUnit) -> list[str]:
    """Where the unit could go from its present state."""
    return [way.value for way in WAYS_OUT if way in TRANSITIONS[UnitStatus(unit.status)]]


def kinds_to_open(unit: CordBloodUnit, stock: list[UnitSample]) -> list[tuple[str, str]]:
    """Samples that could still be laid aside: those of which none is in the stock."""
    there = {(row.subject, row.kind) for row in stock}
    if unit.segments is not None or unit.status not in BEFORE_OFFER:
        there.add((Subject.UNIT, SampleKind.SEGMENT))
    return [
        (f"{subject}-{kind}", name_of(subject, kind))
        for subject, kinds in KINDS_OF.items()
        for kind in kinds
        if (subject, kind) not in there
    ]


def to_decide(user: User) -> list[DiscardProposal]:
    """Proposals that this person may decide on: another one made them. Oldest first."""
    if not user.has_permission(Permission.UNIT_DISCARD):
        return []
    rows = DiscardProposal.objects.visible_to(user).open().exclude(proposed_by=user)
    return list(rows.order_by("proposed_at"))


def disposal_work(user: User) -> list[WorkItem]:
    """For quality assurance: units of which somebody else proposed that they leave."""
    rows = to_decide(user)
    if not rows:
        return []
    title = ngettext(
        "%(n)d unit is proposed to leave: decide", "%(n)d units are proposed to leave: decide", len(rows)
    )
    return [
        WorkItem(
            title=title % {"n": len(rows)},
            url=reverse("bank:discard-list"),
            detail=_("A second person signs that a unit is discarded or given to research."),
            since=rows[0].proposed_at,
            kind="unit",
            count=len(rows),
        )
    ]
