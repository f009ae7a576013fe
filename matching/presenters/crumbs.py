"""The way to a page of matching: each function gives the crumbs down to what it is named after, then those `below`.

A crumb is (address, label); of the last one, the page itself, the address is not used.
"""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from hospitals.models import Patient
from matching.models import MatchRequest, PlanningRun, SearchRun, SelectionPolicy
from matching.selection.policies import shown_name

Crumb = tuple[str, str]
Crumbs = list[Crumb]


def here(label: str) -> Crumb:
    """The page itself."""
    return "", label


def requests(*below: Crumb) -> Crumbs:
    return [(reverse("matching:request-list"), _("Requests")), *below]


def of_request(found: MatchRequest, *below: Crumb) -> Crumbs:
    return requests((reverse("matching:request-detail", args=[found.pk]), found.number), *below)


def of_run(run: SearchRun, *below: Crumb) -> Crumbs:
    """A search: its list, or how it stands while there is none."""
    number = {"n": run.run_no}
    label = _("Match list, search %(n)d") % number if run.is_finished else _("Search %(n)d") % number
    return of_request(run.request, (reverse("matching:run-detail", args=[run.pk]), label), *below)


def of_patient(patient: Patient, *below: Crumb) -> Crumbs:
    return [
        (reverse("hospitals:patient-list"), _("Patients")),
        (reverse("hospitals:patient-detail", args=[patient.pk]), patient.code),
        *below,
    ]


def inventory(*below: Crumb) -> Crumbs:
    return [(reverse("bank:unit-list"), _("Inventory")), *below]


def planning(*below: Crumb) -> Crumbs:
    return inventory((reverse("matching:planning"), _("Planning")), *below)


def of_planning(run: PlanningRun, title: str, *below: Crumb) -> Crumbs:
    return planning((reverse("matching:planning-detail", args=[run.pk]), title), *below)


def reference(*below: Crumb) -> Crumbs:
    return [(reverse("matching:release-list"), _("Reference data")), *below]


def policies(*below: Crumb) -> Crumbs:
    return reference((reverse("matching:policy-list"), _("Selection policies")), *below)


def of_policy(policy: SelectionPolicy, *below: Crumb) -> Crumbs:
    return policies((reverse("matching:policy-detail", args=[policy.pk]), shown_name(policy)), *below)


def frequencies(*below: Crumb) -> Crumbs:
    return reference((reverse("matching:frequency-list"), _("Haplotype frequencies")), *below)
