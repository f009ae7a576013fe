"""Addresses of enquiries, pages and API."""

from __future__ import annotations

from typing import Any

from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.bank import UnitFactory
from tests.factories.enquiries import EnquiryFactory, kept_file

R = Role
# Written out, so that a change of the policy must be meant.
VIEW = frozenset({R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
ANSWER = frozenset({R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR})
HOSPITAL = VIEW - ANSWER
DAYS = {"message": 4, "unit_report": 4, "ct": 4, "typing": 4, "markers": 4, "advice": 4}


def build(world: World) -> None:
    world.asked_unit = UnitFactory()
    for name in ("", "other_"):
        patient = getattr(world, f"{name}patient")
        row = EnquiryFactory(patient=patient)
        setattr(world, f"{name}enquiry", row)
        setattr(world, f"{name}enquiry_file", kept_file(row))


def _of(kind: str, name: str = "pk") -> dict[str, Any]:
    return {
        "kwargs": lambda world: {name: getattr(world, kind).pk},
        "other": lambda world: {name: getattr(world, f"other_{kind}").pk},
    }


def _unit(prefix: str) -> Any:
    return lambda world: {
        "patient_pk": getattr(world, f"{prefix}patient").pk,
        "unit_pk": world.asked_unit.pk,
    }


def _text(world: World) -> dict[str, str]:
    return {"text": "because of a test", "cause": "other"}


def _asked(world: World) -> dict[str, str]:
    return {"kind": "message", "subject": "s", "text": "t"}


N, A = "transplants:enquiry-", "api:enquiry-"
ROWS = [
    Row(f"{N}list", VIEW),
    Row(f"{N}export", VIEW),
    Row(f"{N}deadlines", ANSWER),
    Row(f"{N}deadlines", ANSWER, method="post", data=lambda world: {**DAYS, "reason": "r"}),
    Row(f"{N}create", VIEW, **_of("patient", "patient_pk")),
    Row(f"{N}create", VIEW, **_of("patient", "patient_pk"), method="post", data=_asked),
    Row(f"{N}create-unit", VIEW, kwargs=_unit(""), other=_unit("other_")),
    Row(f"{N}create-unit", VIEW, kwargs=_unit(""), other=_unit("other_"), method="post", data=_asked),
    Row(f"{N}detail", VIEW, **_of("enquiry")),
    Row(f"{N}file", VIEW, **_of("enquiry_file")),
    Row(f"{N}reply", VIEW, **_of("enquiry"), method="post", data=_text),
    # what a hospital asked is answered by the bank, and withdrawn by the hospital
    Row(f"{N}answer", VIEW, **_of("enquiry"), method="post", data=_text, forbidden_to=HOSPITAL),
    Row(f"{N}decline", ANSWER, **_of("enquiry"), method="post", data=_text),
    Row(f"{N}cancel", VIEW, **_of("enquiry"), method="post", data=_text, forbidden_to=ANSWER),
    Row(f"{N}take", ANSWER, **_of("enquiry"), method="post"),
    Row(f"{A}list", VIEW, json=True),
    Row(f"{A}detail", VIEW, **_of("enquiry"), json=True),
    Row(
        f"{A}list",
        VIEW,
        method="post",
        data=lambda world: {**_asked(world), "patient": str(world.patient.pk)},
        ok=(201,),
        json=True,
    ),
    Row(
        f"{A}list",
        VIEW,
        method="post",
        data=lambda world: {**_asked(world), "patient": str(world.other_patient.pk)},
        ok=(201,),
        json=True,
        hidden_from=HOSPITAL,
    ),
    Row(f"{A}reply", VIEW, **_of("enquiry"), method="post", data=_text, json=True),
    Row(f"{A}answer", VIEW, **_of("enquiry"), method="post", data=_text, json=True, forbidden_to=HOSPITAL),
    Row(f"{A}decline", VIEW, **_of("enquiry"), method="post", data=_text, json=True, forbidden_to=HOSPITAL),
    Row(f"{A}cancel", VIEW, **_of("enquiry"), method="post", data=_text, json=True, forbidden_to=ANSWER),
]
