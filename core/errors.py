"""Errors of the domain: one type a layer above can show to people, in their language, beside the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise


class DomainError(Exception):
    """A rule said no.

    `code` is stable and for programs; `message` is for people and says the cure; `field` names the
    input it belongs to; `details` lists the single findings of a larger input (line, column, code, text).
    """

    status = 400

    def __init__(
        self,
        code: str,
        message: str | Promise,
        *,
        field: str | None = None,
        params: Mapping[str, Any] | None = None,
        details: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(code)
        self.code = code
        self._message = message
        self.field = field
        self.params = dict(params or {})
        self.details = list(details)

    @property
    def message(self) -> str:
        text = str(self._message)
        return text % self.params if self.params else text

    def __str__(self) -> str:
        return self.message


class InvalidInput(DomainError):
    """What was given cannot be taken as it is."""


class NotAllowed(DomainError):
    """The actor may not do this."""

    status = 403


class Conflict(DomainError):
    """Somebody or something else was quicker, or the state does not permit it."""

    status = 409
