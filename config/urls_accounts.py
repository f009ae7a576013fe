"""Of allauth only what this bank wants: sign in and out, change the own password.

Addresses are the administrator's to change and a forgotten password is the administrator's to renew (People):
no page here changes who an account belongs to. `account_signup` answers that nobody signs up.
"""

from allauth.account import views
from django.urls import path

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("signup/", views.signup, name="account_signup"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
]
