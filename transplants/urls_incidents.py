from django.urls import path

from transplants import views_incidents, views_recalls

urlpatterns = [
    path("incidents/", views_incidents.incident_list, name="incident-list"),
    path("incidents/export.csv", views_incidents.incident_export, name="incident-export"),
    path("incidents/new/", views_incidents.incident_create, name="incident-create"),
    path("incidents/rules/", views_incidents.rules_edit, name="incident-rules"),
    path("incidents/<uuid:pk>/", views_incidents.incident_detail, name="incident-detail"),
    path("incidents/<uuid:pk>/form.pdf", views_incidents.incident_form, name="incident-form"),
    path("incidents/<uuid:pk>/note/", views_incidents.incident_note, name="incident-note"),
    path("incidents/<uuid:pk>/assess/", views_incidents.incident_assess, name="incident-assess"),
    path(
        "incidents/<uuid:pk>/reported-out/",
        views_incidents.incident_reported_out,
        name="incident-reported-out",
    ),
    path("incidents/<uuid:pk>/close/", views_incidents.incident_close, name="incident-close"),
    path("incidents/<uuid:pk>/reopen/", views_incidents.incident_reopen, name="incident-reopen"),
    path("recalls/", views_recalls.recall_list, name="recall-list"),
    path("recalls/new/", views_recalls.recall_create, name="recall-create"),
    path("recalls/lots/<uuid:pk>/concerned.csv", views_recalls.lot_export, name="recall-lot-export"),
    path("recalls/<uuid:pk>/", views_recalls.recall_detail, name="recall-detail"),
    path("recalls/<uuid:pk>/concerned.csv", views_recalls.recall_export, name="recall-export"),
    path("recalls/<uuid:pk>/lift/", views_recalls.recall_lift, name="recall-lift"),
    path(
        "recalls/<uuid:pk>/units/<uuid:unit_pk>/free/",
        views_recalls.recall_free_unit,
        name="recall-free-unit",
    ),
]
