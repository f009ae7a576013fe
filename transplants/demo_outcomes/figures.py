"""The figures that the synthetic transplants are drawn from. All ASSUMED, for pages and plots and never for statistics.

They were chosen by hand so that the course looks as published for cord blood (neutrophils by day 42 about 90 %, median
near day 19; acute GVHD II-IV about 40 %, chronic about 30 %) and so that overall survival at five years in blood
cancers (first transplants of one or two units) lies near the 60.35 % that the bank publishes. How near:
docs/validation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FIRST_YEAR: Final = 1998
# Of a year: rising, as the bank's published totals do (5,000 by 2020, 6,300 by 2022, 6,800 by 2023).
FULL_YEAR, MIDDLE_YEAR, STEEPNESS_YEARS = 620.0, 2014.0, 3.2


@dataclass(frozen=True)
class Case:
    """A disease: its share, how many of its patients are adults, ages of the others (youngest, oldest, most)."""

    code: str
    share: float
    adults: float
    child: tuple[float, float, float]


_ANY_CHILD = (0.8, 17.9, 8.0)
CASES: Final = (
    Case("aml", 27, 0.78, _ANY_CHILD), Case("all", 23, 0.68, _ANY_CHILD), Case("mds", 7, 0.86, _ANY_CHILD),
    Case("cml", 3.5, 0.85, _ANY_CHILD), Case("jmml", 1.5, 0.0, (0.6, 6.0, 2.0)), Case("nhl", 4, 0.85, _ANY_CHILD),
    Case("hl", 0.6, 0.8, _ANY_CHILD), Case("leukaemia_other", 2, 0.75, _ANY_CHILD), Case("saa", 8, 0.6, _ANY_CHILD),
    Case("fanconi", 1, 0.1, (3.0, 17.0, 7.0)), Case("thalassaemia", 7, 0.03, (2.0, 15.0, 6.0)),
    Case("scid", 2, 0.0, (0.2, 2.5, 0.7)), Case("wiskott_aldrich", 2.5, 0.0, (0.4, 8.0, 1.5)),
    Case("cgd", 2.5, 0.02, (0.6, 12.0, 3.0)), Case("immune_other", 1, 0.05, (0.4, 12.0, 3.0)),
    Case("hlh", 2, 0.25, (0.5, 15.0, 3.0)), Case("mps1", 0.8, 0.0, (0.6, 4.0, 1.6)),
    Case("mps2", 0.9, 0.0, (1.0, 7.0, 3.0)),
    Case("ald", 1.2, 0.05, (3.0, 13.0, 7.5)), Case("krabbe", 0.5, 0.0, (0.2, 6.0, 1.5)),
    Case("mld", 0.8, 0.05, (1.0, 12.0, 4.0)), Case("wolman", 0.2, 0.0, (0.2, 1.5, 0.5)),
    Case("osteopetrosis", 0.6, 0.0, (0.3, 4.0, 1.0)),
)  # fmt: skip
REMISSIONS: Final = {"cr1": 52, "cr2": 22, "cr3": 4, "no_remission": 22}
PHASES: Final = {"chronic_phase": 50, "accelerated_phase": 25, "blast_phase": 25}
RISK_OF_STAGE: Final = {
    "cr1": ("low", "intermediate", "intermediate"), "cr2": ("intermediate", "intermediate", "high"),
    "cr3": ("intermediate", "high"), "no_remission": ("high", "high", "very_high"),
    "chronic_phase": ("low",), "accelerated_phase": ("intermediate", "high"), "blast_phase": ("very_high",),
}  # fmt: skip

# Hazards a year, by the time since day 0: (until day, hazard).
NRM: Final = (
    (30, 0.27),
    (100, 0.205),
    (180, 0.133),
    (365, 0.077),
    (730, 0.026),
    (1826, 0.0093),
    (40_000, 0.008),
)
RELAPSE: Final = ((30, 0.034), (100, 0.129), (365, 0.125), (730, 0.062), (1826, 0.019), (40_000, 0.003))
NRM_NON_MALIGNANT: Final = (
    (30, 0.40), (100, 0.27), (365, 0.10), (730, 0.016), (1826, 0.005), (40_000, 0.003),
)  # fmt: skip
AFTER_RELAPSE_DAYS: Final = 190  # mean until death, of those whom nothing helps
CURED_AFTER_RELAPSE: Final = 0.14
# Logarithms of hazard ratios.
NRM_LOG: Final = {
    "age_over_45": 0.50, "age_18_to_45": 0.18, "child": -0.25, "a_year_later": -0.022, "dose_low": 0.22,
    "match_4": 0.18, "match_6": -0.20, "no_remission": 0.25, "metabolic_symptomatic": 0.55, "presymptomatic": -0.55,
    "failed": 1.35, "severe_gvhd": 0.75, "thalassaemia": -0.45, "cord_haplo": -0.10, "supportive": -0.15,
}  # fmt: skip
RELAPSE_LOG: Final = {
    "cr1": -0.25, "cr2": 0.15, "cr3": 0.45, "no_remission": 0.95, "chronic_phase": -0.30, "accelerated_phase": 0.25,
    "blast_phase": 0.85, "a_year_later": -0.012, "double": -0.12, "child": -0.10,
}  # fmt: skip
FRAILTY_SD: Final = 0.16  # of a hospital, on the logarithm of both

EARLY_CAUSES: Final = {
    "bacterial": 24, "viral": 13, "fungal": 11, "infection": 10, "pneumonitis": 7, "vod": 6, "multi_organ": 11,
    "ards": 4, "haemorrhage": 6, "cns": 2, "cardiac": 2, "other": 4,
}  # fmt: skip
LATE_CAUSES: Final = {
    "viral": 18, "bacterial": 16, "fungal": 9, "infection": 8, "pneumonitis": 9, "multi_organ": 10, "malignancy": 9,
    "cardiac": 4, "renal": 3, "liver": 3, "other": 7, "unknown": 4,
}  # fmt: skip
