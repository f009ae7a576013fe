"""What the page of a hospital shows: its qualification and how that changed, its departments, people and years."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from core.models import AuditEntry, User
from core.panels import Place, panels
from core.roles import Permission
from hospitals import activity
from hospitals.choices import Qualification
from hospitals.lists_hospitals import figures_of, home_country
from hospitals.models import Department, Hospital, Membership
from hospitals.querysets import open_in

QUALIFICATION_FIELDS = ("qualification_no", "qualification_authority", "qualified_from", "qualified_until")


def hospital_context(hospital: Hospital, user: User) -> dict[str, Any]:
    """hospital: with `activity.with_figures`."""
    today, may_edit = timezone.localdate(), open_in(user, Permission.HOSPITAL_EDIT, hospital.pk)
    people = Membership.objects.visible_to(user).filter(hospital=hospital).with_people()
    departments = Department.objects.visible_to(user).filter(hospital=hospital).with_members()
    return {
        "hospital": hospital,
        "qualification": hospital.qualification(today),
        "is_abroad": hospital.country != home_country(),
        "renewal": _renewal(hospital, may_edit=may_edit),
        "figures": figures_of(hospital),
        "qualifications": qualification_history(hospital),
        "people": people,
        "departments": departments.order_by("-active", "name", "pk"),
        "years": activity.by_year(hospital),
        "year_labels": activity.year_labels(),
        "panels": panels(Place.HOSPITAL, user, hospital),
        "may_edit": may_edit,
    }


def _renewal(hospital: Hospital, *, may_edit: bool) -> dict[str, Any]:
    """The loud notice of a qualification that has ended or ends soon; {} where there is nothing to do."""
    until, today = hospital.qualified_until, timezone.localdate()
    state = hospital.qualification(today)
    if until is None or not hospital.active or state not in (Qualification.ENDED, Qualification.SOON):
        return {}
    if state == Qualification.ENDED:
        title = _("The qualification ended on %(day)s") % {"day": f"{until:%Y-%m-%d}"}
        text = _("This hospital reserves nothing by itself until the new one is recorded.")
        return {"tone": "bad", "title": title, "text": text}
    left = _("The qualification ends on %(day)s, in %(n)d days")
    title = left % {"day": f"{until:%Y-%m-%d}", "n": (until - today).days}
    ours = _("Ask for the new one now and record it here.")
    return {
        "tone": "warn",
        "title": title,
        "text": ours if may_edit else _("Send the new one to the bank in good time."),
    }


def qualification_history(hospital: Hospital) -> list[dict[str, Any]]:
    """What was recorded as the qualification, when and by whom, newest first: from the audit trail, which cannot be
    edited. Empty where none was ever recorded."""
    entries = AuditEntry.objects.filter(
        target_type=hospital._meta.label,
        target_key=str(hospital.pk),
        action__in=["hospital.created", "hospital.updated"],
    )
    state = dict.fromkeys(QUALIFICATION_FIELDS, "")
    found = []
    for entry in entries.order_by("at", "pk"):
        after = entry.after or {}
        new = state | {name: after[name] or "" for name in QUALIFICATION_FIELDS if name in after}
        if new != state:
            found.append({"at": entry.at, "actor": entry.actor_label, **new})
            state = new
    return found[::-1]
