"""Match probabilities of a search and of its results, as the API answers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hla.loci import SEARCH_LOCI
from matching.api_fields import FigureField
from matching.choices import SIZES, Basis, SetStep
from matching.models import SearchResult, SearchRun
from matching.presenters.probabilities import asked_sizes, set_name, why_text
from matching.shares import class_shares, is_certain, is_estimate, locus_shares, weaker_basis

_TOLD = (
    "0 and 1 stand only where the typings themselves leave nothing else; what they leave open is told as at least "
    "0.000001 and at most 0.999999, so that a sum may be off by some of these"
)


def _shares(at: str) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.FloatField(min_value=0, max_value=1),
        min_length=3,
        max_length=3,
        allow_null=True,
        help_text=f"{at}; {_TOLD}",
    )


class FrequencySetUsed(serializers.Serializer[Any]):
    """A set of haplotype frequencies that served somebody."""

    version = serializers.CharField()
    population = serializers.CharField()
    checksum = serializers.CharField()
    step = serializers.ChoiceField(choices=SetStep.choices, help_text="how it was found for the person")
    weight = serializers.FloatField(help_text="share of this population, 1 for a person of one")
    coverage = serializers.FloatField(help_text="below 1 for a truncated set")


class GenotypeShare(serializers.Serializer[Any]):
    """One genotype: at each locus the two P groups, or alleles, by name; "" for nothing expressed."""

    share = serializers.FloatField(min_value=0, max_value=1)
    alleles = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(allow_blank=True))
    )


class PatientPrediction(serializers.Serializer[Any]):
    """The genotypes of the patient."""

    populations = serializers.CharField(allow_blank=True)
    basis = serializers.ChoiceField(choices=Basis.choices)
    relaxed = serializers.ListField(
        child=serializers.CharField(), help_text="loci explained only by themselves or not at all"
    )
    lost = FigureField(help_text="share of genotypes that were left out")
    genotypes = serializers.IntegerField(help_text="how many there are")
    likely = GenotypeShare(many=True, help_text="the likeliest, best first")


class NextTypingValue(serializers.Serializer[Any]):
    """What it is worth to type one locus of one unit now."""

    unit = serializers.UUIDField()
    locus = serializers.ChoiceField(choices=[(locus, locus) for locus in SEARCH_LOCI])
    gain = serializers.FloatField(help_text="expected growth of the best unit's probability")
    reached = serializers.FloatField(help_text="this unit's probability now")


class NextTypings(serializers.Serializer[Any]):
    """Of the probability that the best unit has at most one mismatch in a class."""

    size = serializers.IntegerField(help_text="8 for 7/8 or better, 6 for 5/6 or better")
    best = serializers.FloatField(help_text="that probability now")
    values = NextTypingValue(many=True, help_text="best first")


class RunPredictionSerializer(serializers.Serializer[Any]):
    """What the probabilities of a search rest on. Null for a search that computed none."""

    error = serializers.CharField(allow_null=True, help_text="why none were computed")
    sets = FrequencySetUsed(many=True, help_text="the patient's first")
    patient = PatientPrediction(allow_null=True, help_text="null where no set in use serves the patient")
    units_by_basis = serializers.DictField(
        child=serializers.IntegerField(), help_text="listed units by what their genotypes rest on"
    )
    next_typing = NextTypings(allow_null=True)

    @classmethod
    def of(cls, run: SearchRun) -> dict[str, Any] | None:
        found: Mapping[str, Any] = run.prediction
        if not found:
            return None
        values = {
            "error": found.get("error"),
            "sets": found.get("sets", []),
            "patient": found.get("patient"),
            "units_by_basis": found.get("counts", {}),
            "next_typing": found.get("next"),
        }
        return dict(cls(values).data)


class LocusShares(serializers.Serializer[Any]):
    """Per locus P(0), P(1), P(2) mismatches, null where nothing is known."""

    A = _shares("at HLA-A")
    B = _shares("at HLA-B")
    C = _shares("at HLA-C")
    DRB1 = _shares("at HLA-DRB1")
    DQB1 = _shares("at HLA-DQB1")


class ResultPredictionSerializer(serializers.Serializer[Any]):
    """Match probabilities of one unit. Each list is P(0), P(1), P(2) allele mismatches; null: no estimate, never 0.

    What is certain by the typings needs no estimate and is told beside basis "none" too.
    """

    of6 = _shares("A, B, DRB1")
    of8 = _shares("A, B, C, DRB1")
    of10 = _shares("A, B, C, DRB1, DQB1")
    loci = LocusShares()
    basis = serializers.ChoiceField(
        choices=Basis.choices,
        help_text="what the unit's genotypes rest on; blocks, loci and listed are estimates of a typing that the "
        "frequency set does not explain",
    )
    weaker_basis = serializers.ChoiceField(
        choices=Basis.choices,
        help_text="the weaker of the bases of unit and patient: on it the probabilities rest",
    )
    estimate = serializers.BooleanField(
        help_text="whether a class asked is open and the typing of unit or patient is not explained by its set"
    )
    why = serializers.CharField(help_text="the same in words, or why there is no estimate")
    relaxed = serializers.ListField(child=serializers.CharField())
    lost = serializers.FloatField(help_text="a probability may be too low by at most this")
    frequency_set = serializers.CharField(allow_null=True, help_text="version of the unit's set")

    @classmethod
    def of(cls, result: SearchResult) -> dict[str, Any] | None:
        found: Mapping[str, Any] = result.prediction
        if not found:
            return None
        run = result.run
        is_open = any(not is_certain(run, result, size) for size in asked_sizes(run))
        values = {
            **{f"of{size}": class_shares(run, result, size) for size in SIZES},
            "loci": {locus: locus_shares(run, result, locus) for locus in SEARCH_LOCI},
            "basis": found["basis"],
            "weaker_basis": weaker_basis(run, result),
            "estimate": is_open and is_estimate(run, result),
            "why": why_text(run, result),
            "relaxed": found.get("relaxed", []),
            "lost": found.get("lost", 0.0),
            "frequency_set": set_name(run, found) or None,
        }
        return dict(cls(values).data)


run_prediction = extend_schema_field(RunPredictionSerializer(allow_null=True))
result_prediction = extend_schema_field(ResultPredictionSerializer(allow_null=True))
