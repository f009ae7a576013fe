"""A form that was sent, one service, and what the service says no to: what every page with a form does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.http import HttpRequest, QueryDict

from core.errors import DomainError

# Hidden fields that say what a person was shown: of its row the time of change, a digest, a version.
SHOWN: Final = ("shown", "seen", "version")


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


def show_now(refused: forms.BaseForm, fresh: forms.BaseForm) -> None:
    """Make of a refused form, on a page that was made anew, one that can be sent again.

    What was typed stays, with what was wrong. What the next step is about is what the page shows now (SHOWN), and a
    field that is asked for only now is there. fresh: the form as the page offers it now, unbound.
    """
    data: Any = refused.data
    data = data.copy()
    for name in SHOWN:
        if name in refused.fields and name in fresh.fields:
            data[refused.add_prefix(name)] = str(fresh[name].value() or "")
    refused.data = data
    for name in set(refused.fields) - set(fresh.fields) - set(refused.errors):
        del refused.fields[name]
    refused.fields |= {name: field for name, field in fresh.fields.items() if name not in refused.fields}
    refused.order_fields(list(fresh.fields))
