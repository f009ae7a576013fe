"""Addresses of lists of earlier transplants: whoever chose a file is the only one to see it."""

from __future__ import annotations

from typing import Any

from bank.choices_files import FilePurpose
from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.bank import ImportFileFactory

IMPORTERS = frozenset({Role.QA, Role.MEDICAL_DIRECTOR, Role.ADMIN})


def build(world: World) -> None:
    world.list_of_transplants = ImportFileFactory(purpose=FilePurpose.OUTCOMES)


def of_another(world: World) -> dict[str, Any]:
    return {"pk": world.list_of_transplants.pk}


ROWS = [
    Row("transplants:outcome-import", IMPORTERS),
    Row("transplants:outcome-import", IMPORTERS, method="post", ok=(400,)),  # let in, and the file is missing
    # for everybody but its owner, whoever that is, the file does not exist
    *(
        Row(f"transplants:outcome-import-{name}", IMPORTERS, of_another, method=method, ok=(404,))
        for name, method in (
            ("file", "get"),
            ("findings", "get"),
            ("columns", "post"),
            ("confirm", "post"),
            ("cancel", "post"),
        )
    ),
]
