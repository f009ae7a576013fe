from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = _("Core")

    def ready(self) -> None:
        from core import (  # noqa: F401  checks registers the system checks
            checks,
            hook_sending,
            kinds,
            nav,
            providers,
            work,
        )
        from core.roles import Permission

        work.register(providers.work_items)
        work.register(providers.hook_work)
        kinds.register(hook_sending.DISABLED)
        # bank staff find the same list, and the rest of their day, under "Today"
        staff = Permission.INVENTORY_VIEW_ALL
        nav.register(nav.NavItem(0, _("My work"), "config:home", None, "/", unless=staff))
        nav.register(nav.NavItem(5, _("Today"), "config:today", staff, "/today/"))
        nav.register(nav.NavItem(80, _("Jobs"), "core:job-list", Permission.JOB_VIEW, "/jobs/"))
        nav.register(nav.NavItem(85, _("People"), "core:user-list", Permission.USER_ADMIN, "/users/"))
        nav.register(nav.NavItem(90, _("Audit trail"), "core:audit-list", Permission.AUDIT_VIEW, "/audit/"))
