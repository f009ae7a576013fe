"""Reads of shortlists and notes. `visible_to` is the only way for a person."""

from __future__ import annotations

from typing import Self

from django.db.models import F

from core.roles import Permission
from hospitals.querysets import OfHospital
from matching.choices import EntryState


class _OfPatient(OfHospital):
    """As visible as the requests of the patient's hospital."""

    _hospital = "patient__hospital"
    _view = Permission.REQUEST_VIEW


class ShortlistEntryQuerySet(_OfPatient):
    def active(self) -> Self:
        return self.filter(state=EntryState.SHORTLISTED)

    def removed(self) -> Self:
        """Those taken off again, the latest first."""
        return self.filter(state=EntryState.REMOVED).order_by("-removed_at", "pk")

    def in_order(self, *first: str) -> Self:
        """The first choice first, the undecided last, of these the oldest first."""
        return self.order_by(*first, F("place").asc(nulls_last=True), "added_at", "pk")

    def with_names(self) -> Self:
        return self.select_related("unit__bank", "run__request", "patient__hospital")


class GraftNoteQuerySet(_OfPatient):
    def with_names(self) -> Self:
        return self.select_related("unit", "patient__hospital")
