"""Input of the bank's pages. State is never a field: services move it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bank.choices import Abo, CountUnit, Rh, Source, UnitStatus
from bank.forms_lists import InsideFilters
from bank.imports.errors import MESSAGES
from bank.imports.raw import MAX_FILE_BYTES, MEGABYTE
from bank.models import Bank, PlausibilityLimits
from bank.querysets import CordBloodUnitQuerySet
from bank.services import VALUES_CHANGED
from bank.services_quality import RESULTS_CHANGED
from core.errors import InvalidInput
from core.models import User
from core.populations import FORM_HELP, MAX_INPUT, canonical_populations
from core.roles import Permission
from hla.loci import SEROLOGY_PREFIX
from hla.typing import Blank

ANY = ("", _("any"))
LISTED_STATES = (
    UnitStatus.LISTED, UnitStatus.RESERVED, UnitStatus.ON_HOLD, UnitStatus.QUARANTINE, UnitStatus.DISCARDED,
)  # fmt: skip
LOCI_CHOICES = {
    "3": ("A", "B", "DRB1"),
    "4": ("A", "B", "C", "DRB1"),
    "5": ("A", "B", "C", "DRB1", "DQB1"),
}
MAX_TAGS = 10
_ALLELE = re.compile(r"(?:HLA-)?(A|B|C|DRB1|DQB1|DPB1)\*(\d{2,3})(?::(\d{2,4})[A-Z]?(?::\d{2,4}[A-Z]?)*)?")
_PREFIXES = {prefix.upper(): prefix for prefix in SEROLOGY_PREFIX.values()}
_ANTIGEN = re.compile(r"(A|B|CW|DR|DQ|DPW)(\d{1,4})")


def hla_tag(word: str) -> str:
    """A word of the HLA filter as the units are tagged: `a*24:02:01` → `A*24:02`, `cw7` → `Cw7`. "" if neither."""
    plain = word.strip().upper()
    if allele := _ALLELE.fullmatch(plain):
        locus, family, second = allele.groups()
        return f"{locus}*{family}:{second}" if second else f"{locus}*{family}"
    if antigen := _ANTIGEN.fullmatch(plain):
        return f"{_PREFIXES[antigen[1]]}{antigen[2]}"
    return ""


def origin_choices(user: User) -> list[Any]:
    """Where units come from: all of one's own or of partners, or of one bank. [] where there is but one bank."""
    banks = list(Bank.objects.visible_to(user))
    if len(banks) < 2:
        return []
    sources = [choice for choice in Source.choices if any(bank.source == choice[0] for bank in banks)]
    return [ANY, *(sources if len(sources) > 1 else []), *((bank.code, str(bank)) for bank in banks)]


class UnitFilterForm(InsideFilters):
    """The inventory's filters; all of them stay in the address."""

    q = forms.CharField(
        label=_("Number"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Unit number, DIN or scan")}),
    )
    status = forms.ChoiceField(label=_("Status"), required=False)
    hla = forms.CharField(
        label=_("HLA"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"placeholder": "A*24:02 B62"}),
    )
    loci = forms.ChoiceField(
        label=_("Typed at"),
        required=False,
        choices=[ANY, *((key, ", ".join(loci)) for key, loci in LOCI_CHOICES.items())],
    )
    abo = forms.ChoiceField(label="ABO", required=False, choices=[ANY, *Abo.choices])
    rh = forms.ChoiceField(label="Rh", required=False, choices=[ANY, *Rh.choices])
    tnc = forms.FloatField(
        label=_("TNC at least, ×10⁷"), required=False, min_value=0, max_value=100_000, widget=forms.TextInput
    )
    cd34 = forms.FloatField(
        label=_("CD34 at least, ×10⁶"), required=False, min_value=0, max_value=100_000, widget=forms.TextInput
    )
    year = forms.IntegerField(
        label=_("Collected in"), required=False, min_value=1980, max_value=2200, widget=forms.TextInput
    )
    bank = forms.ChoiceField(label=_("From"), required=False)
    waiting = forms.BooleanField(label=_("Waits for confirmation"), required=False)
    batch = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["status"].choices = [ANY, *((state.value, state.label) for state in LISTED_STATES)]
        origins = origin_choices(user)
        self.fields["bank"].choices = origins
        if not origins:
            del self.fields["bank"]
        if not user.has_permission(Permission.INVENTORY_VIEW_ALL):  # they see listed units only
            for name in ("status", "waiting", "batch", *InsideFilters.base_fields):
                del self.fields[name]

    def clean_q(self) -> str:
        return str(self.cleaned_data["q"]).replace("\0", "")

    def clean_hla(self) -> list[str]:
        words = self.cleaned_data["hla"].replace(",", " ").split()
        tags = [hla_tag(word) for word in words]
        bad = [word for word, tag in zip(words, tags, strict=True) if not tag]
        if bad:
            text = _(
                "“%(word)s” is neither an allele (A*24:02), a first field (A*24) nor an antigen (A24, DR15)."
            )
            raise ValidationError(text, params={"word": bad[0][:40]})
        if len(tags) > MAX_TAGS:
            raise ValidationError(_("At most %(limit)s values."), params={"limit": MAX_TAGS})
        return tags

    def apply(self, units: CordBloodUnitQuerySet) -> CordBloodUnitQuerySet:
        """The units that the valid fields ask for; an invalid field filters nothing and shows its error."""
        self.is_valid()
        given = self.cleaned_data
        units = units.numbered(given.get("q") or "").with_tags(given.get("hla") or [])
        if given.get("loci"):
            units = units.typed_at(LOCI_CHOICES[given["loci"]])
        if given.get("waiting"):
            units = units.to_confirm()
        return self.apply_inside(units).filter(**self._conditions(given))

    @staticmethod
    def _conditions(given: dict[str, Any]) -> dict[str, Any]:
        if given.get("bank") in Source.values:
            given = {**given, "source": given["bank"], "bank": ""}
        lookups = {
            "source": "source",
            "bank": "bank__code",
            "status": "status",
            "abo": "abo",
            "rh": "rh",
            "tnc": "tnc_e7__gte",
            "cd34": "cd34_e6__gte",
            "year": "collected_on__year",
            "batch": "import_batch_id",
        }
        return {lookup: given[name] for name, lookup in lookups.items() if given.get(name) not in (None, "")}


