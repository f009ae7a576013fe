"""Evaluations of lists: made when somebody looks and nothing stored holds any more, kept until something changes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import FloatField, Max, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.errors import Conflict
from hospitals.models import Patient
from matching import reference
from matching.models import EvaluatedUnit, Evaluation, SearchRun, SelectionPolicy
from matching.selection import facts, inputs, rows
from matching.selection.policies import rules_of

# Who reads a list while it is judged anew reads the older judgement to its end.
READERS_PATIENCE = timedelta(hours=1)
# The day is part of what decides, so that an older one holds for nobody any more.
HOLDS_AT_MOST = timedelta(days=2)


def evaluation_of(*, run: SearchRun, policy: SelectionPolicy) -> Evaluation:
    """The list of a finished search judged by a policy, with patient and units as they are now.

    Computed only where patient, policy, units or reference data are not as they were: another weight or a new antibody
    is in the list as soon as somebody looks, and of several who look at once one computes. Derived data: nothing is
    decided here, so nothing is audited.
    """
    if not run.is_finished:
        raise Conflict("search_unfinished", _("This search has no list yet."))
    resolver = reference.resolver()  # named in the digest: one that is some seconds old is found to be so
    asked = inputs.patient_inputs(facts.known_of(run.request.patient))
    held = Evaluation.objects.in_force(run, policy)
    if held is not None and held.digest == inputs.digest(run, policy, asked, resolver):
        return held
    with transaction.atomic():
        SearchRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        # Looked at again: who waited here for another reader may have seen the patient as he was before.
        known = facts.known_of(Patient.objects.get(pk=run.request.patient_id))
        asked = inputs.patient_inputs(known)
        digest = inputs.digest(run, policy, asked, resolver)
        held = Evaluation.objects.in_force(run, policy)
        if held is not None and held.digest == digest:
            return held  # another reader was faster
        if held is not None:
            held.superseded_at = timezone.now()
            held.save(update_fields=["superseded_at"])
        listed = facts.listed_units(run, known, facts.hla_of(run, known, resolver))
        units = facts.as_judged_by(policy.antigen_rule, run, listed)
        judged = list(rows.judged(rules_of(policy), known.facts, units))
        excluded_by = Counter(code for one in judged for code in one.evaluated.excluded_by)
        evaluation: Evaluation = Evaluation.objects.create(
            run=run,
            policy=policy,
            policy_label=str(policy),
            inputs=asked,
            digest=digest,
            weight_kg=known.facts.weight_kg,
            units=len(judged),
            excluded=sum(bool(one.evaluated.excluded_by) for one in judged),
            excluded_by=dict(excluded_by),
            most_lost=_most_lost(run),
        )
        rows.write(evaluation.pk, judged, known.facts)
    return evaluation


def _most_lost(run: SearchRun) -> float:
    """Read from every row, which takes as long as all else of a page; a list does not change, so it is read once."""
    told = Evaluation.objects.filter(run=run).values_list("most_lost", flat=True).first()
    if told is not None:
        return float(told)
    lost = Cast(KeyTextTransform("lost", "prediction"), FloatField())
    return float(run.results.aggregate(most=Max(lost))["most"] or 0)


def evaluations_prune() -> int:
    """Drop what was found of single units where nobody reads it any more; the evaluations stay, with their figures.

    Returns their number. Superseded ones stay for READERS_PATIENCE, for whoever reads them this moment.
    """
    now = timezone.now()
    old = Q(superseded_at__lt=now - READERS_PATIENCE) | Q(created_at__lt=now - HOLDS_AT_MOST)
    found = list(Evaluation.objects.filter(old, pruned_at__isnull=True).values_list("pk", flat=True))
    for pk in found:
        _prune(pk)
    return len(found)


@transaction.atomic
def _prune(pk: UUID) -> None:
    now = timezone.now()
    Evaluation.objects.filter(pk=pk, superseded_at__isnull=True).update(superseded_at=now)
    EvaluatedUnit.objects.filter(evaluation=pk)._raw_delete(using="default")  # nothing points at them
    Evaluation.objects.filter(pk=pk).update(pruned_at=now)
