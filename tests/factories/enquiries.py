"""Enquiries for tests. They go round the services on purpose: a test arranges what it needs."""

from __future__ import annotations

from typing import Any

import factory
from django.utils import timezone

from core.crypto import encrypt_bytes
from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.hospitals import PatientFactory
from tests.factories.reservations import in_days
from transplants.models import Enquiry, EnquiryFile, EnquiryMessage

PDF = b"%PDF-1.7 invented"


class EnquiryFactory(factory.django.DjangoModelFactory):
    """A hospital asks the bank, which is to answer in three days; with `answered` it has."""

    class Meta:
        model = Enquiry

    class Params:
        answered = factory.Trait(
            state="answered",
            waits_for="",
            due_on=None,
            ended_by="Shen Jia",
            ended_at=factory.LazyFunction(timezone.now),
        )

    number = factory.Sequence(lambda n: f"EN-2020-{n:04d}")
    kind = "message"
    subject = "a question"
    patient = factory.SubFactory(PatientFactory)
    hospital = factory.SelfAttribute("patient.hospital")
    asked_from = "hospital"
    asked_by = factory.LazyFunction(lambda: UserFactory(roles=[Role.HOSPITAL_COORDINATOR]))
    waits_for = "bank"
    due_on = factory.LazyFunction(lambda: in_days(3))


class MessageFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = EnquiryMessage

    enquiry = factory.SubFactory(EnquiryFactory)
    side = "hospital"
    text = "please tell us"
    written_by = factory.SelfAttribute("enquiry.asked_by")


def kept_file(enquiry: Enquiry, data: bytes = PDF, **more: Any) -> EnquiryFile:
    import hashlib

    made: EnquiryFile = EnquiryFile.objects.create(
        message=MessageFactory(enquiry=enquiry),
        content_type="application/pdf",
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        content=encrypt_bytes(data),
        **more,
    )
    return made
