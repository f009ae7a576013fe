"""What people choose from the lists of a patient, and what they write about it."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching import querysets_shortlist
from matching.choices import LONGEST_NOTE, MOST_SHORTLISTED, EntryState, choice_text


class ShortlistEntry(models.Model):
    """One row is one unit that somebody picked for a patient from a match list, until it is removed with a reason.

    `run`: the list from which it was picked, against which later changes are told. `place`: 1 is the first choice,
    2 the second, above that backups; empty while undecided.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="shortlist")
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="shortlisted")
    run = models.ForeignKey("matching.SearchRun", on_delete=models.PROTECT, related_name="shortlisted")
    state = models.CharField(_("state"), max_length=12, choices=EntryState, default=EntryState.SHORTLISTED)
    place = models.PositiveSmallIntegerField(_("choice"), null=True, blank=True)
    added_by = models.CharField(max_length=200)
    added_at = models.DateTimeField(default=timezone.now, editable=False)
    removed_by = models.CharField(max_length=200, blank=True, default="")
    removed_at = models.DateTimeField(null=True, blank=True)
    remove_reason = models.CharField(_("reason"), max_length=400, blank=True, default="")

    objects = querysets_shortlist.ShortlistEntryQuerySet.as_manager()

    class Meta:
        ordering = ["added_at", "pk"]
        verbose_name = _("unit on a shortlist")
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "unit"],
                condition=Q(state=EntryState.SHORTLISTED),
                name="shortlist_unit_once",
            ),
            models.UniqueConstraint(
                fields=["patient", "place"],
                condition=Q(state=EntryState.SHORTLISTED),
                name="shortlist_place_once",
            ),
            models.CheckConstraint(condition=Q(state__in=EntryState.values), name="shortlist_state_known"),
            models.CheckConstraint(
                condition=Q(place__isnull=True) | Q(place__gte=1, place__lte=MOST_SHORTLISTED),
                name="shortlist_place_range",
            ),
            models.CheckConstraint(
                condition=Q(
                    state=EntryState.SHORTLISTED, removed_at__isnull=True, removed_by="", remove_reason=""
                )
                | (
                    Q(state=EntryState.REMOVED, removed_at__isnull=False, place__isnull=True)
                    & ~Q(removed_by="")
                    & ~Q(remove_reason="")
                ),
                name="shortlist_removed_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} for {self.patient_id}"

    @property
    def place_text(self) -> str:
        return choice_text(self.place)


class GraftNote(models.Model):
    """One row is what one person wrote about a patient's grafts, or one unit for the patient.

    Never edited: a mistake is struck with a reason and stays readable. Seen by the hospital and the bank.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="graft_notes")
    unit = models.ForeignKey(
        "bank.CordBloodUnit", on_delete=models.PROTECT, null=True, blank=True, related_name="graft_notes"
    )
    text = models.TextField(_("note"), max_length=LONGEST_NOTE)
    written_by = models.CharField(max_length=200)
    written_at = models.DateTimeField(default=timezone.now, editable=False)
    struck_by = models.CharField(max_length=200, blank=True, default="")
    struck_at = models.DateTimeField(null=True, blank=True)
    strike_reason = models.CharField(_("reason"), max_length=400, blank=True, default="")

    objects = querysets_shortlist.GraftNoteQuerySet.as_manager()

    class Meta:
        ordering = ["-written_at", "pk"]
        verbose_name = _("note about a graft")
        indexes = [models.Index(fields=["patient", "-written_at"], name="graft_note_of_patient")]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="graft_note_not_empty"),
            models.CheckConstraint(
                condition=Q(struck_at__isnull=True, struck_by="", strike_reason="")
                | (Q(struck_at__isnull=False) & ~Q(struck_by="") & ~Q(strike_reason="")),
                name="graft_note_struck_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.written_at:%Y-%m-%d %H:%M} {self.written_by}"

    @property
    def is_struck(self) -> bool:
        return self.struck_at is not None
