"""Who had e-mails turned off keeps them off for everything that a person may do without."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from django.db import connection

from core import kinds, preferences
from core.models import GroupChoice
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db


def test_who_wanted_no_emails_gets_none_that_can_be_done_without() -> None:
    migration: Any = importlib.import_module("core.migrations.0006_telling")
    silent, told = UserFactory(), UserFactory()
    # the table as it was before, under the name that the statement reads
    before = "WITH core_user AS (SELECT id, id <> %s AS email_notices FROM public.core_user) "
    with connection.cursor() as cursor:
        cursor.execute(before + migration.KEEP_SILENT, [silent.pk])

    wishes = preferences.wishes_of([silent.pk, told.pk])
    groups = {group.code for group in kinds.choosable()}
    assert {"files", "patients", "enquiries"} <= groups
    assert {group: wishes[silent.pk].ways.get(group) for group in groups} == dict.fromkeys(groups, "app")
    assert wishes[told.pk].ways == {}
    assert GroupChoice.objects.filter(user=silent, group="storage", way="app").exists()
