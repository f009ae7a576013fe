"""Coded lists of files with HLA typings: what kind, what for, and how far an approval is."""

from __future__ import annotations

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class GeneticKind(TextChoices):
    """Every way by which typings of many units leave the house."""

    UNIT_CSV = "unit_csv", _("Inventory as CSV")
    UNIT_API = "unit_api", _("Inventory by the API")
    MATCH_CSV = "match_csv", _("Match list as CSV")
    MATCH_XLSX = "match_xlsx", _("Match list as a spreadsheet")
    MATCH_API = "match_api", _("Match list by the API")
    REPORT_PDF = "report_pdf", _("Match report")
    WMDA_XML = "wmda_xml", _("Inventory file for registries abroad")


# For the treatment of a named patient: clinical care (HGR regulations, article 3).
FOR_A_PATIENT: Final = frozenset(
    {GeneticKind.MATCH_CSV, GeneticKind.MATCH_XLSX, GeneticKind.MATCH_API, GeneticKind.REPORT_PDF}
)
# Pages of an API are not approved: an approval is for one file.
NO_FILE: Final = frozenset({GeneticKind.UNIT_API, GeneticKind.MATCH_API})


class GeneticPurpose(TextChoices):
    TREATMENT = "treatment", _("Treatment of a patient")
    RESEARCH = "research", pgettext_lazy("genetic data", "Research")
    REGISTRY = "registry", _("Registry or quality assurance")


class ApprovalState(TextChoices):
    OPEN = "open", pgettext_lazy("approval", "Open")
    APPROVED = "approved", pgettext_lazy("approval", "Approved")
    REFUSED = "refused", pgettext_lazy("approval", "Refused")
    USED = "used", pgettext_lazy("approval", "Used")
