"""How a job stands, as the API answers it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ProgressSerializer(serializers.Serializer[Any]):
    """How a search, or its recomputation, stands; poll this until `state` is done, failed or cancelled."""

    state = serializers.ChoiceField(choices=["queued", "running", "done", "failed", "cancelled"])
    stage = serializers.CharField()
    share = serializers.FloatField(help_text="0–1")
    counts = serializers.DictField(child=serializers.IntegerField())
    error_code = serializers.CharField()
    error = serializers.CharField()
