"""Addresses of files that are taken in, and of partners: whoever chose a file is the only one to see it."""

from __future__ import annotations

from typing import Any

from bank.choices_files import FilePurpose
from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.bank import ImportFileFactory

IMPORTERS = frozenset({Role.LAB, Role.QA, Role.SEARCH_COORDINATOR})
PARTNER_EDITORS = frozenset({Role.QA, Role.SEARCH_COORDINATOR})


def build(world: World) -> None:
    world.import_file = ImportFileFactory(purpose=FilePurpose.UNITS)


def of_another(world: World) -> dict[str, Any]:
    return {"pk": world.import_file.pk}


ROWS = [
    Row("bank:unit-import", IMPORTERS),
    Row("bank:unit-import", IMPORTERS, method="post", ok=(400,)),  # let in, and told that the file is missing
    Row("bank:results-file", IMPORTERS),
    Row("bank:results-file", IMPORTERS, method="post", ok=(400,)),
    # for everybody but its owner, whoever that is, the file does not exist
    *(
        Row(f"bank:unit-import-{name}", IMPORTERS, of_another, method=method, ok=(404,))
        for name, method in (
            ("file", "get"),
            ("findings", "get"),
            ("columns", "post"),
            ("confirm", "post"),
            ("cancel", "post"),
        )
    ),
    Row("bank:partner-create", PARTNER_EDITORS),
    Row("bank:partner-create", PARTNER_EDITORS, method="post", ok=(400,)),  # let in, and told what is missing
]
