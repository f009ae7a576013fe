"""Addresses of consent, health history and documents."""

from django.urls import path

from bank import views_consent, views_forms, views_history

urlpatterns = [
    path("units/forms/", views_forms.form_list, name="form-list"),
    path("units/forms/<slug:kind>/new/", views_forms.form_edit, name="form-edit"),
    path("units/forms/<slug:kind>/<uuid:pk>/", views_forms.form_detail, name="form-detail"),
    path("units/forms/<slug:kind>/<uuid:pk>/approve/", views_forms.form_approve, name="form-approve"),
    path("units/declarations/", views_forms.declaration_list, name="declaration-list"),
    path(
        "units/declarations/<uuid:pk>/approve/", views_forms.declaration_approve, name="declaration-approve"
    ),
    path("units/declarations/<uuid:pk>/end/", views_forms.declaration_end, name="declaration-end"),
    path("units/withdrawals/<uuid:pk>/correct/", views_consent.withdrawal_correct, name="withdrawal-correct"),
    path("units/documents/<uuid:pk>/", views_history.document_file, name="document-file"),
    path("units/documents/<uuid:pk>/withdraw/", views_history.document_withdraw, name="document-withdraw"),
    path("units/<uuid:pk>/consent/", views_consent.unit_consent, name="unit-consent"),
    path("units/<uuid:pk>/consent/record/", views_consent.consent_record, name="consent-record"),
    path("units/<uuid:pk>/consent/withdraw/", views_consent.consent_withdraw, name="consent-withdraw"),
    path("units/<uuid:pk>/contact/", views_consent.contact, name="unit-contact"),
    path("units/<uuid:pk>/contact/edit/", views_consent.contact_edit, name="unit-contact-edit"),
    path("units/<uuid:pk>/interview/", views_history.unit_interview, name="unit-interview"),
    path("units/<uuid:pk>/documents/", views_history.unit_documents, name="unit-documents"),
]
