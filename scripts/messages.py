#!/usr/bin/env python3
"""Message catalogues without GNU gettext: collect, check and compile the texts of both languages.

    scripts/messages.py update     collect every text of the sources, keep the translations there are
    scripts/messages.py check      fail unless every text is translated and the catalogue is up to date
    scripts/messages.py compile    write the .mo file beside each .po file

English is the source language and needs no catalogue. Django's `makemessages` wants xgettext, which a
fresh machine lacks: here Python is read from its syntax tree, templates with Django's own lexer.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.template.base import Lexer, Token, TokenType
from django.utils.text import unescape_string_literal
from django.utils.translation import trim_whitespace

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = Path("locale/zh_Hans/LC_MESSAGES/django.po")
SOURCES = ("config", "transplants", "matching", "hospitals", "bank", "core", "hla", "templates")
SKIPPED = {"migrations", "__pycache__"}
# A catalogue that changes with the clock makes every diff noisy: the dates of its header stand still.
NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)

# Which arguments hold context, singular and plural, by the name of the function.
KEYWORDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), ("singular",)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), ("singular", "plural")),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ("context", "singular")),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ("context", "singular", "plural")),
}

LITERAL = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
LITERAL_FIRST = re.compile(LITERAL)
MARKED = re.compile(rf"(?<![\w.])_\(\s*({LITERAL})\s*\)")
PLACEHOLDER = re.compile(r"%%|%\((\w+)\)[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]|%[sdif]|\{(\w*)[^{}]*\}")


class BadText(ValueError):
    """A text in the sources that cannot be translated as it is written."""


@dataclass(frozen=True, order=True)
class Text:
    """One text of the sources. `plural` and `context` are empty where there is none."""

    singular: str
    plural: str = ""
    context: str = ""
    comment: str = ""

    @property
    def id(self) -> str | tuple[str, str]:
        return (self.singular, self.plural) if self.plural else self.singular


# --- Python ---------------------------------------------------------------------------------------
def python_texts(source: str) -> Iterator[Text]:
    """Texts of a Python file: literals inside the gettext functions, wherever they stand, f-strings included.

    Read from the syntax tree: Babel's own reader goes by tokens and sees other calls in other Pythons.
    """
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        names = KEYWORDS.get(_name(call.func))
        if names and len(call.args) >= len(names):
            text = _call_text(names, call.args)
            if text:
                yield text


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _call_text(names: tuple[str, ...], arguments: list[ast.expr]) -> Text | None:
    """None for a variable: its text is collected where it is written."""
    values: dict[str, str] = {}
    for name, argument in zip(names, arguments, strict=False):
        if isinstance(argument, ast.JoinedStr | ast.BinOp):
            raise BadText(f"line {argument.lineno}: a text put together from parts is in no catalogue")
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            values[name] = argument.value
    return Text(**values) if len(values) == len(names) and values["singular"] else None


# --- templates ------------------------------------------------------------------------------------
def template_texts(source: str) -> Iterator[Text]:
    """Texts of a Django template, with placeholders and percent signs as Django looks them up."""
    tokens = iter(Lexer(source).tokenize())
    comment = ""
    for token in tokens:
        if token.token_type == TokenType.COMMENT:
            comment = token.contents if token.contents.startswith("Translators:") else ""
        elif token.token_type == TokenType.VAR:
            yield from _marked(token)
        elif token.token_type == TokenType.BLOCK:
            yield from _block(token, tokens, comment)
            comment = ""


def _block(token: Token, tokens: Iterator[Token], comment: str) -> Iterator[Text]:
    name = token.contents.split(None, 1)[0]
    if name == "comment":
        _skip_to(tokens, "endcomment")
        return
    yield from _marked(token)
    if name in ("translate", "trans"):
        yield from _translate(token, comment)
    elif name in ("blocktranslate", "blocktrans"):
        yield _blocktranslate(token, tokens, comment)


def _skip_to(tokens: Iterator[Token], name: str) -> None:
    for token in tokens:
        if token.token_type == TokenType.BLOCK and token.contents == name:
            return


def _marked(token: Token) -> Iterator[Text]:
    """`_("text")` in a variable, a filter's argument or a tag's argument."""
    for literal in MARKED.findall(token.contents):
        text = unescape_string_literal(literal)
        if "%" in text:
            # Django doubles the sign to look the text up and does not undo it here: it would be shown twice.
            raise BadText(f'line {token.lineno}: % inside _("{text}"); use {{% translate … as … %}}')
        yield Text(text)


def _translate(token: Token, comment: str) -> Iterator[Text]:
    bits = token.split_contents()
    literal = LITERAL_FIRST.match(bits[1])
    if literal:
        text = unescape_string_literal(literal[0]).replace("%", "%%")
        yield Text(text, "", _context(token, bits), comment)


def _context(token: Token, bits: list[str]) -> str:
    if "context" not in bits[1:]:
        return ""
    value = bits[bits.index("context", 1) + 1]
    if not LITERAL_FIRST.fullmatch(value):
        raise BadText(f"line {token.lineno}: the context {value} must be a literal")
    return unescape_string_literal(value)


def _blocktranslate(token: Token, tokens: Iterator[Token], comment: str) -> Text:
    bits = token.split_contents()
    join: Callable[[str], str] = trim_whitespace if "trimmed" in bits else str
    parts: list[list[str]] = [[]]
    for inner in tokens:
        if inner.token_type == TokenType.BLOCK:
            if inner.contents in ("endblocktranslate", "endblocktrans"):
                return Text(*(join("".join(part)) for part in parts), **_extras(token, bits, comment))
            if inner.contents != "plural":
                raise BadText(f"line {inner.lineno}: {{% {inner.contents} %}} inside {{% blocktranslate %}}")
            parts.append([])
        elif inner.token_type == TokenType.VAR:
            parts[-1].append(_placeholder(inner))
        elif inner.token_type == TokenType.TEXT:
            parts[-1].append(inner.contents.replace("%", "%%"))
    raise BadText(f"line {token.lineno}: {{% blocktranslate %}} without its end")


def _extras(token: Token, bits: list[str], comment: str) -> dict[str, str]:
    return {"context": _context(token, bits), "comment": comment}


def _placeholder(token: Token) -> str:
    if not re.fullmatch(r"[\w.]+", token.contents):
        raise BadText(
            f"line {token.lineno}: {{{{ {token.contents} }}}} inside {{% blocktranslate %}}; use with"
        )
    return f"%({token.contents})s"


# --- the whole tree -------------------------------------------------------------------------------
def source_files(root: Path) -> Iterator[Path]:
    """Python files of the apps and all templates, in a stable order."""
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".html", ".txt") and not SKIPPED & set(path.parts):
                yield path


def collect(root: Path = ROOT) -> Catalog:
    """Every text of the sources, without translations."""
    catalogue = _empty()
    for path in source_files(root):
        read = python_texts if path.suffix == ".py" else template_texts
        try:
            texts = list(read(path.read_text(encoding="utf-8")))
        except BadText as error:
            raise BadText(f"{path.relative_to(root)}: {error}") from error
        for text in texts:
            _add(catalogue, text, str(path.relative_to(root)))
    return catalogue


def _add(catalogue: Catalog, text: Text, place: str) -> None:
    """One text may stand alone here and with a plural there: gettext keeps one entry, so must we."""
    known = catalogue.get(text.singular, text.context or None)
    if known and known.pluralizable != bool(text.plural):
        raise BadText(
            f"{place}: {text.singular!r} is used with a plural and without; give one of them a context"
        )
    catalogue.add(
        text.id,
        locations=[(place, 1)],
        auto_comments=[text.comment] if text.comment else [],
        context=text.context or None,
    )


def _empty() -> Catalog:
    return Catalog(
        locale="zh_Hans",
        project="Qidai",
        version="1",
        copyright_holder="the Qidai authors",
        header_comment="# Simplified Chinese. Written by `make messages`: translate, do not reorder.",
        creation_date=NO_DATE,
        revision_date=NO_DATE,
        msgid_bugs_address="the issue tracker",
        last_translator="the Qidai authors",
        language_team="zh_Hans",
        charset="utf-8",
        fuzzy=False,
    )


def read_catalogue(path: Path) -> Catalog:
    """The catalogue as it stands in the file; empty when there is none."""
    if not path.exists():
        return _empty()
    with path.open("rb") as file:
        return read_po(file, locale="zh_Hans")


def merged(sources: Catalog, known: Catalog) -> Catalog:
    """The texts of the sources with the translations that are known. Nothing is guessed, nothing kept unused."""
    for message in sources:
        old = known.get(message.id[0] if message.pluralizable else message.id, message.context)
        if message.id and old and old.pluralizable == message.pluralizable:
            message.string = old.string
            message.flags |= old.flags & {"fuzzy"}
            message.user_comments = old.user_comments
    return sources


def as_bytes(catalogue: Catalog) -> bytes:
    """The file: sorted by text, with file names but no line numbers, so that it changes only with the texts."""
    buffer = BytesIO()
    write_po(buffer, catalogue, sort_output=True, include_lineno=False, ignore_obsolete=True, width=0)
    return buffer.getvalue().rstrip(b"\n") + b"\n"


# --- checks ---------------------------------------------------------------------------------------
def placeholders(text: str) -> list[str]:
    """Names of what is filled in, sorted: `%(name)s`, `%s`, `{name}`, and the doubled percent sign."""
    return sorted(match[0] for match in PLACEHOLDER.finditer(text))


def faults(message: Message) -> Iterator[str]:
    """What is wrong with one entry."""
    forms = list(message.string) if isinstance(message.string, tuple | list) else [message.string]
    if message.fuzzy:
        yield "marked fuzzy"
    if not all(forms):
        yield "not translated"
        return
    # Chinese has one form, said of any number: it must fill in what the English plural fills in.
    wanted = placeholders(message.id[1] if message.pluralizable else message.id)
    for form in forms:
        if sorted(set(placeholders(form))) != sorted(set(wanted)):
            yield f"placeholders {placeholders(form)} instead of {wanted}"


def check(root: Path = ROOT) -> list[str]:
    """Every fault of the catalogue, in words; empty when all is well."""
    path = root / CATALOGUE
    known = read_catalogue(path)
    texts = collect(root)
    wanted = {(message.context, message.id) for message in texts if message.id}
    present = {(message.context, message.id) for message in known if message.id}
    found = [f"missing: {_short(text)}" for _context, text in sorted(wanted - present, key=str)]
    found += [f"no longer used: {_short(text)}" for _context, text in sorted(present - wanted, key=str)]
    found += [f"no longer used: {_short(text)}" for text in known.obsolete]
    found += [f"{fault}: {_short(entry.id)}" for entry in known if entry.id for fault in faults(entry)]
    if not found and as_bytes(merged(texts, known)) != path.read_bytes():
        found.append("order or places differ from the sources")
    return found


def _short(text: object) -> str:
    words = text[0] if isinstance(text, tuple | list) else text
    return repr(words if len(str(words)) <= 90 else f"{str(words)[:90]}…")


# --- commands -------------------------------------------------------------------------------------
def update(root: Path = ROOT) -> int:
    path = root / CATALOGUE
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue = merged(collect(root), read_catalogue(path))
    path.write_bytes(as_bytes(catalogue))
    open_entries = sum(1 for message in catalogue if message.id and list(faults(message)))
    print(f"{CATALOGUE}: {len(catalogue)} texts, {open_entries} to translate")
    return 0


def compile_all(root: Path = ROOT) -> int:
    for path in sorted((root / "locale").rglob("*.po")):
        write_compiled(read_catalogue(path), path.with_suffix(".mo"))
    return 0


def write_compiled(catalogue: Catalog, target: Path) -> None:
    """Replace the .mo in one step: a server that starts meanwhile reads the old one or the new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(f".{os.getpid()}")
    with unfinished.open("wb") as file:
        write_mo(file, catalogue)
    unfinished.replace(target)


def check_all(root: Path = ROOT) -> int:
    found = check(root)
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print(f"{len(found)} faults in {CATALOGUE}: run `make messages`, then translate.", file=sys.stderr)
    return 1 if found else 0


COMMANDS: dict[str, Callable[[], int]] = {"update": update, "check": check_all, "compile": compile_all}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return COMMANDS[arguments[0]]()
    except BadText as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
