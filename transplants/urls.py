from django.urls import path

from transplants import (
    urls_fees,
<<<<<<< HEAD
    urls_follow_up,
=======
    urls_figures,
>>>>>>> coh
    urls_grafts,
    urls_incidents,
    urls_orders,
    urls_papers,
    urls_shipments,
    urls_typings,
    views,
    views_calendar,
    views_enquiries,
    views_match,
)

app_name = "transplants"

urlpatterns = [
    path("calendar/", views_calendar.calendar, name="calendar"),
    path("calendar/make/", views_calendar.calendar_make, name="calendar-make"),
    path("calendar/revoke/", views_calendar.calendar_revoke, name="calendar-revoke"),
    path("calendar/feed.ics", views_calendar.calendar_feed, name="calendar-feed"),
    path("reservations/", views.reservation_list, name="reservation-list"),
    path("reservations/export.csv", views.reservation_export, name="reservation-export"),
    path("reservations/rules/", views.rules_edit, name="reservation-rules"),
    path(
        "reservations/new/<uuid:patient_pk>/<uuid:unit_pk>/",
        views.reservation_create,
        name="reservation-create",
    ),
    path("reservations/units/<uuid:pk>/free/", views.unit_free, name="reservation-unit-free"),
    path("reservations/<uuid:pk>/", views.reservation_detail, name="reservation-detail"),
    path("reservations/<uuid:pk>/confirm/", views.reservation_confirm, name="reservation-confirm"),
    path("reservations/<uuid:pk>/decline/", views.reservation_decline, name="reservation-decline"),
    path("reservations/<uuid:pk>/extend/", views.reservation_extend, name="reservation-extend"),
    path("reservations/<uuid:pk>/match/", views_match.reservation_match, name="reservation-match"),
    path("reservations/<uuid:pk>/cancel/", views.reservation_cancel, name="reservation-cancel"),
    path("enquiries/", views_enquiries.enquiry_list, name="enquiry-list"),
    path("enquiries/export.csv", views_enquiries.enquiry_export, name="enquiry-export"),
    path("enquiries/deadlines/", views_enquiries.deadlines_edit, name="enquiry-deadlines"),
    path("enquiries/new/<uuid:patient_pk>/", views_enquiries.enquiry_create, name="enquiry-create"),
    path(
        "enquiries/new/<uuid:patient_pk>/<uuid:unit_pk>/",
        views_enquiries.enquiry_create,
        name="enquiry-create-unit",
    ),
    path("enquiries/files/<uuid:pk>/", views_enquiries.enquiry_file, name="enquiry-file"),
    path("enquiries/<uuid:pk>/", views_enquiries.enquiry_detail, name="enquiry-detail"),
    path("enquiries/<uuid:pk>/reply/", views_enquiries.enquiry_reply, name="enquiry-reply"),
    path("enquiries/<uuid:pk>/answer/", views_enquiries.enquiry_answer, name="enquiry-answer"),
    path("enquiries/<uuid:pk>/decline/", views_enquiries.enquiry_decline, name="enquiry-decline"),
    path("enquiries/<uuid:pk>/cancel/", views_enquiries.enquiry_cancel, name="enquiry-cancel"),
    path("enquiries/<uuid:pk>/take/", views_enquiries.enquiry_take, name="enquiry-take"),
    *urls_typings.urlpatterns,
    *urls_orders.urlpatterns,
    *urls_shipments.urlpatterns,
    *urls_grafts.urlpatterns,
    *urls_follow_up.urlpatterns,
    *urls_incidents.urlpatterns,
    *urls_fees.urlpatterns,
    *urls_figures.urlpatterns,
    *urls_papers.urlpatterns,
]
