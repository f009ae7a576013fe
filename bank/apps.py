from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BankConfig(AppConfig):
    """The cord blood units of the bank and everything recorded about them."""

    name = "bank"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Bank")

    def ready(self) -> None:
        from bank import providers

        providers.register()
