"""Sections of a dossier on what the mother said, on samples, documents and on how the unit left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from bank.dossier.records import Field, Record, made, records_of
from bank.dossier.registry import Section, Subject, leave_out, register_all
from bank.models import Answer, ConsentGiven, ConsentWithdrawal, Interview, SampleUse, UnitSample
from bank.stock_pages import place_of, with_places


def _of_donation(
    rows: Callable[[Any], models.QuerySet[Any]], *names: str
) -> Callable[[Subject], list[Record]]:
    """rows: of a donation. A unit of a partner's or of an older list has none."""

    def read(subject: Subject) -> list[Record]:
        donation_id = subject.unit.donation_id
        if donation_id is None:
            return []
        return records_of(rows(donation_id), skip=("donation",), names=names)

    return read


def _consents(donation_id: Any) -> models.QuerySet[Any]:
    return ConsentGiven.objects.filter(donation=donation_id).order_by("recorded_at", "pk")


def withdrawals(subject: Subject) -> list[Record]:
    """Each with what it erased, what was kept and when."""
    rows = ConsentWithdrawal.objects.filter(donation=subject.unit.donation_id).order_by("recorded_at", "pk")

    def erasure(row: ConsentWithdrawal) -> Iterable[Field]:
        found = getattr(row, "erasure", None)
        if found is not None:
            yield made("erased", found.erased)
            yield made("kept", found.kept)
            yield made("erased_at", found.at)

    found = rows.select_related("erasure") if subject.unit.donation_id else rows.none()
    return records_of(found, skip=("donation",), more=erasure)


def interviews(subject: Subject) -> list[Record]:
    """Each interview, then each answer under its question."""
    donation_id = subject.unit.donation_id
    if donation_id is None:
        return []
    held = Interview.objects.filter(donation=donation_id).order_by("interviewed_on", "entered_at", "pk")
    answers = Answer.objects.filter(interview__donation=donation_id)
    ordered = answers.order_by(
        "interview__interviewed_on", "interview__entered_at", "question__position", "pk"
    )
    return [*records_of(held, skip=("donation",)), *records_of(ordered, names=("interview__questionnaire",))]


def samples(subject: Subject) -> list[Record]:
    """Each stock with where it lies, then each use of it."""
    stocks = with_places(subject.unit).order_by("entered_at", "pk")
    uses = SampleUse.objects.filter(sample__unit=subject.unit).order_by("entered_at", "pk")

    def lies_in(row: UnitSample) -> Iterable[Field]:
        if place := place_of(row):
            yield made("lies_in", place)

    return [*records_of(stocks, skip=("unit",), more=lies_in), *records_of(uses)]


def documents(subject: Subject) -> list[Record]:
    """What each is and its digest. The documents themselves stay where each look at them is recorded."""
    rows = subject.unit.documents.defer("content").order_by("added_at", "pk")
    return records_of(rows, skip=("unit", "content"))


def proposals(subject: Subject) -> list[Record]:
    return records_of(subject.unit.discard_proposals.order_by("proposed_at", "pk"), skip=("unit",))


def register() -> None:
    register_all(
        (
            Section(
                "consents", _("What the mother consented to"), _of_donation(_consents, "item__form"), 30,
                ("bank.ConsentGiven",), ("purpose", "given", "given_on", "medium", "recorded_by", "recorded_at"),
            ),
            Section(
                "withdrawals", _("Withdrawals of consent"), withdrawals, 32,
                ("bank.ConsentWithdrawal", "bank.Erasure"),
                ("purpose", "withdrawn_on", "reason", "recorded_by", "recorded_at"),
            ),
            Section(
                "history", _("Health history"), interviews, 35, ("bank.Interview", "bank.Answer"),
                ("interviewed_on", "question", "value", "remark", "defers"),
            ),
            Section(
                "samples", _("Samples and their uses"), samples, 135, ("bank.UnitSample", "bank.SampleUse"),
                ("subject", "kind", "opening", "remaining", "count", "purpose"),
            ),
            Section(
                "documents", _("Documents"), documents, 185, ("bank.UnitDocument",),
                ("kind", "title", "sha256", "added_by", "added_at"),
            ),
            Section(
                "proposals", _("Proposals that it leave"), proposals, 187, ("bank.DiscardProposal",),
                ("to", "code", "reason", "proposed_by", "state", "decided_by"),
            ),
        )
    )  # fmt: skip
    leave_out(
        "bank.MotherContact",
        "names a person: shown only with its own permission, each look recorded, erased when she wishes",
    )
