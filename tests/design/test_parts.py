"""What the parts say for edge values; how they look is seen in the gallery."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import RequestContext, engines
from django.test import RequestFactory

from core.pages import Sort


def render(part: str, query: str = "", **context: Any) -> str:
    """The part as a page includes it, with the query string of that page; white space in one."""
    handed = "".join(f" {name}={name}" for name in context)
    source = f'{{% include "_components/{part}.html"{" with" + handed if handed else ""} only %}}'
    template = engines["django"].from_string(source).template
    request = RequestFactory().get("/list/" + query)
    return " ".join(template.render(RequestContext(request, context)).split())


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize(
    ("low", "high", "shown"), [(6, 6, "6/6"), (4, 6, "4–6/6"), (0, 6, "0–6/6"), (0, 0, "0/6")]
)
def test_class_is_a_range_unless_certain(low: int, high: int, shown: str) -> None:
    assert render("class_range", value={"min": low, "max": high, "of": 6}) == shown


@pytest.mark.parametrize("mark", ["allele", "potential", "antigen", "antigen-possible", "mismatch"])
def test_mark_has_a_word(mark: str) -> None:
    html = render("mark", mark=mark)

    assert re.search(r'role="img" aria-label="[a-z ,]*match', html)
    assert f"m-{mark}" in html


def test_position_without_typing_says_so() -> None:
    cell = {"first": {"text": "", "mark": "potential"}, "second": {"text": "01:02", "mark": "allele"}}

    assert text(render("match_cell", cell=cell)) == "? not typed ✓ 01:02"


def test_dose_below_the_line_is_named_not_only_coloured() -> None:
    html = render("dose_meter", value=1.9, text="1.9", needed=2.5, scale=10)

    assert "below" in text(html)
    assert 'aria-label="1.9, needed 2.5"' in html
    assert '<rect width="19%" height="10" rx="5" class="low"/>' in html
    assert '<line x1="25%" x2="25%"' in html


def test_dose_without_a_line_or_without_a_value() -> None:
    assert "<line" not in render("dose_meter", value=1.9, text="1.9", needed=None, scale=10)
    assert text(render("dose_meter", value=None, needed=2.5, scale=10)) == "–"


@pytest.mark.parametrize(("percent", "shown"), [(0, "0 %"), (98, "98 %"), (None, "–")])
def test_probability_zero_is_not_unknown(percent: int | None, shown: str) -> None:
    assert text(render("prob_bar", percent=percent)) == shown


def test_probability_has_a_line_per_class_and_words_for_one_and_two_mismatches() -> None:
    lines = [
        {
            "label": "8/8",
            "text": "62 %",
            "rest": ["7/8 31 %", "6/8 6 %"],
            "percent": 62,
            "lead": True,
        }
    ]
    mark = {"text": "estimate", "tone": "maybe", "why": "Not explained by HAN v2."}

    html = render("prob_cell", p={"lines": lines, "mark": mark})

    assert text(html) == "8/8 62 % 7/8 31 % · 6/8 6 % estimate Not explained by HAN v2."
    assert 'title="8/8 62 %, 7/8 31 %, 6/8 6 %"' in html
    assert '<rect width="62%"' in html


def test_no_estimate_is_said_with_its_reason_not_as_zero() -> None:
    html = render("prob_cell", p={"lines": [], "none": "no estimate", "why": "Not explained by HAN v2."})

    assert text(html) == "no estimate Not explained by HAN v2."


def test_cell_of_a_locus_carries_its_probability() -> None:
    cell = {
        "first": {"text": "01:02", "mark": "potential"},
        "second": {"text": "", "mark": "potential"},
        "probability": "C: no mismatch 62 %",
    }

    html = render("match_cell", cell=cell)

    assert 'title="C: no mismatch 62 %"' in html
    assert text(html).endswith("C: no mismatch 62 %")


def test_pages_keep_filters_and_sort() -> None:
    page = Paginator(range(2000), 50).page(3)

    html = render("pagination", "?q=a%26b&sort=-tnc&page=3", page=page)

    assert "101–150 of 2,000" in text(html)
    assert set(re.findall(r'href="([^"]+)"', html)) == {
        "?q=a%26b&amp;sort=-tnc&amp;page=1",
        "?q=a%26b&amp;sort=-tnc&amp;page=2",
        "?q=a%26b&amp;sort=-tnc&amp;page=4",
        "?q=a%26b&amp;sort=-tnc&amp;page=40",
    }


def test_one_page_has_no_links() -> None:
    assert "href" not in render("pagination", page=Paginator(range(7), 50).page(1))


@pytest.mark.parametrize(
    ("key", "state", "link"),
    [
        ("-tnc", 'aria-sort="descending"', "?q=a&amp;sort=tnc"),
        ("tnc", 'aria-sort="ascending"', "?q=a&amp;sort=-tnc"),
        ("din", "", "?q=a&amp;sort=-tnc"),  # numbers begin with the greatest
    ],
)
def test_head_turns_the_order_round_and_starts_at_page_one(key: str, state: str, link: str) -> None:
    columns = [{"label": "TNC", "key": "tnc", "num": True, "unit": "×10⁷"}]

    html = render("table_head", "?q=a&page=7", columns=columns, sort=Sort(key, (key,)))

    assert f'href="{link}"' in html
    assert state in html


class WeightForm(forms.Form):
    weight_kg = forms.DecimalField(label="Weight", max_value=250, help_text="without clothes")
    sex = forms.ChoiceField(choices=[("f", "female"), ("m", "male")], widget=forms.RadioSelect)


def test_field_ties_help_and_error_to_the_input() -> None:
    form = WeightForm({"weight_kg": "1240"})

    html = render("field", field=form["weight_kg"], unit="kg")

    described = re.search(r'aria-describedby="([^"]+)"', html)
    assert described
    assert set(described.group(1).split()) == {"id_weight_kg_helptext", "id_weight_kg_error"}
    assert all(f'id="{name}"' in html for name in described.group(1).split())
    assert 'value="1240"' in html
    assert 'aria-invalid="true"' in html


def test_choices_are_a_named_group() -> None:
    html = render("field", field=WeightForm()["sex"])

    assert "<fieldset" in html
    assert "<legend>Sex</legend>" in html
    assert html.count('type="radio"') == 2


def test_errors_link_to_their_fields() -> None:
    html = render("errors", form=WeightForm({"weight_kg": "1240", "sex": "f"}))

    assert '<a href="#id_weight_kg">Weight</a>' in html
    assert render("errors", form=WeightForm({"weight_kg": "12", "sex": "f"})) == ""


def test_import_errors_say_line_and_column_and_escape_what_people_typed() -> None:
    errors = [{"line": 7, "column": "tnc_e7", "text": "<b>4,100</b> is too much"}]

    html = render("errors", errors=errors, more=3)

    assert 'Line 7, <span class="mono">tnc_e7</span>: &lt;b&gt;4,100' in html
    assert "and 3 more" in html


@pytest.mark.parametrize(
    ("state", "asks"), [("queued", True), ("running", True), ("done", False), ("failed", False)]
)
def test_progress_asks_again_only_while_it_runs(state: str, asks: bool) -> None:
    html = render("progress", state=state, title="Scoring", share=0.62, poll_url="/p/")

    assert ('hx-get="/p/"' in html) is asks
    assert 'aria-valuenow="62"' in html


def test_empty_value_in_a_passport_is_a_dash_and_zero_is_zero() -> None:
    items = [{"label": "Segments", "value": None}, {"label": "Bags", "value": 0, "unit": "pieces"}]

    assert text(render("facts", items=items)) == "Segments – Bags 0 pieces"
