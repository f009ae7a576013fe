"""Addresses and rows of match lists, for tests of their pages."""

from __future__ import annotations

import csv
from typing import Any

from django.test import Client
from django.urls import reverse

from matching.models import SearchRun

FIVE = "A*11:01+A*24:02^B*40:01+B*13:01^C*01:02+C*07:02^DRB1*09:01+DRB1*15:01^DQB1*03:03+DQB1*06:01"
FOUR = "A*11:01+A*30:01^B*40:01+B*13:01^DRB1*09:01+DRB1*15:01"
HTMX = {"HTTP_HX_REQUEST": "true"}


def detail_url(run: SearchRun, query: str = "") -> str:
    return reverse("matching:run-detail", args=[run.pk]) + query


def progress_url(run: SearchRun) -> str:
    return reverse("matching:run-progress", args=[run.pk])


def shown(client: Client, run: SearchRun, query: str = "") -> list[str]:
    """Units of the page, in order."""
    return [row["unit"] for row in client.get(detail_url(run, query)).context["table"]["rows"]]


def csv_rows(response: Any) -> list[dict[str, str]]:
    """Of an exported list."""
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))
