"""Accounts are given by the bank's administrator; nobody signs up by himself."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from core import services
from core.models import User


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def set_password(self, user: User, password: str) -> None:
        """The person's own change of password: with an entry in the audit trail."""
        services.user_change_password(user=user, password=password)
