"""Both languages: what is collected from the sources, what the catalogue promises, what a reader sees."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from django.template import engines
from django.utils import translation
from django.utils.translation.template import templatize

from scripts import messages
from scripts.messages import BadText, Text, placeholders, python_texts, template_texts

TEMPLATES = [
    ('{% translate "Save" %}', [Text("Save")]),
    ("{% trans 'Save' as label %}{{ label }}", [Text("Save")]),
    ('{% translate "Open" context "state of a job" %}', [Text("Open", "", "state of a job")]),
    ('{% translate "50 % cut" %}', [Text("50 %% cut")]),
    ('{% translate "say \\"no\\"" %}', [Text('say "no"')]),
    ("{% translate variable %}", []),
    ('{{ name|default:_("not known") }}', [Text("not known")]),
    ('{{ _("Units") }} {{ my_("Patients") }}', [Text("Units")]),
    (
        '{% include "a.html" with text=_("A (b)") tone="good" label=_(\'C\') only %}',
        [Text("A (b)"), Text("C")],
    ),
    ("{% blocktranslate %}Hello {{ name }}!{% endblocktranslate %}", [Text("Hello %(name)s!")]),
    (
        "{% blocktranslate trimmed with n=units|length %}\n  {{ n }} units,\n  5 % open\n{% endblocktranslate %}",
        [Text("%(n)s units, 5 %% open")],
    ),
    ("{% blocktranslate %}\n kept {% endblocktranslate %}", [Text("\n kept ")]),
    (
        "{% blocktranslate trimmed count n=units|length %}{{ n }} unit{% plural %}{{ n }} units{% endblocktranslate %}",
        [Text("%(n)s unit", "%(n)s units")],
    ),
    (
        '{% blocktranslate context "order" with x=_("given") %}{{ x }} first{% endblocktranslate %}',
        [Text("given"), Text("%(x)s first", "", "order")],
    ),
    ('{% comment %}{% translate "not this" %}{% endcomment %}{% translate "this" %}', [Text("this")]),
    ('{# {% translate "nor this" %} #}', []),
    ('{% verbatim %}{% translate "nor that" %}{% endverbatim %}', []),
    (
        '{# Translators: a bank of cord blood #}{% translate "Bank" %}{% translate "Unit" %}',
        [Text("Bank", comment="Translators: a bank of cord blood"), Text("Unit")],
    ),
]


@pytest.mark.parametrize(("source", "expected"), TEMPLATES, ids=[source for source, _texts in TEMPLATES])
def test_template_texts_are_collected_as_django_looks_them_up(source, expected):
    assert list(template_texts(source)) == expected


def djangos_own_reading(source: str) -> set[Text]:
    """What Django's templatize hands to xgettext: calls of gettext functions between blanked-out text."""
    literal = r"u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    call = re.compile(
        rf"\b(gettext|pgettext|ngettext|npgettext|_)\({literal}(?:, {literal})?(?:, {literal})?"
    )
    found = set()
    for function, *literals in call.findall(templatize(source)):
        values = [ast.literal_eval(text) for text in literals if text]
        found.add(Text(**dict(zip(messages.KEYWORDS[function], values, strict=False))))
    return found


def test_every_template_is_read_as_django_reads_it():
    templates = [path.read_text(encoding="utf-8") for path in (messages.ROOT / "templates").rglob("*.html")]

    ours = {replace(text, comment="") for source in templates for text in template_texts(source)}
    theirs = {text for source in templates for text in djangos_own_reading(source)}

    assert len(theirs) > 300
    assert ours == theirs


@pytest.mark.parametrize(
    "source",
    [
        '{{ _("5 % open") }}',
        "{% blocktranslate %}{{ n|length }} units{% endblocktranslate %}",
        "{% blocktranslate %}{% if n %}units{% endif %}{% endblocktranslate %}",
        "{% blocktranslate %}without an end",
        '{% translate "Open" context variable %}',
    ],
)
def test_texts_that_cannot_be_translated_are_refused(source):
    with pytest.raises(BadText):
        list(template_texts(source))


def test_python_texts_are_collected_from_every_gettext_function():
    source = """
label = _("Unit")
long = gettext_lazy("first half, "
                    "second half")
many = ngettext_lazy("%(n)d unit", "%(n)d units", "n")
state = pgettext("state of a job", "Open")
both = npgettext("rank", "%(n)d place", "%(n)d places", 3)
dynamic = _(label)
inside = f"{word} {_('of')} {translation.gettext('units')}"
class Kind(TextChoices):
    CORD = "cord", _("Cord blood")
"""

    assert list(python_texts(source)) == [
        Text("Unit"),
        Text("first half, second half"),
        Text("%(n)d unit", "%(n)d units"),
        Text("Open", "", "state of a job"),
        Text("%(n)d place", "%(n)d places", "rank"),
        Text("of"),
        Text("units"),
        Text("Cord blood"),
    ]


@pytest.mark.parametrize("source", ['_(f"{n} units")', '_("units " + place)', '_("%d units" % n)'])
def test_a_text_put_together_from_parts_is_refused(source):
    with pytest.raises(BadText):
        list(python_texts(source))


