"""Pairs of a stored list: what its evaluation found of each unit, and all of two together (matching.engine.pairs)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.core.cache import cache
from numpy.typing import NDArray
from redis.exceptions import RedisError

from bank.choices import DonorType
from bank.models import CordBloodUnit
from hla.antigens import AntigenRule
from hla.matching import Level
from matching import digests, reference
from matching.choices import CLASS_SIZE
from matching.engine import abo
from matching.engine.columns import as_ids
from matching.engine.pairs import CANNOT_TELL, FAILED, PASSED, Candidates, Pairs, best_pairs
from matching.engine.selection.rules import PairSettings, SelectionRules
from matching.engine.unit_matches import BY_ANTIGEN, unit_matches
from matching.models import Evaluation, SearchRun
from matching.selection.policies import rules_of
from matching.unit_rows import thousandths

log = logging.getLogger(__name__)

KERNEL = 4  # another number makes every kept answer an old one
KEPT_FOR_SECONDS = 24 * 3600
# Rules that both units must pass (domain notes 4.4 R16) where the policy excludes or warns by them. Beside them every
# rule by which the policy excludes a unit, but for the doses of a single unit: a pair has its own. In a list what
# cannot be told of a unit excludes nothing and is flagged; a pair says that it passes, and so nothing may be open.
UNIT_RULES: Final = ("offer", "segments", "class_antigen6", "class_allele8", "dsa")
SINGLE_DOSES: Final = frozenset({"tnc_dose", "cd34_dose", "cfu_dose"})
LOCI: Final = ("A", "B", "C", "DRB1")
_OUTCOMES: Final = {"failed": FAILED, "passed": PASSED, "unknown": CANNOT_TELL}
_CLASS_COLUMNS = tuple(f"{name}_{end}" for name in CLASS_SIZE for end in ("min", "max"))
_COLUMNS = (
    "pk", "unit_id", "rank", "judged__findings", "tnc_e7", "cd34_e6", "unit__tnc_e7", "unit__cd34_e6",
    "unit__counts_invented", "unit__abo", *_CLASS_COLUMNS,
    *(f"unit__hla_{locus.lower()}_{place}" for locus in LOCI for place in (1, 2)),
)  # fmt: skip


@dataclass(frozen=True)
class RunPairs:
    """The pairs of one list. found.units: ids of the results, not rows of an array."""

    evaluation: Evaluation
    rules: PairSettings
    found: Pairs


def unit_rules(rules: SelectionRules) -> tuple[str, ...]:
    """Rules of the policy that each of two units must pass."""
    return tuple(
        one.code
        for one in rules.active
        if (one.action == "exclude" and one.code not in SINGLE_DOSES)
        or (one.action == "warn" and one.code in UNIT_RULES)
    )


def run_pairs(run: SearchRun, evaluation: Evaluation) -> RunPairs:
    """The best pairs of a list as it is judged now; kept until something changes. An adult donor is no half of one."""
    rules = rules_of(evaluation.policy)
    key = _key(evaluation)
    found = _held(key)
    if found is None:
        found = _judged(run, evaluation, rules, _cord_blood(run))
        _hold(key, found)
    return RunPairs(evaluation, rules.pairs, found)


def one_pair(run: SearchRun, evaluation: Evaluation, units: Sequence[UUID]) -> RunPairs | None:
    """Two units of the list judged together, whatever the rules say of them; None unless both are in the list."""
    rules = rules_of(evaluation.policy)
    found = _judged(run, evaluation, rules, _cord_blood(run).filter(unit_id__in=units), failed=True)
    return RunPairs(evaluation, rules.pairs, found) if len(found) else None


def _cord_blood(run: SearchRun) -> Any:
    return run.results.filter(unit__donor_type=DonorType.CORD)


def places_of(found: RunPairs, *, only_passed: bool) -> list[int]:
    """Places of the pairs that are shown, in order."""
    verdicts = found.found.verdicts
    return np.flatnonzero(verdicts == PASSED).tolist() if only_passed else list(range(len(verdicts)))


def locus_matches(
    antigen_rule: AntigenRule, units: Sequence[CordBloodUnit]
) -> dict[str, dict[str, tuple[int, int]]]:
    """How two units match each other at each locus: level ("antigen" at A and B, "allele") -> min and max of 2."""
    typings = {locus: [_texts(unit, locus) for unit in units] for locus in LOCI}
    matches = unit_matches(typings, reference.resolver(), antigen_rule)
    levels: dict[str, tuple[Level, ...]] = {
        locus: ("antigen", "allele") if locus in BY_ANTIGEN else ("allele",) for locus in LOCI
    }
    return {
        locus: {level: matches.at(locus, level, 0, 1) for level in found} for locus, found in levels.items()
    }


def _texts(unit: CordBloodUnit, locus: str) -> tuple[str, str]:
    name = locus.lower()
    return getattr(unit, f"hla_{name}_1"), getattr(unit, f"hla_{name}_2")


def _judged(
    run: SearchRun, evaluation: Evaluation, rules: SelectionRules, rows: Any, *, failed: bool = False
) -> Pairs:
    candidates, results = _candidates(evaluation, unit_rules(rules), rows)
    found = best_pairs(
        candidates,
        weight_kg=evaluation.weight_kg,
        resolver=reference.resolver(),
        rules=rules.pairs,
        antigen_rule=evaluation.policy.antigen_rule,
        primary=run.policy.primary,
        patient_abo=abo.code(evaluation.inputs["abo"]),
        failed=failed,
    )
    return replace(found, units=results[found.units])


def _candidates(
    evaluation: Evaluation, codes: Sequence[str], rows: Any
) -> tuple[Candidates, NDArray[np.int64]]:
    """Listed units as the engine takes them, and the id of each one's result."""
    table = list(rows.judged_by(evaluation).order_by("rank").values_list(*_COLUMNS))
    columns = dict(zip(_COLUMNS, zip(*table, strict=True) if table else [()] * len(_COLUMNS), strict=True))
    classes = {
        name: np.array([columns[f"{name}_min"], columns[f"{name}_max"]], dtype=np.int8).T
        for name in CLASS_SIZE
        if None not in columns[f"{name}_max"]
    }
    texts = {
        locus: list(zip(*(columns[f"unit__hla_{locus.lower()}_{place}"] for place in (1, 2)), strict=True))
        for locus in LOCI
    }
    candidates = Candidates(
        ids=as_ids(unit_id.bytes for unit_id in columns["unit_id"]),
        ranks=np.array(columns["rank"], dtype=np.int64),
        classes=classes,
        typings=texts,
        tnc_e4=_cells(_counts(columns, "tnc_e7")),
        cd34_e3=_cells(_counts(columns, "cd34_e6")),
        invented=np.array(columns["unit__counts_invented"], dtype=np.bool_),
        abo=np.array([abo.code(text) for text in columns["unit__abo"]], dtype=np.uint8),
        passes={code: _outcomes(columns["judged__findings"], code) for code in codes},
    )
    return candidates, np.array(columns["pk"], dtype=np.int64)


