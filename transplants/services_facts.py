"""What a transplant was given for and how: the hospital completes it; every change stands in the trail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from hospitals.choices import DIAGNOSIS, DiagnosisGroup, Stage
from transplants.choices_outcomes import MOST_HCT_CI, MOST_TBI_GY
from transplants.models import Transplant
from transplants.services_follow_up import locked_transplant, may_edit
from transplants.services_outcomes import version_bump

# What a hospital may change; day 0, graft and units are those of the infusions.
FACTS: Final = (
    "diagnosis", "diagnosis_text", "stage", "symptomatic", "risk_index", "karnofsky", "hct_ci", "conditioning",
    "conditioning_on", "intensity", "tbi_gy", "atg", "prophylaxis",
)  # fmt: skip


def facts_stamp(row: Transplant) -> str:
    """What an open page compares."""
    return row.updated_at.astimezone(dt.UTC).isoformat()


@transaction.atomic
def transplant_facts_update(
    *, transplant_id: UUID, values: Mapping[str, Any], seen: str, user: User
) -> Transplant:
    """Names of FACTS only; what is not named stays. Figures are out of date with it: it decides who is in a cohort.

    Raises NotAllowed; InvalidInput beside the field; Conflict `transplant_stale`.
    """
    held = locked_transplant(transplant_id)
    row = held.row
    if not may_edit(row, user):
        raise NotAllowed("not_yours", _("Follow-up is reported by the hospital of the transplant."))
    if facts_stamp(row) != seen:
        text = _("Somebody changed this transplant while you had it open. Look at what is there now.")
        raise Conflict("transplant_stale", text)
    new = _checked(row, values)
    before, after = audit.changes({name: getattr(row, name) for name in new}, new)
    if not after:
        return row
    for name, value in after.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
    row.save(update_fields=[*after, "updated_at"])
    version_bump()
    audit.record(
        actor=Actor.user(user),
        action="transplant.facts",
        target=(row._meta.label, str(row.pk), row.number),
        before=before,
        after=after,
        hospital_id=row.hospital_id,
    )
    return row


def _checked(row: Transplant, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the columns hold them. Raises InvalidInput."""
    unknown = sorted(set(values) - set(FACTS))
    if unknown:
        raise InvalidInput("fact_unknown", _("This cannot be changed here."), field=unknown[0])
    new = {}
    for name, value in values.items():
        text = value.replace("\0", "").strip() if isinstance(value, str) else value
        column: Any = Transplant._meta.get_field(name)
        try:
            new[name] = column.clean(text, row) if text is not None else None
        except ValidationError as error:
            raise InvalidInput("not_taken", " ".join(error.messages), field=name) from error
    _guard({**{name: getattr(row, name) for name in FACTS}, **new}, row)
    return new


def _guard(facts: Mapping[str, Any], row: Transplant) -> None:
    entry = DIAGNOSIS.get(facts["diagnosis"])
    if facts["diagnosis"] and entry is None:
        raise _refused("diagnosis", _("Choose a value of the list."))
    if facts["diagnosis"] == "other" and not facts["diagnosis_text"]:
        raise _refused("diagnosis_text", _("Describe the diagnosis in words."))
    if facts["stage"] and facts["stage"] not in Stage.values:
        raise _refused("stage", _("Choose a value of the list."))
    malignant = entry is not None and entry.group == DiagnosisGroup.MALIGNANT
    if facts["risk_index"] and not malignant:
        raise _refused("risk_index", _("The disease risk index is of blood cancers only."))
    if facts["karnofsky"] is not None and (facts["karnofsky"] > 100 or facts["karnofsky"] % 10):
        raise _refused("karnofsky", _("Choose a value of the list."))
    if facts["tbi_gy"] is not None and not 0 <= facts["tbi_gy"] <= MOST_TBI_GY:
        raise InvalidInput(
            "out_of_range",
            _("Give a number from %(least)d to %(most)d."),
            field="tbi_gy",
            params={"least": 0, "most": MOST_TBI_GY},
        )
    if facts["hct_ci"] is not None and facts["hct_ci"] > MOST_HCT_CI:
        raise _refused("hct_ci", _("The index has at most 29 points."))
    if facts["conditioning_on"] is not None and facts["conditioning_on"] > row.infused_on:
        raise _refused("conditioning_on", _("Conditioning begins before day 0, or on it."))


def _refused(field: str, text: Any) -> InvalidInput:
    return InvalidInput(f"{field}_refused", text, field=field)
