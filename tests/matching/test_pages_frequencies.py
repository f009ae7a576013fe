"""Pages of haplotype frequency sets."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from core.models import AuditEntry
from core.roles import Role
from hla.frequencies.errors import NOTES
from hla.frequencies.sets import RESOLUTIONS
from matching import frequency_sets
from matching.models import FrequencySet
from matching.presenters import frequencies
from tests.factories.matching import frequency_set
from tests.hla.frequencies.test_sets import made
from tests.matching.test_pages_references import client_of, text_of

pytestmark = pytest.mark.django_db

LIST, DETAIL = "matching:frequency-list", "matching:frequency-detail"


def admin() -> Client:
    return client_of(Role.ADMIN)


def change(step: str, row: FrequencySet) -> Any:
    return admin().post(reverse(f"matching:frequency-{step}", kwargs={"pk": row.pk}), follow=True)


def page_of(row: FrequencySet, client: Client | None = None) -> str:
    return text_of((client or admin()).get(reverse(DETAIL, kwargs={"pk": row.pk})))


def test_without_a_set_the_demonstration_set_is_named_and_shown() -> None:
    assert "The built-in demonstration set serves everybody." in text_of(admin().get(reverse(LIST)))
    page = text_of(admin().get(reverse("matching:frequency-built-in")))

    assert "demo (synthetic)" in page
    assert "Not for clinical use" in page
    assert "A*33:03" in page
    assert "Put to use" not in page


def test_sets_are_listed_with_their_state(django_assert_max_num_queries: Any) -> None:
    frequency_set("AA", is_active=True, is_default=True, is_global=True)
    client = client_of(Role.LAB)
    with django_assert_max_num_queries(20):
        page = text_of(client.get(reverse(LIST)))

    assert "Toy AA v1" in page
    for words in ("in use", "the bank&#x27;s default", "global"):
        assert f">{words}</span>" in page
    assert "load_frequencies" not in page
    assert "load_frequencies" in text_of(admin().get(reverse(LIST)))
    assert "Toy AA v1" in text_of(admin().get(reverse("matching:release-list")))


def test_a_set_is_shown_with_all_its_figures() -> None:
    notes = [{"code": "normalised", "params": {"total": "0.99"}}, {"code": "of_tomorrow", "params": {}}]
    row = frequency_set(notes=notes, coverage=0.7, release="2.16.0")
    page = page_of(row)

    assert "The frequencies add up to 0.99; they were divided by this sum." in page
    assert "<li>of_tomorrow</li>" in page
    assert "truncated" in page
    assert "2.16.0" in page
    assert "70 %" in page
    assert page.count("<polyline") == 1
    assert "style=" not in page
    assert "Coverage by the commonest haplotypes: 50 % by 1 haplotype; 80 % by 2 haplotypes" in page
    for number in ("A*02:01", "50.000", "80.0", "B*08:01", "70.000"):
        assert number in page


def test_what_is_stored_and_cannot_be_read_is_said() -> None:
    row = frequency_set(compiled=b"damaged", compiled_sha256="0" * 64)
    page = page_of(row)

    assert "Load them again" in page
    assert "<polyline" not in page


def test_an_administrator_puts_sets_to_use_and_out_of_use() -> None:
    row = frequency_set()

    assert "is in use from now on" in text_of(change("activate", row))
    assert "default from now on" in text_of(change("make-default", row))
    assert "global set from now on" in text_of(change("make-global", row))
    row.refresh_from_db()
    assert (row.is_active, row.is_default, row.is_global) == (True, True, True)
    assert "is so already" in text_of(change("make-default", row))
    assert "no longer in use" in text_of(change("deactivate", row))
    row.refresh_from_db()
    assert (row.is_active, row.is_default, row.is_global) == (False, False, False)
    assert "cannot be a fallback" in text_of(change("make-global", row))
    assert AuditEntry.objects.filter(action__startswith="frequencies.").count() == 4


@pytest.mark.parametrize(("active", "seen"), [(True, "Put out of use"), (False, "Put to use")])
def test_only_administrators_are_offered_to_change_it(active: bool, seen: str) -> None:
    row = frequency_set(is_active=active)

    assert seen in page_of(row)
    assert seen not in page_of(row, client_of(Role.LAB))


def test_rarer_alleles_are_folded() -> None:
    found = made([((f"DRB1*{at:02}:01", "A*01:01"), 1.0) for at in range(1, 13)])
    alleles = frequencies.content(found)["alleles"]

    assert [(one["locus"], one["count"], len(one["rows"]), len(one["rest"])) for one in alleles] == [
        ("A", 1, 1, 0),
        ("DRB1", 12, 10, 2),
    ]


@pytest.mark.parametrize("size", [1, 2, 10, 11, 1000, 1234])
def test_drawing_and_table_show_the_same_numbers(size: int) -> None:
    found = made([((f"DRB1*{at:04}", "A*01:01"), 1.0) for at in range(1, size + 1)])
    marks, chart = frequencies.coverage_marks(found), frequencies.coverage_chart(found)

    assert [count for count, _ in marks] == sorted({count for count, _ in marks})
    assert (marks[0], marks[-1]) == ((1, pytest.approx(1 / size)), (size, pytest.approx(1)))
    assert len(chart["dots"]) == len(marks)
    points = [tuple(map(float, point.split(","))) for point in chart["points"].split()]
    assert {(dot["x"], dot["y"]) for dot in chart["dots"]} <= set(points)
    assert all(0 <= x <= frequencies.WIDTH and 0 <= y <= frequencies.HEIGHT for x, y in points)
    assert points == sorted(points)


def test_a_set_that_covers_little_says_so() -> None:
    chart = frequencies.coverage_chart(made(coverage=0.4))

    assert chart["summary"] == "Coverage by the commonest haplotypes: –"


def test_notes_are_those_of_the_kernel() -> None:
    with translation.override("en"):
        assert {code: str(text) for code, text in frequencies.NOTES.items()} == dict(NOTES)
    assert set(frequencies.RESOLUTIONS) == set(RESOLUTIONS)


def test_the_share_of_the_inventory_is_not_invented() -> None:
    assert frequencies.inventory_explained(frequency_set()) is None
    assert "Inventory explained" not in page_of(frequency_set("BB"))


def test_a_page_reads_the_file_of_this_host() -> None:
    row = frequency_set()

    assert len(frequency_sets.haplotypes_of(frequency_sets.SetInfo.of(row))) == 3
