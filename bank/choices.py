"""Coded lists and the states of a unit, as data. Only services move a unit along TRANSITIONS."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class UnitStatus(TextChoices):
    """States of a unit from kit to infusion."""

    PLANNED = "PLANNED", _("Planned")
    COLLECTED = "COLLECTED", _("Collected")
    RECEIVED = "RECEIVED", _("Received")
    PROCESSING = "PROCESSING", _("Processing")
    QUARANTINE = "QUARANTINE", _("Quarantine")
    LISTED = "LISTED", _("Listed")
    ON_HOLD = "ON_HOLD", _("On hold")
    RESERVED = "RESERVED", _("Reserved")
    ORDERED = "ORDERED", _("Ordered")
    RELEASED = "RELEASED", _("Released for shipment")
    SHIPPED = "SHIPPED", _("Shipped")
    DELIVERED = "DELIVERED", _("Delivered")
    SHIPMENT_FAILED = "SHIPMENT_FAILED", _("Shipment failed")
    NOT_USED = "NOT_USED", _("Not used")
    RETURNED_QA = "RETURNED_QA", _("Returned, under review")
    INFUSED = "INFUSED", _("Infused")
    DISCARDED = "DISCARDED", _("Discarded")
    RESEARCH = "RESEARCH", _("Given to research")
    VOID = "VOID", _("Void")


_S = UnitStatus

# In these states what a search reads of a unit may still become something else. Elsewhere somebody may rely on it.
BEFORE_OFFER = frozenset(
    {_S.COLLECTED, _S.RECEIVED, _S.PROCESSING, _S.QUARANTINE, _S.ON_HOLD, _S.RETURNED_QA}
)

# A search may offer these; a request says which of them it wants.
SEARCHABLE = (_S.LISTED, _S.RESERVED)
# Flags that keep a unit from everybody outside the bank, whatever state it is in: the flag wins.
BLOCKS = {
    "recalled": _("recalled"),
    "stopped": _("stopped by a late result"),
    "consent_withdrawn": _("consent withdrawn"),
    "typing_conflict": _("typing conflict"),
    "held_for_confirmation": _("to confirm"),
}

# Where a unit may go from each state (domain notes, workflow 1.2).
TRANSITIONS: dict[UnitStatus, frozenset[UnitStatus]] = {
    _S.PLANNED: frozenset({_S.COLLECTED, _S.VOID}),
    _S.COLLECTED: frozenset({_S.RECEIVED, _S.DISCARDED}),
    _S.RECEIVED: frozenset({_S.PROCESSING, _S.DISCARDED}),
    _S.PROCESSING: frozenset({_S.QUARANTINE, _S.DISCARDED}),
    # RESERVED: released anew, after it was held while a patient had its promise
    _S.QUARANTINE: frozenset({_S.LISTED, _S.RESERVED, _S.ON_HOLD, _S.DISCARDED, _S.RESEARCH}),
    _S.LISTED: frozenset({_S.RESERVED, _S.ON_HOLD, _S.DISCARDED}),
    # "back to previous": the previous state is remembered on the unit.
    _S.ON_HOLD: frozenset({_S.LISTED, _S.DISCARDED, _S.QUARANTINE, _S.RESERVED}),
    _S.RESERVED: frozenset({_S.LISTED, _S.ORDERED, _S.ON_HOLD}),
    _S.ORDERED: frozenset({_S.RELEASED, _S.RESERVED, _S.LISTED}),
    _S.RELEASED: frozenset({_S.SHIPPED, _S.ORDERED}),
    _S.SHIPPED: frozenset({_S.DELIVERED, _S.SHIPMENT_FAILED}),
    _S.DELIVERED: frozenset({_S.INFUSED, _S.NOT_USED}),
    _S.SHIPMENT_FAILED: frozenset({_S.RETURNED_QA, _S.DISCARDED}),
    _S.NOT_USED: frozenset({_S.RETURNED_QA, _S.DISCARDED}),
    _S.RETURNED_QA: frozenset({_S.LISTED, _S.DISCARDED, _S.RESEARCH}),
    _S.INFUSED: frozenset(),
    _S.DISCARDED: frozenset(),
    _S.RESEARCH: frozenset(),
    _S.VOID: frozenset(),
}

# No such unit can be put into the storage: it does not exist yet, has left the house, or never comes back to use.
NOT_IN_STORE = frozenset(
    {
        _S.PLANNED,
        _S.SHIPPED,
        _S.DELIVERED,
        _S.SHIPMENT_FAILED,
        _S.NOT_USED,
        _S.INFUSED,
        _S.DISCARDED,
        _S.RESEARCH,
        _S.VOID,
    }
)
# A hospital has ordered these, or has them: a promise of them goes on with the order, nobody lets go of it by the way.
TAKEN = frozenset(
    {
        _S.ORDERED,
        _S.RELEASED,
        _S.SHIPPED,
        _S.DELIVERED,
        _S.SHIPMENT_FAILED,
        _S.NOT_USED,
        _S.RETURNED_QA,
        _S.INFUSED,
    }
)
# Nobody will be given these any more.
LEFT = frozenset({_S.INFUSED, _S.DISCARDED, _S.RESEARCH, _S.VOID})
# These wait for a decision of quality assurance and lie apart, where the bank has a quarantine area.
KEPT_APART = frozenset({_S.QUARANTINE, _S.RETURNED_QA})
# These have happened, outside the house or on the way back to it: they are recorded whatever flag the unit has, which
# keeps it from leaving.
HAPPENED = frozenset({_S.DELIVERED, _S.SHIPMENT_FAILED, _S.NOT_USED, _S.RETURNED_QA, _S.INFUSED})
# Steps back, away from use: an order is withdrawn, a release revoked.
STEPS_BACK = frozenset({(_S.ORDERED, _S.RESERVED), (_S.RELEASED, _S.ORDERED)})
# Quality assurance has released these; a quarantine area is no place for them.
CLEARED = frozenset({_S.LISTED, _S.RESERVED, _S.ORDERED, _S.RELEASED})

# EMDIS status and reason (data dictionary field 416); "" where EMDIS has nothing to say.
EMDIS: dict[UnitStatus, tuple[str, str]] = {
    _S.PLANNED: ("", ""),
    _S.COLLECTED: ("", ""),
    _S.RECEIVED: ("", ""),
    _S.PROCESSING: ("", ""),
    _S.QUARANTINE: ("TU", "QR"),
    _S.LISTED: ("AV", ""),
    _S.ON_HOLD: ("TU", "AD"),
    _S.RESERVED: ("RS", ""),
    _S.ORDERED: ("RS", ""),
    _S.RELEASED: ("RS", ""),
    _S.SHIPPED: ("DE", "DS"),
    _S.DELIVERED: ("DE", "DS"),
    _S.SHIPMENT_FAILED: ("TU", "OT"),
    _S.NOT_USED: ("TU", "OT"),
    _S.RETURNED_QA: ("TU", "QR"),
    _S.INFUSED: ("DE", "DS"),
    _S.DISCARDED: ("DE", "CD"),
    _S.RESEARCH: ("DE", "OT"),
    _S.VOID: ("DE", "OT"),
}

# What the page calls a state's look; a word always stands beside the colour.
STATUS_TONE: dict[str, str] = {
    _S.LISTED: "good",
    _S.RESERVED: "info",
    _S.QUARANTINE: "warn",
    _S.ON_HOLD: "warn",
    _S.DISCARDED: "bad",
}


class CountUnit(TextChoices):
    """What the cell counts of an exchange file are given in: the files do not say, and nobody agrees."""

    E8 = "e8", _("TNC in 10⁸, CD34 in 10⁶")
    E7 = "e7", _("TNC in 10⁷, CD34 in 10⁶")
    CELLS = "cells", _("cells: TNC such as 1.3E9, CD34 such as 4E6")


class UpdateMode(TextChoices):
    """Of an inventory file: everything, or what differs from an earlier one."""

    FULL = "FULL", "FULL"
    DIFF = "DIFF", "DIFF"


class Source(TextChoices):
    OWN = "own", _("Own inventory")
    PARTNER = "partner", _("Partner's list")


class DonorType(TextChoices):
    CORD = "cord", _("Cord blood unit")
    ADULT = "adult", _("Adult donor")


class Sex(TextChoices):
    FEMALE = "F", _("Female")
    MALE = "M", _("Male")


class Abo(TextChoices):
    A = "A", "A"
    B = "B", "B"
    AB = "AB", "AB"
    O = "O", "O"  # noqa: E741 - the name of the blood group


class Rh(TextChoices):
    POSITIVE = "+", _("positive")
    NEGATIVE = "-", _("negative")


class HoldReason(TextChoices):
    """Why a unit's values wait for a person before the unit may be listed."""

    TNC_MISSING = "tnc_missing", _("No TNC was given.")
    TNC_IMPLAUSIBLE = "tnc_implausible", _("TNC %(value)s ×10⁷ lies outside %(low)s–%(high)s ×10⁷.")
    CD34_RATIO = (
        "cd34_ratio_implausible",
        _("CD34 is %(value)s %% of TNC, outside %(low)s–%(high)s %%."),
    )