class ReasonForm(forms.Form):
    """Why a unit is moved; goes into the audit trail."""

    reason = forms.CharField(
        label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), strip=True
    )


class PopulationForm(ReasonForm):
    """Of which population a unit is; empty where unknown."""

    populations = forms.CharField(
        label=_("Population"), required=False, max_length=MAX_INPUT, help_text=FORM_HELP, strip=True
    )
    field_order = ["populations", "reason"]

    def clean_populations(self) -> str:
        try:
            return canonical_populations(self.cleaned_data["populations"])
        except InvalidInput as error:
            raise ValidationError(error.message, code=error.code) from None


class VerifyForm(ReasonForm):
    """What a second person vouches for: the results that stood in the form when it was read."""

    results = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)

    def clean_results(self) -> list[UUID]:
        try:
            return [UUID(text) for text in self.cleaned_data["results"].split()]
        except ValueError:
            raise ValidationError(_("Open the page of the unit again."), code="results") from None

    def show(self, results: Collection[UUID]) -> None:
        """These stand in the form now; where it comes back with an error and others stood there before, it says so."""
        text = " ".join(sorted(map(str, results)))
        if not self.is_bound:
            self.initial = {**self.initial, "results": text}
            return
        seen = self.cleaned_data.get("results")
        if seen is not None and set(seen) != set(results) and not self.non_field_errors():
            self.add_error(None, RESULTS_CHANGED)
        self.data = {**self.data.dict(), "results": text}


class ConfirmValuesForm(ReasonForm):
    """What a second person vouches for: the values that stood in the form when it was read (bank.confirming)."""

    shown = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def show(self, digest: str) -> None:
        """That stands in the form now; where it comes back with an error and something else stood there, it says so."""
        if not self.is_bound:
            self.initial = {**self.initial, "shown": digest}
            return
        if self.cleaned_data.get("shown") not in (None, digest) and not self.non_field_errors():
            self.add_error(None, VALUES_CHANGED)
        self.data = {**self.data.dict(), "shown": digest}


class ImportForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # the importer says so in its own words
        help_text=_(
            "CSV (UTF-8 or GB18030), XLSX, GL lines, WMDA-style XML or Atlas-style JSON, gzip too; at most 50 MB and "
            "200,000 rows"
        ),
    )
    bank = forms.ChoiceField(label=_("Bank"), required=False)
    columns = forms.ChoiceField(label=_("Columns"), required=False)
    content = forms.ChoiceField(
        label=_("A partner's list holds"),
        required=False,
        choices=[
            ("full", _("all its units: those that it names no more are gone")),
            ("changes", _("changes only")),
        ],
    )
    counts = forms.ChoiceField(
        label=_("Cell counts of an XML file are given in"),
        required=False,
        choices=[("", _("not said")), *CountUnit.choices],
        help_text=_("files differ by factors of ten; ask who made it"),
    )
    blank_homozygous = forms.BooleanField(
        label=_("A blank or “-” beside one value means homozygous"),
        required=False,
        help_text=_("otherwise the second value is not known; the choice is noted on each typing"),
    )

    @property
    def blank(self) -> Blank:
        """What the file means by one value alone."""
        return "homozygous" if self.cleaned_data["blank_homozygous"] else "unknown"

    def __init__(
        self, *args: Any, banks: list[tuple[str, str]], mappings: list[tuple[str, str]],
        has_partners: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        """mappings: kept ways to read columns, by their id. has_partners: whether the file may be a partner's list."""
        super().__init__(*args, **kwargs)
        self.fields["bank"].choices = [("", _("as the file says")), *banks] if len(banks) != 1 else banks
        self.fields["columns"].choices = [("", _("as the file names them")), *mappings]
        if not mappings:
            del self.fields["columns"]
        if not has_partners:
            del self.fields["content"]

    def clean_file(self) -> Any:
        """Too large is refused before a byte of it is read."""
        file = self.cleaned_data["file"]
        if file.size > MAX_FILE_BYTES:
            raise ValidationError(
                MESSAGES["file_too_large"],
                code="file_too_large",
                params={"limit": MAX_FILE_BYTES // MEGABYTE},
            )
        return file


class LimitsForm(forms.ModelForm):
    reason = ReasonForm.base_fields["reason"]

    class Meta:
        model = PlausibilityLimits
        fields = ("tnc_e7_min", "tnc_e7_max", "cd34_percent_min", "cd34_percent_max")
