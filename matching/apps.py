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
        from hospitals import doses
        from matching import providers, reference
        from matching.presenters import doses_needed

        core_reference.register(
            nomenclature=reference.active_nomenclature,
            mac=reference.active_mac,
            ciwd=reference.active_ciwd,
        )
        jobs.register_kind("search", ring_search)
        jobs.register_kind("research", ring_research)
        jobs.register_kind("night", ring_night)
        jobs.register_kind("new_units", ring_new_units)
        jobs.register_kind("reread", ring_reread)
        jobs.register_kind("replay", ring_replay)
        jobs.register_kind("planning", ring_planning)
        providers.register()
        doses.register(doses_needed.of_patient)


def ring_search(job_id: UUID) -> None:
    """Tell a worker that this search waits; the task (and with it the kernel) is loaded only when rung."""
    from matching import tasks

    tasks.search.delay(str(job_id))


def ring_research(job_id: UUID) -> None:
    """The same search asked for by the night: in a queue of its own, so that no person waits behind it."""
    from matching import tasks

    tasks.search.apply_async(args=[str(job_id)], queue="batch")


def ring_night(job_id: UUID) -> None:
    """Tell a worker that the waiting patients are to be searched again."""
    from matching import tasks

    tasks.night.delay(str(job_id))


def ring_new_units(job_id: UUID) -> None:
    """Tell a worker that new units wait to be compared with the waiting patients."""
    from matching import tasks

    tasks.new_units.delay(str(job_id))


def ring_reread(job_id: UUID) -> None:
    """Tell a worker that the typings wait to be read anew."""
    from matching import tasks

    tasks.reread.delay(str(job_id))


def ring_replay(job_id: UUID) -> None:
    """Tell a worker that a search waits to be recomputed; nobody's search stands behind it."""
    from matching import tasks

    tasks.replay.delay(str(job_id))


def ring_planning(job_id: UUID) -> None:
    """Tell a worker that a simulation of the inventory waits; nobody's search stands behind it."""
    from matching import tasks

    tasks.planning.delay(str(job_id))