class DiscardReason(TextChoices):
    LOW_DOSE = "low_dose", _("Volume or cell count too low")
    CONTAMINATION = "contamination", _("Contamination")
    LATE = "late", _("Arrived too late")
    PROCESSING = "processing", _("Problem in processing")
    PAPERWORK = "paperwork", _("Paperwork incomplete")
    HISTORY = "history", _("Parents' health history")
    MARKERS = "markers", _("Infectious disease marker")
    CLOTS = "clots", _("Clots")
    TEMPERATURE = "temperature", _("Temperature out of range")
    CONSENT = "consent", _("Consent withdrawn")
    DAMAGED = "damaged", _("Destroyed or damaged")
    OTHER = "other", _("Other")


class TimePoint(TextChoices):
    COLLECTION = "collection", _("Collection")
    PROCESSING = "processing", _("After processing")
    POST_THAW_SEGMENT = "post_thaw_segment", _("Segment after thaw")
    POST_THAW = "post_thaw", _("After thaw")


class Analyte(TextChoices):
    VOLUME = "volume", _("Volume")
    TNC = "tnc", _("Total nucleated cells (TNC)")
    CD34 = "cd34", _("CD34+ cells")
    CD34_VIABLE = "cd34_viable", _("Viable CD34+ cells")
    MNC = "mnc", _("Mononuclear cells")
    NRBC = "nrbc", _("Nucleated red cells")
    CFU = "cfu", _("Colony-forming units")
    VIABILITY = "viability", _("Viability of nucleated cells")
    CD34_VIABILITY = "cd34_viability", _("Viability of CD34+ cells")
    CD45_VIABILITY = "cd45_viability", _("Viability of CD45+ cells")
    HAEMATOCRIT = "haematocrit", _("Haematocrit")


