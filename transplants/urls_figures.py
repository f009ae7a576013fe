from django.urls import path, re_path

from transplants import views_figures as views
from transplants import views_hospitals_compared as compared

_FILE = r"(?P<endpoint>[a-z0-9]{2,12})\.(?P<suffix>svg|png|csv)$"

urlpatterns = [
    path("outcomes/", views.outcome_survival, name="outcome-survival"),
    path("outcomes/events/", views.outcome_incidence, name="outcome-incidence"),
    path("outcomes/hospitals/", compared.outcome_hospitals, name="outcome-hospitals"),
    path("outcomes/hospitals.csv", compared.outcome_hospitals_csv, name="outcome-hospitals-csv"),
    path("outcomes/model/", compared.outcome_forest, name="outcome-forest"),
    path("outcomes/model.csv", compared.outcome_forest_csv, name="outcome-forest-csv"),
    re_path(r"^outcomes/survival/" + _FILE, views.outcome_survival_file, name="outcome-survival-file"),
    re_path(r"^outcomes/events/" + _FILE, views.outcome_incidence_file, name="outcome-incidence-file"),
]
