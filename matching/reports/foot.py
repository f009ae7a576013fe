"""The last page of a report: what was not looked at, what the list is not, and the lines to sign."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.pdf.document import Block, Heading, Notice, Signatures, Text, Together
from matching.reports.given import Given
from matching.reports.head import untyped_loci

# What a reader might take for examined, and the codes of the rules that examine it (domain notes 4.4).
UNSEEN: Final = (
    (("segments",), gettext_lazy("attached segments for confirmatory typing")),
    (("dsa",), gettext_lazy("donor-specific antibodies of the patient")),
    (("accreditation",), gettext_lazy("accreditation of the bank")),
    (("red_cells",), gettext_lazy("red cell content")),
    (("volume",), gettext_lazy("volume")),
    (("viability",), gettext_lazy("viability of nucleated cells")),
    (("cd34_viability",), gettext_lazy("viability of CD34+ cells")),
    (("cfu_dose",), gettext_lazy("colony-forming units")),
    (("haemoglobinopathy",), gettext_lazy("haemoglobinopathy")),
    (("markers",), gettext_lazy("infectious disease markers")),
    (("nima",), gettext_lazy("non-inherited maternal antigens")),
    (("pairs",), gettext_lazy("pairs of units")),
)


def foot(given: Given) -> Iterator[Block]:
    yield Heading(_("What was not evaluated"))
    for text in not_evaluated(given):
        yield Text(f"– {text}")
    yield Heading(_("What this report is"))
    if given.synthetic:
        yield Notice(_("Patient, units and results are synthetic demonstration data. Not for clinical use."))
    yield Text(
        _(
            "A list that a program computed from the data named above, as an aid to those who are responsible for the "
            "choice. It is not a medical device and no recommendation. Typings are confirmed before a transplant; "
            "whether a unit can be had is said by the bank alone, on the day it is asked. TNC and CD34 doses are "
            "counts before freezing."
        )
    )
    yield Together(
        (
            Heading(_("Signatures")),
            Signatures(
                (_("Prepared by"), _("Reviewed by"), _("Physician")),
                (_("Name in print"), _("Date"), _("Signature")),
            ),
        )
    )


def not_evaluated(given: Given) -> Iterator[str]:
    """One sentence or name for everything that no rule looked at, or that lacks its data."""
    run = given.run
    unseen = [str(text) for codes, text in UNSEEN if not given.evaluated.issuperset(codes)]
    if unseen:
        yield _("No rule looked at: %(names)s.") % {"names": "; ".join(unseen)}
    if fewer := [result.unit.public_no for result in given.judged_by_fewer]:
        yield _("Of units that are not on offer only what the search stored was judged: %(units)s.") % {
            "units": ", ".join(fewer)
        }
    if loci := untyped_loci(run):
        yield _("The patient is not typed at %(loci)s: 0 to 2 matches are possible there.") % {
            "loci": ", ".join(loci)
        }
    if given.evaluation.weight_kg is None:
        yield _("The patient's weight is not known: doses are of the whole unit, not per kg.")
    if not run.prediction.get("sets"):
        yield _("No match probabilities were computed.")
    yield _("Only the loci of the search are compared: %(loci)s.") % {"loci": ", ".join(run.criteria["loci"])}
