"""Papers of an order are handed out and kept as they were; the bank's texts on them are written and approved.

Handing out is a write: what has left the house is kept, and the trail says who took it.
"""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from core.signing import guard_signature
from transplants.choices_orders import OrderState
from transplants.choices_papers import NO_PAPERS, OF_SHIPMENT, PaperKind, PaperLanguage, TextKind
from transplants.models import Order, OrderPaper, PaperText
from transplants.moving import locked_order
from transplants.papers.given import Given
from transplants.papers.printed import Stamp, digest_of, pdf_of
from transplants.shipping import is_fresh

LONGEST_TEXT: Final = 6_000
_LOCK: Final = 0x0DA9


# --- papers ---------------------------------------------------------------------------------------


@transaction.atomic
def paper_issue(*, order_id: UUID, kind: str, language: str, actor: Actor) -> OrderPaper:
    """The paper as it is now: as it was handed out before, bit for bit, unless what it says has changed since.

    Read and made behind the locks of patient, unit, reservation and order, for which every service that writes about
    them waits: it is of one moment, and two who fetch it at once get the same version.
    Raises InvalidInput `paper_unknown`, `language_unknown`; Conflict `no_papers`, `not_packed`.
    """
    wanted, spoken = _kind(kind), _language(language)
    locked_order(order_id)
    given = Given.of(order_id)
    guard_paper(given.order, wanted, packed=is_packed(given))
    digest = digest_of(given, wanted)
    latest: OrderPaper | None = OrderPaper.objects.latest_of(order_id, wanted)
    is_new = latest is None or latest.digest != digest
    version = (latest.version if latest else 0) + (1 if is_new else 0)
    known = None if is_new else _known(order_id, wanted, version, spoken)
    made_at = latest.made_at if latest and not is_new else timezone.now().replace(microsecond=0)
    row = known or _made(given, Stamp(wanted, given.order.number, version, made_at, digest), spoken, actor)
    _record(row, given.order, actor)
    return row


@transaction.atomic
def paper_fetch_again(*, paper: OrderPaper, actor: Actor) -> None:
    """A kept paper goes out once more, as it was: only the trail tells."""
    _record(paper, paper.order, actor)


def is_packed(given: Given) -> bool:
    """Whether a packing counts: one before the release was revoked names a shipper in which the unit must not leave."""
    row = given.shipment
    if row is None:
        return False
    row.order = given.order
    return row.dispatched_at is not None or is_fresh(row)


def guard_paper(order: Order, kind: PaperKind, *, packed: bool) -> None:
    """Raises Conflict where there is no such paper of the order, or not yet."""
    if order.state in NO_PAPERS:
        raise Conflict(
            "no_papers",
            _("%(number)s is “%(state)s”: an order has papers once the bank has approved it."),
            params={"number": order.number, "state": OrderState(order.state).label},
        )
    if kind in OF_SHIPMENT and not packed:
        raise Conflict(
            "not_packed",
            _("This paper names shipper, seals and waybill. Pack the shipment of %(number)s first."),
            params={"number": order.number},
        )


def _kind(text: str) -> PaperKind:
    if text not in PaperKind.values:
        raise InvalidInput("paper_unknown", _("There is no such paper."))
    return PaperKind(text)


def _language(text: str) -> PaperLanguage:
    if text not in PaperLanguage.values:
        raise InvalidInput(
            "language_unknown", _("Choose en, zh-hans or both as the language of the paper."), field="lang"
        )
    return PaperLanguage(text)


def _known(order_id: UUID, kind: str, version: int, language: str) -> OrderPaper | None:
    rows = OrderPaper.objects.filter(order=order_id, kind=kind, version=version, language=language)
    return rows.first()


def _made(given: Given, stamp: Stamp, language: PaperLanguage, actor: Actor) -> OrderPaper:
    """made_at: since when the version says what it says; the same on the paper in every language."""
    pdf = pdf_of(given, stamp, language)
    row: OrderPaper = OrderPaper.objects.create(
        order=given.order,
        kind=stamp.kind,
        version=stamp.version,
        language=language,
        digest=stamp.digest,
        pdf=pdf,
        pdf_sha256=hashlib.sha256(pdf).hexdigest(),
        made_at=stamp.made_at,
        made_by=actor.label[:200],
    )
    return row


