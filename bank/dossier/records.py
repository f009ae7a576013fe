"""Rows as records: each column with a value for programs and a text for people. A new column appears by itself."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from core.models import User

Text = Callable[[Any], str]
# (model, column) -> how people read it, where that is not how it is kept.
TEXTS: dict[tuple[str, str], Text] = {}


@dataclass(frozen=True)
class Field:
    """name: of the column, in English and stable; value: JSON types only; text: in the reader's language."""

    name: str
    value: Any
    text: str


@dataclass(frozen=True)
class Record:
    """type, id: of the row that it is of; what is derived has a type of its own and the key of its source."""

    type: str
    id: str
    fields: tuple[Field, ...]

    def as_json(self) -> dict[str, Any]:
        return {"type": self.type, "id": self.id, **{one.name: one.value for one in self.fields}}

    def get(self, name: str) -> Field | None:
        return next((one for one in self.fields if one.name == name), None)


# --- of rows --------------------------------------------------------------------------------------


def records_of(
    rows: models.QuerySet[Any],
    *,
    skip: Iterable[str] = (),
    more: Callable[[Any], Iterable[Field]] | None = None,
    names: Iterable[str] = (),
) -> list[Record]:
    """All columns of all rows, in the order of the rows; further ones in one query, whatever their number.

    skip: columns that say what the dossier is of; more: fields beside the columns; names: rows that the names of
    others are made of, `item__form`.
    """
    left_out = {"id", *skip}
    columns = rows.model._meta.concrete_fields
    related = [one.name for one in columns if one.is_relation and one.name not in left_out]
    related += names
    found = rows.select_related(*related) if related else rows
    return [record_of(row, left_out, more(row) if more else ()) for row in found]


def record_of(row: models.Model, skip: Iterable[str] = (), more: Iterable[Field] = ()) -> Record:
    left_out = {"id", *skip}
    columns = [_column(row, one) for one in row._meta.concrete_fields if one.name not in left_out]
    return Record(row._meta.label, str(row.pk), (*columns, *more))


def _column(row: models.Model, column: models.Field[Any, Any]) -> Field:
    value = getattr(row, column.name)
    text = TEXTS.get((row._meta.label, column.name))
    if text is not None:
        return Field(column.name, plain(value), text(value))
    if column.choices and value not in (None, ""):
        return Field(column.name, plain(value), str(getattr(row, f"get_{column.name}_display")()))
    return made(column.name, value)


def made(name: str, value: Any, text: str | None = None) -> Field:
    return Field(name, plain(value), shown(value) if text is None else text)


# --- values ---------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """JSON types only: an instant in UTC, a day, a person as {id, name}, another row as {type, id, name}."""
    match value:
        case None | bool() | int() | float():
            return value
        case dt.datetime():
            return utc(value)
        case dt.date():
            return value.isoformat()
        case User():
            return {"id": str(value.pk), "name": str(value)}
        case models.Model():
            return {"type": value._meta.label, "id": str(value.pk), "name": name_of(value)}
        case bytes() | memoryview():
            return bytes(value).hex()
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case str():
            return str(value)
        case _:
            return str(value)


def utc(at: dt.datetime) -> str:
    """2026-11-28T04:30:00.123456Z"""
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def name_of(row: models.Model) -> str:
    """Its name, in English whoever reads it: the code of a node, the file of a batch, the text of a question."""
    with translation.override("en"):
        return _called(row)


def _called(row: models.Model) -> str:
    """In the language that is active, where its name has any."""
    for attribute in ("path", "code", "file_name", "unit_no"):
        if found := getattr(row, attribute, ""):
            return str(found)
    return str(row)


def shown(value: Any) -> str:
    """For people, in the language that is active."""
    match value:
        case None | "":
            return ""
        case bool():
            return _("yes") if value else _("no")
        case float():
            return f"{value:.10g}"
        case dt.datetime():
            return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S %Z")
        case dt.date():
            return value.isoformat()
        case User() | Promise() | UUID():
            return str(value)
        case models.Model():
            return _called(value)
        case Mapping():
            return "; ".join(f"{key}: {_inner(one)}" for key, one in value.items())
        case list() | tuple():
            return "; ".join(map(_inner, value))
        case _:
            return str(value)


def _inner(value: Any) -> str:
    """Inside a list or object: a nested one as it is kept."""
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(plain(value), ensure_ascii=False)
    return shown(value) if value not in (None, "") else "–"
