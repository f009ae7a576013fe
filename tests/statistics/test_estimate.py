"""`manage.py estimate`: any statistician's CSV through the estimators of the dashboards."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from scripts.survival_sets import bmt, bmt_causes
from transplants.statistics.cli import main
from transplants.statistics.rows import FileError, read_rows

ROOT = Path(__file__).resolve().parents[2]
BMT_HEAD = "time,event,group,strata,age"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Real transplants as files: disease-free survival, and its two causes."""
    d, folder = bmt(), tmp_path_factory.mktemp("csv")
    found = {}
    for name, event in (("dfs", d["d3"]), ("causes", bmt_causes().event)):
        rows = zip(d["t2"], event, d["group"], d["z3"], d["z1"], strict=True)
        path = folder / f"{name}.csv"
        path.write_text("\n".join([BMT_HEAD, *(",".join(map(str, row)) for row in rows)]) + "\n")
        found[name] = str(path)
    return found


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def without(path: str, column: str, folder: Path) -> str:
    rows = [line.split(",") for line in Path(path).read_text().splitlines()]
    place = rows[0].index(column)
    left = folder / f"without_{column}.csv"
    left.write_text("\n".join(",".join(row[:place] + row[place + 1 :]) for row in rows))
    return str(left)


def test_km_by_group(files, capsys) -> None:
    found = asked(capsys, "km", "--csv", files["dfs"], "--times", "100,365,9999", "--limits", "log")

    assert [(g["group"], g["n"], g["events"]) for g in found["groups"]] == [
        (1, 38, 24),
        (2, 54, 25),
        (3, 45, 34),
    ]
    first = found["groups"][0]
    assert [point["time"] for point in first["points"]] == [100, 365, 9999]
    assert first["points"][2]["survival"] is None
    assert set(first["median"]) == {"value", "lower", "upper"}
    assert (found["estimate"], found["n"], found["events"], found["level"]) == ("km", 137, 83, 0.95)
    assert "log" in found["method"]


def test_cif_without_groups_at_every_event(files, capsys, tmp_path) -> None:
    found = asked(capsys, "cif", "--csv", without(files["causes"], "group", tmp_path))

    causes = found["groups"][0]["causes"]
    assert [(c["cause"], c["events"]) for c in causes] == [(1, 42), (2, 41)]
    at = {point["time"]: point for point in causes[0]["points"]}
    assert max(t for t in at if t <= 365)
    assert at[max(t for t in at if t <= 365)]["incidence"] == pytest.approx(0.21216545012)


def test_gray_and_logrank_with_strata(files, capsys, tmp_path) -> None:
    both = asked(capsys, "gray", "--csv", files["causes"])["tests"]
    one = asked(capsys, "gray", "--csv", without(files["causes"], "strata", tmp_path), "--cause", "1")[
        "tests"
    ]
    logrank = asked(capsys, "logrank", "--csv", files["dfs"])

    assert [t["cause"] for t in both] == [1, 2]
    assert both[0]["chi_square"] == pytest.approx(11.762521684)
    assert one[0]["chi_square"] == pytest.approx(11.92288204859)
    assert (logrank["chi_square"], logrank["df"]) == pytest.approx((13.5879361364, 2))
    assert [g["observed"] for g in logrank["groups"]] == [24, 25, 34]
    assert "stratified" in logrank["method"]


def test_cox_takes_every_other_column(files, capsys, tmp_path) -> None:
    found = asked(capsys, "cox", "--csv", files["dfs"])
    few = asked(
        capsys,
        "cox",
        "--csv",
        without(files["dfs"], "strata", tmp_path),
        "--covariates",
        "group",
        "--ties",
        "breslow",
    )

    assert [e["covariate"] for e in found["effects"]] == ["group=2", "group=3", "age"]
    assert found["effects"][2]["coefficient"] == pytest.approx(0.00798656435731)
    assert found["proportional_hazards"]["terms"][0]["chi_square"] == pytest.approx(2.431311660669)
    assert [round(e["ratio"], 4) for e in few["effects"]] == [0.5632, 1.4661]
    assert set(few) >= {"likelihood_ratio", "wald", "score", "log_likelihood", "null_log_likelihood"}


def test_cox_with_rows_in_time_and_categories(capsys, tmp_path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "subject,entry,time,event,stage\na,0,5,0,early\na,5,9,1,late\nb,0,7,0,early\nc,0,8,1,early\nd,2,11,1,late\ne,0,4,1,late\n"
    )

    found = asked(capsys, "cox", "--csv", str(path), "--categories", "stage")

    assert [e["covariate"] for e in found["effects"]] == ["stage=late"]


def test_finegray(files, capsys, tmp_path) -> None:
    path = without(files["causes"], "strata", tmp_path)

    found = asked(capsys, "finegray", "--csv", path, "--covariates", "group")

    assert [round(e["ratio"], 4) for e in found["effects"]] == [0.4478, 1.6628]
    assert asked(capsys, "finegray", "--csv", path, "--cause", "2")["method"].endswith("cause 2")
    assert main(["finegray", "--csv", files["causes"]]) == 1
    assert "takes no strata" in capsys.readouterr().err


