"""What whoever asked for a file with HLA typings is told of the decision, and whoever decides of looser limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.choices_genetic import ApprovalState
from bank.models import ExportApproval, GeneticLimits
from core.kinds import HIDDEN, Group, Kind, Weight
from core.models import User
from core.notifications import Notice
from core.roles import Permission, roles_with

DECIDED, LIMITS = "genetic.decided", "genetic.limits"
FILES = Group("files", gettext_lazy("Files with HLA typings"))


def decided(row: ExportApproval) -> list[Notice]:
    """To the person who asked; the reason stands on the page, not in an e-mail."""
    params = {"approval": str(row.pk), "title": row.title, "state": str(row.state)}
    return [Notice(row.asked_by_id, DECIDED, f"approval:{row.pk}", params)]


def limits_looser(
    by: User, before: Mapping[str, Any], after: Mapping[str, Any], names: Sequence[str]
) -> list[Notice]:
    """To everybody else who may approve; nothing where no limit is looser."""
    if not names:
        return []
    people = User.objects.in_roles(roles_with(Permission.GENETIC_APPROVE)).exclude(pk=by.pk)
    changed = [[name, before[name], after[name]] for name in names]
    params = {"who": by.full_name, "changed": changed}
    return [Notice(person.pk, LIMITS, "genetic:limits", params) for person in people]


def _limits_text(params: Mapping[str, Any]) -> str:
    changed = params["changed"]
    if changed != HIDDEN:
        label: Any = GeneticLimits._meta.get_field
        changed = "; ".join(f"{label(name).verbose_name}: {old} → {new}" for name, old, new in changed)
    text = _("%(who)s changed the limits of genetic data: %(changed)s.")
    return text % {"who": params["who"], "changed": changed}


def _text(params: Mapping[str, Any]) -> str:
    if params["state"] == ApprovalState.APPROVED:
        return _("Your file is approved: %(title)s. Fetch it once, before the approval is over.") % params
    return _("Your file is not approved: %(title)s. Its page says why.") % params


KINDS = (
    Kind(
        DECIDED,
        _text,
        lambda params: reverse("bank:genetic-detail", args=[params["approval"]]),
        lambda params: _("Qidai: your request for a file was decided"),
        Permission.INVENTORY_VIEW,
        FILES,
        label=gettext_lazy("A file that was asked for is decided on"),
        shared=("approval", "state"),
    ),
    Kind(
        LIMITS,
        _limits_text,
        lambda params: reverse("bank:genetic-limits"),
        lambda params: _("Qidai: the limits of genetic data were changed"),
        Permission.GENETIC_APPROVE,
        FILES,
        Weight.IMPORTANT,
        gettext_lazy("A limit of genetic data was raised, or the home country changed"),
        ("changed",),
    ),
)
