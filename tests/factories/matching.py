"""Units, requests and searches for tests. They go round the services on purpose: a test arranges what it needs."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import factory
from django.db import transaction

from bank.models import Bank, CordBloodUnit
from core import audit
from core.audit import Actor
from core.models import Job
from core.typings import TypingInput, interpret
from hla.frequencies.sets import HaplotypeSet
from hla.loci import SEARCH_LOCI
from hla.nomenclature import Nomenclature
from hospitals.models import Patient
from matching.choices import LociSet
from matching.models import (
    FrequencySet,
    LoadedReference,
    MatchRequest,
    NomenclatureRelease,
    SearchRun,
    SelectionPolicy,
)
from tests.factories.hospitals import GL, PatientFactory, PatientTypingFactory

ACTOR = Actor.system("test")


class SearchBankFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Bank
        django_get_or_create = ("code",)

    code = "OWN"
    name = "Synthetic Bank"


class ListedUnitFactory(factory.django.DjangoModelFactory):
    """A listed unit; `gl` is read by the nomenclature in force and copied onto the row."""

    class Meta:
        model = CordBloodUnit

    gl = GL
    bank = factory.SubFactory(SearchBankFactory)
    unit_no = factory.Sequence(lambda n: f"U{n:07d}")
    status = "LISTED"
    collected_on = datetime.date(2020, 5, 1)
    tnc_e7 = 150.0
    cd34_e6 = 4.5

    @classmethod
    def _adjust_kwargs(cls, **kwargs: Any) -> dict[str, Any]:
        return {**hla_columns(kwargs.pop("gl")), **kwargs}

    @classmethod
    def _create(cls, model_class: type[CordBloodUnit], *args: Any, **kwargs: Any) -> CordBloodUnit:
        unit: CordBloodUnit = super()._create(model_class, *args, **kwargs)
        noted(unit)
        return unit


def hla_columns(gl: str) -> dict[str, str]:
    """Canonical texts for the columns of a unit."""
    loci = interpret(TypingInput(gl=gl)).loci
    return {
        f"hla_{locus.lower()}_{place}": text
        for locus in SEARCH_LOCI
        if locus in loci
        for place, text in ((1, loci[locus].first), (2, loci[locus].second))
    }


def noted(unit: CordBloodUnit, action: str = "unit.change") -> None:
    """What every service does last: the ledger hears of the unit."""
    with transaction.atomic():
        audit.record(actor=ACTOR, action=action, target=unit)


def typed_patient(gl: str = GL, **kwargs: Any) -> Patient:
    """A patient whose typing in force is `gl`."""
    patient: Patient = PatientFactory(**kwargs)
    PatientTypingFactory(patient=patient, gl=gl)
    return patient


class MatchRequestFactory(factory.django.DjangoModelFactory):
    """A draft; with `submitted` one that has been submitted, without a search."""

    class Meta:
        model = MatchRequest

    class Params:
        submitted = factory.Trait(
            state="SUBMITTED",
            submitted_by="system: test",
            submitted_at=datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC),
        )

    number = factory.Sequence(lambda n: f"MR-2020-{n:04d}")
    patient = factory.LazyFunction(typed_patient)
    hospital = factory.SelfAttribute("patient.hospital")
    policy = factory.LazyFunction(lambda: SelectionPolicy.objects.get(is_default=True))
    loci = LociSet.FIVE.value
    floors = {"antigen6": 4}
    statuses = ["LISTED"]
    created_by = "system: test"


class JobFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Job

    kind = "search"
    key = factory.Sequence(lambda n: f"search:test:{n}")
    title = "a search"
    actor_id = ACTOR.id
    actor_label = ACTOR.label


class SearchRunFactory(factory.django.DjangoModelFactory):
    """A search that has not been done."""

    class Meta:
        model = SearchRun

    request = factory.SubFactory(MatchRequestFactory, submitted=True)
    run_no = 1
    job = factory.SubFactory(JobFactory)
    patient_typing = factory.LazyAttribute(lambda o: o.request.patient.current_typing.canonical)
    patient_gl = factory.LazyAttribute(lambda o: o.request.patient.current_typing.canonical_gl)
    patient_weight_kg = factory.SelfAttribute("request.patient.weight_kg")
    criteria = factory.LazyAttribute(
        lambda o: {
            "loci": o.request.loci.split(","),
            "floors": o.request.floors,
            "min_tnc_e7_per_kg": None,
            "statuses": o.request.statuses,
        }
    )
    policy = factory.SelfAttribute("request.policy")
    policy_label = "Malignant disease, single unit v1"
    created_by = "system: test"


def loaded_reference(model: type[LoadedReference], version: str = "1.0.0", **values: Any) -> Any:
    """A row of loaded reference data, not in use; a release says what the built-in nomenclature says."""
    content = Nomenclature.builtin().to_bytes() if model is NomenclatureRelease else b""
    return model._default_manager.create(
        **{
            "version": version,
            "checksum": f"{model.__name__} {version}",
            "compiled": content,
            "compiled_sha256": hashlib.sha256(content).hexdigest(),
            "compiled_bytes": len(content),
            "origin": "test",
            "entries": 0,
            "loaded_by": "test",
            **values,
        }
    )


def frequency_set(population: str = "TOY", **values: Any) -> FrequencySet:
    """A small loaded set of haplotype frequencies, not in use."""
    rows = [(("A*01:01", "B*08:01"), 0.5), (("A*02:01", "B*07:02"), 0.3), (("A*02:01", "B*08:01"), 0.2)]
    found = HaplotypeSet.of(rows, name=f"Toy {population}", population=population, loci=("A", "B"))
    known = {
        "name": found.name,
        "number": 1,
        "population": population,
        "resolution": found.resolution,
        "loci": list(found.loci),
        "total": found.total,
        "coverage": found.coverage,
        "checksum": found.checksum,
        "entries": len(found),
        "compiled": found.to_bytes(),
        "compiled_sha256": hashlib.sha256(found.to_bytes()).hexdigest(),
    }
    return loaded_reference(FrequencySet, f"{found.name} v1", **{**known, **values})
