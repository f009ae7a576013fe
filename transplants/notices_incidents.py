"""What people are told of incidents and recalls: numbers and codes only, the page says the rest.

A hospital is told of its own patients and units, never of another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from core.kinds import Group, Kind, Weight
from core.models import User
from core.notifications import Notice
from core.roles import BANK_ROLES, Permission, roles_with
from hospitals.querysets import hospitals_open_to, members_who
from transplants.models import Incident, Order, Recall

if TYPE_CHECKING:
    from bank.models import CordBloodUnit
    from transplants.affected import Stake

INVESTIGATORS = roles_with(Permission.INCIDENT_WORK, among=BANK_ROLES)
RECALLERS = roles_with(Permission.RECALL_VIEW, among=BANK_ROLES)
SHIPPERS = roles_with(Permission.SHIPMENT_WORK, among=BANK_ROLES)
COORDINATORS = roles_with(Permission.RESERVATION_DECIDE, among=BANK_ROLES)
GROUP = Group("incidents", gettext_lazy("Incidents and recalls"))
FROM_ALL = 2  # the reminder from which on everybody who could act is told


# --- incidents ------------------------------------------------------------------------------------


def _notices(code: str, row: Incident, people: Iterable[UUID], but: UUID | None) -> list[Notice]:
    params = {"id": str(row.pk), "number": row.number}
    told = [person for person in dict.fromkeys(people) if person != but]
    return [
        Notice(person, f"incident.{code}", f"incident:{row.pk}", params, row.hospital_id) for person in told
    ]


def _bank() -> list[UUID]:
    return [user.pk for user in User.objects.in_roles(INVESTIGATORS)]


def _hospital(row: Incident) -> list[UUID]:
    if row.hospital_id is None:
        return []
    return [user.pk for user in members_who(Permission.INCIDENT_VIEW, row.hospital_id)]


def opened(row: Incident, *, but: UUID | None) -> list[Notice]:
    return _notices("opened", row, [*_bank(), *_hospital(row)], but)


def stopped(row: Incident, unit: CordBloodUnit, order: Order | None, *, but: UUID | None) -> list[Notice]:
    """A unit that is ordered, on its way or given: shipping and coordinators by the unit, the hospital by its patient.

    Without what was found: it may be a result of the mother, and this text goes out by plain e-mail.
    """
    params = {"id": str(unit.pk), "number": row.number, "unit": unit.public_no}
    people = [user.pk for user in User.objects.in_roles([*SHIPPERS, *COORDINATORS]) if user.pk != but]
    found = [Notice(person, "late.stop", f"incident:{row.pk}", params) for person in dict.fromkeys(people)]
    if order is None:
        return found
    params = params | {"id": str(row.pk), "patient": order.patient.code}
    members = [person for person in _hospital(row) if person != but]
    topic = f"patient:{order.patient_id}"
    return [*found, *(Notice(person, "late.concerns", topic, params, row.hospital_id) for person in members)]


def noted(row: Incident, *, by: User) -> list[Notice]:
    """The other side of a shared note; of the bank its owner, where there is one."""
    if hospitals_open_to(by, Permission.INCIDENT_VIEW) is None:
        return _notices("noted", row, _hospital(row), by.pk)
    return _notices("noted", row, _owner(row) or _bank(), by.pk)


def extended(row: Incident, *, but: UUID | None) -> list[Notice]:
    """Something more was found by what the program did: both sides are told."""
    return _notices("noted", row, [*_bank(), *_hospital(row)], but)


def _owner(row: Incident) -> list[UUID]:
    """Who looks after it, while that is still his to do."""
    owner = row.owner
    able = owner is not None and owner.is_active and owner.has_permission(Permission.INCIDENT_WORK)
    return [owner.pk] if owner is not None and able else []


def assigned(row: Incident, owner: User, *, but: User) -> list[Notice]:
    return _notices("assigned", row, [owner.pk], but.pk)


def closed(row: Incident, *, but: User) -> list[Notice]:
    return _notices("closed", row, [*_bank(), *_hospital(row), *_opener(row)], but.pk)


def reopened(row: Incident, *, but: User) -> list[Notice]:
    return _notices("reopened", row, [*_bank(), *_hospital(row), *_opener(row)], but.pk)


def _opener(row: Incident) -> list[UUID]:
    """Who reported it wants to know what came of it: people of the laboratory investigate nothing."""
    user = row.opened_by_user
    if user is None or not user.is_active:
        return []
    opened_to = hospitals_open_to(user, Permission.INCIDENT_VIEW)
    return [user.pk] if opened_to is None or row.hospital_id in opened_to else []


def overdue(row: Incident) -> list[Notice]:
    """Its owner first; whoever could act once it stays so."""
    owner = _owner(row)
    return _notices("overdue", row, owner if owner and row.reminders < FROM_ALL else _bank(), None)


# --- recalls --------------------------------------------------------------------------------------


def recall_started(row: Recall, stakes: Sequence[Stake], *, but: UUID | None) -> list[Notice]:
    """The bank of the recall; whoever ships of orders in the house or on the way; each hospital of its own."""
    return [
        *_of_recall("started", row, but),
        *_to_shipping(row, stakes, but),
        *_to_hospitals("concerns", row, stakes, but),
    ]


def recall_grown(row: Recall, stakes: Sequence[Stake]) -> list[Notice]:
    """Further units of a recalled lot. stakes: in these. Nobody chose it: whoever set it off is told as all are."""
    return [
        *_of_recall("grown", row, None),
        *_to_shipping(row, stakes, None),
        *_to_hospitals("concerns", row, stakes, None),
    ]


def recall_lifted(row: Recall, stakes: Sequence[Stake], *, but: UUID | None) -> list[Notice]:
    return [*_of_recall("lifted", row, but), *_to_hospitals("over", row, stakes, but)]


def unit_freed(row: Recall, stakes: Sequence[Stake], *, but: UUID | None) -> list[Notice]:
    return _to_hospitals("over", row, stakes, but)


def _of_recall(code: str, row: Recall, but: UUID | None) -> list[Notice]:
    params = {"id": str(row.pk), "number": row.number}
    people = [user.pk for user in User.objects.in_roles(RECALLERS) if user.pk != but]
    return [Notice(person, f"recall.{code}", f"recall:{row.pk}", params) for person in people]


def _to_shipping(row: Recall, stakes: Sequence[Stake], but: UUID | None) -> list[Notice]:
    people = [user.pk for user in User.objects.in_roles(SHIPPERS) if user.pk != but]
    found = []
    for stake in stakes:
        if stake.order is None or not stake.order.is_open:
            continue
        params = {"id": str(stake.unit.pk), "number": row.number, "unit": stake.unit.public_no}
        found += [Notice(person, "recall.stop", f"recall:{row.pk}", params) for person in people]
    return found


def _to_hospitals(code: str, row: Recall, stakes: Sequence[Stake], but: UUID | None) -> list[Notice]:
    members: dict[UUID, list[User]] = {}
    found = []
    for stake in stakes:
        hospital = stake.hospital.pk
        if hospital not in members:
            members[hospital] = members_who(Permission.INCIDENT_VIEW, hospital)
        params = {
            "id": str(stake.patient.pk),
            "number": row.number,
            "unit": stake.unit.public_no,
            "patient": stake.patient.code,
        }
        topic = f"patient:{stake.patient.pk}"
        people = [user.pk for user in members[hospital] if user.pk != but]
        found += [Notice(person, f"recall.{code}", topic, params, hospital) for person in people]
    return found


# --- kinds ----------------------------------------------------------------------------------------

# code -> (text, subject)
WORDS: dict[str, tuple[str, str]] = {
    "incident.opened": (
        gettext_noop("Incident %(number)s was opened. The page says what happened."),
        gettext_noop("Qidai: incident %(number)s"),
    ),
    "incident.noted": (
        gettext_noop("There is a new note in incident %(number)s."),
        gettext_noop("Qidai: a note in incident %(number)s"),
    ),
    "incident.assigned": (
        gettext_noop("Incident %(number)s is yours to look after."),
        gettext_noop("Qidai: incident %(number)s is yours"),
    ),
    "incident.closed": (
        gettext_noop("Incident %(number)s is closed. The page says what came of it."),
        gettext_noop("Qidai: incident %(number)s is closed"),
    ),
    "incident.reopened": (
        gettext_noop("Incident %(number)s is investigated again. The page says why."),
        gettext_noop("Qidai: incident %(number)s is open again"),
    ),
    "incident.overdue": (
        gettext_noop("Incident %(number)s should have been reported outside by now."),
        gettext_noop("Qidai: incident %(number)s is overdue"),
    ),
    "late.stop": (
        gettext_noop(
            "Stop: something bad came to light of %(unit)s after it was ordered (%(number)s). Do not dispatch it; if it"
            " is on its way, call."
        ),
        gettext_noop("Qidai: stop, something came to light of %(unit)s"),
    ),
    "late.concerns": (
        gettext_noop(
            "Something bad came to light of %(unit)s for patient %(patient)s (%(number)s). Do not infuse it. If it was"
            " infused, call the bank now."
        ),
        gettext_noop("Qidai: STOP of a unit for %(patient)s"),
    ),
    "recall.started": (
        gettext_noop("Recall %(number)s is on. The page says which units and whom it concerns."),
        gettext_noop("Qidai: recall %(number)s"),
    ),
    "recall.grown": (
        gettext_noop(
            "Recall %(number)s reaches further units of its lot. The page says which and whom it concerns."
        ),
        gettext_noop("Qidai: recall %(number)s reaches further units"),
    ),
    "recall.stop": (
        gettext_noop(
            "Stop: %(unit)s is recalled (%(number)s). Do not dispatch it; if it is on its way, call."
        ),
        gettext_noop("Qidai: stop, %(unit)s is recalled"),
    ),
    "recall.concerns": (
        gettext_noop(
            "%(unit)s for patient %(patient)s is recalled (%(number)s). Do not infuse it. If it was infused, call the "
            "bank now."
        ),
        gettext_noop("Qidai: RECALL of a unit for %(patient)s"),
    ),
    "recall.lifted": (
        gettext_noop("Recall %(number)s is lifted. The page says why."),
        gettext_noop("Qidai: recall %(number)s is lifted"),
    ),
    "recall.over": (
        gettext_noop("%(unit)s for patient %(patient)s is no longer recalled (%(number)s)."),
        gettext_noop("Qidai: a unit for %(patient)s is no longer recalled"),
    ),
}


def _said(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda params: _(text) % params


def _to(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda params: reverse(name, args=[params["id"]])


_INCIDENT, _RECALL = _to("transplants:incident-detail"), _to("transplants:recall-detail")
_PATIENT, _UNIT = _to("hospitals:patient-detail"), _to("bank:unit-detail")
_P, _W = Permission, Weight
# code -> (what the kind is called, weight, page, who may see it, what other systems are given beside the number)
NAMES: dict[str, tuple[Any, Weight, Callable[[Mapping[str, Any]], str], Permission, tuple[str, ...]]] = {
    "incident.opened": (gettext_lazy("An incident was opened"), _W.URGENT, _INCIDENT, _P.INCIDENT_VIEW, ()),
    "incident.noted": (gettext_lazy("A note in an incident"), _W.ORDINARY, _INCIDENT, _P.INCIDENT_VIEW, ()),
    "incident.assigned": (
        gettext_lazy("An incident is yours to look after"),
        _W.IMPORTANT,
        _INCIDENT,
        _P.INCIDENT_WORK,
        (),
    ),
    "incident.closed": (
        gettext_lazy("An incident was closed"),
        _W.ORDINARY,
        _INCIDENT,
        _P.INCIDENT_VIEW,
        (),
    ),
    "incident.reopened": (
        gettext_lazy("An incident is investigated again"),
        _W.IMPORTANT,
        _INCIDENT,
        _P.INCIDENT_VIEW,
        (),
    ),
    "incident.overdue": (
        gettext_lazy("An incident should have been reported outside"),
        _W.URGENT,
        _INCIDENT,
        _P.INCIDENT_WORK,
        (),
    ),
    "late.stop": (
        gettext_lazy("A late result stops a unit that is ordered or shipped"),
        _W.URGENT,
        _UNIT,
        _P.INVENTORY_VIEW_ALL,
        ("unit",),
    ),
    "late.concerns": (
        gettext_lazy("A late result stops a unit for a patient"),
        _W.URGENT,
        _INCIDENT,
        _P.INCIDENT_VIEW,
        ("unit", "patient"),
    ),
    "recall.started": (gettext_lazy("A recall is on"), _W.URGENT, _RECALL, _P.RECALL_VIEW, ()),
    "recall.grown": (gettext_lazy("A recall reaches further units"), _W.URGENT, _RECALL, _P.RECALL_VIEW, ()),
    "recall.stop": (
        gettext_lazy("A unit that is shipped is recalled"),
        _W.URGENT,
        _UNIT,
        _P.SHIPMENT_WORK,
        ("unit",),
    ),
    "recall.concerns": (
        gettext_lazy("A unit for a patient is recalled"),
        _W.URGENT,
        _PATIENT,
        _P.INCIDENT_VIEW,
        ("unit", "patient"),
    ),
    "recall.lifted": (gettext_lazy("A recall is lifted"), _W.IMPORTANT, _RECALL, _P.RECALL_VIEW, ()),
    "recall.over": (
        gettext_lazy("A unit for a patient is no longer recalled"),
        _W.IMPORTANT,
        _PATIENT,
        _P.INCIDENT_VIEW,
        ("unit", "patient"),
    ),
}

KINDS = tuple(
    Kind(
        code, _said(text), NAMES[code][2], _said(subject), NAMES[code][3], GROUP, NAMES[code][1], NAMES[code][0],
        ("id", "number", *NAMES[code][4]),
    )
    for code, (text, subject) in WORDS.items()
)  # fmt: skip
