"""Addresses of follow-up, blood counts, facts and rules, pages and API."""

from __future__ import annotations

from typing import Any

from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.outcomes import alive, editor_of, handed_in, transplanted
from transplants.services_facts import facts_stamp
from transplants.services_follow_up import follow_up_save, stamp

R = Role
HOSPITAL = frozenset({R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
# Written out, so that a change of the policy must be meant.
VIEW = HOSPITAL | {R.QA, R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR}
RULES = frozenset({R.QA, R.MEDICAL_DIRECTOR})


def build(world: World) -> None:
    for name in ("", "other_"):
        patient = getattr(world, f"{name}patient")
        row = transplanted(500, patient=patient, sequence=7)
        user = editor_of(row)
        form = handed_in(row, "d100", user)
        draft = follow_up_save(transplant_id=row.pk, visit="m6", answers={}, seen="", user=user)
        for kind, value in {"followed": row, "handed_form": form, "kept_form": draft}.items():
            setattr(world, f"{name}{kind}", value)


def _of(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "kwargs": lambda world: {"pk": getattr(world, kind).pk, **more},
        "other": lambda world: {"pk": getattr(world, f"other_{kind}").pk, **more},
    }


def _day(world: World, days: int, name: str = "") -> str:
    row = getattr(world, f"{name}followed")
    return f"{alive(row, 'd100', days)['contact_on']}"


def _form(world: World) -> dict[str, Any]:
    return {"contact": "alive", "contact_on": _day(world, 370), "action": "hand_in"}


def _correction(world: World) -> dict[str, Any]:
    return {
        "contact": "alive",
        "contact_on": _day(world, 99),
        "reason": "r",
        "seen": stamp(world.handed_form),
    }


def _counts(name: str) -> Any:
    return lambda world: {
        "transplant": str(getattr(world, f"{name}followed").pk),
        "days": [{"counted_on": _day(world, 20, name), "anc_e9_per_l": "0.5"}],
    }


def _draft(name: str) -> Any:
    return lambda world: {
        "transplant": str(getattr(world, f"{name}followed").pk),
        "visit": "y1",
        "hand_in": True,
        "contact": "alive",
        "contact_on": _day(world, 370, name),
    }


N, A = "transplants:", "api:"
ROWS = [
    Row(f"{N}follow-up-list", VIEW),
    Row(f"{N}follow-up-export", VIEW),
    Row(f"{N}follow-up-rules", RULES),
    Row(
        f"{N}follow-up-rules",
        RULES,
        method="post",
        data=lambda world: {
            "remind_every_days": "7",
            "tell_bank_after_days": "30",
            "graft_failure_day": "42",
            "reason": "r",
        },
    ),
    Row(f"{N}follow-up-detail", VIEW, **_of("handed_form")),
    Row(f"{N}follow-up-correct", HOSPITAL, **_of("handed_form")),
    Row(f"{N}follow-up-correct", HOSPITAL, **_of("handed_form"), method="post", data=_correction),
    Row(
        f"{N}follow-up-discard",
        HOSPITAL,
        **_of("kept_form"),
        method="post",
        data=lambda world: {"seen": stamp(world.kept_form)},
    ),
    Row(f"{N}follow-up-edit", HOSPITAL, **_of("followed", visit="y1")),
    Row(f"{N}follow-up-edit", HOSPITAL, **_of("followed", visit="y1"), method="post", data=_form),
    Row(f"{N}transplant-facts", HOSPITAL, **_of("followed")),
    Row(
        f"{N}transplant-facts",
        HOSPITAL,
        **_of("followed"),
        method="post",
        data=lambda world: {"seen": facts_stamp(world.followed), "atg": "yes"},
    ),
    Row(f"{N}count-list", VIEW, **_of("followed")),
    Row(
        f"{N}count-list",
        HOSPITAL,
        **_of("followed"),
        method="post",
        data=lambda world: {"c-TOTAL_FORMS": "0", "c-INITIAL_FORMS": "0"},
    ),
    Row(
        f"{N}count-file",
        HOSPITAL,
        **_of("followed"),
        method="post",
        data=lambda world: {"text": "day,anc\n20,0.5\n"},
    ),
    Row(f"{N}count-remove", HOSPITAL, **_of("followed"), method="post"),
    Row(f"{A}follow-up-list", VIEW, json=True),
    Row(f"{A}follow-up-detail", VIEW, **_of("handed_form"), json=True),
    Row(f"{A}follow-up-list", HOSPITAL, method="post", data=_draft(""), json=True),
    Row(
        f"{A}follow-up-list",
        HOSPITAL,
        method="post",
        data=_draft("other_"),
        json=True,
        hidden_from=HOSPITAL,
    ),
    Row(f"{A}follow-up-correct", HOSPITAL, **_of("handed_form"), method="post", data=_correction, json=True),
    Row(f"{A}follow-up-due-list", VIEW, json=True),
    Row(
        f"{A}blood-count-list",
        VIEW,
        query="?transplant=00000000-0000-4000-8000-000000000000",
        json=True,
    ),
    Row(f"{A}blood-count-list", HOSPITAL, method="post", data=_counts(""), json=True),
    Row(
        f"{A}blood-count-list",
        HOSPITAL,
        method="post",
        data=_counts("other_"),
        json=True,
        hidden_from=HOSPITAL,
    ),
    Row(
        f"{A}transplant-facts",
        HOSPITAL,
        **_of("followed"),
        method="post",
        data=lambda world: {"seen": facts_stamp(world.followed), "atg": "yes"},
        json=True,
    ),
]
