"""The name of a processing method, spelled one way, so that figures by method are not split."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bank.choices import PROCESSING_METHODS
from core.errors import InvalidInput

MAX_METHOD = 40
_KNOWN = {method.lower(): method for method in PROCESSING_METHODS}
MESSAGES = {"method_too_long": _("At most %(most)s characters.")}


def canonical_method(text: str) -> str:
    """A method in our spelling where it is one of PROCESSING_METHODS, else as the bank writes it.

    Raises InvalidInput `method_too_long`.
    """
    plain = " ".join(text.replace("\0", "").split())
    if len(plain) > MAX_METHOD:
        params = {"most": MAX_METHOD}
        raise InvalidInput(
            "method_too_long", MESSAGES["method_too_long"], field="processing_method", params=params
        )
    return _KNOWN.get(plain.lower(), plain)
