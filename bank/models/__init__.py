"""Tables of the bank, one module per noun."""

from .batch import ImportBatch, PlausibilityLimits
from .quality import Accreditation, HaemoglobinopathyResult
from .records import Donation, MarkerResult, Measurement
from .release import Release, ReleaseCriterion, ReleaseSpecification
from .storage import Slot, StorageNode
from .typing import HlaTyping
from .unit import HLA_COLUMNS, LISTED_LOCI, Bank, CordBloodUnit

__all__ = [
    "HLA_COLUMNS",
    "LISTED_LOCI",
    "Accreditation",
    "Bank",
    "CordBloodUnit",
    "Donation",
    "HaemoglobinopathyResult",
    "HlaTyping",
    "ImportBatch",
    "MarkerResult",
    "Measurement",
    "PlausibilityLimits",
    "Release",
    "ReleaseCriterion",
    "ReleaseSpecification",
    "Slot",
    "StorageNode",
]
