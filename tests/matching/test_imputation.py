"""The inventory imputed beforehand: once, only what is new, the same as a search would."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from hla.frequencies.demo import demo_set
from matching import inventory, predictions, reference, services, tasks
from matching.models import InventoryImputation, SearchRun
from matching.presenters import frequencies
from matching.services import imputation
from tests.factories.matching import typed_patient
from tests.matching.snapshots import changed, listed
from tests.matching.test_runs import OTHER_GL, XX_GL, executed, submitted

pytestmark = pytest.mark.django_db(transaction=True)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.glob("imputed/*/*.imputed"))


def test_only_what_is_new_is_imputed(own_files: Path) -> None:
    listed(3)
    listed(gl=XX_GL)

    assert services.imputation_refresh() == 2
    assert services.imputation_refresh() == 0
    listed(gl=OTHER_GL)
    assert services.imputation_refresh() == 1
    assert len(files(own_files)) == 2
    row = InventoryImputation.objects.get()
    assert (row.populations, row.units, row.typings) == ("", 5, 3)
    assert sum(row.units_by_basis.values()) == 5
    assert row.sets[0]["step"] == "built-in"


def test_each_population_by_its_own_sets(own_files: Path) -> None:
    listed(populations="HAN")
    listed(populations="HAN")
    listed()

    tasks.impute()

    found = {row.populations: row.units for row in InventoryImputation.objects.all()}
    assert found == {"HAN": 2, "": 1}


def test_a_population_that_is_gone_is_no_longer_counted(own_files: Path) -> None:
    (unit,) = listed(populations="HAN")
    services.imputation_refresh()
    changed(unit, populations="")
    services.imputation_refresh()

    assert [row.populations for row in InventoryImputation.objects.all()] == [""]


def test_nothing_is_done_where_no_set_serves(own_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed()
    assert services.imputation_refresh() == 1
    monkeypatch.setattr(predictions, "prepared", lambda choices, resolver: None)
    listed()

    assert services.imputation_refresh() == 0
    assert not InventoryImputation.objects.exists()


def test_another_process_of_this_host_is_not_disturbed(own_files: Path) -> None:
    listed()
    (own_files / "imputed").mkdir()
    with (own_files / "imputed" / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert services.imputation_refresh() == 0

    assert services.imputation_refresh() == 1


def test_folders_of_other_sets_go_after_a_week(own_files: Path) -> None:
    listed()
    old, young = own_files / "imputed" / "old", own_files / "imputed" / "young"
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "x.imputed").touch()
    week_ago = time.time() - (imputation.KEPT_DAYS + 1) * 86_400
    os.utime(old, (week_ago, week_ago))

    services.imputation_refresh()

    assert not old.exists()
    assert young.exists()


def test_a_search_finds_the_same_with_and_without(own_files: Path) -> None:
    for gl in (None, XX_GL, OTHER_GL):
        listed(**({"gl": gl} if gl else {}))
    before = stored(executed(submitted(typed_patient())))
    services.imputation_refresh()
    predictions.forget()
    after = stored(executed(submitted(typed_patient())))

    assert before
    assert before == after


def stored(run: SearchRun) -> list[tuple[Any, ...]]:
    found = run.results.order_by("rank").values_list("unit_id", "p0_of6", "p0_of8", "p0_of10", "prediction")
    return list(found)


def test_units_are_told_apart_by_population(own_files: Path) -> None:
    (one,), (other,) = listed(populations="HAN"), listed()
    snapshot = inventory.current(reference.resolver())
    found = imputation.by_populations(snapshot)

    assert {text: len(rows) for text, rows in found.items()} == {"HAN": 1, "": 1}
    assert snapshot.unit_ids(found["HAN"])[0].tobytes() == one.pk.bytes
    assert snapshot.unit_ids(found[""])[0].tobytes() == other.pk.bytes


def test_the_page_of_a_set_says_what_it_explains(own_files: Path) -> None:
    """OTHER_GL has B*08:01, which the demonstration set lacks."""
    assert frequencies.inventory_explained(demo_set().checksum) is None
    listed(3, gl=XX_GL)
    listed(gl=OTHER_GL.replace("B*46:01", "B*46:XX"))

    services.imputation_refresh()

    assert frequencies.inventory_explained(demo_set().checksum) == "75 % of 4 units that it serves"
    assert frequencies.inventory_explained("another") is None


def test_of_a_large_inventory_a_sample_is_looked_at_and_nothing_kept(
    own_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imputation, "KEPT_UNITS", 5)
    monkeypatch.setattr(imputation, "SAMPLED_UNITS", 4)
    listed(4, gl=XX_GL)
    listed(4, gl=OTHER_GL.replace("B*46:01", "B*46:XX"))

    assert services.imputation_refresh() == 0

    row = InventoryImputation.objects.get()
    assert (row.units, row.sampled, sum(row.units_by_basis.values())) == (8, 4, 8)
    assert files(own_files) == []
    told = frequencies.inventory_explained(demo_set().checksum)
    assert told is not None
    assert told.startswith("about ")
    assert told.endswith(" % of 8 units that it serves, estimated from 4 of them")


def test_a_sample_is_drawn_again_after_an_hour_or_for_other_data(
    own_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imputation, "KEPT_UNITS", 1)
    listed(3)
    services.imputation_refresh()
    first = InventoryImputation.objects.get().ledger_number
    listed(1)
    services.imputation_refresh()
    imputation.forget()  # another process
    services.imputation_refresh()
    assert InventoryImputation.objects.get().ledger_number == first

    InventoryImputation.objects.update(updated_at=timezone.now() - imputation.SAMPLED_EVERY)
    services.imputation_refresh()
    second = InventoryImputation.objects.get().ledger_number
    assert second > first

    listed(1)
    InventoryImputation.objects.update(sets=[])  # others are in use now
    imputation.forget()  # also in a process that has not seen the others
    services.imputation_refresh()
    assert InventoryImputation.objects.get().ledger_number > second