def test_the_answer_as_text(files, capsys) -> None:
    for statistic in ("km", "cif", "logrank", "gray", "cox"):
        file = files["causes" if statistic in ("cif", "gray") else "dfs"]
        assert main([statistic, "--csv", file]) == 0
        out = capsys.readouterr().out
        assert out.startswith(f"estimate: {statistic}\nn: 137\n")
        assert "{" not in out
        assert "nan" not in out
    assert main(["km", "--csv", files["dfs"], "--times", "9999"]) == 0
    assert "–" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        ("", 1, "The first line is empty. Write the names of the columns into it"),
        ("time,event\n", 2, "There are no rows."),
        ("day,event\n1,0\n", 1, "There is no column time. There are day, event."),
        ("time,event,time\n1,0,2\n", 1, "Line 1: the column time is there twice."),
        ("time,event\n1,0\n\n2,1,5\n", 1, "Line 4: 3 values for 2 columns."),
        ("time,event\n1,0\n\n-2,1\n", 2, "column time, line 4: The time -2.0 is negative. Count from day 0"),
        (
            "time,event\n1,0\n2,Dead\n",
            2,
            "column event, line 3: The event Dead is text, not a code. Write 0 for censored",
        ),
        ("time,event\n1,0\n,1\n", 2, "column time, line 3: The value is missing."),
        (
            "time;event\n1;0\n2,5;1\n",
            2,
            "column time, line 3: The value 2,5 is not a number. Write a number with a decimal point.",
        ),
        ("time,event\n1,0\n2,2\n", 2, "column event, line 3: The event 2 says that there are several causes"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_where_and_why(
    tmp_path, capsys, text: str, status: int, told: str
) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(text)

    assert main(["km", "--csv", str(path)]) == status
    caught = capsys.readouterr()
    assert told in caught.err
    assert caught.err.startswith("estimate: ")
    assert caught.out == ""


def test_a_line_is_counted_over_values_of_several_lines() -> None:
    rows = read_rows(io.StringIO('\ufefftime,event,"note"\n1,0,"two\nlines"\n2,x,\n'))

    assert (list(rows.columns), rows.lines, len(rows)) == (["time", "event", "note"], [3, 4], 2)


def test_labels_are_numbers_only_if_all_are() -> None:
    rows = read_rows(["group,other\n", "10,1\n", "9,x\n"])

    assert (rows.labels("group"), rows.labels("other")) == ([10, 9], ["1", "x"])
    with pytest.raises(FileError, match="There is no column age"):
        rows.column("age")


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["km", "--csv", "/nowhere/x.csv"], 1, "/nowhere/x.csv cannot be read: No such file or directory."),
        (["km", "--csv", "-", "--times", "1,x"], 1, "--times 1,x is not a list of numbers such as 100,365."),
        (["km", "--csv", "-", "--level", "95"], 2, "A confidence level of 95.0 is not between 0 and 1."),
        (["logrank", "--csv", "-"], 1, "There is no column group."),
        (["cox", "--csv", "-"], 1, "There is no covariate. Add a column for each."),
    ],
)
def test_a_wish_that_cannot_be_met(arguments, status: int, told: str, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("time,event\n1,0\n2,1\n"))

    assert main(arguments) == status
    assert told in capsys.readouterr().err


def test_a_file_in_another_encoding_is_told(tmp_path, capsys) -> None:
    path = tmp_path / "gbk.csv"
    path.write_bytes("time,event,组\n1,0,白血病\n".encode("gbk"))

    assert main(["km", "--csv", str(path)]) == 1
    assert "it is not UTF-8 text" in capsys.readouterr().err


def test_wrong_usage_ends_with_1(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["median", "--csv", "x"])

    assert ended.value.code == 1
    assert "manage.py estimate: " in capsys.readouterr().err


def run_process(var: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "QIDAI_ENV": "production", "QIDAI_VAR": str(var)},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_manage_py_needs_no_database_and_starts_nothing(tmp_path, files) -> None:
    run = run_process(
        tmp_path / "var",
        "manage.py",
        "estimate",
        "km",
        "--csv",
        "-",
        "--json",
        stdin="time,event\n5,1\n9,0\n",
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)["groups"][0]["points"][0]["survival"] == 0.5
    assert not (tmp_path / "var").exists()
    helped = run_process(tmp_path / "var", "manage.py", "help", "estimate")
    assert helped.returncode == 0
    assert "Kaplan–Meier (km)" in helped.stdout


def test_the_package_loads_neither_pandas_nor_scipy() -> None:
    heavy = {"pandas", "scipy", "lifelines", "numba", "sklearn"}
    ours = ("cli", "observed_expected", "disclosure", "cohort", "completeness")
    code = (
        "import sys, " + ", ".join(f"transplants.statistics.{name}" for name in ours) + "; "
        f"print(sorted({{name.partition('.')[0] for name in sys.modules}} & {heavy}))"
    )
    assert run_process(Path("/nowhere"), "-c", code).stdout == "[]\n"


def test_django_knows_the_command(files) -> None:
    out = io.StringIO()

    call_command("estimate", "km", "--csv", files["dfs"], "--times", "365", "--json", stdout=out)

    assert json.loads(out.getvalue())["n"] == 137
    with pytest.raises(CommandError, match="estimate ended with status 1") as caught:
        call_command("estimate", "km", "--csv", "/nowhere", stderr=io.StringIO())
    assert caught.value.returncode == 1
    assert np.isfinite(json.loads(out.getvalue())["groups"][0]["points"][0]["survival"])
