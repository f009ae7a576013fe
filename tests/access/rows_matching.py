"""Addresses of requests, searches and reference data, pages and API."""

from __future__ import annotations

from typing import Any

from core.roles import Role
from hospitals.models import Hospital
from matching.models import CiwdTableVersion, MacTableVersion, NomenclatureRelease
from tests.access.matrix import EVERYONE, Row, World
from tests.factories.core import PASSWORD
from tests.factories.match_list import finished_replay, stored_run
from tests.factories.matching import (
    ListedUnitFactory,
    MatchRequestFactory,
    SearchRunFactory,
    frequency_set,
    loaded_reference,
    typed_patient,
)
from tests.factories.planning import stored_planning
from tests.factories.policies import bank_policy, own_policy
from tests.factories.reports import kept_report
from tests.factories.shortlist import GraftNoteFactory, ShortlistEntryFactory
from tests.factories.watch import PatientWatchFactory

R = Role
# Written out, so that a change of the policy must be meant.
VIEW = frozenset({R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
SIGN = frozenset({R.MEDICAL_DIRECTOR, R.HOSPITAL_PHYSICIAN})
SUBMIT = frozenset({R.SEARCH_COORDINATOR, R.HOSPITAL_COORDINATOR})
REFERENCE = VIEW | {R.LAB, R.QA, R.DIRECTOR, R.ADMIN, R.AUDITOR}

CHOOSE = VIEW
SUCCESS = VIEW | {R.DIRECTOR}

# the bank's policies are written by its medical director, a hospital's by its physicians
POLICY = frozenset({R.MEDICAL_DIRECTOR, R.HOSPITAL_PHYSICIAN})
BANK_REFERENCE = REFERENCE - {R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN}

# who may start a simulation of the inventory, which keeps a worker busy
PLAN = frozenset({R.QA, R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.DIRECTOR})

REFERENCE_MODELS = {"release": NomenclatureRelease, "mac": MacTableVersion, "ciwd": CiwdTableVersion}


def build(world: World) -> None:
    world.planning = stored_planning()  # by the built-in set, while no other is loaded
    world.match_units = [ListedUnitFactory(), ListedUnitFactory()]
    world.match_unit, world.second_unit = world.match_units
    world.references = {kind: loaded_reference(model) for kind, model in REFERENCE_MODELS.items()}
    world.frequencies = frequency_set()
    world.bank_policy = bank_policy("Two units")
    for name, hospital in (("", world.hospital), ("other_", world.other_hospital)):
        for what, row in _rows(world, hospital).items():
            setattr(world, f"{name}{what}", row)


def _rows(world: World, hospital: Hospital) -> dict[str, Any]:
    patient = typed_patient(hospital=hospital)
    run = stored_run(world.match_units, request__patient=patient)
    earlier = stored_run([world.match_unit], request=run.request, run_no=2)
    return {
        "typed_patient": patient,
        "pairs": stored_run([world.match_unit, world.second_unit], request__patient=patient),
        "draft": MatchRequestFactory(patient=patient),
        "run": run,
        "earlier": earlier,
        "entry": ShortlistEntryFactory(run=run, unit=world.match_unit),
        "note": GraftNoteFactory(patient=patient),
        "watch": PatientWatchFactory(request=run.request),
        "queued": SearchRunFactory(request__patient=patient),
        "replay": finished_replay(request__patient=patient),
        "policy": own_policy(hospital, f"Protocol of {hospital.code}"),
        "report": kept_report(request__patient=patient),
    }


def a(name: str, key: str, roles: frozenset[Role] = VIEW, /, **more: Any) -> Row:
    """A row about one of the objects that `build` made, own and other hospital's."""
    return Row(
        name,
        roles,
        lambda w: {"pk": getattr(w, key).pk},
        other=lambda w: {"pk": getattr(w, f"other_{key}").pk},
        **more,
    )


def planning(w: World) -> dict[str, Any]:
    return {"pk": w.planning.pk}


def request_of_run(name: str, roles: frozenset[Role], /, **more: Any) -> Row:
    return Row(
        name,
        roles,
        lambda w: {"pk": w.run.request_id},
        other=lambda w: {"pk": w.other_run.request_id},
        **more,
    )


def bank_policy_row(name: str, roles: frozenset[Role], /, **more: Any) -> Row:
    return Row(name, roles, lambda w: {"pk": w.bank_policy.pk}, **more)


CRITERIA = {
    "loci": "A,B,DRB1",
    "floor_antigen6": "5",
    "statuses": "LISTED",
    "donor_types": "cord",
    "urgency": "routine",
    "draft": "1",
}

WORKBENCH = {"typing": "A*02:01+A*24:02"}
PAIR = {"patient": "A*02:01+A*24:02", "unit": "A*02:01+A*24:02"}

ROWS = [
    # for everybody who is signed in: a typing without a person, nothing is kept
    Row("matching:workbench", EVERYONE, query="?typing=A2%2BA24", ok=(200,)),
    Row("matching:workbench", EVERYONE, method="post", data=lambda w: WORKBENCH, ok=(302,)),
    Row("matching:workbench-compare", EVERYONE, query="?patient=A2&unit=A2", ok=(200,)),
    Row("matching:workbench-compare", EVERYONE, method="post", data=lambda w: PAIR, ok=(302,)),
    Row("api:hla-interpret", EVERYONE, query="?typing=A2", json=True, ok=(200,)),
    Row("api:hla-interpret", EVERYONE, method="post", data=lambda w: WORKBENCH, json=True, ok=(200,)),
    Row("api:hla-compare", EVERYONE, query="?patient=A2&unit=A2", json=True, ok=(200,)),
    Row("api:hla-compare", EVERYONE, method="post", data=lambda w: PAIR, json=True, ok=(200,)),
    Row("matching:request-list", VIEW, query="?q=MR&state=DRAFT&sort=-candidates", ok=(200,)),
    Row("matching:request-export", VIEW, ok=(200,)),
    Row("matching:request-create", SUBMIT, ok=(302,)),
    a("matching:request-detail", "draft", ok=(200,)),
    a("matching:request-edit", "draft", SUBMIT, ok=(200,)),
    a("matching:request-edit", "draft", SUBMIT, method="post", data=lambda w: CRITERIA, ok=(302,)),
    a("matching:request-submit", "draft", SUBMIT, method="post", ok=(302,)),
    a("matching:request-cancel", "draft", SUBMIT, method="post", data=lambda w: {"reason": "r"}, ok=(302,)),
    Row(
        "matching:prognosis",
        VIEW,
        lambda w: {"pk": w.typed_patient.pk},
        other=lambda w: {"pk": w.other_typed_patient.pk},
        ok=(200,),
    ),
    request_of_run("matching:run-repeat", SUBMIT, method="post", ok=(302,)),
    a("matching:run-detail", "run", ok=(200,)),
    a("matching:run-progress", "queued", ok=(200,)),
    a("matching:run-cancel", "queued", SUBMIT, method="post", ok=(302,)),
    a("matching:run-export", "run", ok=(200,)),
    a("matching:pair-list", "pairs", query="?passed=1", ok=(200,)),
    a("matching:pair-export", "pairs", ok=(200,)),
    a("matching:pair-compare", "pairs", ok=(400,)),  # none is named
    Row(
        "matching:pair-detail",
        VIEW,
        lambda w: {"pk": w.pairs.pk, "unit_pk": w.match_unit.pk, "other_pk": w.second_unit.pk},
        other=lambda w: {"pk": w.other_pairs.pk, "unit_pk": w.match_unit.pk, "other_pk": w.second_unit.pk},
        ok=(200,),
    ),
    a("matching:run-export-xlsx", "run", ok=(200,)),
    # a report is the list on paper: whoever may read the one may have the other
    a("matching:run-report", "run", query="?sort=tnc", ok=(200,)),
    a("matching:run-report", "run", method="post", data=lambda w: {"n": "1", "lang": "en"}, ok=(302,)),
    a("matching:run-report-pdf", "run", query="?n=1&lang=en", ok=(200,)),
    request_of_run("matching:report-list", VIEW, ok=(200,)),
    a("matching:report-detail", "report", ok=(200,)),
    a("matching:report-pdf", "report", ok=(200,)),
    a("matching:report-signed-pdf", "report", ok=(302,)),  # nobody has signed it
    a(
        "matching:report-sign",
        "report",
        SIGN,
        method="post",
        data=lambda w: {"meaning": "reviewed", "password": PASSWORD},
        ok=(302,),
    ),
    # whoever may read a search may ask for its proof: it changes nothing and shows nothing else
    a("matching:run-replay", "run", method="post", ok=(302,)),
    a("matching:replay-detail", "replay", ok=(200,)),
    Row(
        "matching:run-unit",
        VIEW,
        lambda w: {"pk": w.run.pk, "unit_pk": w.match_unit.pk},
        other=lambda w: {"pk": w.other_run.pk, "unit_pk": w.match_unit.pk},
        ok=(200,),
    ),
    a("matching:run-compare", "run", data=lambda w: {"unit": [one.pk for one in w.match_units]}, ok=(200,)),
    Row(
        "matching:run-pair",
        VIEW,
        lambda w: {"pk": w.run.pk, "unit_pk": w.match_unit.pk},
        other=lambda w: {"pk": w.other_run.pk, "unit_pk": w.match_unit.pk},
        ok=(200,),
    ),
    a("matching:run-changes", "run", query="?against=2&show=changed&kind=rank", ok=(200,)),
    a("matching:run-changes-export", "run", query="?against=2", ok=(200,)),
    a("matching:shortlist", "typed_patient", ok=(200,)),
    Row(
        "matching:shortlist-add",
        CHOOSE,
        lambda w: {"pk": w.run.pk, "unit_pk": w.match_unit.pk},
        other=lambda w: {"pk": w.other_run.pk, "unit_pk": w.match_unit.pk},
        method="post",
        ok=(302,),
    ),
    a("matching:shortlist-place", "entry", CHOOSE, method="post", data=lambda w: {"place": "1"}, ok=(302,)),
    a("matching:shortlist-remove", "entry", CHOOSE, method="post", data=lambda w: {"reason": "r"}, ok=(302,)),
    a("matching:note-add", "typed_patient", CHOOSE, method="post", data=lambda w: {"text": "t"}, ok=(302,)),
    a("matching:note-strike", "note", CHOOSE, method="post", data=lambda w: {"reason": "r"}, ok=(302,)),
    Row("matching:success", SUCCESS, query="?by=hospital&floor=5&dose=3", ok=(200,)),
    Row("matching:success-export", SUCCESS, query="?by=year", ok=(200,)),
    Row("matching:watch-list", VIEW, ok=(200,)),
    # for oneself; for a whole hospital whoever submits its requests (tests/matching/test_watches.py)
    request_of_run("matching:watch-start", VIEW, method="post", data=lambda w: {"counts": "band"}, ok=(302,)),
    a("matching:watch-end", "watch", VIEW, method="post", ok=(302,), forbidden_to=VIEW - SUBMIT),
    Row("api:shortlist-list", VIEW, json=True, ok=(200,)),
    Row(
        "api:shortlist-list",
        CHOOSE,
        method="post",
        data=lambda w: {"run": str(w.run.pk), "unit": str(w.match_unit.pk)},
        json=True,
        ok=(201,),
    ),
    a(
        "api:shortlist-place",
        "entry",
        CHOOSE,
        method="post",
        data=lambda w: {"place": 1},
        json=True,
        ok=(200,),
    ),
    a(
        "api:shortlist-remove",
        "entry",
        CHOOSE,
        method="post",
        data=lambda w: {"reason": "r"},
        json=True,
        ok=(200,),
    ),
    Row("api:graft-note-list", VIEW, json=True, ok=(200,)),
    Row(
        "api:graft-note-list",
        CHOOSE,
        method="post",
        data=lambda w: {"patient": str(w.typed_patient.pk), "text": "t"},
        json=True,
        ok=(201,),
    ),
    a(
        "api:graft-note-strike",
        "note",
        CHOOSE,
        method="post",
        data=lambda w: {"reason": "r"},
        json=True,
        ok=(200,),
    ),
    Row("matching:new-unit-list", VIEW, query="?shown=all&sort=-class&q=MR", ok=(200,)),
    Row("matching:unit-patients", VIEW, lambda w: {"pk": w.match_unit.pk}, ok=(200,)),
    Row("api:new-unit-list", VIEW, json=True, ok=(200,)),
    Row("matching:release-list", REFERENCE, ok=(200,)),
    Row("matching:change-list", REFERENCE, query="?kind=renamed&locus=A&sort=-units", ok=(200,)),
    Row("matching:change-export", REFERENCE, ok=(200,)),
    *(
        Row(
            f"matching:{kind}-activate",
            frozenset({R.ADMIN}),
            lambda w, kind=kind: {"pk": w.references[kind].pk},
            method="post",
            ok=(302,),
        )
        for kind in ("release", "mac", "ciwd")
    ),
    Row("matching:policy-list", REFERENCE, query="?q=a&retired=on&indication=malignant", ok=(200,)),
    bank_policy_row("matching:policy-detail", REFERENCE, ok=(200,)),
    bank_policy_row("matching:policy-copy", POLICY, ok=(200,)),
    *(
        bank_policy_row(
            f"matching:policy-{step}",
            POLICY,
            method=method,
            data=lambda w: {"reason": "r"},
            ok=ok,
            forbidden_to=frozenset({R.HOSPITAL_PHYSICIAN}),
        )
        for step, method, ok in (
            ("edit", "get", (200,)),
            ("edit", "post", (200,)),
            ("retire", "post", (302,)),
            ("make-default", "post", (302,)),
        )
    ),
    a("matching:policy-detail", "policy", REFERENCE, hidden_from=REFERENCE - VIEW, ok=(200,)),
    *(
        a(
            f"matching:policy-{step}",
            "policy",
            POLICY,
            method=method,
            data=lambda w: {"reason": "r"},
            ok=ok,
            forbidden_to=frozenset({R.MEDICAL_DIRECTOR}),
        )
        for step, method, ok in (
            ("copy", "get", (200,)),
            ("edit", "get", (200,)),
            ("edit", "post", (200,)),
            ("retire", "post", (302,)),
            ("make-default", "post", (302,)),  # answers that only the bank's can be it
        )
    ),
    Row("api:policy-list", REFERENCE, query="?retired=true", json=True, ok=(200,)),
    a("api:policy-detail", "policy", REFERENCE, hidden_from=REFERENCE - VIEW, json=True, ok=(200,)),
    Row("matching:frequency-list", REFERENCE, ok=(200,)),
    Row("matching:frequency-built-in", REFERENCE, ok=(200,)),
    Row("matching:frequency-detail", REFERENCE, lambda w: {"pk": w.frequencies.pk}, ok=(200,)),
    *(
        Row(
            f"matching:frequency-{step}",
            frozenset({R.ADMIN}),
            lambda w: {"pk": w.frequencies.pk},
            method="post",
            ok=(302,),
        )
        for step in ("activate", "deactivate", "make-default", "make-global")
    ),
    Row("matching:calibration", BANK_REFERENCE, query="?quantity=10&set=x", ok=(200,)),
    Row("api:calibration-list", BANK_REFERENCE, query="?quantity=A", json=True, ok=(200,)),
    Row("matching:planning", BANK_REFERENCE, ok=(200,)),
    Row("matching:planning", PLAN, method="post", data=lambda w: {"patients": "x"}, ok=(200,)),
    Row("matching:planning-detail", BANK_REFERENCE, planning, ok=(200,)),
    Row("matching:planning-export", BANK_REFERENCE, planning, ok=(200,)),
    Row("matching:planning-units", BANK_REFERENCE, planning, query="?sort=-worth&q=U", ok=(200,)),
    Row("matching:planning-units-export", BANK_REFERENCE, planning, ok=(200,)),
    Row("api:planning-list", BANK_REFERENCE, json=True, ok=(200,)),
    Row("api:planning-detail", BANK_REFERENCE, planning, json=True, ok=(200,)),
    Row("api:planning-units", BANK_REFERENCE, planning, json=True, ok=(200,)),
    Row("api:match-request-list", VIEW, json=True, ok=(200,)),
    Row(
        "api:match-request-list",
        SUBMIT,
        method="post",
        data=lambda w: {"patient": str(w.typed_patient.pk)},
        json=True,
        ok=(201,),
    ),
    a("api:match-request-detail", "draft", json=True, ok=(200,)),
    a("api:match-request-submit", "draft", SUBMIT, method="post", json=True, ok=(202,)),
    request_of_run("api:match-request-repeat", SUBMIT, method="post", json=True, ok=(202,)),
    request_of_run("api:match-request-runs", VIEW, json=True, ok=(200,)),
    a("api:run-detail", "run", json=True, ok=(200,)),
    a("api:run-results", "run", json=True, ok=(200,)),
    a("api:run-pairs", "pairs", json=True, ok=(200,)),
    a("api:run-replay", "run", method="post", json=True, ok=(202,)),
    a("api:run-replays", "run", json=True, ok=(200,)),
    a("api:replay-detail", "replay", json=True, ok=(200,)),
    a("api:run-cancel", "queued", SUBMIT, method="post", json=True, ok=(200,)),
]