class Tree:
    """A small checkout with one template and a catalogue."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "templates").mkdir()

    def write(self, template: str, translations: dict[str, str]) -> None:
        (self.root / "templates" / "page.html").write_text(template, encoding="utf-8")
        messages.update(self.root)
        catalogue = messages.read_catalogue(self.root / messages.CATALOGUE)
        for text, string in translations.items():
            entry = catalogue.get(text)
            entry.string = (string,) if entry.pluralizable else string
        (self.root / messages.CATALOGUE).write_bytes(messages.as_bytes(catalogue))

    def template(self, text: str) -> None:
        (self.root / "templates" / "page.html").write_text(text, encoding="utf-8")


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_check_accepts_a_complete_catalogue(tree):
    tree.write('{% translate "Save" %}', {"Save": "保存"})

    assert messages.check(tree.root) == []


def test_check_names_a_text_that_is_not_translated(tree):
    tree.write('{% translate "Save" %}', {})

    assert messages.check(tree.root) == ["not translated: 'Save'"]


def test_check_names_a_new_text_and_one_that_is_gone(tree):
    tree.write('{% translate "Save" %}', {"Save": "保存"})

    tree.template('{% translate "Keep" %}')

    assert messages.check(tree.root) == ["missing: 'Keep'", "no longer used: 'Save'"]


def test_check_names_lost_placeholders(tree):
    tree.write(
        "{% blocktranslate %}Hello {{ name }}{% endblocktranslate %}", {"Hello %(name)s": "您好 %(nam)s"}
    )

    assert messages.check(tree.root) == ["placeholders ['%(nam)s'] instead of ['%(name)s']: 'Hello %(name)s'"]


def test_check_names_a_fuzzy_entry(tree):
    tree.write('{% translate "Save" %}', {"Save": "保存"})
    path = tree.root / messages.CATALOGUE
    path.write_text(path.read_text().replace('msgid "Save"', '#, fuzzy\nmsgid "Save"'))

    assert "marked fuzzy: 'Save'" in messages.check(tree.root)


def test_update_keeps_translations_and_changes_nothing_twice(tree):
    tree.write('{% translate "Save" %}{% translate "Old" %}', {"Save": "保存", "Old": "旧"})
    tree.template('{% translate "Cancel" %}{% translate "Save" %}')

    messages.update(tree.root)
    once = (tree.root / messages.CATALOGUE).read_bytes()
    messages.update(tree.root)

    catalogue = messages.read_catalogue(tree.root / messages.CATALOGUE)
    assert catalogue.get("Save").string == "保存"
    assert catalogue.get("Cancel").string == ""
    assert catalogue.get("Old") is None
    assert (tree.root / messages.CATALOGUE).read_bytes() == once


def test_a_text_with_and_without_plural_is_refused(tree):
    tree.template(
        '{% translate "unit" %}{% blocktranslate count n=1 %}unit{% plural %}units{% endblocktranslate %}'
    )

    with pytest.raises(BadText, match="give one of them a context"):
        messages.collect(tree.root)


CATALOGUE = messages.read_catalogue(messages.ROOT / messages.CATALOGUE)


def test_every_entry_of_the_catalogue_keeps_its_placeholders():
    broken = [
        (entry.id, fault)
        for entry in CATALOGUE
        if entry.id
        for fault in messages.faults(entry)
        if fault.startswith("placeholders")
    ]

    assert broken == []


def test_a_percent_sign_stays_doubled_where_the_text_is_filled_in():
    entry = Message("%(share)s %% done", string="完成 %(share)s %", flags=["python-format"])

    assert placeholders(entry.id) == ["%%", "%(share)s"]
    assert list(messages.faults(entry)) == ["placeholders ['%(share)s'] instead of ['%%', '%(share)s']"]


PAGE = """{% translate "Save" %}|{% blocktranslate trimmed count n=n with who=who %}
 {{ n }} unit for {{ who }}
{% plural %}
 {{ n }} units for {{ who }}
{% endblocktranslate %}|{% translate "50 % off" %}|{{ nothing|default:_("none") }}|{% translate "Save" context "verb" %}
"""


@pytest.fixture
def chinese(tree, settings):
    """A compiled catalogue of a page of its own, in force."""
    tree.write(
        PAGE,
        {
            "Save": "保存",
            "%(n)s unit for %(who)s": "供 %(who)s 的 %(n)s 份脐带血",
            "50 %% off": "减 50 %%",
            "none": "无",
        },
    )
    path = tree.root / messages.CATALOGUE
    catalogue = messages.read_catalogue(path)
    catalogue.get("Save", "verb").string = "储存"
    path.write_bytes(messages.as_bytes(catalogue))
    messages.compile_all(tree.root)
    settings.LOCALE_PATHS = [tree.root / "locale"]
    with translation.override("zh-hans"):
        yield


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("count", [1, 3])
def test_a_page_is_shown_in_chinese(count):
    template = engines["django"].from_string(PAGE)

    shown = template.render({"n": count, "who": "P-17"})

    assert shown.strip() == f"保存|供 P-17 的 {count} 份脐带血|减 50 %|无|储存"


def test_the_real_catalogue_speaks_chinese_with_the_plural_of_chinese(tmp_path, settings):
    messages.write_compiled(CATALOGUE, tmp_path / "zh_Hans" / "LC_MESSAGES" / "django.mo")
    settings.LOCALE_PATHS = [tmp_path]

    with translation.override("zh-hans"):
        texts = [translation.gettext("My work"), translation.gettext("Simplified Chinese")]

    assert texts == ["我的工作", "简体中文"]
