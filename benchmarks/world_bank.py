"""The bank that is measured: reference data, a synthetic inventory, patients of every resolution."""

from __future__ import annotations

import datetime
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from system import load_reference, manage

SEED = "qidai-bench-patients-7"  # another than the inventory's: no patient is drawn with a unit
THREE = ("A", "B", "DRB1")
FREQUENCIES = Path("frequencies") / "hfx" / "HEGL_API.hfx-metadata.json"


@dataclass(frozen=True)
class Patients:
    """Of one hospital, whose coordinator signs in. styles: of each patient, in words."""

    rows: list[Any]
    styles: list[str]


def make_bank(units: int, data: Path, frequencies: str) -> float:
    """Reference data, frequencies, units; seconds that the command for the units took."""
    print(load_reference(data))
    print(
        use_frequencies(Path(frequencies))
        if frequencies
        else "the built-in frequency set of the units' own population"
    )
    started = time.perf_counter()
    said = manage(
        "demo_data", "--units", str(units), "--hospitals", "5", "--patients", "20", "--transplants", "0"
    )
    seconds = time.perf_counter() - started
    print(said.strip())
    return seconds


def use_frequencies(path: Path) -> str:
    """The bank's default set from now on."""
    names = ("--name", path.name.split(".")[0], "--population", "API", "--default", "--ignore-checksum")
    return manage("load_frequencies", str(path), *names).splitlines()[-1]


def make_patients(count: int) -> Patients:
    """`count` patients of the coordinator's hospital, reported as the mix of real registries has it."""
    from bank.demo import population
    from bank.demo.reporting import Reporter
    from core import reference
    from core.errors import InvalidInput
    from hospitals.models import Hospital

    rng, reporter = random.Random(SEED), Reporter(reference.resolver())
    hospital = Hospital.objects.order_by("code").first()
    found, refused = Patients([], []), 0
    while len(found.rows) < count:
        values = reporter.report(population.genotype(rng), rng)
        try:
            found.rows.append(_patient(hospital, values, rng))
        except InvalidInput:  # a name that the release in use does not have
            refused += 1
            if refused > 10 * count:
                sys.exit("hardly any patient's typing can be read by the release in use")
        else:
            found.styles.append(style_of(values))
    by_style = Counter(found.styles).most_common()
    print(f"{count} patients: " + ", ".join(f"{number} {style}" for style, number in by_style))
    return found


def _patient(hospital: Any, values: dict[str, tuple[str, str]], rng: random.Random) -> Any:
    from core.audit import Actor
    from core.typings import TypingInput
    from hospitals.data import PatientData, WeightData
    from hospitals.services import patient_create

    weight = Decimal(rng.randrange(100, 700)) / 10
    return patient_create(
        hospital_id=hospital.pk,
        data=PatientData(sex=rng.choice("FM"), birth_date=datetime.date(1990, 1, 1), populations="HAN"),
        weight=WeightData(weight_kg=weight, measured_on=datetime.date(2026, 1, 1)),
        typing=TypingInput(values=values),
        by=Actor.system("benchmark"),
    )


def style_of(values: dict[str, tuple[str, str]]) -> str:
    """What a report looks like, in the words of the mix."""
    texts = [text.rpartition("*")[2] for pair in values.values() for text in pair]
    loci = set(values)
    if all(text.endswith(":XX") for text in texts):
        return "families at three loci" if loci == set(THREE) else "families only"
    if loci == set(THREE):
        return "A, B, DRB1 by family or antigen"
    if not all(part.isdigit() for text in texts for part in text.split(":")):
        return "lists and codes"
    return "two fields" if "DQB1" in loci else "two fields without DQB1"


def typing_of(patient: Any, resolver: Any) -> Any:
    """The patient's typing as a search has it."""
    from matching.patient_typings import parsed

    typed = {locus: tuple(pair) for locus, pair in patient.current_typing.canonical.items()}
    return parsed(typed, resolver)
