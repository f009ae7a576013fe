"""What is wrong with a code that was typed or scanned."""

from __future__ import annotations


class CodeError(ValueError):
    """A text that is not the code it should be. `code` is a key of bank.code_messages.MESSAGES, `params` fill it."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.params = params
