"""The words that cells of a list may hold for each answer: codes, what they are called in both languages, a few more.

Anything else is refused, also the numbers of a statistician's coding: 0 and 1 mean other things to other people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import TextChoices
from django.utils import translation

from bank.imports.columns import Reader, choice
from hospitals.choices import DIAGNOSES, Cmv, Sex
from transplants.choices_orders import GraftType
from transplants.choices_outcomes import (
    Contact,
    GraftFailure,
    Recovery,
    YesNo,
)

_YES_NO = {
    "y": "yes",
    "是": "yes",
    "有": "yes",
    "n": "no",
    "否": "no",
    "无": "no",
    "不详": "unknown",
    "未知": "unknown",
}
_MORE: dict[type[TextChoices], Mapping[str, str]] = {
    YesNo: _YES_NO,
    Recovery: _YES_NO,
    GraftFailure: {
        "无": "no", "否": "no", "原发": "primary", "继发": "secondary", "不详": "unknown", "未知": "unknown",
    },
    Contact: {"存活": "alive", "活": "alive", "deceased": "dead", "died": "dead", "死亡": "dead", "失访": "lost"},
    Sex: {"f": "F", "female": "F", "女": "F", "m": "M", "male": "M", "男": "M"},
    Cmv: {"pos": "P", "neg": "N", "阳性": "P", "阴性": "N", "+": "P", "-": "N"},
    GraftType: {"单份": "single", "双份": "double"},
}  # fmt: skip


def answers(kind: type[TextChoices]) -> Reader:
    """A reader of cells of that list of answers. Raises CellError choice_unknown with the codes that are allowed."""

    def read(text: str, today: Any) -> Any:
        return choice(_words(kind), ", ".join(kind.values))(text, today)

    return read


def diagnosis(text: str, today: Any) -> str:
    """Its code, or its name in either language."""
    return str(choice(_diagnoses(), ", ".join(entry.code for entry in DIAGNOSES))(text, today))


@lru_cache(maxsize=32)
def _words(kind: type[TextChoices]) -> dict[str, str]:
    named = ((value, label) for value, label in kind.choices)
    return _known(named) | {word.lower(): code for word, code in _MORE.get(kind, {}).items()}


@lru_cache(maxsize=1)
def _diagnoses() -> dict[str, str]:
    return _known((entry.code, entry.label) for entry in DIAGNOSES)


def _known(named: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Lower-case words to codes; a word that two codes share means neither."""
    pairs = list(named)
    found: dict[str, str] = {}
    shared: set[str] = set()
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            for code, label in pairs:
                word = str(label).lower()
                if found.setdefault(word, code) != code:
                    shared.add(word)
    return {word: code for word, code in found.items() if word not in shared} | {
        code.lower(): code for code, _label in pairs
    }
