"""Loaded reference data, and what a change of them made of the typings."""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.populations import CODE
from matching import querysets
from matching.choices import ChangeKind


class LoadedReference(models.Model):
    """What nomenclature releases and MAC tables share: owners' data, compiled, never altered, one in force."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    version = models.CharField(_("version"), max_length=80)
    checksum = models.CharField(
        _("checksum"), max_length=64, unique=True, help_text=_("of what it says, as results name it")
    )
    compiled = models.BinaryField()
    compiled_sha256 = models.CharField(max_length=64)
    compiled_bytes = models.PositiveBigIntegerField(_("size"))
    origin = models.CharField(_("loaded from"), max_length=200)
    entries = models.PositiveIntegerField(_("entries"))
    is_active = models.BooleanField(_("in use"), default=False)
    loaded_by = models.CharField(_("loaded by"), max_length=200)
    loaded_at = models.DateTimeField(_("loaded at"), default=timezone.now, editable=False)

    objects = querysets.ReferenceQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-loaded_at"]

    def __str__(self) -> str:
        return self.version


class NomenclatureRelease(LoadedReference):
    """One row is one loaded IPD-IMGT/HLA release in compiled form; at most one is in use."""

    class Meta(LoadedReference.Meta):
        verbose_name = _("nomenclature release")
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="release_one_active"
            ),
            models.CheckConstraint(condition=~Q(version=""), name="release_version_given"),
        ]


class MacTableVersion(LoadedReference):
    """One row is one loaded table of multiple allele codes in compiled form; at most one is in use."""

    class Meta(LoadedReference.Meta):
        verbose_name = _("table of multiple allele codes")
        constraints = [
            models.UniqueConstraint(fields=["is_active"], condition=Q(is_active=True), name="mac_one_active"),
            models.CheckConstraint(condition=~Q(version=""), name="mac_version_given"),
        ]


class CiwdTableVersion(LoadedReference):
    """One row is one loaded table of common and well-documented alleles (CIWD); at most one is in use."""

    class Meta(LoadedReference.Meta):
        verbose_name = _("table of common alleles")
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="ciwd_one_active"
            ),
            models.CheckConstraint(condition=~Q(version=""), name="ciwd_version_given"),
        ]


class FrequencySet(LoadedReference):
    """One row is one version of a named set of haplotype frequencies, as it was loaded; never edited.

    Several may be in use, one a population. The bank's default serves people whose population has none or is not
    known, the global one those that the default does not serve either. total: sum of its frequencies before
    they were divided by it; coverage: below 1 for a set that was cut on purpose. notes: code and params of each.
    """

    name = models.CharField(_("name"), max_length=70)
    number = models.PositiveIntegerField(_("number of the version"))
    population = models.CharField(_("population"), max_length=12)
    release = models.CharField(_("nomenclature release"), max_length=80, blank=True, default="")
    resolution = models.CharField(_("resolution"), max_length=10)
    loci = ArrayField(models.CharField(max_length=8), verbose_name=_("loci"))
    total = models.FloatField(_("sum of the frequencies"))
    coverage = models.FloatField(_("coverage"))
    notes = models.JSONField(default=list)
    is_default = models.BooleanField(_("the bank's default"), default=False)
    is_global = models.BooleanField(_("global"), default=False)

    class Meta(LoadedReference.Meta):
        verbose_name = _("set of haplotype frequencies")
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["name", "number"], name="frequency_number_once"),
            models.UniqueConstraint(
                fields=["population"], condition=Q(is_active=True), name="frequency_one_active"
            ),
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="frequency_one_default"
            ),
            models.UniqueConstraint(
                fields=["is_global"], condition=Q(is_global=True), name="frequency_one_global"
            ),
            models.CheckConstraint(
                condition=Q(is_active=True) | Q(is_default=False, is_global=False),
                name="frequency_fallback_is_active",
            ),
            models.CheckConstraint(
                condition=~Q(name="") & Q(population__regex=f"^{CODE}$"), name="frequency_named"
            ),
            models.CheckConstraint(
                condition=Q(coverage__gt=0, coverage__lte=1, total__gt=0, entries__gt=0),
                name="frequency_sums_can_be",
            ),
        ]


class InventoryImputation(models.Model):
    """One row is one group of units on offer with equal populations, imputed by the sets that serve it.

    units_by_basis: how many of its units rest on what (hla.prediction Basis); of a large inventory estimated from the
    units of a sample, whose distinct typings are counted. A figure for people; searches do not read it.
    """

    populations = models.CharField(_("population"), max_length=80, unique=True, blank=True, default="")
    sets = models.JSONField(help_text="as SearchRun.prediction names them")
    release = models.CharField(_("nomenclature"), max_length=40)
    units = models.PositiveIntegerField(_("units"))
    sampled = models.PositiveIntegerField(null=True, help_text="units looked at, where not all were")
    typings = models.PositiveIntegerField(_("distinct typings"))
    units_by_basis = models.JSONField()
    ledger_number = models.BigIntegerField(_("inventory as of change"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        ordering = ["populations"]
        verbose_name = _("imputed part of the inventory")

    def __str__(self) -> str:
        return self.populations or "—"


class Rereading(models.Model):
    """One row is one comparison of what all typings meant before and after other reference data came to use.

    Empty release: the built-in nomenclature; empty table of codes: none. The figures are there when it is done:
    distinct typings read, those that changed, and the units and open requests that have one of these. compared:
    False where the data of before could not be read any more; then there are no figures and no changes.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    job = models.OneToOneField("core.Job", on_delete=models.PROTECT, related_name="rereading")
    release_before = models.ForeignKey(
        NomenclatureRelease, on_delete=models.PROTECT, null=True, related_name="+"
    )
    release_after = models.ForeignKey(
        NomenclatureRelease, on_delete=models.PROTECT, null=True, related_name="+"
    )
    mac_before = models.ForeignKey(MacTableVersion, on_delete=models.PROTECT, null=True, related_name="+")
    mac_after = models.ForeignKey(MacTableVersion, on_delete=models.PROTECT, null=True, related_name="+")
    created_by = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    typings = models.PositiveIntegerField(null=True, editable=False)
    changed = models.PositiveIntegerField(null=True, editable=False)
    units = models.PositiveIntegerField(null=True, editable=False)
    requests = models.PositiveIntegerField(null=True, editable=False)
    compared = models.BooleanField(default=True, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)

    objects = querysets.RereadingQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("rereading of the typings")
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(completed_at__isnull=True, compared=True)
                    | Q(completed_at__isnull=False, compared=False)
                )
                & Q(typings__isnull=True, changed__isnull=True, units__isnull=True, requests__isnull=True)
                | Q(
                    completed_at__isnull=False,
                    compared=True,
                    typings__isnull=False,
                    changed__isnull=False,
                    units__isnull=False,
                    requests__isnull=False,
                ),
                name="rereading_complete_or_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"

    @property
    def step(self) -> str:
        """What was replaced and what came to use: "3.57.0 → 3.58.0"; with checksums where the names are the same."""
        if self.release_before_id != self.release_after_id:
            return _step(self.release_before, self.release_after, gettext("built-in"))
        return _step(self.mac_before, self.mac_after, gettext("no codes"))


