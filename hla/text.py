"""Reading the text of one typed value into its parts: grammar only, nothing is looked up.

A value is an allele, a G or P group, a family (XX), a multiple allele code, a serological antigen, a list of
these joined by `/`, or one of the marks of WMDA files (UUUU, XXXX, NEW, NNNN). Positions of errors count in the
text as given.
"""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from hla.errors import TypingError, quote
from hla.loci import ABSENT_LOCI, LOCI, SEROLOGY_PREFIX, locus_of
from hla.nomenclature import SUFFIXES, field_key

MAX_LENGTH: Final = 20_000
KEPT_LENGTH: Final = 64  # readings of longer texts are not kept

FIELD: Final = r"(?:0[1-9]|[1-9]\d{1,3})"
ALLELE: Final = re.compile(rf"({FIELD}(?::{FIELD}){{1,3}})([{SUFFIXES}]?)", re.ASCII)
FIELD_ALONE: Final = re.compile(FIELD, re.ASCII)
G_GROUP: Final = re.compile(rf"({FIELD}:{FIELD}:{FIELD})G", re.ASCII)
P_GROUP: Final = re.compile(rf"({FIELD}:{FIELD})P", re.ASCII)
FAMILY: Final = re.compile(rf"({FIELD})(?::XX)?", re.ASCII)
CODED: Final = re.compile(rf"({FIELD}):([A-Z]{{2,6}})", re.ASCII)
SMALL_G: Final = re.compile(rf"({FIELD}:{FIELD})G", re.ASCII)
OLD_NAME: Final = re.compile(rf"(\d{{4,9}})([{SUFFIXES}]?)", re.ASCII)
NO_COLON: Final = re.compile(r"(\d\d)((?:\d\d){0,3})([A-Z]{0,5})", re.ASCII)
PREFIX: Final = r"(?:HLA[-_]?)?"
ANTIGEN: Final = re.compile(rf"{PREFIX}(A|B|C|DR|DQ|DP)W?([1-9]\d{{0,3}})", re.ASCII)
PUBLIC: Final = re.compile(rf"{PREFIX}BW[46]", re.ASCII)
# a name without its asterisk, or with another sign in its place
STARLESS: Final = re.compile(
    rf"{PREFIX}({'|'.join(sorted(LOCI, key=len, reverse=True))}|CW)(?:[-_:.](?=\d)|(?=0[1-9]|\d+:))(.*)",
    re.ASCII,
)
SEPARATORS: Final = re.compile(r"(?<=\d)[._](?=\d|[A-Z]{2,}$)", re.ASCII)
# two values written side by side: "A*02,24", "A 2 3", "A*02:01 A*24:02"; a blank behind the locus is none of them
LEADING_LOCUS: Final = re.compile(
    rf"{PREFIX}\s*(?:{'|'.join(sorted(LOCI, key=len, reverse=True))}|CW)\s+", re.ASCII
)
BREAKS: Final = re.compile(r"[\s,;]")
SEVERAL: Final = re.compile(r"[,;]|\d\s+(?:\d|[A-Z]+\d*\*)", re.ASCII)
CONTINUED: Final = re.compile(rf"(\d+)([{SUFFIXES}]?)", re.ASCII)
BLANKS: Final = frozenset({"", "-"})

# Characters that people paste in place of the plain ones; full-width forms are folded by Unicode itself.
LOOKALIKES: Final = {
    "∗": "*",
    "✱": "*",
    "×": "*",
    "∶": ":",
    "꞉": ":",
    "⁄": "/",
    "∕": "/",
    "、": "/",
} | dict.fromkeys("‐‑‒–—−", "-")
INVISIBLE: Final = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")


class Kind(StrEnum):
    """What sort of thing a value is."""

    ALLELE = "allele"
    G_GROUP = "g_group"
    P_GROUP = "p_group"
    XX = "xx"
    MAC = "mac"
    SEROLOGY = "serology"
    LIST = "list"
    OLD_NAME = "old_name"  # without colons, as before 2010; resolves to the name in use
    SMALL_G = "small_g"  # "02:01g": resolves to the P group
    ABSENT = "absent"  # NNNN: no gene on this haplotype
    UNKNOWN = "unknown"  # blank, UUUU, XXXX, NEW


