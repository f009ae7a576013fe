"""import_units and the demonstration commands, as a person at a terminal meets them."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bank import services
from bank.models import CordBloodUnit, Donation, MarkerResult, Slot
from core.errors import Conflict
from core.models import Installation, User
from core.roles import Role
from tests.bank.exchange_files import cbu, inventory
from tests.factories.bank import UnitFactory

pytestmark = pytest.mark.django_db

GOOD = "unit_no,tnc_e7,cd34_e6,A_1,B_1,DRB1_1\nU1,130,4,A*11:01,B*40:01,DRB1*09:01\n"
BAD = GOOD + "U2,0,4,A*11:01,B*40:01,DRB1*09:01\n"


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "units.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def run(*arguments: Any) -> tuple[str, str, int]:
    """Output, errors, exit status."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_units", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as end:
        return out.getvalue(), err.getvalue(), int(end.code or 0)
    return out.getvalue(), err.getvalue(), 0


def test_a_good_file(file: Any) -> None:
    out, err, status = run(file(GOOD))

    assert "1 rows: 1 new" in out
    assert (err, status) == ("", 0)
    assert "1 unchanged" in run(file(GOOD))[0]


def test_errors_are_printed_with_their_place_and_end_with_1(file: Any) -> None:
    out, err, status = run(file(BAD))

    assert "line 3 tnc_e7 [number_range] 0 is impossible" in err
    assert "Nothing was written" in out
    assert status == 1
    assert not CordBloodUnit.objects.exists()


def test_many_errors_are_cut(file: Any) -> None:
    _out, err, _status = run(file(GOOD + "U2,0,4,A*11:01,B*40:01,DRB1*09:01\n" * 60))

    assert "and 10 more" in err


def test_json_report(file: Any) -> None:
    out, _err, status = run(file(BAD), "--json", "--skip-bad")

    report = json.loads(out)
    assert (report["rows"], report["ok"], report["failed"], status) == (2, 1, 1, 1)
    assert report["errors"] == [
        {
            "line": 3,
            "column": "tnc_e7",
            "code": "number_range",
            "text": "0 is impossible: it must lie above 0 and not exceed 5000 ×10⁷.",
        }
    ]
    assert CordBloodUnit.objects.count() == 1


def test_xml_is_read_when_its_counts_are_known(file: Any) -> None:
    text = inventory(cbu(TNC_FRZN="13.05", CD34PC_FRZN="4")).decode()

    _out, err, status = run(file(text))
    assert (status, "count_unit_needed" in err) == (1, True)
    run(file(text), "--counts", "e8")
    assert CordBloodUnit.objects.get().tnc_e7 == 130.5


def test_dry_run_says_so(file: Any) -> None:
    assert "Dry run" in run(file(GOOD), "--dry-run")[0]
    assert not CordBloodUnit.objects.exists()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "nowhere.csv")


def test_a_conflict_is_a_sentence(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(**_: Any) -> None:
        raise Conflict("import_raced", "Import the file again.")

    monkeypatch.setattr("bank.management.commands.import_units.units_import", lose)

    with pytest.raises(CommandError, match="again"):
        run(file(GOOD))


def demo(**options: Any) -> str:
    out = io.StringIO()
    options = {"units": 60, "hospitals": 3, "patients": 4, "transplants": 30, "seed": 1} | options
    call_command("demo_data", stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def var(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return tmp_path


@pytest.mark.slow
def test_demo_data_fills_an_empty_installation(var: Path) -> None:
    demo()

    assert CordBloodUnit.objects.count() == 60
    assert set(CordBloodUnit.objects.values_list("synthetic", "bank__code")) == {(True, "QD")}
    assert Donation.objects.count() == 60
    assert MarkerResult.objects.filter(verified_by=None).count() == 10
    waiting = CordBloodUnit.objects.filter(status="QUARANTINE").count()
    assert MarkerResult.objects.count() == 600 + 4 * waiting
    assert (
        Slot.objects.filter(unit__isnull=False).count()
        == CordBloodUnit.objects.exclude(status="DISCARDED").count()
    )
    assert Installation.load().synthetic
    assert (var / "demo-logins.json").stat().st_mode & 0o777 == stat.S_IRUSR | stat.S_IWUSR


def test_results_of_the_demo_are_vouched_for_by_quality_assurance_whatever_the_names(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.demo.PEOPLE", dict.fromkeys(Role, "One Name"))

    demo(units=2)

    verified = MarkerResult.objects.exclude(verified_by=None)
    assert verified.exists()
    assert {person.roles for person in User.objects.filter(pk__in=verified.values("verified_by"))} == {
        frozenset([Role.QA])
    }


@pytest.mark.slow
def test_every_role_can_sign_in_and_hospital_people_have_a_hospital(var: Path, client: Any) -> None:
    demo(units=5)
    logins = json.loads((var / "demo-logins.json").read_text())
    out = io.StringIO()
    call_command("demo_logins", stdout=out)

    assert set(logins) == {*Role.values, "lab-2", "qa-2", "shipping-2"}
    for key, login in logins.items():
        role = key.removesuffix("-2")
        user = User.objects.get(email=login["email"])
        assert user.check_password(login["password"])
        assert user.roles == {role}
        assert login["password"] in out.getvalue()
        assert bool(user.hospital_ids) == role.startswith("hospital")


@pytest.mark.slow
def test_demo_data_refuses_what_is_not_empty(var: Path) -> None:
    UnitFactory()

    with pytest.raises(CommandError, match="not synthetic"):
        demo()
    assert demo(if_empty=True) == ""
    assert CordBloodUnit.objects.count() == 1


@pytest.mark.slow
def test_demo_data_twice(var: Path) -> None:
    demo(units=5)

    with pytest.raises(CommandError, match="already"):
        demo()


def test_demo_data_wants_no_negative_numbers(var: Path) -> None:
    with pytest.raises(CommandError, match="negative"):
        demo(units=-1)
    with pytest.raises(CommandError, match="at least 1"):
        demo(processes=0)


def test_demo_data_wants_no_more_units_than_there_are_numbers(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bank.demo.collected.LAST_SERIAL", 3)

    with pytest.raises(CommandError, match="999,999"):
        demo(units=100)
    assert not Installation.load().synthetic


@pytest.mark.slow
def test_a_demonstration_without_hospitals_has_people_all_the_same(var: Path) -> None:
    demo(units=1, hospitals=0, patients=0)

    assert User.objects.filter(role_grants__role=Role.HOSPITAL_COORDINATOR).exists()


def test_demo_logins_without_a_demonstration(var: Path) -> None:
    out = io.StringIO()

    call_command("demo_logins", stdout=out)

    assert "No demonstration" in out.getvalue()


@pytest.mark.slow
def test_nothing_is_left_of_a_demonstration_that_failed(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("half way")

    monkeypatch.setattr("config.management.commands.demo_data.load_hospitals", fail)

    with pytest.raises(RuntimeError):
        demo(units=5)
    assert not CordBloodUnit.objects.exists()
    assert not Installation.load().synthetic
    assert services.load_limits()
