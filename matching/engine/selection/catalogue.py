"""The rules by which a unit is judged: their parameters, what they may do, and the literature behind them.

A policy stores of a rule its action, its thresholds and, if a hospital has its own, its reference. The start is the
rule table of the domain notes (matching.md 4.4); a default that is not confirmed in its source says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Literal

Action = Literal["exclude", "warn", "sort", "show", "off"]
Group = Literal["offer", "dose", "hla", "antibodies", "quality"]

ACTIONS: Final[tuple[Action, ...]] = ("exclude", "warn", "sort", "show", "off")


@dataclass(frozen=True)
class Parameter:
    """One threshold of a rule.

    kind: "number" (decimal), "whole", "choices" (some of `options`, at least one), or "choice" (one of them).
    """

    kind: Literal["number", "whole", "choices", "choice"]
    default: Any
    least: Decimal = Decimal(0)
    most: Decimal = Decimal(1000)
    unit: str = ""
    options: tuple[str, ...] = ()
    may_be_none: bool = False  # of choices: none of the options is an answer too


@dataclass(frozen=True)
class Reference:
    """Where a default comes from. confirmed: the number was read in the source, not remembered."""

    label: str
    url: str = ""
    confirmed: bool = True


@dataclass(frozen=True)
class Rule:
    """One question about a unit; `action` is what the shipped policies do when the answer is no.

    actions: those that a policy may choose.
    """

    code: str
    group: Group
    action: Action
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    actions: tuple[Action, ...] = ACTIONS


def _number(default: str, unit: str = "", most: int = 1000) -> Parameter:
    return Parameter("number", default, most=Decimal(most), unit=unit)


def _whole(default: int, most: int, unit: str = "", least: int = 0) -> Parameter:
    return Parameter("whole", default, Decimal(least), Decimal(most), unit)


def _choices(default: tuple[str, ...], options: tuple[str, ...], *, may_be_none: bool = False) -> Parameter:
    return Parameter("choices", default, options=options, may_be_none=may_be_none)


def _choice(options: tuple[str, ...]) -> Parameter:
    return Parameter("choice", options[0], options=options)


ASH = Reference("ASH-SAP table 8401273", "https://ash-sap.org")
NMDP = Reference(
    "NMDP cord list, PMC7567024 table 1", "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC7567024/"
)
EAPEN_C = Reference(
    "Eapen 2011, Lancet Oncol, PMC3245836", "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC3245836/"
)
EAPEN_8 = Reference("Eapen 2014, Blood 123:133", "https://doi.org/10.1182/blood-2013-05-506253")
STEVENS = Reference(
    "Stevens 2011, Blood 118:3969: GvH only like a match, HvG only worse",
    "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC3291491/",
)
PURTILL = Reference("Purtill 2014, Blood 124:2905", "https://doi.org/10.1182/blood-2014-05-577718")
ROCHA = Reference("Rocha 2012, PMC3826155", "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC3826155/")
RUGGERI = Reference("Ruggeri 2013, PMC3696621", "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC3696621/")
EUROCORD = Reference("Eurocord 2020, Blood Adv 4:6327", "https://doi.org/10.1182/bloodadvances.2020002258")
POLITIKOS = Reference(
    "Politikos 2020, doi 10.1016/j.bbmt.2020.07.030", "https://doi.org/10.1016/j.bbmt.2020.07.030", False
)
FLEISCHHAUER = Reference("Blood Adv 2018;2:1773 (adult donors)", "", True)
PETERSDORF = Reference(
    "Petersdorf 2020, Blood 136:362 (adult donors)", "https://doi.org/10.1182/blood.2019004776"
)
STORAGE_TIME = Reference("PMC4378826: storage to 11 years without effect", "")
CENTRES = Reference("cut-offs differ between centres", "", False)
HABIT = Reference("habit of a centre", "", False)

BOUNDS = ("at_least", "above")  # whether a unit exactly at the threshold passes, or is too small
METHODS = ("single_antigen", "panel", "other")  # of testing a serum
SCHEMES = ("netcord_fact", "aabb", "licence", "other")
ABO_RELATIONS = ("identical", "minor", "major", "both")
DIRECTIONS = ("matched", "gvh-only", "bidirectional", "hvg-only")
DPB1_VERDICTS = ("matched", "permissive", "non-permissive-gvh", "non-permissive-hvg")
# Codes of bank.choices.MarkerTest.
MARKERS = (
    "anti_hiv_12", "hiv_1_nat", "hiv_p24", "hbs_ag", "anti_hbc", "anti_hbs", "hbv_nat", "anti_hcv", "hcv_nat",
    "anti_htlv", "syphilis", "cmv", "cmv_nat", "ebv", "toxo", "wnv", "chagas", "pb19_nat", "alt",
)  # fmt: skip

_RULES: Final = (
    # A unit that is not on offer is asked little else, so that nothing but leaving it out can be right.
    Rule("offer", "offer", "exclude", references=(NMDP,), actions=("exclude",)),
    Rule("segments", "offer", "exclude", {"least": _whole(1, 20)}, (ASH,)),
    Rule(
        "tnc_dose",
        "dose",
        "exclude",
        {"least": _number("2.5", "×10⁷/kg", 100), "bound": _choice(BOUNDS)},
        (ASH, POLITIKOS),
    ),
    Rule("cd34_dose", "dose", "warn", {"least": _number("1.5", "×10⁵/kg", 100)}, (ASH, POLITIKOS)),
    Rule("cfu_dose", "dose", "show", {"least": _number("0", "×10⁵/kg", 100)}, (POLITIKOS,)),
    Rule("class_antigen6", "hla", "exclude", {"least": _whole(4, 6)}, (NMDP, POLITIKOS)),
    Rule("class_allele8", "hla", "exclude", {"least": _whole(4, 8)}, (NMDP, EAPEN_8)),
    Rule("mismatches8", "hla", "warn", {"most": _whole(4, 8)}, (EAPEN_8,)),
    Rule("c_matched", "hla", "warn", references=(EAPEN_C, ASH)),
    Rule(
        "direction",
        "hla",
        "show",
        {"accepted": _choices(("matched", "gvh-only", "bidirectional"), DIRECTIONS)},
        (
            STEVENS,
            Reference("Blood 2009;114:1689 (Tokyo): GvH mismatches engrafted less"),
            Reference("Blood 2013;121:4800 (adult donors): less GVHD with HvG only"),
        ),
    ),
    Rule("nima", "hla", "sort", references=(ROCHA, Reference("van Rood 2009, PNAS", ""))),
    Rule(
        "dpb1",
        "hla",
        "show",
        {"accepted": _choices(("matched", "permissive"), DPB1_VERDICTS)},
        (FLEISCHHAUER,),
    ),
    Rule("b_leader", "hla", "show", references=(PETERSDORF,)),
    Rule(
        "dsa",
        "antibodies",
        "exclude",
        {
            "mfi": _whole(1000, 100_000, "MFI"),
            "of": _choices(("peak",), ("peak", "newest")),
            "weak_mfi": _whole(250, 100_000, "MFI"),
            "methods": _choices(METHODS[:1], METHODS),
        },
        (RUGGERI, CENTRES),
    ),
    Rule("serum_age", "antibodies", "warn", {"most_days": _whole(180, 3650)}, (CENTRES,)),
    Rule("accreditation", "quality", "sort", {"accepted": _choices(SCHEMES[:3], SCHEMES)}, (PURTILL, NMDP)),
    Rule("red_cells", "quality", "warn", references=(ASH,)),
    Rule(
        "volume",
        "quality",
        "show",
        {"least": _number("24.5", "mL", 500), "most": _number("26.0", "mL", 500)},
        (PURTILL,),
    ),
    Rule("viability", "quality", "warn", {"least": _number("80", "%", 100)}, (POLITIKOS,)),
    Rule("cd34_viability", "quality", "warn", {"least": _number("85", "%", 100)}, (POLITIKOS, PURTILL)),
    Rule("haemoglobinopathy", "quality", "exclude", references=(NMDP, HABIT)),
    Rule("haemoglobinopathy_trait", "quality", "warn", references=(NMDP, HABIT)),
    Rule(
        "markers",
        "quality",
        "exclude",
        {
            "tests": _choices(("anti_hiv_12", "hbs_ag", "anti_hcv", "syphilis", "cmv"), MARKERS),
            "subjects": _choices(("unit", "mother"), ("unit", "mother")),
            "accepted": _choices(("anti_hbs", "cmv", "ebv", "toxo"), MARKERS, may_be_none=True),
        },
        (
            Reference(
                "FDA, donor screening: asks HTLV, anti-HBc, HIV and HCV NAT of the mother too", "", False
            ),
            HABIT,
        ),
    ),
    Rule("age", "quality", "show", {"most_years": _whole(10, 60)}, (NMDP, STORAGE_TIME)),
    Rule(
        "abo",
        "quality",
        "sort",
        {"accepted": _choices(("identical", "minor"), ABO_RELATIONS)},
        (EUROCORD, ASH),
    ),
    Rule("sex", "quality", "off", references=(HABIT,)),
)

# About the product of a collection. An adult donor has none before it is collected for the patient; what else is asked
# of him (markers, haemoglobinopathy) his registry tests when it is asked for him.
OF_CORD_BLOOD: Final = frozenset(
    {
        "segments", "tnc_dose", "cd34_dose", "cfu_dose", "nima", "accreditation", "red_cells", "volume", "viability",
        "cd34_viability", "haemoglobinopathy", "haemoglobinopathy_trait", "markers", "age",
    }
)  # fmt: skip

RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.code: rule for rule in _RULES})
SORT_KEYS: Final = (
    "class", "probability", "certain", "tnc", "cd34", "quality", "warnings", "abo", "nima", "direction", "age",
)  # fmt: skip
