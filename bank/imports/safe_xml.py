"""XML from strangers: no document types, no entities, nothing fetched, not deep; read as a stream, no tree is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from bank.imports.errors import FileError

MAX_DEPTH = 40
PARTS_PER_ROW = 250  # elements; each costs microseconds, and millions of empty ones pack well
_LEAST_PARTS = 100_000
_CHUNK = 1 << 16


class Target(Protocol):
    """What happens to the elements of a document, in their order."""

    def start(self, tag: str, attrib: dict[str, str]) -> None: ...

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...


def push(chunks: Iterable[bytes], target: Target, *, encoding: str | None = None) -> None:
    """Tell `target` of every element. encoding: of the bytes, whatever the document says of itself.

    Raises FileError: xml_entities, xml_broken, xml_encoding, and whatever `target` raises.
    """
    parser: Any = DefusedXMLParser(target=target, encoding=encoding, forbid_dtd=True)
    try:
        for chunk in chunks:
            parser.feed(chunk)
        parser.close()
    except DefusedXmlException as error:
        raise FileError("xml_entities") from error
    except ParseError as error:
        raise FileError("xml_broken", line=error.position[0], column="") from error
    except (ValueError, LookupError) as error:  # an encoding that the parser does not know
        raise FileError("xml_encoding") from error


def chunks_of(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK]


def local(tag: str) -> str:
    """The name without its namespace."""
    return tag.rpartition("}")[2]


class Guard:
    """Counts elements, open ones and all: a file of rows has neither depth nor endless parts."""

    def __init__(self, max_rows: int) -> None:
        self.depth = 0
        self._left = max(PARTS_PER_ROW * max_rows, _LEAST_PARTS)
        self._max_rows = max_rows

    def enter(self) -> None:
        """Raises FileError: xml_too_deep, too_many_rows."""
        self.depth += 1
        self._left -= 1
        if self.depth > MAX_DEPTH:
            raise FileError("xml_too_deep", limit=MAX_DEPTH)
        if self._left < 0:
            raise FileError("too_many_rows", limit=self._max_rows)

    def leave(self) -> None:
        self.depth -= 1