# What stands between the fields and the tail of a value, and after the tail.
WRITTEN: Final = dict.fromkeys(Kind, ("", "")) | {
    Kind.G_GROUP: ("", "G"),
    Kind.P_GROUP: ("", "P"),
    Kind.XX: (":XX", ""),
    Kind.MAC: (":", ""),
}
# Locus that a serological prefix speaks of; some antigens of DR have genes of their own.
SEROLOGY_LOCUS: Final = {"A": "A", "B": "B", "C": "C", "DR": "DRB1", "DQ": "DQB1", "DP": "DPB1"}
DR_GENES: Final = {"51": "DRB5", "52": "DRB3", "53": "DRB4"}
MARKS: Final = {"UUUU": Kind.UNKNOWN, "XXXX": Kind.UNKNOWN, "NEW": Kind.UNKNOWN, "NNNN": Kind.ABSENT}


class Item(NamedTuple):
    """One member of a value. fields: "02:01"; tail: suffix, code or mark; offset: place in the text."""

    kind: Kind
    locus: str
    fields: str
    tail: str
    offset: int

    @property
    def text(self) -> str:
        """The member as the kernel writes it."""
        if self.kind is Kind.SEROLOGY:
            return SEROLOGY_PREFIX[self.locus] + self.fields
        before, after = WRITTEN[self.kind]
        return f"{self.locus}*{self.fields}{before}{self.tail}{after}"

    @property
    def sort_key(self) -> tuple[tuple[int, ...], str]:
        return field_key(self.fields), self.text


@lru_cache(maxsize=4096)
def fold(char: str) -> str:
    """The plain character that `char` stands for; always exactly one character."""
    if char in LOOKALIKES:
        return LOOKALIKES[char]
    if char in INVISIBLE or char.isspace():
        return " "
    folded = unicodedata.normalize("NFKC", char)
    return folded if len(folded) == 1 else char


def fold_text(text: str) -> str:
    """`text` with look-alike characters replaced, of the same length."""
    return text if text.isascii() else "".join(map(fold, text))


def check_length(text: str, locus: str | None) -> None:
    """Refuse what no typing can be, before any work is done on it."""
    if len(text) > MAX_LENGTH:
        raise TypingError("too_long", locus=locus, text=text, position=0, length=len(text), limit=MAX_LENGTH)


def split_at(text: str, operator: str, offset: int = 0) -> list[tuple[str, int]]:
    """Parts of `text` between operators, each with its offset."""
    parts = []
    for part in text.split(operator):
        parts.append((part, offset))
        offset += len(part) + 1
    return parts


def read_value(locus: str | None, text: str) -> tuple[Item, ...]:
    """The members of one value, in the order given; () for a blank one. Raises TypingError.

    locus: the locus of the column, or None if the value must name it itself.
    """
    return kept_value(locus, text) if len(text) <= KEPT_LENGTH else parsed_value(locus, text)


@lru_cache(maxsize=1 << 16)
def kept_value(locus: str | None, text: str) -> tuple[Item, ...]:
    """As parsed_value; the same short texts come again and again."""
    return parsed_value(locus, text)


def parsed_value(locus: str | None, text: str) -> tuple[Item, ...]:
    """As read_value, without memory."""
    check_length(text, locus)
    folded = fold_text(text)
    if folded.strip() in BLANKS:
        return ()
    items: list[Item] = []
    for part, offset in split_at(folded, "/"):
        items.append(read_item(locus or (items[0].locus if items else None), part, offset, items))
    if len(items) > 1:
        refuse_marks(items)
    return tuple(items)


def refuse_marks(items: list[Item]) -> None:
    """UUUU and its like stand alone."""
    for item in items:
        if item.kind in (Kind.UNKNOWN, Kind.ABSENT):
            raise TypingError("list_member", locus=item.locus, text=item.tail, position=item.offset)


def read_item(locus: str | None, part: str, offset: int, before: list[Item]) -> Item:
    """One member of a list; `before` are the members to its left, which a short form continues."""
    offset += len(part) - len(part.lstrip())
    spelled = "".join(part.split())
    bare = spelled.upper()
    refuse_several(locus, part, offset)
    if before and not bare:
        raise TypingError("list_gap", locus=before[-1].locus, text="/", position=max(0, offset - 1))
    if PUBLIC.fullmatch(bare):
        raise TypingError("public_antigen", locus=locus or "B", text=spelled, position=offset)
    if "*" in bare:
        prefix, body = bare.split("*", 1)
        locus = checked_locus(locus, prefix, bare, offset)
    elif found := ANTIGEN.fullmatch(bare):
        return antigen_item(locus, bare, found[1], found[2], offset)
    elif found := STARLESS.fullmatch(bare):
        locus, body = checked_locus(locus, found[1], bare, offset), found[2]
    else:
        body = bare
    if locus is None:
        raise TypingError("missing_locus", locus=None, text=spelled, position=offset)
    body = SEPARATORS.sub(":", body)
    if before and "*" not in bare and (short := CONTINUED.fullmatch(body)):
        body = continued(before[-1], short[1], offset) + short[2]
    return read_body(locus, body, spelled, offset)


