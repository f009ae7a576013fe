"""Addresses of the papers of an order and of the bank's texts on them, pages and API."""

from __future__ import annotations

from typing import Any

from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories import papers as make
from transplants.models import OrderPaper

R = Role
# Written out, so that a change of the policy must be meant.
BANK = frozenset({R.QA, R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.SHIPPING})
VIEW = BANK | {R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN}
EDIT = frozenset({R.QA, R.MEDICAL_DIRECTOR})
APPROVE = frozenset({R.MEDICAL_DIRECTOR})


def build(world: World) -> None:
    for name in ("", "other_"):
        order = make.order(getattr(world, f"{name}patient"))
        setattr(world, f"{name}paper_order", order)
        kept = OrderPaper.objects.create(
            order=order,
            kind="thaw",
            version=1,
            language="en",
            digest="0" * 64,
            pdf=b"%PDF-1.3 not a real one\n",
            pdf_sha256="0" * 64,
            made_by="Shen Jia",
        )
        setattr(world, f"{name}paper_file", kept)
    world.paper_text = make.text(approved=False)


def _paper(prefix: str) -> Any:
    return lambda world: {"pk": getattr(world, f"{prefix}paper_order").pk, "kind": "thaw"}


def _of_order(prefix: str, **more: str) -> Any:
    return lambda world: {"order_pk": getattr(world, f"{prefix}paper_order").pk, **more}


def _kept(prefix: str) -> Any:
    return lambda world: {"pk": getattr(world, f"{prefix}paper_file").pk}


def _text(world: World) -> dict[str, Any]:
    return {"pk": world.paper_text.pk}


def _carriers(world: World) -> dict[str, Any]:
    return {"kind": "carriers"}


N = "transplants:paper-"
ROWS = [
    Row("transplants:order-paper", VIEW, kwargs=_paper(""), other=_paper("other_")),
    Row(f"{N}file", VIEW, kwargs=_kept(""), other=_kept("other_")),
    Row(f"{N}text-list", BANK),
    Row(f"{N}text-detail", BANK, kwargs=_text),
    Row(f"{N}text-edit", EDIT, kwargs=_carriers),
    Row(
        f"{N}text-edit",
        EDIT,
        kwargs=_carriers,
        method="post",
        data=lambda world: {"text_en": "# Handling", "text_zh": "# 操作", "base": ""},
    ),
    # nobody gave a password: the form comes back
    Row(f"{N}text-approve", APPROVE, kwargs=_text, method="post", ok=(400,)),
    Row("api:order-paper-list", VIEW, kwargs=_of_order(""), other=_of_order("other_"), json=True),
    Row(
        "api:order-paper-detail",
        VIEW,
        kwargs=_of_order("", kind="thaw"),
        other=_of_order("other_", kind="thaw"),
        json=True,
    ),
]
