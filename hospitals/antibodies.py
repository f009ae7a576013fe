"""What is known of a patient's antibodies, over all sera in force: what the evaluation of units asks."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hla.antibodies import Specificity
from hospitals.choices import AntibodyMethod, BeadCall, SerumClasses
from hospitals.models import Patient
from hospitals.models_antibodies import AntibodyBead, AntibodySerum

CLASS_I_LOCI = frozenset({"A", "B", "C"})
# A newer result undoes an older one only if its method sees at least as much.
FINENESS: dict[str, int] = {
    AntibodyMethod.OTHER: 0,
    AntibodyMethod.PANEL: 1,
    AntibodyMethod.SINGLE_ANTIGEN: 2,
}
CLASSES: dict[str, tuple[str, ...]] = {"I": ("I",), "II": ("II",), "both": ("I", "II")}  # of SerumClasses


@dataclass(frozen=True)
class Bead:
    """One specificity over all sera that name it.

    text: canonical, as in `specificity`. mfi_newest: of the newest serum that names it, sampled_on the day of that
    serum; the higher one if two of that day do, or if the newest was tested by a coarser method than an older one.
    mfi_peak: the highest ever. None where there is no number. A newer serum that does not name it says nothing:
    laboratories list what they found. unquantified_peak: some report calls it positive without a number, which no
    number of another one undoes; unquantified_newest: that of the newest serum. Without a number and not so called it
    was called negative. tested: by which methods (AntibodyMethod), each with the newest day.
    """

    text: str
    specificity: Specificity
    mfi_newest: int | None
    mfi_peak: int | None
    sampled_on: datetime.date
    unquantified_newest: bool = False
    unquantified_peak: bool = False
    tested: tuple[tuple[str, datetime.date], ...] = ()


@dataclass(frozen=True)
class PatientAntibodies:
    """tested: whether there is a serum at all; tested without beads means that none were found.

    newest_on: day on which the newest serum was taken, None without one. beads: one per canonical specificity, in the
    order of loci and names. tests: methods with the HLA classes ("I", "II") that sera were tested for by them.
    class_days: tested classes, each with the day of the newest serum that was tested for it by the finest of its
    methods: a newer test of the other class, or by a coarser method, makes it no younger.
    """

    tested: bool
    newest_on: datetime.date | None
    beads: tuple[Bead, ...]
    tests: tuple[tuple[str, str], ...] = ()
    class_days: tuple[tuple[str, datetime.date], ...] = ()

    @property
    def classes(self) -> str:
        """Classes tested by any method, as SerumClasses; "" for none."""
        return classes_text({one for _method, one in self.tests})

    @property
    def known_since(self) -> datetime.date | None:
        """The day of the older of the tested classes; None without a serum."""
        return min((day for _class, day in self.class_days), default=None)


def antibodies_of(patient: Patient) -> PatientAntibodies:
    """Antibodies of a patient by the sera that are not withdrawn. Two queries."""
    sera = list(patient.sera.in_force().values_list("sampled_on", "method", "classes"))
    if not sera:
        return PatientAntibodies(False, None, ())
    rows = AntibodyBead.objects.in_force().filter(serum__patient=patient).select_related("serum")
    tests = {(method, one) for _day, method, classes in sera for one in CLASSES[classes]}
    newest_on = max(day for day, *_ in sera)
    return PatientAntibodies(True, newest_on, summed(rows), tuple(sorted(tests)), class_days(sera))


def class_days(sera: Iterable[tuple[datetime.date, str, str]]) -> tuple[tuple[str, datetime.date], ...]:
    """Of sera (day, method, classes): as in PatientAntibodies."""
    found: dict[str, tuple[int, datetime.date]] = {}
    for day, method, classes in sera:
        for one in CLASSES[classes]:
            test = (FINENESS[method], day)
            found[one] = max(found.get(one, test), test)
    return tuple((one, day) for one, (_fineness, day) in sorted(found.items()))


def summed(rows: Iterable[AntibodyBead]) -> tuple[Bead, ...]:
    """One bead per specificity; the rows bring their sera with them."""
    by_text: dict[str, list[AntibodyBead]] = {}
    for row in rows:
        by_text.setdefault(row.text, []).append(row)
    return tuple(sorted(map(_bead, by_text.values()), key=lambda bead: bead.specificity.sort_key))


def _bead(rows: list[AntibodyBead]) -> Bead:
    newest = [row for row in rows if not any(_undoes(other.serum, row.serum) for other in rows)]
    tested: dict[str, datetime.date] = {}
    for row in rows:
        tested[row.serum.method] = max(
            tested.get(row.serum.method, row.serum.sampled_on), row.serum.sampled_on
        )
    specificity = rows[0].specificity
    return Bead(
        specificity.text,
        specificity,
        highest(row.mfi for row in newest),
        highest(row.mfi for row in rows),
        max(row.serum.sampled_on for row in rows),
        any(row.called == BeadCall.POSITIVE for row in newest),
        any(row.called == BeadCall.POSITIVE for row in rows),
        tuple(sorted(tested.items())),
    )


def _undoes(newer: AntibodySerum, older: AntibodySerum) -> bool:
    return newer.sampled_on > older.sampled_on and FINENESS[newer.method] >= FINENESS[older.method]


def highest(values: Iterable[int | None]) -> int | None:
    """The highest number; None if none is known."""
    return max((value for value in values if value is not None), default=None)


def called(calls: Sequence[tuple[int | None, str]]) -> str:
    """The call of all (MFI, call) of a specificity in one serum: a positive one stays, a number undoes a negative."""
    if any(call == BeadCall.POSITIVE for _mfi, call in calls):
        return str(BeadCall.POSITIVE)
    return "" if any(mfi is not None for mfi, _call in calls) else str(BeadCall.NEGATIVE)


def classes_of(specificities: Iterable[Specificity]) -> str:
    """The classes of what was tested, as SerumClasses; "" for nothing."""
    return classes_text({"I" if one.loci[0] in CLASS_I_LOCI else "II" for one in specificities})


def classes_text(classes: set[str]) -> str:
    return str(SerumClasses.BOTH) if len(classes) > 1 else next(iter(classes), "")
