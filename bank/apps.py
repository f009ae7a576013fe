from uuid import UUID

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BankConfig(AppConfig):
    """The cord blood units of the bank and everything recorded about them."""

    name = "bank"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Bank")

    def ready(self) -> None:
        from bank import file_readers, providers, services_files
        from bank.choices_files import FilePurpose
        from core import jobs

        jobs.register_kind(services_files.KIND, ring_import_file)
        services_files.register(FilePurpose.UNITS, file_readers.read_units)
        services_files.register(FilePurpose.RESULTS, file_readers.read_results)
        jobs.register_kind("inventory_export", ring_inventory_export)
        providers.register()


def ring_import_file(job_id: UUID) -> None:
    """Tell a worker that a file waits to be checked or written; nobody's search stands behind it."""
    from bank import tasks

    tasks.import_file.delay(str(job_id))


def ring_inventory_export(job_id: UUID) -> None:
    """Tell a worker that a file of the inventory waits to be made; nobody's search stands behind it."""
    from bank import tasks

    tasks.inventory_export.delay(str(job_id))
