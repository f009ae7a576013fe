"""Coded lists of files that are taken in."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class FilePurpose(TextChoices):
    UNITS = "units", _("Units")
    RESULTS = "results", _("Results")
    OUTCOMES = "outcomes", _("Earlier transplants")  # read and written by the transplants app


class FileTask(TextChoices):
    """What the newest job of a file does."""

    CHECK = "check", pgettext_lazy("file", "Check")
    WRITE = "write", pgettext_lazy("file", "Write")
