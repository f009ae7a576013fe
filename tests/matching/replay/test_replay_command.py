"""manage.py search_replay: what it says, and by which exit status a script knows."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bank.models import CordBloodUnit
from core.models import AuditEntry
from hospitals.models import Patient
from matching.engine.search import ENGINE_VERSION
from matching.management.commands import search_replay
from matching.models import SearchReplay, SearchResult, SearchRun
from tests.factories.match_list import queued_run
from tests.matching.replay.cases import forget_all, moved_on, touch

pytestmark = pytest.mark.django_db(transaction=True)  # the ledger is written at commit


def said(run: Any, **options: Any) -> tuple[int, str]:
    """Exit status and what was printed, as in a process that has never seen this search."""
    forget_all()
    out = StringIO()
    try:
        call_command("search_replay", str(run), stdout=out, **options)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_identical_is_0_by_id_and_by_number(found: SearchRun) -> None:
    entries = AuditEntry.objects.count()

    status, text = said(found.pk)

    assert status == 0
    assert "IDENTICAL: all 15 figures and 6 rows of 21 columns are what is stored." in text
    assert "0 new units, 0 gone, 0 changed, 0 only shifted by others, 6 the same." in text
    assert f"inventory as of change {found.ledger_number}," in text
    assert said(f"{found.request.number.lower()}/{found.run_no}") == (status, text)
    assert (AuditEntry.objects.count(), SearchReplay.objects.count()) == (entries, 0)


def test_different_is_1_and_says_where(found: SearchRun, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(found, 2, tnc_e7=1.5)
    SearchRun.objects.filter(pk=found.pk).update(funnel=found.funnel | {"below_floor": 7})

    status, text = said(found.pk, no_today=True)

    assert status == 1
    assert "DIFFERENT: of 15 figures and 6 rows of 21 columns, 3 values are not what is stored." in text
    assert f"rank 2, tnc_e7: stored 1.5, recomputed {found.results.get(rank=2).unit.tnc_e7}" in text
    assert "funnel.below_floor: stored 7, recomputed 0" in text
    assert "ledger, search.complete.below_floor: stored 7, in the ledger 0" in text
    assert "IDENTICAL" not in text
    assert "today" not in text


def test_of_many_the_first_are_printed(found: SearchRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matching.replays.SHOWN", 2)
    SearchResult.objects.filter(run=found).update(tnc_e7=None)

    assert "  and 4 more" in said(found.pk, no_today=True)[1]


def test_impossible_is_2_and_says_why(found: SearchRun, some: dict[str, CordBloodUnit]) -> None:
    CordBloodUnit.objects.filter(pk=some["five"].pk).update(tnc_e7=151)
    SearchRun.objects.filter(pk=found.pk).update(engine_version="0", prediction={"error": "e"})

    status, text = said(found.pk)

    assert status == 2
    assert "CANNOT BE RECOMPUTED: The inventory of that time cannot be restored" in text
    assert f"Made by engine 0, recomputed by engine {ENGINE_VERSION}." in text
    assert "stored no probabilities" in text
    assert "IDENTICAL" not in text


def test_units_that_differ_today_are_listed(found: SearchRun, some: dict[str, CordBloodUnit]) -> None:
    moved_on(some)

    status, text = said(found.pk)

    assert status == 0
    assert ": 2 new units, 2 gone, " in text
    assert "  N-1 new: not listed -> rank 1, LISTED, antigen6 6-6" in text
    assert f"  {some['six'].unit_no} gone: rank 1, LISTED, antigen6 6-6" in text


def test_of_many_units_the_first_are_listed(
    found: SearchRun, some: dict[str, CordBloodUnit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matching.replays_today.SHOWN", 1)
    moved_on(some)

    assert "  and " in said(found.pk)[1]


def test_a_patient_that_cannot_be_read_today(found: SearchRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_replay, "with_todays_data", lambda *_: {"reason": {"text": "No such name."}})

    assert "With today's data this search cannot be made: No such name." in said(found.pk)[1]


@pytest.mark.parametrize("name", ["nothing", "MR-1900-0001/1", "0f8c2a1e-6c0f-4a53-9f0e-9c7f4f1d2b11"])
def test_an_unknown_search(db: None, name: str) -> None:
    with pytest.raises(CommandError, match=f"There is no search {name}") as caught:
        call_command("search_replay", name)

    assert caught.value.returncode == 2


def test_a_search_that_has_not_finished(patient: Patient) -> None:
    with pytest.raises(CommandError, match="has not finished") as caught:
        call_command("search_replay", str(queued_run(patient).pk))

    assert caught.value.returncode == 2