def refuse_several(locus: str | None, part: str, offset: int) -> None:
    """Joining what a blank or comma separates would make another value of two."""
    text = part.strip()
    if BREAKS.search(text) and SEVERAL.search(LEADING_LOCUS.sub("", text.upper(), count=1)):
        raise TypingError("several_values", locus=locus, text=text, position=offset)


def antigen_item(locus: str | None, text: str, prefix: str, number: str, offset: int) -> Item:
    """A serological value; DR51, DR52 and DR53 are carried by genes of their own."""
    found = SEROLOGY_LOCUS[prefix]
    if found == "DRB1":
        found = DR_GENES.get(number, found)
    return Item(Kind.SEROLOGY, checked_locus(locus, found, text, offset), number, "", offset)


def checked_locus(expected: str | None, prefix: str, text: str, offset: int) -> str:
    """Locus that a value names, which must be the expected one if there is one."""
    found = locus_of(prefix) if prefix else expected
    if found is None:
        raise TypingError(
            "unknown_locus", locus=expected, text=prefix or text, position=offset, loci=", ".join(LOCI)
        )
    if expected is not None and found != expected:
        raise TypingError("wrong_locus", locus=expected, text=text, position=offset, found=found)
    return found


def example(locus: str | None) -> str:
    """A well-formed value to show in a hint."""
    return f"{locus or 'A'}*01:01"


def continued(previous: Item, digits: str, offset: int) -> str:
    """The full fields of `06` in `A*02:01/06`, of `0206` and `06` in `A*0201/0206`."""
    if previous.kind is Kind.OLD_NAME and len(digits) in (2, 4):
        return digits if len(digits) == 4 else previous.fields[:2] + digits
    if not FIELD_ALONE.fullmatch(digits):
        return digits
    if previous.kind is not Kind.ALLELE or previous.fields.count(":") != 1:
        raise TypingError("list_shorthand", locus=previous.locus, text=digits, position=offset)
    return f"{previous.fields.split(':')[0]}:{digits}"


def read_body(locus: str, body: str, spelled: str, offset: int) -> Item:
    """The part after the asterisk."""
    if mark := MARKS.get("NEW" if body.endswith(":NEW") else body):
        if mark is Kind.ABSENT and locus not in ABSENT_LOCI:
            raise TypingError("absent_here", locus=locus, text=spelled, position=offset)
        return Item(mark, locus, "", body, offset)
    if found := ALLELE.fullmatch(body):
        return Item(Kind.ALLELE, locus, found[1], found[2], offset)
    if found := G_GROUP.fullmatch(body):
        return Item(Kind.G_GROUP, locus, found[1], "", offset)
    if found := P_GROUP.fullmatch(body):
        return Item(Kind.P_GROUP, locus, found[1], "", offset)
    if found := SMALL_G.fullmatch(body):
        return Item(Kind.SMALL_G, locus, found[1], spelled[-1], offset)
    if (found := FAMILY.fullmatch(body)) and (
        len(found[1]) == 2 or ":" in body or (locus == "DPB1" and len(found[1]) == 3)
    ):
        return Item(Kind.XX, locus, found[1], "", offset)
    if found := CODED.fullmatch(body):
        return Item(Kind.MAC, locus, found[1], found[2], offset)
    if found := OLD_NAME.fullmatch(body):
        return Item(Kind.OLD_NAME, locus, found[1], found[2], offset)
    raise malformed(locus, body, spelled, offset)


def malformed(locus: str, body: str, spelled: str, offset: int) -> TypingError:
    """The clearest error for a body that is no value."""
    if found := NO_COLON.fullmatch(body):
        pairs = [found[1], *re.findall(r"\d\d", found[2])]
        tail = found[3] if len(found[3]) < 2 or len(pairs) > 1 else f":{found[3]}"
        if len(pairs) > 1 or tail.startswith(":"):
            text = f"{locus}*{':'.join(pairs)}{tail}"
            return TypingError("no_colon", locus=locus, text=spelled, position=offset, example=text)
    return TypingError(
        "malformed", locus=locus, text=spelled or quote(body), position=offset, example=example(locus)
    )
