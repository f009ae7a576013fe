"""Match reports that were kept to be signed, and their signatures."""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching import querysets
from matching.choices import SignatureMeaning
from matching.reports.bounds import MOST_UNITS


class MatchReport(models.Model):
    """One row is one report of a search as it was made, with its file; never changed, never deleted.

    units: in the order of the report, [{"id", "unit_no", "rank", …}, …] (services.reports.units_of). order, filters: of
    the page, in the words of the report. digest: SHA-256 of what it says, printed on its last page; pdf_sha256: of the
    file.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    run = models.ForeignKey("matching.SearchRun", on_delete=models.PROTECT, related_name="reports")
    language = models.CharField(_("language"), max_length=10)
    unit_count = models.PositiveSmallIntegerField(_("units"))
    units = models.JSONField()
    order = models.CharField(_("order"), max_length=200)
    filters = models.JSONField(default=list)
    policy = models.ForeignKey(
        "matching.SelectionPolicy",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text=_("by which its units were judged; unknown of reports of an earlier version"),
    )
    policy_label = models.CharField(_("policy"), max_length=100)
    digest = models.CharField(_("digest"), max_length=64)
    pdf = models.BinaryField()
    pdf_sha256 = models.CharField(max_length=64)
    created_by = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.MatchReportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("match report")
        constraints = [
            models.CheckConstraint(
                condition=Q(unit_count__gte=0, unit_count__lte=MOST_UNITS), name="report_units_bounded"
            ),
            models.CheckConstraint(
                condition=Q(digest__regex="^[0-9a-f]{64}$", pdf_sha256__regex="^[0-9a-f]{64}$"),
                name="report_digests_hex",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M} {self.digest[:12]}"


class ReportSignature(models.Model):
    """One row is one person's signature under one report, given with the password; never changed, never deleted.

    signer: key of the person (text, as in the audit trail). digest, pdf_sha256: of the report that
    was before the signer. chosen: numbers of the units that the signer chooses, as printed; empty for a mere review.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    report = models.ForeignKey(MatchReport, on_delete=models.PROTECT, related_name="signatures")
    signer = models.CharField(max_length=80, editable=False)
    signed_by = models.CharField(max_length=200, editable=False)
    role = models.CharField(_("role"), max_length=30)
    signed_at = models.DateTimeField(default=timezone.now, editable=False)
    meaning = models.CharField(_("meaning"), max_length=12, choices=SignatureMeaning)
    chosen = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    remark = models.CharField(_("remark"), max_length=400, blank=True, default="")
    digest = models.CharField(max_length=64)
    pdf_sha256 = models.CharField(max_length=64)

    objects = querysets.ReportSignatureQuerySet.as_manager()

    class Meta:
        ordering = ["signed_at"]
        verbose_name = _("signature")
        constraints = [
            models.UniqueConstraint(fields=["report", "signer"], name="signature_once"),
            models.CheckConstraint(
                condition=Q(meaning=SignatureMeaning.REVIEWED, chosen=[])
                | (Q(meaning=SignatureMeaning.CHOSEN) & ~Q(chosen=[])),
                name="signature_choice_named",
            ),
            models.CheckConstraint(
                condition=Q(digest__regex="^[0-9a-f]{64}$", pdf_sha256__regex="^[0-9a-f]{64}$"),
                name="signature_digests_hex",
            ),
            models.CheckConstraint(
                condition=Q(meaning__in=SignatureMeaning.values), name="signature_meaning_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.signed_at:%Y-%m-%d %H:%M} {self.signed_by}"
