"""Tables of the bank, one module per noun."""

from .batch import ImportBatch, PlausibilityLimits
from .consent import (
    ConsentDeclaration,
    ConsentForm,
    ConsentGiven,
    ConsentItem,
    ConsentWithdrawal,
    Erasure,
    MotherContact,
)
from .disposal import DiscardProposal
from .document import UnitDocument
from .exchange import ImportMapping, InventoryExport
from .files import ImportFile
from .genetic import ExportApproval, GeneticLimits, GeneticTally
from .history import Answer, Interview, Question, Questionnaire
from .intake import ProcessingRecord, Reception
from .lots import Lot, LotUse
from .product import ProductCode
from .quality import Accreditation, HaemoglobinopathyResult
from .records import Donation, Measurement
from .release import EligibilityDecision, Release, ReleaseCriterion, ReleaseSpecification
from .samples import SampleUse, UnitSample
from .screening import BloodGroupResult, CultureResult, MarkerResult
from .storage import Slot, StorageNode
from .tanks import TankAlarm, TankLimits, TankReading
from .typing import HlaTyping
from .unit import HLA_COLUMNS, LISTED_LOCI, Bank, CordBloodUnit

__all__ = [
    "HLA_COLUMNS",
    "LISTED_LOCI",
    "Accreditation",
    "Answer",
    "Bank",
    "BloodGroupResult",
    "ConsentDeclaration",
    "ConsentForm",
    "ConsentGiven",
    "ConsentItem",
    "ConsentWithdrawal",
    "CordBloodUnit",
    "CultureResult",
    "DiscardProposal",
    "Donation",
    "EligibilityDecision",
    "Erasure",
    "ExportApproval",
    "GeneticLimits",
    "GeneticTally",
    "HaemoglobinopathyResult",
    "HlaTyping",
    "ImportBatch",
    "ImportFile",
    "ImportMapping",
    "Interview",
    "InventoryExport",
    "Lot",
    "LotUse",
    "MarkerResult",
    "Measurement",
    "MotherContact",
    "PlausibilityLimits",
    "ProcessingRecord",
    "ProductCode",
    "Question",
    "Questionnaire",
    "Reception",
    "Release",
    "ReleaseCriterion",
    "ReleaseSpecification",
    "SampleUse",
    "Slot",
    "StorageNode",
    "TankAlarm",
    "TankLimits",
    "TankReading",
    "UnitDocument",
    "UnitSample",
]
