"""Watched patients for tests."""

from __future__ import annotations

import factory

from matching.models import PatientWatch


class PatientWatchFactory(factory.django.DjangoModelFactory):
    """Of the whole hospital, unless `user` is given."""

    class Meta:
        model = PatientWatch

    started_by = "system: test"
