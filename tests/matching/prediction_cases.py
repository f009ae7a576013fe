"""Match lists with probabilities, as tests read and change them."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from bank.models import CordBloodUnit
from matching.models import SearchResult, SearchRun
from tests.matching.match_list_pages import detail_url

OPEN = "A*11:XX+A*24:02^B*40:XX+B*46:01^DRB1*09:01+DRB1*15:XX"
UNLINKED = f"{OPEN}^DQB1*02:01+DQB1*02:01"  # no haplotype of the demonstration set has DR15 with DQ2
THREE_LOCI = "A*11:01+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01"


def rows_of(client: Client, run: SearchRun, units: dict[str, CordBloodUnit]) -> dict[str, dict[str, Any]]:
    """Rows of the list by the name of their unit."""
    names = {str(unit.pk): name for name, unit in units.items()}
    return {names[row["key"]]: row for row in client.get(detail_url(run)).context["table"]["rows"]}


def unit_url(run: SearchRun, unit: CordBloodUnit, name: str = "run-unit") -> str:
    return reverse(f"matching:{name}", args=[run.pk, unit.pk])


def notices(client: Client, run: SearchRun) -> list[tuple[str, str]]:
    return [(one["tone"], str(one["text"])) for one in client.get(detail_url(run)).context["notices"]]


def change(run: SearchRun, **prediction: Any) -> None:
    SearchRun.objects.filter(pk=run.pk).update(prediction=run.prediction | prediction)


def bases(run: SearchRun, unit: CordBloodUnit, mine: str, theirs: str) -> SearchResult:
    """Of the patient and of a unit, written down by hand."""
    change(run, patient=run.prediction["patient"] | {"basis": mine, "relaxed": ["C"]})
    result = run.results.get(unit=unit)
    result.prediction["basis"] = theirs
    result.save()
    run.refresh_from_db()
    return result
