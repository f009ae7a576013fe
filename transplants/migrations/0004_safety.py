import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# A permit that was recorded before it named its country was recorded for where the unit goes.
OLDER = """
    UPDATE transplants_exportpermit SET country = transplants_order.country
    FROM transplants_order WHERE transplants_order.id = transplants_exportpermit.order_id;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("hospitals", "0005_departments"),
        ("transplants", "0003_orders"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MatchAcknowledgement",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("digest", models.CharField(max_length=64)),
                ("found", models.JSONField()),
                (
                    "reason",
                    models.CharField(max_length=400, verbose_name="Why the unit is wanted all the same"),
                ),
                ("signer", models.CharField(help_text="the name as it was", max_length=200)),
                ("acknowledged_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "patient_typing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="hospitals.patienthlatyping",
                    ),
                ),
                (
                    "reservation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="match_acknowledgements",
                        to="transplants.reservation",
                    ),
                ),
                (
                    "typing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="transplants.confirmatorytyping",
                    ),
                ),
            ],
            options={
                "ordering": ["acknowledged_at", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("reservation", "digest"), name="match_acknowledged_once"),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="match_acknowledged_with_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PermitFile",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("permit_no", models.CharField(max_length=60, verbose_name="Permit number")),
                ("content_type", models.CharField(max_length=40)),
                ("size_bytes", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("content", models.BinaryField()),
                ("added_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="permit_files",
                        to="transplants.order",
                    ),
                ),
            ],
            options={
                "ordering": ["-added_at", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("size_bytes__gt", 0)), name="permit_file_not_empty"
                    ),
                    models.UniqueConstraint(fields=("order", "permit_no", "sha256"), name="permit_file_once"),
                ],
            },
        ),
        migrations.AddField(
            model_name="exportpermit",
            name="country",
            field=models.CharField(
                default="", max_length=2, verbose_name="Country that it names (two letters)"
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(OLDER, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="exportpermit",
            constraint=models.CheckConstraint(
                condition=models.Q(("country__regex", "^[A-Z]{2}$")), name="permit_of_country"
            ),
        ),
    ]
