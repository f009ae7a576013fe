"""Tables of the bank, one module per noun."""

from .batch import ImportBatch, PlausibilityLimits
from .records import Donation, MarkerResult, Measurement
from .release import Release, ReleaseCriterion, ReleaseSpecification
from .storage import Slot, StorageNode
from .typing import HlaTyping
from .unit import HLA_COLUMNS, LISTED_LOCI, Bank, CordBloodUnit

__all__ = [
    "HLA_COLUMNS",
    "LISTED_LOCI",
    "Bank",
    "CordBloodUnit",
    "Donation",
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