class MeasureUnit(TextChoices):
    E7 = "e7", _("×10⁷")
    E6 = "e6", _("×10⁶")
    E5 = "e5", _("×10⁵")
    ML = "ml", _("mL")
    PERCENT = "percent", _("%")


# The unit in which each analyte is kept: one, so that values can be compared.
ANALYTE_UNIT: dict[str, str] = {
    Analyte.VOLUME: MeasureUnit.ML,
    Analyte.TNC: MeasureUnit.E7,
    Analyte.CD34: MeasureUnit.E6,
    Analyte.CD34_VIABLE: MeasureUnit.E6,
    Analyte.MNC: MeasureUnit.E7,
    Analyte.NRBC: MeasureUnit.E7,
    Analyte.CFU: MeasureUnit.E5,
    Analyte.VIABILITY: MeasureUnit.PERCENT,
    Analyte.CD34_VIABILITY: MeasureUnit.PERCENT,
    Analyte.CD45_VIABILITY: MeasureUnit.PERCENT,
    Analyte.HAEMATOCRIT: MeasureUnit.PERCENT,
}


class RedCells(TextChoices):
    """How the unit was frozen; unknown is "", which is no answer and never passes for depleted."""

    DEPLETED = "depleted", _("Depleted")
    REPLETE = "replete", _("Replete")


# Spellings of common methods of processing, so that figures by method are not split; a bank may name another.
PROCESSING_METHODS = ("AXP", "Sepax", "HES", "PrepaCyte", "manual", "other")


class HaemoglobinopathyValue(TextChoices):
    """Result of the haemoglobinopathy screen; a unit without a row was not tested."""

    NOT_FOUND = "not_found", pgettext_lazy("laboratory result", "Not found")
    TRAIT = "trait", _("Trait found")
    DISEASE = "disease", _("Disease found")
    PENDING = "pending", pgettext_lazy("laboratory result", "Pending")


class Scheme(TextChoices):
    """By whom a bank is accredited."""

    NETCORD_FACT = "netcord_fact", "NetCord-FACT"
    AABB = "aabb", "AABB"
    LICENCE = "licence", _("Local licence")
    OTHER = "other", _("Other")


class Subject(TextChoices):
    UNIT = "unit", _("Unit")
    MOTHER = "mother", _("Mother")


class TypingSource(TextChoices):
    IMPORT = "import", _("Import")
    LAB = "lab", _("Bank's laboratory")
    CONFIRMATORY = "confirmatory", _("Confirmatory typing")
    HOSPITAL = "hospital", _("Hospital")


