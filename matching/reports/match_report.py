"""The parts of a report put together, in one language."""

from __future__ import annotations

from django.utils import translation
from django.utils.translation import gettext as _

from core.pdf.document import Document
from matching.reports.foot import foot
from matching.reports.given import Given
from matching.reports.head import head
from matching.reports.pairs import pair_blocks
from matching.reports.units import beside, units


def match_report(given: Given, language: str) -> Document:
    """language: one of settings.LANGUAGES, whatever the reader's pages speak."""
    with translation.override(language):
        run = given.run
        names = {"number": run.request.number, "n": run.run_no, "patient": run.request.patient.code}
        return Document(
            title=_("Match report %(number)s, search %(n)d") % names,
            subject=_("Cord blood units for patient %(patient)s") % names,
            author=given.made_by,
            language="zh-Hans" if language.startswith("zh") else language,
            running=_("Patient %(patient)s") % names,
            banner=_("Synthetic demonstration data. Not for clinical use.") if given.synthetic else "",
            foot=_(
                "An aid to people who are responsible for their decisions; not a medical device. Confirm typings "
                "before a transplant."
            ),
            page_text=_("Page {page} of {pages}"),
            seal=_("Digest of this report (SHA-256), as in the audit trail: {digest}"),
            made_at=given.made_at,
            blocks=(*head(given), *units(given), *pair_blocks(given), *beside(given), *foot(given)),
        )
