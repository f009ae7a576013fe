"""All addresses of Qidai. A new one needs its row in tests/access/."""

from __future__ import annotations

from csp.decorators import csp_replace
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from bank import api as bank_api
from config import api_tasks, views
from config.views_components import components
from hospitals import api as hospitals_api
from matching import api as matching_api
from matching import api_hla
from transplants import api as transplants_api

router = SimpleRouter()
for api in (bank_api, hospitals_api, matching_api, transplants_api):
    api.register(router)

# Swagger UI draws its icons from data: URLs; everything else of the policy stays as it is.
_swagger = csp_replace({"img-src": ["'self'", "data:"]})(
    SpectacularSwaggerSplitView.as_view(url_name="api:schema", template_name="api/swagger.html")
)

api_patterns = (
    [
        path("schema/", SpectacularAPIView.as_view(), name="schema"),
        path("docs/", _swagger, name="docs"),
        # without a slash at the end, as programs outside know them
        path("hla/interpret", api_hla.InterpretView.as_view(), name="hla-interpret"),
        path("hla/compare", api_hla.CompareView.as_view(), name="hla-compare"),
        path("tasks/", api_tasks.TaskListView.as_view(), name="task-list"),
        *router.urls,
    ],
    "api",
)

config_patterns = (
    [
        path("", views.home, name="home"),
        path("today/", views.today, name="today"),
        path("find/", views.find_anything, name="find"),
        path("components/", components, name="components"),
        path("healthz", views.healthz, name="healthz"),
    ],
    "config",
)

urlpatterns = [
    path("", include(config_patterns)),
    path("", include("core.urls")),
    path("", include("bank.urls")),
    path("", include("hospitals.urls")),
    path("", include("matching.urls")),
    path("", include("transplants.urls")),
    path("accounts/", include("config.urls_accounts")),
    path("api/v1/", include(api_patterns)),
]

handler400 = "config.views_errors.bad_request"
handler403 = "config.views_errors.forbidden"
handler404 = "config.views_errors.not_found"
handler500 = "config.views_errors.server_error"