def _record(row: OrderPaper, order: Order, actor: Actor) -> None:
    audit.record(
        actor=actor,
        action="paper.issue",
        target=(row._meta.label, str(row.pk), f"{order.number} · {row.kind} v{row.version}"),
        after={
            "kind": row.kind,
            "version": row.version,
            "language": row.language,
            "digest": row.digest,
            "sha256": row.pdf_sha256,
        },
        hospital_id=order.hospital_id,
    )


# --- texts ----------------------------------------------------------------------------------------


@transaction.atomic
def text_draft(*, kind: str, text_en: str, text_zh: str, base: UUID | None, actor: Actor) -> PaperText:
    """Write another version; it stands on no paper before somebody else has approved it. It replaces an open draft.

    base: the newest version that the writer saw, None where there was none; Conflict `text_stale` if another one was
    written since.
    """
    wanted = _text_kind(kind)
    _lock(wanted)
    english, chinese = _clean(text_en, "text_en"), _clean(text_zh, "text_zh")
    newest: PaperText | None = PaperText.objects.filter(kind=wanted).order_by("-version").first()
    if (newest.pk if newest else None) != base:
        raise Conflict(
            "text_stale", _("Another version was written since you opened this page. Open it again.")
        )
    PaperText.objects.filter(kind=wanted).drafts().delete()
    last = PaperText.objects.filter(kind=wanted).aggregate(last=Max("version"))["last"] or 0
    row: PaperText = PaperText.objects.create(
        kind=wanted, version=last + 1, text_en=english, text_zh=chinese, created_by_id=actor.person_id
    )
    audit.record(
        actor=actor, action="paper_text.draft", target=row, after={"kind": wanted, "version": row.version}
    )
    return row


@transaction.atomic
def text_approve(*, text_id: UUID, user: User, password: str) -> PaperText:
    """Put a version in force from today, with the password; never by the person who wrote it. The former ends."""
    found: PaperText | None = PaperText.objects.filter(pk=text_id).first()
    if found is None:
        raise Conflict("text_replaced", _("This draft was replaced by another one. Open the list again."))
    _lock(TextKind(found.kind))
    row: PaperText | None = PaperText.objects.filter(pk=text_id).first()
    if row is None:
        raise Conflict("text_replaced", _("This draft was replaced by another one. Open the list again."))
    if row.approved_at is not None:
        raise Conflict("approved_already", _("This version is approved already."))
    guard_signature(user, password, {str(row.created_by_id)} if row.created_by_id else ())
    today = timezone.localdate()
    PaperText.objects.filter(kind=row.kind, is_current=True).update(is_current=False, valid_until=today)
    row.approved_by, row.approved_at = user, timezone.now()
    row.valid_from, row.is_current = today, True
    row.save(update_fields=["approved_by", "approved_at", "valid_from", "is_current"])
    after = {"kind": row.kind, "version": row.version, "valid_from": today}
    audit.record(actor=Actor.user(user), action="paper_text.approve", target=row, after=after)
    return row


def _text_kind(text: str) -> TextKind:
    if text not in TextKind.values:
        raise InvalidInput("text_unknown", _("There is no such text."))
    return TextKind(text)


def _clean(text: str, field: str) -> str:
    plain = "\n".join(line.rstrip() for line in text.replace("\0", "").splitlines()).strip()
    if not plain:
        raise InvalidInput("language_missing", _("Give the text in both languages."), field=field)
    if len(plain) > LONGEST_TEXT:
        raise InvalidInput(
            "text_too_long",
            _("The text is too long: at most %(most)d characters."),
            field=field,
            params={"most": LONGEST_TEXT},
        )
    return plain


def _lock(kind: TextKind) -> None:
    """Two writers of one text follow one another: there need not be a row of it yet that could be locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, list(TextKind).index(kind)])
