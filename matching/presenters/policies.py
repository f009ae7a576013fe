"""Policies for pages: their names, and which of them may judge a list."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.models import User
from matching.choices import MatchClass
from matching.models import Evaluation, SearchRun, SelectionPolicy
from matching.selection.policies import shown_name

__all__ = ["choices", "differences", "shown_name"]


def choices(run: SearchRun, evaluation: Evaluation, query: QueryDict, user: User) -> list[dict[str, Any]]:
    """The request's policy, all that its hospital may use now, and the one in use if it is neither."""
    offered = SelectionPolicy.objects.for_hospital(run.request.hospital).visible_to(user).offered()
    found = {policy.pk: policy for policy in (run.policy, *offered, evaluation.policy)}
    return [
        {
            "label": shown_name(policy),
            "on": policy.pk == evaluation.policy_id,
            "value": "" if policy.pk == run.policy_id else str(policy.pk),
            "of_the_request": policy.pk == run.policy_id,
        }
        for policy in found.values()
    ]


def differences(run: SearchRun, policy: SelectionPolicy) -> list[str]:
    """What of another policy's search a judgement cannot make good: its antigen rule, and the class that orders."""
    found = []
    if policy.antigen_rule != run.policy.antigen_rule:
        found.append(
            _(
                "“%(policy)s” has another antigen rule than this search. Classes by antigen stand as searched, and its "
                "rule of them cannot be told: search by this policy."
            )
            % {"policy": shown_name(policy)}
        )
    if policy.primary != run.policy.primary:
        words = {
            "policy": shown_name(policy),
            "own": MatchClass(policy.primary).label,
            "run": MatchClass(run.policy.primary).label,
        }
        found.append(
            _("“%(policy)s” orders by %(own)s; this search chose and ordered its units by %(run)s.") % words
        )
    return found
