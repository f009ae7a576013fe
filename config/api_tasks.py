"""API: the tasks of the day of the caller, as the page *Today* shows them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import work
from core.api import IsSignedIn


class TaskSerializer(serializers.Serializer[Any]):
    """One task: what waits, how much of it, since when, until when, and the page where it is done."""

    title = serializers.CharField()
    detail = serializers.CharField()
    kind = serializers.CharField()
    count = serializers.IntegerField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True, help_text="since when the oldest waits")
    due_at = serializers.DateTimeField(allow_null=True)
    overdue = serializers.BooleanField()
    url = serializers.CharField(help_text="path of the page that lists just these")


class TaskListView(APIView):
    """What waits for the caller, overdue first; nobody sees another one's."""

    permission_classes = [IsSignedIn]

    @extend_schema(responses=TaskSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(TaskSerializer(work.items_for(request.user), many=True).data)