def _counts(columns: Mapping[str, Sequence[Any]], name: str) -> list[float | None]:
    """As counted now; of a unit that is not on offer only what the search stored (matching.selection.facts)."""
    told = zip(columns["judged__findings"], columns[name], columns[f"unit__{name}"], strict=True)
    return [stored if found and found["offer"][0] != "passed" else live for found, stored, live in told]


def _cells(values: Sequence[float | None]) -> NDArray[np.int64]:
    return np.array([thousandths(value) for value in values], dtype=np.int64)


def _outcomes(findings: Sequence[dict[str, Any] | None], code: str) -> NDArray[np.uint8]:
    """What the evaluation found; a unit that it does not know cannot be told, and what cannot be told never passes."""
    outcomes = [found[code][0] if found and code in found else "unknown" for found in findings]
    return np.array([_OUTCOMES[one] for one in outcomes], dtype=np.uint8)


def _key(evaluation: Evaluation) -> str:
    """The digest of an evaluation holds patient, policy, units and reference data."""
    return "pairs:" + digests.of_json([KERNEL, str(evaluation.run_id), evaluation.digest])


def _held(key: str) -> Pairs | None:
    try:
        found = cache.get(key)
    except RedisError as error:  # computing again takes less than a second
        log.warning("kept pairs could not be read: %s", error)
        return None
    return found if isinstance(found, Pairs) else None


def _hold(key: str, found: Pairs) -> None:
    try:
        cache.set(key, found, KEPT_FOR_SECONDS)
    except RedisError as error:
        log.warning("pairs could not be kept: %s", error)
