from django.urls import path

from hospitals import (
    views,
    views_antibodies,
    views_duplicates,
    views_patients,
    views_people,
    views_typing,
)

app_name = "hospitals"
urlpatterns = [
    path("hospitals/", views.hospital_list, name="hospital-list"),
    path("hospitals/export.csv", views.hospital_export, name="hospital-export"),
    path("hospitals/new/", views.hospital_create, name="hospital-create"),
    path("hospitals/<uuid:pk>/", views.hospital_detail, name="hospital-detail"),
    path("hospitals/<uuid:pk>/edit/", views.hospital_edit, name="hospital-edit"),
    path("hospitals/<uuid:pk>/people/", views_people.membership_add, name="membership-add"),
    path("hospitals/people/<uuid:pk>/edit/", views_people.membership_edit, name="membership-edit"),
    path("hospitals/people/<uuid:pk>/remove/", views_people.membership_remove, name="membership-remove"),
    path("hospitals/<uuid:pk>/departments/new/", views_people.department_create, name="department-create"),
    path("hospitals/departments/<uuid:pk>/edit/", views_people.department_edit, name="department-edit"),
    path("patients/", views_patients.patient_list, name="patient-list"),
    path("patients/export.csv", views_patients.patient_export, name="patient-export"),
    path("patients/new/", views_patients.patient_create, name="patient-create"),
    path("patients/typing-check/", views_patients.typing_check, name="typing-check"),
    path("patients/duplicates/", views_duplicates.duplicate_list, name="duplicate-list"),
    path(
        "patients/duplicates/<uuid:pk>/dismiss/", views_duplicates.duplicate_dismiss, name="duplicate-dismiss"
    ),
    path("patients/merges/", views_duplicates.merge_list, name="merge-list"),
    path("patients/merges/<uuid:pk>/undo/", views_duplicates.merge_undo, name="merge-undo"),
    path(
        "patients/<uuid:pk>/duplicates/<uuid:other_pk>/deny/",
        views_duplicates.duplicate_deny,
        name="duplicate-deny",
    ),
    path("patients/<uuid:pk>/", views_patients.patient_detail, name="patient-detail"),
    path("patients/<uuid:pk>/edit/", views_patients.patient_edit, name="patient-edit"),
    path("patients/<uuid:pk>/typing/", views_patients.patient_typing, name="patient-typing"),
    path("patients/<uuid:pk>/typing/second/", views_typing.typing_second, name="typing-second"),
    path("patients/<uuid:pk>/typing/settle/", views_typing.typing_settle, name="typing-settle"),
    path("patients/<uuid:pk>/weight/", views_patients.patient_weight, name="patient-weight"),
    path("patients/<uuid:pk>/enzyme/", views_patients.patient_enzyme, name="patient-enzyme"),
    path("patients/<uuid:pk>/deactivate/", views_patients.patient_deactivate, name="patient-deactivate"),
    path("patients/<uuid:pk>/reactivate/", views_patients.patient_reactivate, name="patient-reactivate"),
    path("patients/<uuid:pk>/identity/", views_patients.patient_identity, name="patient-identity"),
    path(
        "patients/<uuid:pk>/identity/edit/",
        views_patients.patient_identity_edit,
        name="patient-identity-edit",
    ),
    path("patients/<uuid:pk>/sera/new/", views_antibodies.serum_create, name="serum-create"),
    path("patients/sera/<uuid:pk>/", views_antibodies.serum_detail, name="serum-detail"),
    path("patients/sera/<uuid:pk>/withdraw/", views_antibodies.serum_withdraw, name="serum-withdraw"),
]