def _step(before: LoadedReference | None, after: LoadedReference | None, none: str) -> str:
    alike = before is not None and after is not None and before.version == after.version
    names = (
        none if row is None else row.version + f" ({row.checksum[:12]})" * alike for row in (before, after)
    )
    return " → ".join(names)


class TypingChange(models.Model):
    """One row is one typing of a locus that means something else by the reference data now in use; never edited.

    first, second: the values as stored. kinds: what changed (ChangeKind). details: what matching.rereading wrote.
    units: units on offer that have it; requests: open requests whose patients have it.
    """

    rereading = models.ForeignKey(
        Rereading, on_delete=models.PROTECT, related_name="typing_changes", db_index=False
    )
    number = models.PositiveIntegerField()
    locus = models.CharField(_("locus"), max_length=8)
    first = models.TextField(blank=True, default="")
    second = models.TextField(blank=True, default="")
    kinds = ArrayField(models.CharField(max_length=12), verbose_name=_("what changed"))
    details = models.JSONField(default=dict)
    units = models.PositiveIntegerField(_("units"))
    requests = ArrayField(models.UUIDField(), default=list)
    request_count = models.PositiveIntegerField(_("open requests"))

    objects = querysets.TypingChangeQuerySet.as_manager()

    class Meta:
        ordering = ["rereading", "number"]
        verbose_name = _("changed typing")
        constraints = [
            models.UniqueConstraint(fields=["rereading", "number"], name="change_number_once"),
            models.CheckConstraint(
                condition=~Q(kinds=[]) & Q(kinds__contained_by=ChangeKind.values), name="change_kinds_known"
            ),
            models.CheckConstraint(
                condition=Q(units__gt=0) | Q(request_count__gt=0), name="change_touches_something"
            ),
        ]

    def __str__(self) -> str:
        return self.gl

    @property
    def gl(self) -> str:
        """The typing as it is stored."""
        return "+".join(value for value in (self.first, self.second) if value)
