"""One thing has one word in Chinese, that of the glossary (docs/domain.md), wherever it stands."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Message

from scripts.messages import CATALOGUE, ROOT, read_catalogue

# What the English says, the one word for it ("" where the sentence may turn it), and what once stood for the same.
TERMS = [
    pytest.param(r"(?<!\()\bpolic(y|ies)\b", "策略", "方案", id="policy"),
    pytest.param(r"\bsegments?\b", "血辫", "留样管", id="segment"),
    pytest.param(
        r"\bcannot (tell|be told)\b(?! apart)", "无法判定", "无法判断|无法得知|无法得出", id="cannot tell"
    ),
    pytest.param(r"\bbefore freezing\b", "冻存前", "冷冻前", id="before freezing"),
    pytest.param(r"\bmismatches of 8\b", "8 个等位基因", "位点", id="of 8"),
    pytest.param(r"\bmismatch(es)?\b", "", "错配", id="mismatch"),
    pytest.param(
        r"\bnot met\b|^fails?$|\bfail(ed)? by\b(?! it)|\bmay fail\b",
        "未通过",
        "失败|不合格|不符合|不满足",
        id="not met",
    ),
    pytest.param(r"\beligible\b", "", "合格", id="eligible"),
    pytest.param(r"^(antigen |allele |a better )?class\b", "相合度", "等级|级别", id="class"),
    # 回输 is what is said of a patient's own cells; a unit's is another person's
    pytest.param(r"\binfus(e|ed|ion|ions)\b", "输注", "回输", id="infusion"),
    # a dry shipper keeps the cold
    pytest.param(r"\bhold time\b", "低温维持时间", "保温", id="hold time"),
]


def entries() -> list[Message]:
    return [entry for entry in read_catalogue(ROOT / CATALOGUE) if entry.id]


def first(text: object) -> str:
    return str(text[0] if isinstance(text, tuple | list) else text)


@pytest.mark.parametrize(("said", "word", "others"), TERMS)
def test_one_word_for_one_thing(said: str, word: str, others: str) -> None:
    about = {
        first(entry.id): first(entry.string)
        for entry in entries()
        if re.search(said, first(entry.id), re.IGNORECASE) and not first(entry.id).startswith("Class I")
    }

    assert about, "nothing says it any more: take it out of the list"
    assert {text: chinese for text, chinese in about.items() if word not in chinese} == {}
    assert {text: chinese for text, chinese in about.items() if re.search(others, chinese)} == {}


def test_a_pair_that_fails_is_no_job_that_failed() -> None:
    said = {entry.context: entry.string for entry in entries() if entry.id == "failed"}

    assert said == {None: "失败", "pairs": "未通过"}


def test_the_order_of_a_unit_is_no_order_of_rows() -> None:
    """Without a context it is how a list is sorted; wherever a unit's order is meant, there is one."""
    said = {entry.context: entry.string for entry in entries() if entry.id == "Order"}

    assert said.pop(None) == "顺序"
    assert said.pop("unit") == "订购"  # the button
    assert set(said.values()) == {"订单"}


@pytest.mark.parametrize("folder", ["transplants", "templates/transplants"])
def test_no_page_of_orders_says_order_without_its_context(folder: str) -> None:
    plain = re.compile(r"""\b_\(["']Order["']\)|gettext(_lazy)?\(["']Order["']\)|translate ["']Order["'] %""")
    files = [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.html")]

    assert files
    assert [file.name for file in files if plain.search(file.read_text(encoding="utf-8"))] == []
