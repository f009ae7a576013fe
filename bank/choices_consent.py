"""Coded lists of consent, health history and documents."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ConsentPurpose(TextChoices):
    """What a mother is asked for, each apart from the others."""

    DONATION = "donation", _("Donation and storage for public use")
    TESTING = "testing", _("Testing of the mother's blood")
    SAMPLES = "samples", _("Keeping of samples")
    RESEARCH = "research", _("Research")
    CONTACT = "contact", _("Being contacted later")
    ABROAD = "abroad", _("Sending personal and genetic data abroad")


# Without these no kit is given out, and no unit is released.
REQUIRED = (ConsentPurpose.DONATION, ConsentPurpose.TESTING)
# For units that were collected before answers were kept, the bank may vouch for these (ConsentDeclaration).
DECLARABLE = (ConsentPurpose.SAMPLES, ConsentPurpose.RESEARCH, ConsentPurpose.ABROAD)


class ConsentMedium(TextChoices):
    PAPER = "paper", _("Signed on paper")
    ELECTRONIC = "electronic", _("Signed electronically")


class ReportedBy(TextChoices):
    """Who told the bank of a withdrawal; never a name."""

    MOTHER = "mother", _("The mother herself")
    REPRESENTATIVE = "representative", _("Her legal representative")
    SITE = "site", _("The collection site")
    AUTHORITY = "authority", _("An authority or ethics committee")
    OTHER = "other", pgettext_lazy("reported by", "Somebody else")


class QuestionKind(TextChoices):
    YES_NO = "yes_no", _("Yes or no")
    TEXT = "text", pgettext_lazy("question", "Text")


class YesNo(TextChoices):
    YES = "yes", pgettext_lazy("answer", "Yes")
    NO = "no", pgettext_lazy("answer", "No")


class DocumentKind(TextChoices):
    CONSENT = "consent", _("Signed consent")
    INTERVIEW = "interview", _("Health history on paper")
    RESULT = "result", _("Laboratory report")
    FREEZING = "freezing", _("Freezing curve")
    CERTIFICATE = "certificate", _("Certificate")
    LETTER = "letter", _("Letter")
    OTHER = "other", pgettext_lazy("document", "Other")


# The mother's name stands on these: for whoever may see her contact data.
PERSONAL_KINDS = frozenset({DocumentKind.CONSENT, DocumentKind.INTERVIEW, DocumentKind.LETTER})
# What a withdrawal can erase, and what the bank has to keep: the code of each, and why.
ERASED = {"contact": _("The mother's name and how she is reached")}
KEPT = {
    "traceability": (
        _("Numbers, codes, dates and results that lead from the unit to its donation and back"),
        _("30 years: Directive 2006/86/EC, article 9(2)"),
    ),
    "consents": (
        _("What she consented to, and that she withdrew it"),
        _("proof that the unit was used only as she allowed"),
    ),
    "health": (_("Her answers on her health"), _("records on which the donor was judged: 21 CFR 1271.55")),
    "documents": (
        _("Documents, such as her signed form, encrypted"),
        _("proof of her consent; opened only by whoever may see contact data"),
    ),
    "audit": (_("The audit trail, without her contact data"), _("21 CFR 11.10(e)")),
}
