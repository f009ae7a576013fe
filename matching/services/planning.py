"""Simulations of the inventory as a job, their figures stored for people to open."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.querysets import CORD_ONLY
from core import audit, jobs
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.jobs import Claim
from core.models import Job, Ledger
from hla.frequencies.sets import HaplotypeSet
from matching import frequency_sets, inventory, planning, reference
from matching.choices import PlanningStage
from matching.computing import policy_of
from matching.engine.planning_plan import ENGINE_VERSION
from matching.engine.policy import Policy
from matching.engine.snapshot import Origin, Snapshot
from matching.frequency_sets import SetInfo
from matching.models import PlanningRun, SelectionPolicy
from matching.planning import PlanData
from matching.selection.policies import bank_default

KIND = "planning"
MOST_OPEN = 3  # in the whole installation: each keeps a worker of batches for minutes
_FAILED = gettext_lazy("The simulation failed for a reason inside the program. Tell the administrator.")
CANNOT_PLAN = {
    "set_lacks_loci": gettext_lazy(
        "The frequency set has no haplotypes with %(loci)s; without them no patient can be simulated."
    ),
    "set_unreadable": gettext_lazy(
        "The release in use cannot read %(percent)s %% of the frequency set. Load the release of its names."
    ),
    "target_needs_locus": gettext_lazy("The class of the target needs a locus that the frequency set lacks."),
    "no_units": gettext_lazy("No unit is on offer that a search considers. Import units first."),
}


@transaction.atomic
def planning_start(*, data: PlanData, actor: Actor) -> PlanningRun:
    """Queue a simulation; the stored one where nothing that its figures depend on has changed.

    Raises InvalidInput for a plan that cannot be, Conflict where MOST_OPEN are under way.
    """
    _check(data)
    info = planning.set_in_use(data.set_checksum)
    if info is None:
        raise InvalidInput(
            "set_not_in_use", _("This frequency set is not in use. Choose another one."), field="frequencies"
        )
    row = bank_default()
    stored = data.stored()
    basis = _basis(stored, policy_of(row), audit.ledger_head())
    SelectionPolicy.objects.select_for_update(no_key=True).get(pk=row.pk)  # two who ask at once get one run
    known: PlanningRun | None = PlanningRun.objects.of_basis(basis).defer("worths").first()
    if known is not None:
        return known
    if Job.objects.filter(kind=KIND).open().count() >= MOST_OPEN:
        raise Conflict(
            "plannings_under_way",
            _("%(count)s simulations are under way already. Wait until one of them is done."),
            params={"count": MOST_OPEN},
        )
    run = PlanningRun(
        parameters=stored,
        basis=basis,
        set_version=info.version,
        set_checksum=info.checksum,
        population=info.population,
        policy_label=str(row),
        antigen_rule=policy_of(row).antigen_rule,
        created_by=actor.label[:200],
    )
    run.job = jobs.job_create(
        kind=KIND,
        key=f"{KIND}:{run.pk}",
        title=_("Inventory planning, %(set)s") % {"set": info.version},
        actor=actor,
    )
    run.save()
    audit.record(actor=actor, action="planning.start", target=run, after=stored)
    return run


def _check(data: PlanData) -> None:
    """What a form says beside its fields, said to every caller."""
    wrong = {
        "patients": not planning.LEAST_PATIENTS <= data.patients <= planning.MOST_PATIENTS,
        "weights": not 0 < len(data.weights) <= planning.MOST_WEIGHTS,
        "doses": len(data.doses) > planning.MOST_DOSES,
        "largest": not 1 <= data.largest <= planning.LARGEST,
        "seed": not 0 <= data.seed < 2**31,
        "searches_per_year": not 0 < data.searches_per_year <= 100_000,
    }
    field = next((name for name, is_wrong in wrong.items() if is_wrong), None)
    try:
        planning.plan_of(data.stored()).check()
    except (ValueError, KeyError):
        field = field or "target"
    if field is not None:
        raise InvalidInput("plan_impossible", _("This value cannot be simulated."), field=field)


def _basis(stored: planning.Json, policy: Policy, ledger_number: int) -> str:
    """ledger_number: up to which change; only those of the inventory count."""
    changed = Ledger.objects.filter(number__lte=ledger_number, target_type__in=inventory.CHANGES)
    last = changed.order_by("-number").values_list("number", flat=True).first() or 0
    origin = Origin.of(reference.resolver(look=True), ledger_number=0)
    rules = [policy.antigen_rule, policy.primary, list(policy.required_loci)]
    return planning.basis_of(stored, rules, last, origin.nomenclature, origin.mac_checksum, ENGINE_VERSION)


def planning_execute(*, job_id: UUID) -> PlanningRun | None:
    """Do the work of a job, exactly once whoever calls how often. None: not ours, lost, or failed."""
    return jobs.carry_out(job_id, _simulate_and_store, failed=_FAILED)


def _simulate_and_store(claim: Claim) -> PlanningRun:
    from matching.engine.planning import planned  # compiled loops: only where something is simulated
    from matching.engine.planning_people import CannotPlan

    run: PlanningRun = PlanningRun.objects.get(job_id=claim.job_id)
    tell = jobs.Teller(claim)
    tell.now(PlanningStage.PREPARE, 0.0)
    resolver = reference.resolver(look=True)
    snapshot = inventory.current(resolver, tell=lambda count: tell(PlanningStage.PREPARE, 0.01, units=count))
    haplotypes = _set_of(run)
    row = bank_default()
    policy = policy_of(row)
    run.policy_label = str(row)
    try:
        found = planned(
            planning.plan_of(run.parameters),
            haplotypes,
            snapshot,
            policy=policy,
            tell=lambda stage, share: tell(PlanningStage(stage), share),
        )
    except CannotPlan as error:
        raise InvalidInput(error.code, CANNOT_PLAN[error.code], params=error.params) from error
    run.result, run.worths = planning.figures(found), planning.packed_worths(found.worth)
    run.engine_version, run.coverage = found.engine, haplotypes.coverage
    return _store(claim, run, snapshot, policy)


def _set_of(run: PlanningRun) -> HaplotypeSet:
    info: SetInfo | None = planning.set_in_use(run.set_checksum)
    if info is None:
        raise Conflict("set_not_in_use", _("The frequency set was taken out of use meanwhile. Start again."))
    return frequency_sets.haplotypes_of(info)


def _store(claim: Claim, run: PlanningRun, snapshot: Snapshot, policy: Policy) -> PlanningRun:
    """The figures, the audit entry and the end of the job are one transaction under the claim.

    The inventory may have moved on since the start: the basis is that of the figures.
    """
    origin = snapshot.origin
    with claim.guard():
        run.release, run.nomenclature_checksum = origin.release, origin.nomenclature
        run.mac_version = origin.mac
        run.ledger_number, run.snapshot_checksum = origin.ledger_number, snapshot.checksum_of(CORD_ONLY)
        run.antigen_rule = policy.antigen_rule
        run.basis = _basis(run.parameters, policy, origin.ledger_number)
        run.completed_at = timezone.now()
        run.save()
        claim.succeed({"planning": str(run.pk)})
        audit.record(
            actor=Actor.system("planning"),
            action="planning.finish",
            target=run,
            after={"ledger_number": origin.ledger_number, "units": run.result["units"]},
        )
    return run
