from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TransplantsConfig(AppConfig):
    """From the chosen unit to the infused one: reservations; orders, shipments and transplants follow."""

    name = "transplants"
    verbose_name = _("Transplants")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bank import services_files
        from bank.choices_files import FilePurpose
        from transplants import outcome_files, providers

        services_files.register(FilePurpose.OUTCOMES, outcome_files.read_transplants)
        providers.register()
