"""Private links of calendars."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class FeedToken(models.Model):
    """One row a person: the private link under which a calendar program reads his calendar without a sign-in.

    Only a digest is stored: the link is shown once. 256 random bits need no salt and no slow hash.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="feed_token"
    )
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256, hexadecimal")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    fetched_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d}"
