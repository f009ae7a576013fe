from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bank.codes import product
from bank.querysets import ProductCodeQuerySet


class ProductCode(models.Model):
    """One row is one product description code of the table that the bank loaded, as that version words it.

    A code that a later version leaves out stays: units bear it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    code = models.CharField(_("code"), max_length=5)
    description = models.CharField(_("description"), max_length=500)
    product_class = models.CharField(
        _("product class"), max_length=120, blank=True, default="", db_default=""
    )
    version = models.CharField(_("version"), max_length=40)
    loaded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ProductCodeQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="product_code_once"),
            models.CheckConstraint(
                condition=Q(code__regex=f"^{product.DESCRIPTION_PATTERN}$"), name="product_code_form"
            ),
            models.CheckConstraint(condition=~Q(description=""), name="product_code_described"),
            models.CheckConstraint(condition=~Q(version=""), name="product_code_versioned"),
        ]

    def __str__(self) -> str:
        return f"{self.code} · {self.description}"
