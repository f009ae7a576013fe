"""How a typing was written down: what forms and files have to say beside its texts."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class BlankRule(TextChoices):
    """What an empty second value of a locus means; the names are those of `hla.typing.parse_pair`."""

    UNKNOWN = "unknown", _("Not known")
    HOMOZYGOUS = "homozygous", _("The same as the first (homozygous)")
