"""Rows of a list of earlier transplants, each checked by itself. Knows no database: hospitals are handed in."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bank.imports.errors import CellError, Finding
from hospitals.choices import DIAGNOSES, DIAGNOSIS
from hospitals.plausibility import age_years
from transplants.choices_orders import GraftType
from transplants.choices_outcomes import MOST_AGE_YEARS, Contact, GraftFailure, Recovery, YesNo
from transplants.importing.columns import EVENTS, NEEDED, OF_FORM, OF_TRANSPLANT, READERS
from transplants.importing.errors import TransplantFinding
from transplants.outcomes.derive import DAYS_PER_MONTH

_HAPPENED = frozenset({YesNo.YES, Recovery.YES, GraftFailure.PRIMARY, GraftFailure.SECONDARY})
_ONE_DAY = dt.timedelta(days=1)
_MONTH_DAYS = 31  # a list gives months and day: they may differ by the rounding of months
_ORDER = (
    ("acute", "acute_severe"), ("chronic", "chronic_systemic"), ("neutrophils", "graft_failure"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HistoricRow:
    """One transplant of a list, with all that the list says of it.

    values: in the order of columns.OF_TRANSPLANT; units: each in that of OF_UNIT; form: in that of OF_FORM.
    """

    line: int
    hospital: str
    patient: str
    sequence: int
    values: tuple[Any, ...]
    units: tuple[tuple[Any, ...], ...]
    form: tuple[Any, ...]

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.hospital, self.patient, self.sequence)

    @property
    def day_0(self) -> dt.date:
        day: dt.date = self.values[0]
        return day

    def answer(self, name: str) -> Any:
        return self.form[OF_FORM.index(name)]


@dataclass
class CheckedRows:
    """total: rows of the file, also those that are none."""

    total: int = 0
    rows: list[HistoricRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class ForAll:
    """What somebody says of a whole file. hospitals: codes as people write them, in lower case, to codes.

    hospital: "" where each row names it; own: "" where each row says of each unit whose it is.
    """

    hospitals: Mapping[str, str]
    hospital: str = ""
    own: str = ""


class RowChecker:
    """Reads rows one by one; gathers all that is wrong with one before it is given up."""

    def __init__(self, header: Sequence[str], said: ForAll, today: dt.date) -> None:
        self._header = [name.lower() for name in header]
        self._said = said
        self._today = today
        self._first: dict[tuple[str, str, int], int] = {}
        self._units: dict[str, int] = {}

    def check(
        self, rows: list[tuple[int, list[str]]], into: CheckedRows, tell: Callable[[int], None]
    ) -> None:
        """Takes the rows out of the list as it goes: two copies of a long list are one too many."""
        rows.reverse()
        count = 0
        while rows:
            line, cells = rows.pop()
            row, findings, warnings = self._row(line, cells)
            into.findings += findings
            into.warnings += warnings
            if row is not None:
                into.rows.append(row)
            count += 1
            if count % 500 == 0:
                tell(count)

    def _row(self, line: int, cells: list[str]) -> tuple[HistoricRow | None, list[Finding], list[Finding]]:
        if len(cells) != len(self._header):
            params = {"given": len(cells), "expected": len(self._header)}
            return None, [TransplantFinding(line, "", "cells_count", params)], []
        reading = _Reading(
            line, dict(zip(self._header, (c.strip() for c in cells), strict=True)), self._today
        )
        reading.read(self._said)
        row = None if reading.wrong else reading.row()
        if row is not None:
            reading.wrong += self._doubles(row)
        return (None if reading.wrong else row), reading.wrong, reading.warnings

    def _doubles(self, row: HistoricRow) -> list[Finding]:
        """The same transplant twice; a unit of this bank given twice."""
        first = self._first.setdefault(row.key, row.line)
        if first != row.line:
            return [TransplantFinding(row.line, "patient", "row_twice", {"first": first})]
        found: list[Finding] = []
        for place, unit in enumerate(row.units, start=1):
            number, is_own = unit[0].upper(), unit[1]
            if not is_own or not number:
                continue
            earlier = [other[0].upper() for other in row.units[: place - 1] if other[1]]
            first = self._units.setdefault(number, row.line)
            if first != row.line or number in earlier:
                params = {"unit": unit[0], "first": first}
                found.append(TransplantFinding(row.line, f"unit_{place}", "unit_twice", params))
        return found


class _Reading:
    """One row as far as it is read."""

    def __init__(self, line: int, texts: Mapping[str, str], today: dt.date) -> None:
        self.line, self._texts, self._today = line, texts, today
        self.wrong: list[Finding] = []
        self.warnings: list[Finding] = []
        self.got: dict[str, Any] = {}

    def say(self, column: str, code: str, **params: Any) -> None:
        self.wrong.append(TransplantFinding(self.line, column, code, params))

    def read(self, said: ForAll) -> None:
        for name, text in self._texts.items():
            if not text or name not in READERS:
                continue
            try:
                self.got[name] = READERS[name](text, self._today)
            except CellError as error:
                self.say(name, error.code, **error.params)
        bad = {finding.column for finding in self.wrong}
        for name in NEEDED:
            if name not in self.got and name not in bad:
                self.say(name, "required")
        self._hospital(said)
        self._diagnosis(bad)
        self._units(said)
        if "infused_on" in self.got:
            self._age(bad)
            self._followed(bad)
        if "contact_on" in self.got:
            self._events(bad)

    # --- what the row says besides days -----------------------------------------------------------

    def _hospital(self, said: ForAll) -> None:
        text = self.got.get("hospital", "")
        code = said.hospitals.get(text.lower(), "")
        if text and not code:
            self.say("hospital", "hospital_unknown", text=text[:40])
        elif not text and not said.hospital:
            self.say("hospital", "hospital_needed")
        elif text and said.hospital and code != said.hospital:
            self.say("hospital", "hospital_differs", text=text[:40], expected=said.hospital)
        self.got["hospital"] = code or said.hospital

    def _diagnosis(self, bad: set[str]) -> None:
        code, icd10 = self.got.get("diagnosis", ""), self.got.get("icd10", "").upper().replace(" ", "")
        if not code and icd10:
            fitting = [entry.code for entry in DIAGNOSES if entry.icd10 == icd10]
            if len(fitting) > 1:
                self.say("icd10", "icd10_ambiguous", text=icd10, allowed=", ".join(fitting))
            elif not fitting:
                self.say("icd10", "icd10_unknown", text=icd10)
            code = fitting[0] if fitting else ""
        elif not code and not bad & {"diagnosis", "icd10"}:
            self.say("diagnosis", "diagnosis_needed")
        elif code and icd10 and DIAGNOSIS[code].icd10 not in ("", icd10):
            self.say("icd10", "icd10_differs", text=icd10, expected=code)
        if code == "other" and not self.got.get("diagnosis_text"):
            self.say("diagnosis_text", "diagnosis_text_needed")
        self.got["diagnosis"] = code

    def _units(self, said: ForAll) -> None:
        graft = self.got.get("graft_type")
        second = any(self._texts.get(name) for name in self._texts if name.endswith("_2"))
        if graft == GraftType.SINGLE and second:
            self.say("unit_2", "second_unit_too_many")
        if graft == GraftType.DOUBLE and not second:
            self.say("unit_2", "second_unit_missing")
        units = []
        for place in (1, 2) if second else (1,):
            own = self.got.get(f"own_{place}") or said.own
            if own not in (YesNo.YES, YesNo.NO):
                self.say(f"own_{place}", "own_needed")
            counts = [self.got.get(f"{name}_{place}") for name in ("tnc_e7_per_kg", "cd34_e5_per_kg")]
            units.append(
                (
                    self.got.get(f"unit_{place}", ""),
                    own == YesNo.YES,
                    *(None if count is None else float(count) for count in counts),
                    self.got.get(f"antigen6_{place}"),
                    self.got.get(f"allele8_{place}"),
                )
            )
            if counts[0] == 0:  # none at all were given: that is no dose but a slip
                self.say(f"tnc_e7_per_kg_{place}", "number_range", text="0", low="0", high="200", unit="/kg")
        self.got["units"] = tuple(units)

    def _age(self, bad: set[str]) -> None:
        born = self.got.get("birth_date")
        if born is None:
            return
        years = age_years(born, self.got["infused_on"])
        if years < 0:
            self.say("birth_date", "born_after")
        elif years > MOST_AGE_YEARS:
            most = f"{MOST_AGE_YEARS}"
            self.say("birth_date", "number_between", text=f"{years:.0f}", low="0", high=most, unit="years")
        elif "age_years" in self.got and abs(float(self.got["age_years"]) - years) > 1:
            self.say("age_years", "age_differs", years=f"{years:.1f}")
        else:
            self.got["age_years"] = Decimal(f"{years:.2f}")

    # --- days ---------------------------------------------------------------------------------------

    def _followed(self, bad: set[str]) -> None:
        """contact_on: the day of the last contact, of months the nearest one."""
        day_0, months = self.got["infused_on"], self.got.get("followed_months")
        contact = self.got.get("last_contact_on")
        if months is not None:
            reach = day_0 + dt.timedelta(days=math.floor(float(months) * DAYS_PER_MONTH + 0.5))
            if reach > self._today:
                self.say("followed_months", "date_future", text=f"{reach}")
            if contact is not None and abs((contact - reach).days) > _MONTH_DAYS:
                self.say("followed_months", "followed_differs", day=f"{reach}")
            contact = contact or reach
        if contact is None:
            if not bad & {"followed_months", "last_contact_on"}:
                self.say("last_contact_on", "followed_needed")
            return
        if contact < day_0:
            self.say("last_contact_on", "before_day_0", day=f"{contact}")
            return
        self.got["contact_on"] = contact

    def _events(self, bad: set[str]) -> None:
        for name in (*EVENTS, "acute_severe"):
            self._day_of(name, bad)
        self._implied()
        for name in EVENTS:
            answer, day = self.got.get(name), self.got.get(f"{name}_on")
            if day is not None and answer not in _HAPPENED:
                self.say(f"{name}_on", "day_needs_yes")
            elif day is None and answer in _HAPPENED and not bad & {f"{name}_on", f"{name}_days"}:
                self.warnings.append(TransplantFinding(self.line, f"{name}_on", "day_missing"))
        self._order()
        for name in ("cause", "contributing"):
            if self.got.get(name) and self.got.get("status", Contact.DEAD) != Contact.DEAD:
                self.say(name, "cause_of_living")

    def _day_of(self, name: str, bad: set[str]) -> None:
        """One day of both columns, between day 0 and the last contact."""
        day_0, contact = self.got["infused_on"], self.got["contact_on"]
        day, days = self.got.get(f"{name}_on"), self.got.get(f"{name}_days")
        if days is not None:
            counted = day_0 + dt.timedelta(days=days)
            if day is not None and day != counted:
                self.say(f"{name}_days", "day_twice", day=f"{counted}")
            day = counted
        column = f"{name}_on" if days is None else f"{name}_days"
        if day is None:
            return
        if day < day_0:
            self.say(column, "before_day_0", day=f"{day}")
        elif day > contact:
            self.say(column, "after_contact", day=f"{day}", contact=f"{contact}")
        elif name == "second_transplant" and day == day_0:
            self.say(column, "on_day_0")
        self.got[f"{name}_on"] = day

    def _implied(self) -> None:
        """A day without an answer is a yes; grade 0 is a no; other grades are a yes. Of a failure the kind is asked."""
        for name in EVENTS:
            if name != "graft_failure" and self.got.get(f"{name}_on") is not None and not self.got.get(name):
                self.got[name] = YesNo.YES.value
        grade, acute = self.got.get("acute_grade"), self.got.get("acute")
        if grade is None:
            return
        if (acute == YesNo.NO and grade > 0) or (acute == YesNo.YES and grade == 0):
            self.say("acute_grade", "grade_needs_acute")
        elif not acute:
            self.got["acute"] = YesNo.YES.value if grade else YesNo.NO.value
        if grade < 3 and self.got.get("acute_severe_on"):
            self.say("acute_severe_on", "grade_low")

    def _order(self) -> None:
        for earlier, later in _ORDER:
            first, second = self.got.get(f"{earlier}_on"), self.got.get(f"{later}_on")
            if later == "graft_failure" and self.got.get("graft_failure") != GraftFailure.SECONDARY:
                continue
            if first is not None and second is not None and second < first:
                params = {"day": f"{second}", "other": f"{earlier}_on", "other_day": f"{first}"}
                self.say(f"{later}_on", "before_other", **params)
        if (
            self.got.get("graft_failure") == GraftFailure.PRIMARY
            and self.got.get("neutrophils") == Recovery.YES
        ):
            self.say("graft_failure", "engrafted_and_failed")

    # --- the row --------------------------------------------------------------------------------------

    def row(self) -> HistoricRow:
        got = self.got | {
            "months_followed": self.got.get("followed_months"),
            "contact": self.got["status"],
            "primary_cause": self.got.get("cause", ""),
            "contributing": self.got.get("contributing", []),
        }
        return HistoricRow(
            self.line,
            got["hospital"],
            got["patient"],
            got.get("sequence", 1),
            tuple(got.get(name, _empty(name)) for name in OF_TRANSPLANT),
            got["units"],
            tuple(got.get(name, _empty(name)) for name in OF_FORM),
        )


_NULL = frozenset(
    {
        "age_years", "weight_kg", "karnofsky", "hct_ci", "tbi_gy", "months_followed", "acute_grade", "acute_severe_on",
        "donor_chimerism_percent", "enzyme_percent", *(f"{name}_on" for name in EVENTS),
    }
)  # fmt: skip


def _empty(name: str) -> Any:
    """Missing is not "no": a text without an answer, or null."""
    return None if name in _NULL else ""


def by_person(rows: Iterable[HistoricRow]) -> list[HistoricRow]:
    """The transplants of one patient beside one another, the first one first."""
    return sorted(rows, key=lambda row: row.key)
