"""Frequency sets: loaded, versioned, put to use for their population or as a fallback, and who is served by which."""

from __future__ import annotations

import shutil
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from core import audit
from core.errors import Conflict, DomainError, InvalidInput
from core.models import AuditEntry
from hla.frequencies.demo import demo_set
from hla.frequencies.files import read_set
from matching import frequency_sets, reference, services
from matching.models import FrequencySet
from tests.factories.matching import ACTOR
from tests.matching.threads import together

pytestmark = pytest.mark.django_db

CONTENT = "A*01:01~B*08:01,0.6\nA*02:01~B*07:02,0.39\n"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that asks the database at every use."""
    monkeypatch.setattr(reference, "RECHECK_SECONDS", -1)


@pytest.fixture
def put(tmp_path: Path) -> Any:
    def write(content: str = CONTENT, name: str = "toy.csv") -> Path:
        path = tmp_path / name
        path.write_text(content)
        return path

    return write


def load(path: Path, population: str = "TOY", **values: Any) -> FrequencySet:
    wanted = {"name": population, "population": population, "actor": ACTOR, **values}
    return services.frequency_set_load(path=path, **wanted)


def state(row: FrequencySet) -> tuple[bool, bool, bool]:
    row.refresh_from_db()
    return row.is_active, row.is_default, row.is_global


UNUSED, IN_USE = (False, False, False), (True, False, False)


def after(service: Any, row: FrequencySet, other: FrequencySet) -> tuple[Any, Any]:
    """States of the row that the service was given and of another."""
    service(found=row, actor=ACTOR)
    return state(row), state(other)


def test_a_set_is_kept_with_all_that_was_said(put: Any) -> None:
    row = load(put(), "toy", name=" Toy ", release="3.58.0")

    assert (row.version, row.name, row.number, row.population) == ("Toy v1", "Toy", 1, "TOY")
    assert (row.entries, row.loci, row.resolution, row.release) == (2, ["A", "B"], "allele", "3.58.0")
    assert (row.total, row.coverage) == (pytest.approx(0.99), 1.0)
    assert row.notes == [{"code": "normalised", "params": {"total": "0.99"}}]
    assert (row.origin, row.loaded_by, str(row)) == ("toy.csv", ACTOR.label, "Toy v1")
    assert state(row) == (True, False, False)
    loaded = AuditEntry.objects.get(action="frequencies.load")
    used = AuditEntry.objects.get(action="frequencies.activate")
    assert (loaded.after["checksum"], loaded.after["version"]) == (row.checksum, "Toy v1")
    assert (used.before, used.after) == ({"is_active": False}, {"is_active": True})


def test_the_same_content_is_one_row(put: Any) -> None:
    first = load(put(), activate=False)
    again = load(put(), activate=False)

    assert first == again
    assert AuditEntry.objects.count() == 1
    assert load(put()).is_active
    assert AuditEntry.objects.count() == 2


def test_other_content_is_the_next_version_and_takes_over(put: Any) -> None:
    first = load(put(), default=True, as_global=True)
    second = load(put(CONTENT.replace("0.39", "0.4")))

    assert (second.version, second.number) == ("TOY v2", 2)
    assert (state(first), state(second)) == ((False, False, False), (True, True, True))
    entry = AuditEntry.objects.filter(action="frequencies.deactivate").get()
    assert (entry.target_key, entry.after) == (
        str(first.pk),
        {"is_active": False, "is_default": False, "is_global": False},
    )


def test_a_set_is_put_to_use_and_out_of_use(put: Any) -> None:
    first, second = load(put()), load(put(CONTENT + "A*03:01~B*07:02,0.01\n"), activate=False)

    assert after(services.frequency_set_activate, second, first) == (IN_USE, UNUSED)
    assert after(services.frequency_set_deactivate, second, first) == (UNUSED, UNUSED)
    with pytest.raises(Conflict, match="Look again"):
        services.frequency_set_deactivate(found=second, actor=ACTOR)


def test_one_default_and_one_global(put: Any) -> None:
    first, second = load(put(), "AA", default=True), load(put(), "BB")

    assert after(services.frequency_set_make_default, second, first) == ((True, True, False), IN_USE)
    assert after(services.frequency_set_make_global, second, first) == ((True, True, True), IN_USE)
    assert after(services.frequency_set_make_global, first, second) == (
        (True, False, True),
        (True, True, False),
    )
    assert after(services.frequency_set_deactivate, first, second) == (UNUSED, (True, True, False))
    with pytest.raises(Conflict, match="cannot be a fallback"):
        services.frequency_set_make_default(found=first, actor=ACTOR)
    with pytest.raises(Conflict, match="cannot be a fallback"):
        load(put(), "CC", activate=False, default=True)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": " "}, "frequencies_name"),
        ({"name": "x" * 71}, "frequencies_name"),
        ({"release": "x" * 81}, "frequencies_name"),
        ({"population": "Han Chinese"}, "frequencies_population"),
        ({"population": ""}, "frequencies_population"),
        ({"path": "/nowhere"}, "frequencies_file_missing"),
    ],
)
def test_what_is_given_is_checked(put: Any, values: dict[str, Any], code: str) -> None:
    given = {"path": put(), "name": "toy", "population": "TOY", "actor": ACTOR, **values}
    with pytest.raises(InvalidInput) as refused:
        services.frequency_set_load(**given)

    assert refused.value.code == code


def test_a_bad_file_changes_nothing(put: Any) -> None:
    row = load(put())
    with pytest.raises(InvalidInput, match="Line 2: the frequency -1 is negative") as refused:
        load(put("A*01:01~B*08:01,0.6\nA*02:01~B*07:02,-1\n"))

    assert refused.value.code == "frequencies_unreadable"
    assert state(row) == (True, False, False)
    assert FrequencySet.objects.count() == 1


def test_a_set_from_an_address(put: Any) -> None:
    assert load(put().as_uri()).entries == 2  # type: ignore[arg-type]


def test_nothing_is_kept_where_the_audit_fails(put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_values: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr(audit, "record", fail)
    with pytest.raises(RuntimeError):
        load(put())

    assert not FrequencySet.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"is_active": False, "is_default": True},
        {"is_active": False, "is_global": True},
        {"name": ""},
        {"population": "han"},
        {"coverage": 1.5},
        {"coverage": 0},
        {"entries": 0},
        {"population": "AA", "is_active": True},
        {"name": "AA"},
        {"is_active": True, "is_default": True},
        {"is_active": True, "is_global": True},
    ],
)
def test_the_database_holds_what_must_hold(put: Any, values: dict[str, Any]) -> None:
    load(put(), "AA", default=True, as_global=True)
    other = load(put(), "BB", activate=False)

    with pytest.raises(IntegrityError), transaction.atomic():
        FrequencySet.objects.filter(pk=other.pk).update(**values)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("service", ["activate", "make_default"])
def test_two_at_once_never_make_two(put: Any, service: str) -> None:
    population = ("AA", "AA") if service == "activate" else ("AA", "BB")
    rows = [
        load(put(CONTENT.replace("0.39", text)), one, activate=service != "activate")
        for one, text in zip(population, ("0.39", "0.4"), strict=True)
    ]
    outcomes = []

    def run(row: FrequencySet) -> None:
        try:
            getattr(services, f"frequency_set_{service}")(found=row, actor=ACTOR)
            outcomes.append("done")
        except DomainError as error:
            outcomes.append(error.code)

    together(*(partial(run, row) for row in rows))

    flag = "is_active" if service == "activate" else "is_default"
    assert FrequencySet.objects.filter(**{flag: True}).count() == 1
    assert outcomes == ["done", "done"]  # one after the other


def test_without_any_set_the_built_in_one_serves() -> None:
    (choice,) = frequency_sets.choose({})
    mixed = frequency_sets.choose({"HAN": 1.0, "UIG": 3.0})

    assert choice.haplotypes is demo_set()
    assert (choice.step, choice.population, choice.weight) == ("built-in", "", 1.0)
    assert choice.info is not None
    assert choice.info.is_built_in
    assert "synthetic" in choice.info.version
    assert [(one.population, one.weight, one.step) for one in mixed] == [
        ("UIG", 0.75, "built-in"),
        ("HAN", 0.25, "built-in"),
    ]


def test_own_population_then_default_then_global(put: Any) -> None:
    aa, bb, cc = (load(put(), population) for population in ("AA", "BB", "CC"))

    def served(population: str) -> tuple[Any, str]:
        (choice,) = frequency_sets.choose({population: 2.0} if population else {})
        return choice.info and choice.info.pk, choice.step

    assert served("AA") == (aa.pk, "own")
    assert served("XX") == (None, "none")
    services.frequency_set_make_global(found=cc, actor=ACTOR)
    assert served("XX") == (cc.pk, "global")
    services.frequency_set_make_default(found=bb, actor=ACTOR)
    assert served("XX") == served("") == (bb.pk, "default")
    services.frequency_set_deactivate(found=aa, actor=ACTOR)
    assert served("AA") == (bb.pk, "default")
    for row in (bb, cc):
        services.frequency_set_deactivate(found=row, actor=ACTOR)
    (choice,) = frequency_sets.choose({"AA": 1})
    assert (choice.step, choice.info, choice.haplotypes) == ("none", None, None)
    assert frequency_sets.active_sets() == ()


def test_each_population_of_a_person_is_looked_up(put: Any) -> None:
    row = load(put(), "AA", default=True)
    found = frequency_sets.choose({"UIG": 1, "AA": 3})

    assert [(one.population, one.weight, one.step) for one in found] == [
        ("AA", 0.75, "own"),
        ("UIG", 0.25, "default"),
    ]
    assert found[0].haplotypes is found[1].haplotypes
    assert found[0].haplotypes is not None
    assert found[0].haplotypes.checksum == row.checksum


@pytest.mark.parametrize(
    "weights", [{"A": 0.0}, {"A": -1.0, "B": 2.0}, {"A": float("nan")}, {"A": float("inf")}]
)
def test_weights_that_are_none(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        frequency_sets.choose(weights)


def test_a_search_looks_at_once(put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    frequency_sets.active_sets()
    monkeypatch.setattr(reference, "RECHECK_SECONDS", 1000)
    row = load(put())

    assert frequency_sets.active_sets()[0].is_built_in
    assert [info.pk for info in frequency_sets.active_sets(look=True)] == [row.pk]


def test_the_bytes_cross_the_connection_once(put: Any, django_assert_num_queries: Any) -> None:
    load(put())
    frequency_sets.choose({"TOY": 1})
    with django_assert_num_queries(1):
        frequency_sets.choose({"TOY": 1})
    frequency_sets.forget()
    with django_assert_num_queries(1):  # another process of this host reads the file
        frequency_sets.choose({"TOY": 1})


def test_loading_again_cures_bytes_that_cannot_be_read(
    put: Any, django_capture_on_commit_callbacks: Any
) -> None:
    row = load(put())
    FrequencySet.objects.update(compiled=b"cut short", compiled_sha256="0" * 64)
    shutil.rmtree(reference.folder(), ignore_errors=True)
    with pytest.raises(Conflict, match="load_frequencies"):
        frequency_sets.choose({"TOY": 1})

    with django_capture_on_commit_callbacks(execute=True):
        assert load(put()) == row

    assert AuditEntry.objects.filter(action="frequencies.renew").exists()
    (choice,) = frequency_sets.choose({"TOY": 1})
    assert choice.haplotypes is not None


def test_the_command_loads_and_says_what(put: Any) -> None:
    out = StringIO()
    given = ["--name", "Toy", "--population", "toy", "--default", "--global"]
    call_command("load_frequencies", str(put()), *given, stdout=out)
    again = ["--name", "Other", "--population", "oth", "--no-activate"]
    call_command("load_frequencies", str(put()), *again, stdout=out)

    assert "The frequencies add up to 0.99; they were divided by this sum." in out.getvalue()
    assert (
        "Toy v1: 2 haplotypes of A, B, population TOY, in use, the bank's default, global." in out.getvalue()
    )
    assert "Other v1: 2 haplotypes of A, B, population OTH, loaded, not in use." in out.getvalue()
    with pytest.raises(CommandError, match="cannot be a fallback"):
        call_command("load_frequencies", str(put()), *again, "--default")
    with pytest.raises(CommandError, match="does not exist"):
        call_command("load_frequencies", "/nowhere", *again)


def test_the_command_takes_what_reading_needs(put: Any) -> None:
    out = StringIO()
    path = put("A,EUR_freq,AFA_freq\n0101,0.7,1\n0201,0.1,0\n")
    given = [
        "--name",
        "T",
        "--population",
        "CAU",
        "--column",
        "EUR",
        "--resolution",
        "g",
        "--release",
        "2.16.0",
    ]
    call_command("load_frequencies", str(path), *given, "--truncated", "--ignore-checksum", stdout=out)

    row = FrequencySet.objects.get()
    assert (row.resolution, row.release, row.coverage) == ("g", "2.16.0", pytest.approx(0.8))


def test_the_command_makes_a_synthetic_set(put: Any, tmp_path: Path) -> None:
    out, path = StringIO(), tmp_path / "made" / "big.csv.gz"
    given = ["--seed", "1", "--out", str(path)]
    call_command("make_frequencies", str(put()), "--size", "3", *given, stdout=out)

    found, _notes = read_set(path, name="big", population="TOY")
    assert len(found) == 3
    assert "synthetic, 3 haplotypes, seed 1" in out.getvalue()
    with pytest.raises(CommandError, match="at most 4 are possible"):
        call_command("make_frequencies", str(put()), "--size", "5", *given)
    with pytest.raises(CommandError, match="at least one"):
        call_command("make_frequencies", str(put()), "--size", "0", *given)


@pytest.mark.slow
def test_the_published_set_of_cau(shared_data: Path) -> None:
    out = StringIO()
    path = shared_data / "frequencies" / "hfx" / "HEGL_CAU.hfx-metadata.json"
    given = ["--name", "NMDP 2007 CAU", "--population", "CAU", "--default"]
    call_command("load_frequencies", str(path), *given, stdout=out)

    row = FrequencySet.objects.get()
    assert (row.entries, row.release, row.resolution) == (3380, "2.16.0", "g")
    (choice,) = frequency_sets.choose({"HAN": 1})
    assert (choice.step, len(choice.haplotypes or ())) == ("default", 3380)
