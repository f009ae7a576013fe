"""Coded lists of lots: what has one, and where in a unit's life it is used."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class LotKind(TextChoices):
    """What carries a lot or serial number."""

    COLLECTION_KIT = "collection_kit", _("Collection kit")
    BAG = "bag", pgettext_lazy("lot", "Bag")
    ANTICOAGULANT = "anticoagulant", _("Anticoagulant")
    PROCESSING_SET = "processing_set", _("Processing set")
    REAGENT = "reagent", _("Reagent")
    CRYOPROTECTANT = "cryoprotectant", _("Cryoprotectant")
    TEST_KIT = "test_kit", _("Test kit")
    INSTRUMENT = "instrument", _("Instrument")
    FREEZER = "freezer", _("Controlled-rate freezer")


class LotState(TextChoices):
    IN_USE = "in_use", pgettext_lazy("lot", "In use")
    BLOCKED = "blocked", pgettext_lazy("lot", "Blocked")


class LotStep(TextChoices):
    """Where in a unit's life a lot was used, in the order of that life."""

    COLLECTION = "collection", _("Collection")
    PROCESSING = "processing", pgettext_lazy("step", "Processing")
    FREEZING = "freezing", _("Freezing")
    MEASUREMENT = "measurement", _("Measurement")
    MARKER = "marker", _("Infectious disease markers")
    CULTURE = "culture", _("Culture")
    BLOOD_GROUP = "blood_group", _("Blood group")
    TYPING = "typing", _("HLA typing")
    STORAGE = "storage", _("Storage")
