from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bank.choices import (
    BLOCKS,
    SEARCHABLE,
    Abo,
    DiscardReason,
    DonorType,
    HoldReason,
    RedCells,
    Rh,
    Sex,
    Source,
    UnitStatus,
)
from bank.codes import cbu, grid, product, sec
from bank.codes import din as din_codes
from bank.codes.errors import CodeError
from bank.querysets import REQUIRED_LOCI, BankQuerySet, CordBloodUnitQuerySet
from core import populations as population_texts

# Loci whose current typing is copied onto the unit, in the order of lists and files.
LISTED_LOCI = ("A", "B", "C", "DRB1", "DQB1", "DPB1")
HLA_COLUMNS = tuple(f"hla_{locus.lower()}_{position}" for locus in LISTED_LOCI for position in (1, 2))


class Bank(models.Model):
    """One row is one cord blood bank or registry whose units are kept here: the own one or a partner."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    code = models.CharField(_("code"), max_length=12, unique=True, help_text=_("short, as in import files"))
    name = models.CharField(_("name"), max_length=120)
    source = models.CharField(max_length=8, choices=Source, default=Source.OWN, db_default=Source.OWN)
    country = models.CharField(_("country"), max_length=2, blank=True, help_text="ISO 3166-1 alpha-2")
    issuing_organisation = models.PositiveSmallIntegerField(
        _("issuing organisation number"), null=True, blank=True, help_text="WMDA ION, 1000–9999"
    )
    emdis_hub = models.CharField(_("EMDIS hub"), max_length=4, blank=True)
    tissue_establishment_code = models.CharField(
        _("tissue establishment code"),
        max_length=6,
        blank=True,
        default="",
        db_default="",
        help_text=_("6 characters, of the EU compendium; with the country it begins a Single European Code"),
    )
    holds = models.CharField(
        _("what it lists"), max_length=8, choices=DonorType, default=DonorType.CORD, db_default=DonorType.CORD
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = BankQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=~Q(code=""), name="bank_code_given"),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="bank_source_known"),
            models.CheckConstraint(condition=Q(holds__in=DonorType.values), name="bank_holds_known"),
            models.CheckConstraint(
                condition=~Q(source=Source.OWN) | Q(holds=DonorType.CORD), name="bank_own_holds_cord"
            ),
            models.CheckConstraint(
                condition=Q(issuing_organisation__isnull=True) | Q(issuing_organisation__range=(1000, 9999)),
                name="bank_ion_range",
            ),
            models.CheckConstraint(
                condition=Q(tissue_establishment_code="")
                | Q(tissue_establishment_code__regex=f"^{sec.ESTABLISHMENT_PATTERN}$"),
                name="bank_establishment_form",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} · {self.name}"


def _positive(field: str) -> Q:
    return Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gt": 0})


class CordBloodUnit(models.Model):
    """One row is one cord blood unit (or, from a partner's list, one adult donor) under the bank's number.

    Counts, volume and typing stand here as *listed*: copies of the measurement and the current HlaTyping
    that one service keeps equal, so that lists and the search snapshot read one table.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bank = models.ForeignKey(Bank, on_delete=models.PROTECT, related_name="units", db_index=False)
    source = models.CharField(max_length=8, choices=Source, default=Source.OWN, db_default=Source.OWN)
    donor_type = models.CharField(
        max_length=8, choices=DonorType, default=DonorType.CORD, db_default=DonorType.CORD
    )
    unit_no = models.CharField(_("unit number"), max_length=17, help_text=_("the bank's own id, ≤ 17"))
    din = models.CharField(
        _("DIN"), max_length=13, blank=True, default="", db_default="", help_text=_("ISBT 128, 13 characters")
    )
    grid = models.CharField(
        _("GRID"), max_length=19, blank=True, default="", db_default="", help_text=_("of adult donors only")
    )
    product_code = models.CharField(
        _("product code"),
        max_length=8,
        blank=True,
        default="",
        db_default="",
        help_text=_("ISBT 128, 8 characters"),
    )
    donation = models.OneToOneField(
        "bank.Donation", on_delete=models.PROTECT, null=True, blank=True, related_name="unit"
    )

    status = models.CharField(_("status"), max_length=16, choices=UnitStatus)
    status_changed_at = models.DateTimeField(db_default=Now(), editable=False)
    status_before_hold = models.CharField(max_length=16, blank=True, default="", db_default="")
    hold_reason = models.TextField(_("reason for the hold"), blank=True, default="", db_default="")
    discard_reason = models.CharField(
        max_length=16, choices=DiscardReason, blank=True, default="", db_default=""
    )
    held_for_confirmation = models.BooleanField(default=False, db_default=False)
    held_reasons = models.JSONField(
        default=list, blank=True, help_text=_("list of {code, params} of values to confirm")
    )
    status_when_confirmed = models.CharField(max_length=16, blank=True, default="", db_default="")
    recalled = models.BooleanField(default=False, db_default=False)
    stopped = models.BooleanField(
        default=False, db_default=False, help_text=_("something bad came to light after it was ordered")
    )
    typing_conflict = models.BooleanField(default=False, db_default=False)
    consent_withdrawn = models.BooleanField(default=False, db_default=False)
    gone_at = models.DateTimeField(
        null=True, blank=True, help_text=_("since when its partner's list names it no more")
    )

    collected_on = models.DateField(_("collected on"), null=True, blank=True)
    sex = models.CharField(_("sex"), max_length=1, choices=Sex, blank=True, default="", db_default="")
    abo = models.CharField(_("ABO"), max_length=2, choices=Abo, blank=True, default="", db_default="")
    rh = models.CharField(_("Rh"), max_length=1, choices=Rh, blank=True, default="", db_default="")
    populations = models.CharField(
        _("population"),
        max_length=population_texts.MAX_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text=population_texts.HELP,
    )
    volume_ml = models.FloatField(_("volume, mL"), null=True, blank=True)
    tnc_e7 = models.FloatField(_("TNC, ×10⁷"), null=True, blank=True)
    cd34_e6 = models.FloatField(_("CD34, ×10⁶"), null=True, blank=True)
    segments = models.PositiveSmallIntegerField(_("segments"), null=True, blank=True)
    red_cells = models.CharField(
        _("red cells"),
        max_length=8,
        choices=RedCells,
        blank=True,
        default="",
        db_default="",
        help_text=_("depleted or replete as frozen; empty where unknown"),
    )
    processing_method = models.CharField(
        _("processing method"),
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text=_("AXP, Sepax, HES, PrepaCyte, manual, other, or the bank's own word"),
    )
    counts_invented = models.BooleanField(
        default=False, db_default=False, help_text=_("the counts are invented for a demonstration or test")
    )
    synthetic = models.BooleanField(default=False, db_default=False)

    hla_a_1 = models.TextField(blank=True, default="", db_default="")
    hla_a_2 = models.TextField(blank=True, default="", db_default="")
    hla_b_1 = models.TextField(blank=True, default="", db_default="")
    hla_b_2 = models.TextField(blank=True, default="", db_default="")
    hla_c_1 = models.TextField(blank=True, default="", db_default="")
    hla_c_2 = models.TextField(blank=True, default="", db_default="")
    hla_drb1_1 = models.TextField(blank=True, default="", db_default="")
    hla_drb1_2 = models.TextField(blank=True, default="", db_default="")
    hla_dqb1_1 = models.TextField(blank=True, default="", db_default="")
    hla_dqb1_2 = models.TextField(blank=True, default="", db_default="")
    hla_dpb1_1 = models.TextField(blank=True, default="", db_default="")
    hla_dpb1_2 = models.TextField(blank=True, default="", db_default="")
    hla_tags = ArrayField(
        models.CharField(max_length=24),
        default=list,
        blank=True,
        db_default=[],
        help_text=_("first fields, two-field names and antigens named by the typing, for the list's filter"),
    )

    import_batch = models.ForeignKey(
        "bank.ImportBatch", on_delete=models.PROTECT, null=True, blank=True, related_name="units"
    )
    import_line = models.PositiveIntegerField(null=True, blank=True)
    import_digest = models.CharField(max_length=32, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    objects = CordBloodUnitQuerySet.as_manager()

    class Meta:
        # The list at a million units reads by an index for each of its sort orders, ties by number.
        indexes = [
            models.Index(F("unit_no"), F("id"), name="unit_by_number"),
            # The beginning of a number, in any collation of the database.
            models.Index(fields=["unit_no"], opclasses=["varchar_pattern_ops"], name="unit_number_prefix"),
            models.Index(
                fields=["din"],
                opclasses=["varchar_pattern_ops"],
                condition=~Q(din=""),
                name="unit_din_prefix",
            ),
            models.Index(F("tnc_e7").desc(nulls_last=True), F("id"), name="unit_by_tnc"),
            models.Index(F("cd34_e6").desc(nulls_last=True), F("id"), name="unit_by_cd34"),
            models.Index(F("collected_on").desc(nulls_last=True), F("id"), name="unit_by_collection"),
            models.Index(F("status"), F("unit_no"), F("id"), name="unit_by_status"),
            models.Index(fields=["abo", "rh"], name="unit_rh_negative", condition=Q(rh="-")),
            models.Index(fields=["unit_no"], name="unit_to_confirm", condition=Q(held_for_confirmation=True)),
            models.Index(
                fields=["status_changed_at"], name="unit_in_conflict", condition=Q(typing_conflict=True)
            ),
            GinIndex(fields=["hla_tags"], name="unit_hla_tags"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["bank", "unit_no"], name="unit_number_once_per_bank"),
            models.UniqueConstraint(fields=["din"], condition=~Q(din=""), name="unit_din_once"),
            models.CheckConstraint(condition=~Q(unit_no=""), name="unit_number_given"),
            models.CheckConstraint(
                condition=Q(din="") | Q(din__regex=f"^{din_codes.PATTERN}$"), name="unit_din_form"
            ),
            models.UniqueConstraint(fields=["grid"], condition=~Q(grid=""), name="unit_grid_once"),
            models.CheckConstraint(
                condition=Q(grid="") | Q(grid__regex=f"^{grid.PATTERN}$", donor_type=DonorType.ADULT),
                name="unit_grid_of_adult_donor",
            ),
            models.CheckConstraint(
                condition=Q(product_code="") | Q(product_code__regex=f"^{product.PATTERN}$"),
                name="unit_product_form",
            ),
            models.CheckConstraint(condition=Q(status__in=UnitStatus.values), name="unit_status_known"),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="unit_source_known"),
            models.CheckConstraint(
                condition=Q(donor_type__in=DonorType.values), name="unit_donor_type_known"
            ),
            models.CheckConstraint(condition=Q(sex__in=["", *Sex.values]), name="unit_sex_known"),
            models.CheckConstraint(condition=Q(abo__in=["", *Abo.values]), name="unit_abo_known"),
            models.CheckConstraint(condition=Q(rh__in=["", *Rh.values]), name="unit_rh_known"),
            models.CheckConstraint(
                condition=Q(red_cells__in=["", *RedCells.values]), name="unit_red_cells_known"
            ),
            models.CheckConstraint(
                condition=Q(populations__regex=population_texts.PATTERN), name="unit_populations_form"
            ),
            models.CheckConstraint(condition=_positive("volume_ml"), name="unit_volume_positive"),
            models.CheckConstraint(condition=_positive("tnc_e7"), name="unit_tnc_positive"),
            models.CheckConstraint(condition=_positive("cd34_e6"), name="unit_cd34_positive"),
            models.CheckConstraint(
                condition=Q(collected_on__isnull=True) | Q(collected_on__gte="1980-01-01"),
                name="unit_collected_not_before_1980",
            ),
            models.CheckConstraint(
                condition=(Q(status="ON_HOLD") & ~Q(status_before_hold="") & ~Q(hold_reason=""))
                | (~Q(status="ON_HOLD") & Q(status_before_hold="") & Q(hold_reason="")),
                name="unit_hold_paired",
            ),
            models.CheckConstraint(
                condition=(Q(status="DISCARDED") & ~Q(discard_reason=""))
                | (~Q(status="DISCARDED") & Q(discard_reason="")),
                name="unit_discard_paired",
            ),
            models.CheckConstraint(
                condition=Q(gone_at__isnull=True) | Q(source=Source.PARTNER, status=UnitStatus.VOID),
                name="unit_gone_of_partner",
            ),
            models.CheckConstraint(
                condition=Q(held_for_confirmation=False) | ~Q(status__in=["LISTED", "RESERVED", "ORDERED"]),
                name="unit_unconfirmed_not_listed",
            ),
        ]

    def __str__(self) -> str:
        return self.public_no

    @property
    def public_no(self) -> str:
        """What people outside the bank use: the DIN with its check character, of a donor the GRID, else the own one."""
        return din_codes.spaced(self.din) if self.din else self.grid or self.unit_no

    @property
    def is_adult(self) -> bool:
        """An adult donor on a registry's list: no product, no place, no dose."""
        return self.donor_type == DonorType.ADULT

    @property
    def state_label(self) -> str:
        """The status in words; of a partner's unit that left its list, that."""
        return str(_("Gone from the partner's list") if self.gone_at else self.get_status_display())

    @property
    def kind_label(self) -> str:
        """Of a partner's unit what it is, beside the code of its bank; "" of an own one."""
        shown = self.get_donor_type_display() if self.is_adult else self.get_source_display()
        return "" if self.source == Source.OWN else str(shown)

    @property
    def origin_label(self) -> str:
        """Of a partner's unit, whose it is and what; "" of an own one."""
        text = _("Adult donor, %(bank)s") if self.is_adult else _("Partner: %(bank)s")
        return "" if self.source == Source.OWN else text % {"bank": self.bank.name}

    @property
    def blocks(self) -> list[str]:
        """Names of the flags that keep this unit back whatever its state (bank.choices.BLOCKS)."""
        return [flag for flag in BLOCKS if getattr(self, flag)]

    @property
    def block_labels(self) -> list[str]:
        return [str(BLOCKS[flag]) for flag in self.blocks]

    @property
    def is_listed(self) -> bool:
        """What `listed()` says of rows: hospitals may see this unit."""
        return self.status == UnitStatus.LISTED and not self.blocks

    @property
    def plain_status(self) -> str:
        """The status for files and programs; of a blocked unit that would be on offer, its flag (RECALLED)."""
        if self.status in SEARCHABLE and self.blocks:
            return self.blocks[0].upper()
        return self.status

    @property
    def din_spaced(self) -> str:
        """The DIN in its groups, without the check character, which pages print in a box."""
        return din_codes.spaced(self.din)[:-2] if self.din else ""

    @property
    def din_check(self) -> str:
        return din_codes.check_character(self.din) if self.din else ""

    @property
    def cbu_id(self) -> str:
        """What EMDIS and WMDA call the unit; "" for an adult donor, without a hub, or if it would be too long."""
        try:
            return "" if self.is_adult else cbu.build(self.bank.emdis_hub, self.unit_no)
        except CodeError:
            return ""

    @property
    def product(self) -> product.Product | None:
        return product.parse(self.product_code) if self.product_code else None

    @property
    def sec(self) -> sec.Sec | None:
        """Single European Code, no expiry; None unless bank (country, establishment), DIN and product are known."""
        bank, made = self.bank, self.product
        if not (bank.country and bank.tissue_establishment_code and self.din and made):
            return None
        return sec.of_isbt(
            country=bank.country, establishment=bank.tissue_establishment_code, din=self.din, product=made
        )

    @property
    def blood_group(self) -> str:
        return f"{self.abo}{self.rh}"

    @property
    def typing_pairs(self) -> list[tuple[str, str, str]]:
        """(locus, first, second) of the listed loci as canonical text, "" where untyped."""
        return [
            (locus, getattr(self, f"hla_{locus.lower()}_1"), getattr(self, f"hla_{locus.lower()}_2"))
            for locus in LISTED_LOCI
        ]

    @property
    def missing_loci(self) -> list[str]:
        """Loci without which no search can offer the unit, and at which it is not typed."""
        return [locus for locus in REQUIRED_LOCI if not getattr(self, f"hla_{locus.lower()}_1")]

    @property
    def shown_pairs(self) -> list[tuple[str, str, str]]:
        """The loci of lists: typing_pairs without DPB1."""
        return self.typing_pairs[:5]

    @property
    def reasons_to_confirm(self) -> list[str]:
        """The held reasons as sentences in the reader's language."""
        return [str(HoldReason(reason["code"]).label) % reason["params"] for reason in self.held_reasons]
