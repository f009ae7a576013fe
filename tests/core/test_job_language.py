"""A job's message is for the person who started it, whatever language its worker speaks."""

from __future__ import annotations

import pytest
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from core import jobs
from core.audit import Actor
from core.errors import InvalidInput
from core.models import Job
from tests.factories.core import UserFactory


@pytest.fixture(autouse=True)
def kind(monkeypatch):
    monkeypatch.setitem(jobs._rings, "test", lambda job_id: None)


def failed_job(actor: Actor) -> Job:
    job = jobs.job_create(kind="test", key=actor.id, title="A job", actor=actor)
    claim = jobs.job_claim(job.pk)
    assert claim
    with jobs.actors_language(job.pk):
        claim.fail(InvalidInput("no_typing", _("The typing is empty: type at least one locus.")))
    job.refresh_from_db()
    return job


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh-hans", "分型为空：请至少填写一个位点。"),
        ("en", "The typing is empty: type at least one locus."),
        ("", "The typing is empty: type at least one locus."),
    ],
)
def test_a_job_fails_in_the_language_of_its_person(language, said):
    person = UserFactory(language=language)

    assert failed_job(Actor.user(person)).error == said


@pytest.mark.django_db
def test_who_never_chose_a_language_is_told_in_that_of_the_page():
    with translation.override("zh-hans"):
        job = failed_job(Actor.user(UserFactory(language="")))

    assert job.error == "分型为空：请至少填写一个位点。"


@pytest.mark.django_db
def test_a_job_of_the_system_fails_in_the_default_language():
    assert failed_job(Actor.system("nightly")).error == "The typing is empty: type at least one locus."
