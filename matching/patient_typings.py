"""The typing of a patient as a search keeps it, read by a nomenclature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput
from core.hla_messages import typing_error_text
from hla.errors import TypingError
from hla.resolve import Resolver
from hla.typing import Typing, parse_pair

Typed = Mapping[str, Sequence[str]]  # locus -> canonical texts of its two values


def parsed(typed: Typed, resolver: Resolver) -> Typing:
    """Stored texts as a typing, read by the nomenclature of `resolver`. Raises TypingError."""
    return Typing.of(parse_pair(locus, first, second, resolver) for locus, (first, second) in typed.items())


def readable(typed: Typed, resolver: Resolver) -> Typing:
    """As `parsed`. Raises InvalidInput in words for people."""
    try:
        return parsed(typed, resolver)
    except TypingError as error:
        raise InvalidInput(
            "patient_typing_unreadable",
            _("The patient's typing cannot be read by release %(release)s: %(why)s"),
            field="patient",
            params={"release": resolver.nomenclature.release, "why": typing_error_text(error)},
        ) from error
