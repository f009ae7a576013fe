"""Which policy a new request proposes is said by the policies themselves, as is why one is offered no more."""

from typing import Any
from uuid import UUID

from django.db import migrations, models

PROPOSED = {
    "malignant": UUID("5d1da1de-fa01-4000-8000-000000000011"),
    "non-malignant": UUID("5d1da1de-fa01-4000-8000-000000000012"),
    "children": UUID("5d1da1de-fa01-4000-8000-000000000014"),
}


def propose(apps: Any, schema_editor: Any) -> None:
    policies = apps.get_model("matching", "SelectionPolicy").objects
    for patients, pk in PROPOSED.items():
        policies.filter(pk=pk).update(proposed_for=patients)
    policies.filter(retired_at__isnull=False).update(retired_by="Qidai")


class Migration(migrations.Migration):
    dependencies = [("matching", "0017_reach")]

    operations = [
        migrations.AddField(
            model_name="selectionpolicy",
            name="proposed_for",
            field=models.CharField(
                blank=True,
                choices=[
                    ("malignant", "blood cancer"),
                    ("children", "blood cancer, under 18 years"),
                    ("non-malignant", "other diseases"),
                ],
                db_default="",
                default="",
                max_length=40,
                verbose_name="proposed for",
            ),
        ),
        migrations.AddField(
            model_name="selectionpolicy",
            name="retired_by",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name="selectionpolicy",
            name="retire_reason",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=400),
        ),
        migrations.AddConstraint(
            model_name="selectionpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("proposed_for__in", ["", "malignant", "children", "non-malignant"])),
                name="policy_proposed_for_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="selectionpolicy",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("retired_at__isnull", True), models.Q(("proposed_for", ""), _negated=True)
                ),
                fields=("hospital", "proposed_for"),
                name="policy_one_proposed",
                nulls_distinct=False,
            ),
        ),
        migrations.RunPython(propose, migrations.RunPython.noop),
    ]
