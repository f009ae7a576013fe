"""The prognosis of a patient from the rows: genotypes, inventory at hand, pace of new units; fails soft, in words."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from bank.models import CordBloodUnit
from bank.querysets import CORD_ONLY
from core.errors import Conflict, InvalidInput
from core.populations import parse_populations
from hla.loci import SEARCH_LOCI
from hla.resolve import Resolver
from hla.typing import Typing
from hospitals.models import Patient
from matching import frequency_sets, inventory, predictions, reference
from matching.computing import checked, policy_of
from matching.engine.columns import Pair
from matching.engine.doses import TNC_E4_PER_E7, cells_needed
from matching.engine.policy import Policy
from matching.engine.search import Criteria
from matching.engine.snapshot import Snapshot
from matching.models import SelectionPolicy
from matching.selection.policies import policy_for, rules_of, set_up, shown_name

if TYPE_CHECKING:
    from matching.engine.planning_expected import Expected
    from matching.engine.prognosis import Genotype, Prognosis

MOST_GENOTYPES: Final = 20  # the likeliest; what is left is said
CLASSES: Final = ("antigen6", "allele8")
YEAR: Final = timedelta(days=365)
MOST_KEPT: Final = 8
_kept: OrderedDict[tuple[str, int, str, str], Expected] = OrderedDict()


@dataclass(frozen=True)
class Told:
    """A prognosis with what it was made of.

    basis: what the genotypes rest on (Basis). sets: frequency sets by name; new_set: that of new units, "" for none.
    policy: by which such patients are served. dose: TNC in 10⁷/kg that "large" means (above_dose: more than it), None
    without a weight, or where the policy asks for none. milliseconds: of computing.
    """

    found: Prognosis
    units: int
    ledger_number: int
    release: str
    antigen_rule: str
    basis: str
    genotypes: int
    sets: tuple[str, ...]
    new_set: str
    new_a_year: int
    policy: str
    dose: Decimal | None
    above_dose: bool
    milliseconds: float


def prognosis_of(patient: Patient) -> Told:
    """Raises InvalidInput or Conflict, in words for people, where it cannot be told."""
    from matching.engine.prognosis import prognosis  # compiled loops: loaded only where something is counted

    began = time.perf_counter()
    resolver = reference.resolver(look=True)
    row = set_up(policy_for(patient, timezone.localdate()))
    policy = policy_of(row)
    typing = patient.current_typing
    if typing is None:
        raise InvalidInput("patient_untyped", _("The patient has no typing."))
    read = checked(typing.canonical, Criteria(), policy, resolver)
    snapshot = _at_hand(resolver)
    genotypes, loci, basis, sets = _genotypes(read, patient.populations, resolver, policy)
    new_set, expected = _expected(resolver, policy, loci)
    dose, above = _dose(row)
    new, enough, need = _pace(patient.weight_kg, dose, above=above)
    found = prognosis(
        genotypes,
        snapshot,
        loci=loci,
        policy=policy,
        need_e4=need,
        expected=expected,
        new_a_year=new,
        enough=enough,
    )
    return Told(
        found=found,
        units=snapshot.units_of(CORD_ONLY),
        ledger_number=snapshot.origin.ledger_number,
        release=snapshot.origin.release,
        antigen_rule=policy.antigen_rule,
        basis=basis,
        genotypes=len(genotypes),
        sets=sets,
        new_set=new_set,
        new_a_year=new,
        policy=shown_name(row),
        dose=dose if need else None,
        above_dose=above,
        milliseconds=1000 * (time.perf_counter() - began),
    )


def _dose(policy: SelectionPolicy) -> tuple[Decimal | None, bool]:
    """What the policy asks of one unit in TNC per kg, and whether more than that; None where it asks for none."""
    rule = rules_of(policy).settings["tnc_dose"]
    least: Decimal = rule.values["least"]
    return (None if rule.action == "off" or not least else least), rule.values["bound"] == "above"


def _at_hand(resolver: Resolver) -> Snapshot:
    snapshot = inventory.at_hand(resolver)
    if snapshot is None:
        raise Conflict(
            "inventory_not_at_hand",
            _(
                "The inventory is being made ready on this computer. Try again in a minute, or search at once."
            ),
        )
    return snapshot


def _genotypes(
    read: Typing, populations: str, resolver: Resolver, policy: Policy
) -> tuple[list[Genotype], tuple[str, ...], str, tuple[str, ...]]:
    """The likeliest genotypes over the loci of the patient's set; raises Conflict where none can be told."""
    from hla.prediction.whole import likely_genotypes
    from matching.engine.prognosis import Genotype

    mine = predictions.prepared(frequency_sets.choose(parse_populations(populations)), resolver)
    imputed = mine.imputer.impute([read]) if mine else None
    listed = likely_genotypes(imputed, 0, MOST_GENOTYPES) if imputed else []
    named = [Genotype(pairs, one.share) for one in listed if (pairs := _expressed(one.alleles)) is not None]
    if mine is None or imputed is None or not named:
        raise Conflict(
            "no_genotypes",
            _("No frequency set explains this typing, so that nothing can be told before a search."),
        )
    loci = tuple(locus for locus in SEARCH_LOCI if locus in imputed.loci)
    missing = [locus for locus in policy.required_loci if locus not in loci]
    if missing:
        raise Conflict(
            "set_lacks_loci",
            _("The frequency set that serves this patient has no haplotypes with %(loci)s."),
            params={"loci": ", ".join(missing)},
        )
    sets = tuple(str(one["version"]) for one in mine.sets)
    return named, loci, imputed.part(0).basis.name.lower(), sets


def _expressed(alleles: Any) -> dict[str, Pair] | None:
    """A null counts as its partner twice (matching.md 2.3); None where nothing is expressed at a locus."""
    found = {}
    for locus, (first, second) in alleles.items():
        if not first and not second:
            return None
        found[locus] = (first or second, second or first)
    return found


def _expected(resolver: Resolver, policy: Policy, loci: tuple[str, ...]) -> tuple[str, dict[str, Expected]]:
    """The set of new units (the bank's default), and how likely one of them reaches each class."""
    from matching.engine.planning_expected import Expected
    from matching.engine.planning_people import CannotPlan, Population

    (choice,) = frequency_sets.choose({})
    if choice.info is None or choice.haplotypes is None:
        return "", {}
    found = {}
    try:
        for name in Criteria(loci=loci).classes:
            if name in CLASSES and name in Criteria(loci=choice.haplotypes.loci).classes:
                key = (choice.info.checksum, id(resolver), policy.antigen_rule, name)
                expected = _kept.get(key)  # another thread may drop it at any moment
                if expected is None:
                    population = Population.of(choice.haplotypes, resolver)
                    expected = _kept[key] = Expected(population, resolver, policy, name)
                    while len(_kept) > MOST_KEPT:
                        _kept.popitem(last=False)
                found[name] = expected
    except CannotPlan:
        return "", {}
    return choice.info.version, found


def _pace(weight_kg: Decimal | None, dose: Decimal | None, *, above: bool) -> tuple[int, float, int]:
    """Units on offer that were collected in the last year; the share of them with the cells; cells needed in 10⁴."""
    rows = CordBloodUnit.objects.offered().filter(collected_on__gte=timezone.localdate() - YEAR)
    need = 0
    if weight_kg is not None and dose is not None:
        need = cells_needed(dose, weight_kg, TNC_E4_PER_E7, above=above)
    new = rows.count()
    enough = rows.filter(tnc_e7__gte=need / TNC_E4_PER_E7).count() if need else new
    return new, enough / new if new else 0.0, need
