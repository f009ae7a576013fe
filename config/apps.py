"""The project itself as an app: its commands, and Celery configured in every process."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "config"

    def ready(self) -> None:
        from config import celery  # noqa: F401  shared tasks bind to this app
