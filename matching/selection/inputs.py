"""All that decides an evaluation, as plain JSON and as one digest, by which a stored one still holds or not."""

from __future__ import annotations

from typing import Any

from django.db import connection

from bank.choices import BLOCKS
from bank.models import Accreditation
from hla.resolve import Resolver
from matching import digests
from matching.engine.numbers import plain_number
from matching.engine.snapshot import Origin
from matching.models import SearchRun, SelectionPolicy
from matching.selection.facts import Known

KERNEL = 5  # of the rules: another number makes every stored evaluation an old one


def patient_inputs(known: Known) -> dict[str, Any]:
    patient = known.facts
    return {
        "today": patient.today.isoformat(),
        "weight_kg": None if patient.weight_kg is None else plain_number(patient.weight_kg),
        "abo": patient.abo,
        "sex": patient.sex,
        "antibodies_tested": patient.antibodies_tested,
        "serum_days": [[one, day.isoformat()] for one, day in patient.serum_days],
        "antibody_tests": [list(one) for one in patient.antibody_tests],
        "antibodies": [
            [
                one.text,
                one.mfi_peak,
                one.mfi_newest,
                one.unquantified_peak,
                one.unquantified_newest,
                one.sampled_on.isoformat(),
                [[method, day.isoformat()] for method, day in one.tested],
            ]
            for one in known.antibodies.beads
        ],
    }


def digest(run: SearchRun, policy: SelectionPolicy, inputs: dict[str, Any], resolver: Resolver) -> str:
    """SHA-256 of patient, policy, reference data, and the state of every listed unit and of their banks.

    Taken before the facts are read: what changes between is judged, and found to be newer at the next look.
    """
    now = Origin.of(resolver, ledger_number=0)
    certificates = Accreditation.objects.order_by("pk").values_list("pk", "valid_from", "valid_until")
    return digests.of_json(
        {
            "kernel": KERNEL,
            "policy": str(policy.pk),
            "patient": inputs,
            "reference": [now.nomenclature, now.mac_checksum],
            "units": _units(run),
            "accreditations": [[str(value) for value in row] for row in certificates],
        }
    )


def _units(run: SearchRun) -> str:
    """One digest of the state of every listed unit.

    Of each, not of the newest change alone: a change is stamped before it is committed, and one that commits late is
    older than one that was judged already.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STATES, [run.pk])
        return str(cursor.fetchone()[0])


_STATES = f"""
    SELECT md5(string_agg(concat_ws(' ', u.id, u.updated_at, u.status, {", ".join(f"u.{flag}" for flag in BLOCKS)}),
                          ',' ORDER BY u.id))
    FROM matching_searchresult r
    JOIN bank_cordbloodunit u ON u.id = r.unit_id
    WHERE r.run_id = %s
"""  # noqa: S608  names of columns, none of them anybody's input
