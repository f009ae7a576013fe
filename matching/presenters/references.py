"""Loaded reference data and policies as rows of their page."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from core.hla_messages import ERRORS, typing_error_text
from hla.errors import TypingError
from matching.choices import CHANGE_TONE, ChangeKind
from matching.models import LoadedReference, Rereading, SelectionPolicy, TypingChange
from matching.presenters.requests import floors_text
from matching.presenters.summary import antigen_rule_text
from matching.selection.policies import shown_name


def loaded(row: LoadedReference) -> dict[str, Any]:
    return {
        "pk": row.pk,
        "version": row.version,
        "active": row.is_active,
        "entries": f"{row.entries:,}",
        "size": f"{row.compiled_bytes / 1e6:.1f} MB",
        "origin": row.origin,
        "checksum": row.checksum[:12],
        "at": row.loaded_at,
        "by": row.loaded_by,
    }


def policy(row: SelectionPolicy) -> dict[str, Any]:
    rules = row.rules
    return {
        "name": shown_name(row),
        "url": reverse("matching:policy-detail", args=[row.pk]),
        "default": row.is_default,
        "hospital": row.hospital.code if row.hospital else _("all"),
        "floors": floors_text(rules.get("floors", {})),
        "antigen_rule": antigen_rule_text(rules.get("antigen_rule", "split")),
        "required": ", ".join(rules.get("required_loci", ())),
        "references": row.references,
    }


def comparison_name(row: Rereading) -> str:
    """When, and from what to what: "2026-11-23 08:15 · 3.57.0 → 3.58.0"."""
    at = timezone.localtime(row.created_at)
    return f"{at:%Y-%m-%d %H:%M} · {row.step}"


def comparison(row: Rereading, *, changed: int | None = None) -> dict[str, Any]:
    """One comparison for the page of reference data; no figures before it is done.

    changed: how many changes a person sees who may not see the requests touched; the sums over the typings of
    patients are left out then.
    """
    all_seen = changed is None
    return {
        "pk": row.pk,
        "at": row.created_at,
        "by": row.created_by,
        "step": row.step,
        "done": row.completed_at is not None and row.compared,
        "compared": row.compared,
        "state": row.job.get_state_display(),
        "failed": row.job.state in ("failed", "cancelled"),
        "typings": row.typings if all_seen else None,
        "changed": row.changed if all_seen else changed,
        "units": row.units,
        "requests": row.requests if all_seen else None,
    }


def change(row: TypingChange) -> dict[str, Any]:
    """A changed typing as a row of its list."""
    return {
        "locus": row.locus,
        "typing": row.gl,
        "tags": [
            {"text": ChangeKind(kind).label, "tone": CHANGE_TONE[ChangeKind(kind)]} for kind in row.kinds
        ],
        "lines": change_lines(row),
        "units": row.units,
        "request_count": row.request_count,
        "requests": row.requests,
    }


def change_lines(row: TypingChange) -> list[str]:
    """What changed, in sentences, value by value."""
    return [line for value in row.details.get("values", ()) for line in _value_lines(value, row.kinds)]


def _value_lines(value: dict[str, Any], kinds: list[str]) -> list[str]:
    text, lines = value["text"], []
    if "error" in value:
        readable = ChangeKind.READABLE in kinds and ChangeKind.UNREADABLE not in kinds
        why = _error_text(value["error"])
        lines.append(
            (_("%(text)s could not be read before: %(why)s") if readable else "%(why)s")
            % {"text": text, "why": why}
        )
    if "names" in value:
        lines.append(
            _("%(old)s is now called %(new)s.") % dict(zip(("old", "new"), value["names"], strict=True))
        )
    if "p_groups" in value:
        gone, added = (_listed(part) for part in value["p_groups"])
        if gone:
            lines.append(_("%(text)s is no longer of P group %(groups)s.") % {"text": text, "groups": gone})
        if added:
            lines.append(_("%(text)s is now of P group %(groups)s.") % {"text": text, "groups": added})
    if "antigens" in value:
        before, after = (_listed(part) or "–" for part in value["antigens"])
        lines.append(
            _("Antigens of %(text)s: before %(before)s; now %(after)s.")
            % {"text": text, "before": before, "after": after}
        )
    lines += _immunology_lines(value)
    return lines


def _immunology_lines(value: dict[str, Any]) -> list[str]:
    text, lines = value["text"], []
    if "tce" in value:
        before, after = (_listed(part) or "–" for part in value["tce"])
        lines.append(
            _("T-cell-epitope groups of %(text)s: before %(before)s; now %(after)s.")
            % {"text": text, "before": before, "after": after}
        )
    if "leader" in value:
        before, after = value["leader"]
        lines.append(
            _("Leader of %(text)s: before %(before)s; now %(after)s.")
            % {"text": text, "before": before, "after": after}
        )
    if "nulls" in value:
        gone, added = (_listed(part) for part in value["nulls"])
        if gone:
            lines.append(_("%(text)s can no longer be %(names)s.") % {"text": text, "names": gone})
        if added:
            lines.append(_("%(text)s could now also be %(names)s.") % {"text": text, "names": added})
    return lines


def _listed(part: list[Any]) -> str:
    """A few names and how many more; "" for none."""
    names, more = part
    return ", ".join(names) + (f", … (+{more})" if more else "")


def _error_text(stored: dict[str, Any]) -> str:
    """The stored error in the language in force; its code where this version no longer knows it."""
    code = stored["code"]
    if code not in ERRORS:
        return str(code)
    return typing_error_text(
        TypingError(code, locus=stored["locus"], text=stored["text"], **stored["params"])
    )