class MarkerTest(TextChoices):
    ANTI_HIV_12 = "anti_hiv_12", "Anti-HIV-1/2"
    HIV_1_NAT = "hiv_1_nat", "HIV-1 NAT"
    HIV_P24 = "hiv_p24", "HIV p24"
    HBS_AG = "hbs_ag", "HBsAg"
    ANTI_HBC = "anti_hbc", "Anti-HBc"
    ANTI_HBS = "anti_hbs", "Anti-HBs"
    HBV_NAT = "hbv_nat", "HBV NAT"
    ANTI_HCV = "anti_hcv", "Anti-HCV"
    HCV_NAT = "hcv_nat", "HCV NAT"
    ANTI_HTLV = "anti_htlv", "Anti-HTLV-I/II"
    SYPHILIS = "syphilis", _("Syphilis")
    CMV = "cmv", "CMV"
    CMV_NAT = "cmv_nat", "CMV NAT"
    EBV = "ebv", "EBV"
    TOXO = "toxo", _("Toxoplasma")
    WNV = "wnv", "WNV"
    CHAGAS = "chagas", "Chagas"
    PB19_NAT = "pb19_nat", "Parvovirus B19 NAT"
    ALT = "alt", "ALT"


# Antibodies that many healthy mothers carry: told, and no alarm.
COMMON_MARKERS = frozenset({MarkerTest.CMV, MarkerTest.EBV, MarkerTest.TOXO, MarkerTest.ANTI_HBS})


class MarkerResultValue(TextChoices):
    NEGATIVE = "negative", _("Negative")
    POSITIVE = "positive", _("Positive")
    INDETERMINATE = "indeterminate", _("Indeterminate")


class CultureKind(TextChoices):
    BACTERIAL = "bacterial", _("Bacterial culture")
    FUNGAL = "fungal", _("Fungal culture")


class CultureValue(TextChoices):
    """A culture that is still incubated has no row: it is missing, and no unit is released without it."""

    NO_GROWTH = "no_growth", _("No growth")
    GROWTH = "growth", _("Growth")
    INDETERMINATE = "indeterminate", _("Indeterminate")


class NodeKind(TextChoices):
    SITE = "site", pgettext_lazy("storage", "Site")
    TANK = "tank", pgettext_lazy("storage", "Tank")
    RACK = "rack", pgettext_lazy("storage", "Rack")
    CANISTER = "canister", pgettext_lazy("storage", "Canister")


class TankQuantity(TextChoices):
    """What is read of a tank."""

    TEMPERATURE = "temperature", _("Temperature")
    LEVEL = "level", pgettext_lazy("tank", "Level")


class ReadingSource(TextChoices):
    TYPED = "typed", pgettext_lazy("reading", "Typed")
    FILE = "file", _("File")


class Comparison(TextChoices):
    AT_LEAST = "ge", "≥"
    AT_MOST = "le", "≤"
    EQUAL = "eq", "="


class CriterionKind(TextChoices):
    """What a criterion of a release specification looks at."""

    MEASUREMENT = "measurement", _("Measurement")
    MARKER = "marker", _("Infectious disease marker")
    CULTURE = "culture", _("Culture")
    HAEMOGLOBINOPATHY = "haemoglobinopathy", _("Haemoglobinopathy screen")
    BLOOD_GROUP = "blood_group", _("Blood group")
    TYPING = "typing", _("HLA typing")
    ELIGIBILITY = "eligibility", _("Donor eligibility")
    CONSENT = "consent", _("Consent of the mother")
    SEGMENTS = "segments", _("Segments")
    STORED = "stored", _("Place in storage")


class Eligibility(TextChoices):
    ELIGIBLE = "eligible", pgettext_lazy("donor", "Eligible")
    INELIGIBLE = "ineligible", pgettext_lazy("donor", "Ineligible")
    UNDETERMINED = "undetermined", pgettext_lazy("donor", "Undetermined")


class ReleaseOutcome(TextChoices):
    PASSED = "passed", _("Meets the specification")
    EXCEPTIONAL = "exceptional", _("Exceptional release")
    REFUSED = "refused", _("Refused")


class FileKind(TextChoices):
    CSV = "csv", "CSV"
    GL = "gl", "GL String"
    XLSX = "xlsx", "XLSX"
    XML = "xml", _("WMDA-style XML")
    JSON = "json", _("Atlas-style JSON")
    DEMO = "demo", _("Synthetic")
