"""What is known of patient and unit when a unit is judged. Unknown is None, "" or missing, never a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

Span = tuple[int, int]  # certain and possible
Carried = Literal["yes", "no", "unknown"]
Standing = Literal["verified", "unverified", "invented"]
Marker = tuple[
    str, str, str, bool
]  # "unit" or "mother", test, "negative" | "positive" | "indeterminate", verified


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """today: the day of judging. antibodies_tested: some serum was tested, with or without antibodies found.

    antibody_tests: methods with the HLA classes ("I", "II") that sera were tested for by them. serum_days: each tested
    class with the day of its newest serum.
    """

    today: date
    weight_kg: Decimal | None = None
    abo: str = ""
    sex: str = ""
    antibodies_tested: bool = False
    antibody_tests: tuple[tuple[str, str], ...] = ()
    serum_days: tuple[tuple[str, date], ...] = ()


@dataclass(frozen=True, slots=True)
class Strength:
    """What was measured of one specificity; None: no number. unquantified: called positive without one, "peak" or
    "newest". tested: by which methods, each with the newest day."""

    mfi_peak: int | None = None
    mfi_newest: int | None = None
    unquantified: tuple[str, ...] = ()
    tested: tuple[tuple[str, date], ...] = ()


@dataclass(frozen=True, slots=True)
class Bead:
    """One specificity of the patient against one unit. mfi: None where there is no number; it is positive only if it
    is `unquantified` then ("peak", "newest": called positive without a number in any, in the newest serum).

    level: on which `carried` was decided, "allele" or "antigen"; unit: the unit's text that carries it. other_allele:
    it is unknown only because the unit has other alleles of the same antigen; own: what was measured of the beads of
    all of these, empty if one of them was never tested. sampled_on: day of the newest serum that names it.
    """

    text: str
    carried: Carried
    level: str = ""
    unit: str = ""
    mfi_peak: int | None = None
    mfi_newest: int | None = None
    loci: tuple[str, ...] = ()
    unquantified: tuple[str, ...] = ()
    other_allele: bool = False
    own: tuple[Strength, ...] = ()
    sampled_on: date | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A value of the laboratory. time_point: when it was measured, of bank.choices.TimePoint.

    standing: "verified" where a second person vouched for it; only such a value can pass.
    """

    value: float
    time_point: str = ""
    standing: Standing = "unverified"


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """One unit beside the patient.

    classes, matches: class or locus -> (certain, possible) matches; a class or locus that was not searched is missing.
    direction: of all mismatches (hla.matching.UnitDirection), "unknown" where open. nima: number of mismatches that
    are non-inherited maternal antigens, None where it cannot be told, with nima_why. dpb1: hla.tce verdict or
    "unknown". other_antigen_rule: the classes by antigen were searched by another antigen rule than the policy's, and
    say nothing of its own. leader_patient, leader_unit: MM, MT, TT or "unknown". cfu_e5, viability…: as measured, None
    unknown. counts_invented: TNC, CD34 and volume are made up for a demonstration. accreditations: schemes of its bank
    that are valid today; accreditations_ended: those that were. abo_relation: identical, minor, major, both or "".
    is_adult: an adult donor of a registry, of whom the rules of cord blood ask nothing.
    tnc_e4, cd34_e3: cells of the whole unit in 10⁴ and 10³, whole numbers so that a unit exactly at a threshold passes.
    """

    offered: bool | None = None
    is_adult: bool = False
    status: str = ""
    blocks: tuple[str, ...] = ()
    segments: int | None = None
    tnc_e4: int | None = None
    cd34_e3: int | None = None
    cfu_e5: Measured | None = None
    counts_invented: bool = False
    classes: Mapping[str, Span] = field(default_factory=dict)
    other_antigen_rule: bool = False
    matches: Mapping[str, Span] = field(default_factory=dict)
    direction: str = "unknown"
    nima: int | None = None
    nima_why: str = "mother_untyped"
    dpb1: str = "unknown"
    leader_patient: str = "unknown"
    leader_unit: str = "unknown"
    beads: tuple[Bead, ...] = ()
    accreditations: tuple[str, ...] = ()
    accreditations_ended: tuple[str, ...] = ()
    red_cells: str = ""
    volume_ml: float | None = None
    viability_percent: Measured | None = None
    cd34_viability_percent: Measured | None = None
    haemoglobinopathy: str = ""
    haemoglobinopathy_verified: bool = False
    markers: tuple[Marker, ...] = ()
    collected_on: date | None = None
    abo_relation: str = ""
    sex: str = ""
