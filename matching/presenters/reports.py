"""Match reports that were kept, and their signatures, in words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bank.models import CordBloodUnit
from core.roles import Role
from matching.models import MatchReport, ReportSignature, SearchRun
from matching.presenters.rule_words import NAMES
from matching.reports.head import moment
from matching.selection.policies import shown_label

SHOWN_DIGEST = 12  # characters in lists


def rows(found: Iterable[MatchReport]) -> list[dict[str, Any]]:
    return [
        {
            "url": reverse("matching:report-detail", args=[one.pk]),
            "at": moment(one.created_at),
            "by": one.created_by,
            "run_no": one.run.run_no,
            "units": one.unit_count,
            "language": language_name(one.language),
            "digest": one.digest[:SHOWN_DIGEST],
            "state": state(list(one.signatures.all())),
        }
        for one in found
    ]


def state(signed: list[ReportSignature]) -> dict[str, str]:
    if not signed:
        return {"text": _("not signed"), "tone": ""}
    text = ngettext("%(n)d signature", "%(n)d signatures", len(signed)) % {"n": len(signed)}
    return {"text": text, "tone": "good"}


def language_name(code: str) -> str:
    return str(dict(settings.LANGUAGES).get(code, code))


def facts(report: MatchReport) -> list[dict[str, Any]]:
    return [
        {"label": _("Made by"), "value": report.created_by},
        {"label": _("Made at"), "value": moment(report.created_at)},
        {"label": _("Language"), "value": language_name(report.language)},
        {"label": _("Units of the list"), "value": report.unit_count},
        {"label": _("Order of the units"), "value": report.order},
        {"label": _("Filters"), "value": ", ".join(report.filters) or _("none")},
        {"label": _("Policy"), "value": shown_label(report.policy_label)},
        {"label": _("Digest, as printed"), "value": report.digest},
    ]


def units(report: MatchReport) -> list[dict[str, Any]]:
    """The units that can be chosen, as they stand today; excluded: names of the rules that exclude one by itself.

    partners: units with which it makes a pair of the report.
    """
    wanted = report.run.criteria["statuses"]
    now = CordBloodUnit.objects.in_bulk([one["id"] for one in report.units])
    by_id = {str(pk): unit for pk, unit in now.items()}
    return [
        {
            **one,
            "gone": bool(unit.blocks) or unit.status not in wanted,
            "partners": one.get("partners", []),
            "excluded": [str(NAMES[code]) for code in one.get("excluded_by", []) if code in NAMES],
        }
        for one in report.units
        for unit in [by_id[one["id"]]]
    ]


def is_intact(report: MatchReport) -> bool:
    """Whether the stored file is the one that was made."""
    return hashlib.sha256(report.pdf).hexdigest() == report.pdf_sha256


def signatures(report: MatchReport) -> list[dict[str, Any]]:
    return [
        {
            "by": one.signed_by,
            "role": str(Role(one.role).label),
            "at": moment(one.signed_at),
            "meaning": one.get_meaning_display(),
            "chosen": ", ".join(one.chosen),
            "remark": one.remark,
        }
        for one in report.signatures.all()
    ]


def file_name(run: SearchRun, report: MatchReport | None = None, *, signed: bool = False) -> str:
    """MR-2026-0001-search-1-report-1a2b3c4d5e6f.pdf; nothing of the patient."""
    tail = f"-{report.digest[:SHOWN_DIGEST]}" if report else ""
    tail += "-signed" if signed else ""
    return f"{run.file_stem}-report{tail}.pdf"
