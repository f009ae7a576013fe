"""What is said of a text that was read: what is wrong in it, or what was done. Worded when it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.utils.functional import Promise

from core.hla_messages import typing_error_text
from hla.errors import TypingError

Messages = Mapping[str, str | Promise]


@dataclass(frozen=True)
class Finding:
    """One thing said. line: from 1, 0 for the text as a whole; column: as the text names it.

    The reader of each kind of text has a subclass with its sentences: `messages`, the first that knows the code.
    """

    messages: ClassVar[tuple[Messages, ...]] = ()

    line: int
    column: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    error: TypingError | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The sentence in the reader's language."""
        if self.error is not None:
            return typing_error_text(self.error)
        sentence = next(known[self.code] for known in self.messages if self.code in known)
        return str(sentence) % {"line": self.line, **self.params}
