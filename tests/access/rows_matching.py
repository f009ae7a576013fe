"""Addresses of requests, searches and reference data, pages and API."""

from __future__ import annotations

from typing import Any

from core.roles import Role
from hospitals.models import Hospital
from matching.models import CiwdTableVersion, MacTableVersion, NomenclatureRelease
from tests.access.matrix import EVERYONE, Row, World
from tests.factories.match_list import stored_run
from tests.factories.matching import (
    ListedUnitFactory,
    MatchRequestFactory,
    SearchRunFactory,
    frequency_set,
    loaded_reference,
    typed_patient,
)

R = Role
# Written out, so that a change of the policy must be meant.
VIEW = frozenset({R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
SUBMIT = frozenset({R.SEARCH_COORDINATOR, R.HOSPITAL_COORDINATOR})
REFERENCE = VIEW | {R.LAB, R.QA, R.DIRECTOR, R.ADMIN, R.AUDITOR}

BANK_REFERENCE = REFERENCE - {R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN}

REFERENCE_MODELS = {"release": NomenclatureRelease, "mac": MacTableVersion, "ciwd": CiwdTableVersion}


def build(world: World) -> None:
    world.match_unit = ListedUnitFactory()
    world.references = {kind: loaded_reference(model) for kind, model in REFERENCE_MODELS.items()}
    world.frequencies = frequency_set()
    for name, hospital in (("", world.hospital), ("other_", world.other_hospital)):
        for what, row in _rows(world, hospital).items():
            setattr(world, f"{name}{what}", row)


def _rows(world: World, hospital: Hospital) -> dict[str, Any]:
    patient = typed_patient(hospital=hospital)
    return {
        "typed_patient": patient,
        "draft": MatchRequestFactory(patient=patient),
        "run": stored_run([world.match_unit], request__patient=patient),
        "queued": SearchRunFactory(request__patient=patient),
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


def request_of_run(name: str, roles: frozenset[Role], /, **more: Any) -> Row:
    return Row(
        name,
        roles,
        lambda w: {"pk": w.run.request_id},
        other=lambda w: {"pk": w.other_run.request_id},
        **more,
    )


CRITERIA = {
    "loci": "A,B,DRB1",
    "floor_antigen6": "5",
    "statuses": "LISTED",
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
    request_of_run("matching:run-repeat", SUBMIT, method="post", ok=(302,)),
    a("matching:run-detail", "run", ok=(200,)),
    a("matching:run-progress", "queued", ok=(200,)),
    a("matching:run-cancel", "queued", SUBMIT, method="post", ok=(302,)),
    a("matching:run-export", "run", ok=(200,)),
    Row(
        "matching:run-unit",
        VIEW,
        lambda w: {"pk": w.run.pk, "unit_pk": w.match_unit.pk},
        other=lambda w: {"pk": w.other_run.pk, "unit_pk": w.match_unit.pk},
        ok=(200,),
    ),
    Row(
        "matching:run-pair",
        VIEW,
        lambda w: {"pk": w.run.pk, "unit_pk": w.match_unit.pk},
        other=lambda w: {"pk": w.other_run.pk, "unit_pk": w.match_unit.pk},
        ok=(200,),
    ),
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
    a("api:run-cancel", "queued", SUBMIT, method="post", json=True, ok=(200,)),
]
