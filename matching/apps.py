from uuid import UUID

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MatchingConfig(AppConfig):
    """Reference data, match requests, searches and their results."""

    name = "matching"
    verbose_name = _("Matching")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import jobs
        from core import reference as core_reference
        from matching import providers, reference

        core_reference.register(
            nomenclature=reference.active_nomenclature,
            mac=reference.active_mac,
            ciwd=reference.active_ciwd,
        )
        jobs.register_kind("search", ring_search)
        jobs.register_kind("reread", ring_reread)
        providers.register()


def ring_search(job_id: UUID) -> None:
    """Tell a worker that this search waits; the task (and with it the kernel) is loaded only when rung."""
    from matching import tasks

    tasks.search.delay(str(job_id))


def ring_reread(job_id: UUID) -> None:
    """Tell a worker that the typings wait to be read anew."""
    from matching import tasks

    tasks.reread.delay(str(job_id))
