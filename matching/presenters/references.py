"""Loaded reference data and policies as rows of their page."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from matching.models import LoadedReference, SelectionPolicy
from matching.presenters.requests import floors_text
from matching.presenters.summary import antigen_rule_text


def loaded(row: LoadedReference) -> dict[str, Any]:
    return {
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
        "name": str(row),
        "default": row.is_default,
        "hospital": row.hospital.code if row.hospital else _("all"),
        "floors": floors_text(rules.get("floors", {})),
        "antigen_rule": antigen_rule_text(rules.get("antigen_rule", "split")),
        "required": ", ".join(rules.get("required_loci", ())),
        "references": row.references,
    }
