from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = _("Core")

    def ready(self) -> None:
        from core import checks, nav, providers, work  # noqa: F401  checks registers the system checks
        from core.roles import Permission

        work.register(providers.work_items)
        nav.register(nav.NavItem(0, _("My work"), "config:home", None, "/"))
        nav.register(nav.NavItem(80, _("Jobs"), "core:job-list", Permission.JOB_VIEW, "/jobs/"))
        nav.register(nav.NavItem(85, _("People"), "core:user-list", Permission.USER_ADMIN, "/users/"))
        nav.register(nav.NavItem(90, _("Audit trail"), "core:audit-list", Permission.AUDIT_VIEW, "/audit/"))
