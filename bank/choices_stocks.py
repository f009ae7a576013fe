"""Coded lists of samples, of what becomes of them, and of units that shall leave the inventory."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.choices import Subject, UnitStatus


class SampleKind(TextChoices):
    SEGMENT = "segment", pgettext_lazy("sample", "Segment")
    DNA = "dna", "DNA"
    PLASMA = "plasma", pgettext_lazy("sample", "Plasma")
    SERUM = "serum", pgettext_lazy("sample", "Serum")
    CELLS = "cells", pgettext_lazy("sample", "Cells")
    FILTER_PAPER = "filter_paper", _("Filter paper")


# Of whom which samples are laid aside.
KINDS_OF: dict[str, tuple[SampleKind, ...]] = {
    Subject.UNIT: (
        SampleKind.SEGMENT,
        SampleKind.DNA,
        SampleKind.PLASMA,
        SampleKind.CELLS,
        SampleKind.FILTER_PAPER,
    ),
    Subject.MOTHER: (SampleKind.SERUM, SampleKind.PLASMA, SampleKind.DNA),
}


class SamplePurpose(TextChoices):
    """What a sample was used for; MISCOUNT corrects the stock and is signed (ADR 29)."""

    CONFIRMATORY = "confirmatory", _("Confirmatory typing")
    POTENCY = "potency", pgettext_lazy("sample", "Potency")
    RELEASE_TEST = "release_test", _("Release test")
    VERIFICATION = "verification", pgettext_lazy("sample", "Verification of identity")
    RESEARCH = "research", pgettext_lazy("sample", "Research")
    LOST = "lost", pgettext_lazy("sample", "Lost")
    DESTROYED = "destroyed", pgettext_lazy("sample", "Destroyed")
    MISCOUNT = "miscount", _("Count corrected")


# What a person enters alone; of these the second ones say why, research says for what.
ENTERED = tuple(purpose for purpose in SamplePurpose if purpose != SamplePurpose.MISCOUNT)
NEED_REASON = (SamplePurpose.LOST, SamplePurpose.DESTROYED, SamplePurpose.MISCOUNT)


class ProposalState(TextChoices):
    OPEN = "open", pgettext_lazy("proposal", "Open")
    CARRIED_OUT = "carried_out", pgettext_lazy("proposal", "Carried out")
    WITHDRAWN = "withdrawn", pgettext_lazy("proposal", "Withdrawn")
    REFUSED = "refused", pgettext_lazy("proposal", "Refused")


# Where a proposal may send a unit.
WAYS_OUT = (UnitStatus.DISCARDED, UnitStatus.RESEARCH)
WAY_LABELS = {
    UnitStatus.DISCARDED.value: _("Discard it"),
    UnitStatus.RESEARCH.value: _("Give it to research"),
}
