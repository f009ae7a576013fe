"""Shortlisted units and notes for tests."""

from __future__ import annotations

import factory

from matching.models import GraftNote, ShortlistEntry
from tests.factories.matching import ListedUnitFactory, typed_patient


class ShortlistEntryFactory(factory.django.DjangoModelFactory):
    """A unit of `run`, which the test makes (tests.factories.match_list)."""

    class Meta:
        model = ShortlistEntry

    patient = factory.LazyAttribute(lambda o: o.run.request.patient)
    unit = factory.SubFactory(ListedUnitFactory)
    added_by = "system: test"


class GraftNoteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = GraftNote

    patient = factory.LazyFunction(typed_patient)
    text = "Ask the bank for the segment."
    written_by = "system: test"
