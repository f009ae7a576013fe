"""A form that was sent, one service, and what the service says no to: what every page with a form does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict

from core.errors import DomainError


def show_error(form: forms.BaseForm, error: DomainError) -> None:
    """A refusal of a service, beside its field where the form has it, else above the form."""
    field = error.field if error.field in form.fields else None
    form.add_error(field, forms.ValidationError(error.message, code=error.code))


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: what was sent, even if that is nothing; None where the page is only looked at."""
    return request.POST if request.method == "POST" else None


@dataclass(frozen=True)
class Outcome:
    """done: the service was carried out, and gave `value`; else `status` is that of the page that shows the form."""

    done: bool
    status: int
    value: Any = None


def carried_out(request: HttpRequest, form: forms.BaseForm, service: Callable[[], Any]) -> Outcome:
    """The service, if the form was sent and holds; what was typed stays in the form, with what was wrong."""
    if request.method != "POST":
        return Outcome(False, 200)
    if not form.is_valid():
        return Outcome(False, 400)
    try:
        return Outcome(True, 200, service())
    except DomainError as error:
        show_error(form, error)
        return Outcome(False, error.status)
