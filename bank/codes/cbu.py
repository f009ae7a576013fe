"""CBU id of EMDIS and WMDA (dictionary field 205): the hub's code and the bank's unit number, at most 17 long."""

from __future__ import annotations

import re

from bank.codes.errors import CodeError

MAX_LENGTH = 17
HUB_LENGTHS = (2, 3, 4)
HUB_PATTERN = "[A-Z0-9]{2,4}"
_HUB = re.compile(HUB_PATTERN)


def build(hub: str, unit_no: str) -> str:
    """Raises CodeError: cbu_hub, cbu_too_long."""
    if not _HUB.fullmatch(hub):
        raise CodeError("cbu_hub", hub=hub[:20])
    cbu_id = hub + unit_no
    if len(cbu_id) > MAX_LENGTH:
        raise CodeError("cbu_too_long", cbu=cbu_id, length=str(len(cbu_id)), most=str(MAX_LENGTH))
    return cbu_id
