"""Addresses of what was added to patients: the second sample, duplicates and merges, enzyme levels."""

from __future__ import annotations

from core.roles import Role
from tests.access.matrix import Row, World
from tests.access.rows_hospitals import EDIT_PATIENTS, other, own
from tests.factories.hospitals import PatientFactory, PatientMergeFactory, PossibleDuplicateFactory

GL = "A*11:01+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01"
SAMPLES = {"first_sampled_on": "2026-01-02", "sampled_on": "2026-02-02", "source": "report"}

ENZYME = {"enzyme": "Arylsulfatase A", "value": "3.5", "unit": "nmol/h/mg", "measured_on": "2026-02-02"}
MERGE = frozenset({Role.SEARCH_COORDINATOR, Role.ADMIN})


def build(world: World) -> None:
    world.pair = PossibleDuplicateFactory(one=world.patient, other=world.other_patient)
    world.twin = PatientFactory(hospital=world.hospital)
    world.other_twin = PatientFactory(hospital=world.other_hospital)
    world.kept_record = PatientFactory(hospital=world.hospital)
    world.merge = PatientMergeFactory(kept=world.kept_record)


ROWS = [
    Row("hospitals:duplicate-list", MERGE, query="?state=dismissed", ok=(200,)),
    Row("hospitals:duplicate-list", MERGE, ok=(200,)),
    Row(
        "hospitals:duplicate-dismiss",
        MERGE,
        lambda w: {"pk": w.pair.pk},
        method="post",
        data=lambda w: {"reason": "two documents"},
        ok=(302,),
    ),
    Row(
        "api:patient-second-samples-list",
        EDIT_PATIENTS,
        own,
        other=other,
        method="post",
        data=lambda w: {
            "typing": {"gl": GL, "sampled_on": "2026-02-02"},
            "first": {"sampled_on": "2026-01-02"},
        },
        json=True,
        ok=(201,),
    ),
    Row("hospitals:merge-list", MERGE, query="?kept=P-1", ok=(200,)),
    Row(
        "hospitals:merge-list",
        MERGE,
        method="post",
        data=lambda w: {"kept": w.kept_record.code, "merged": w.twin.code, "reason": "entered twice"},
        ok=(302,),
    ),
    Row(
        "hospitals:merge-undo",
        MERGE,
        lambda w: {"pk": w.merge.pk},
        method="post",
        data=lambda w: {"reason": "two persons"},
        ok=(302,),
    ),
    Row(
        "hospitals:patient-enzyme",
        EDIT_PATIENTS,
        lambda w: {"pk": w.twin.pk},
        other=lambda w: {"pk": w.other_twin.pk},
        method="post",
        data=lambda w: ENZYME,
        ok=(302,),
    ),
    Row(
        "hospitals:duplicate-deny",
        EDIT_PATIENTS,
        lambda w: {"pk": w.patient.pk, "other_pk": w.twin.pk},
        other=lambda w: {"pk": w.patient.pk, "other_pk": w.other_twin.pk},
        method="post",
        data=lambda w: {"reason": "twins"},
        ok=(302,),
    ),
    Row("hospitals:typing-second", EDIT_PATIENTS, own, other=other, ok=(200,)),
    Row(
        "hospitals:typing-second",
        EDIT_PATIENTS,
        own,
        other=other,
        method="post",
        data=lambda w: {"gl": GL, **SAMPLES},
        ok=(302,),
    ),
    Row("hospitals:typing-settle", EDIT_PATIENTS, own, other=other, ok=(200,)),
    Row(
        "hospitals:typing-settle",
        EDIT_PATIENTS,
        own,
        other=other,
        method="post",
        data=lambda w: {"reason": "nothing to settle"},
        ok=(409,),
    ),
]
