"""Lots and what they were used on, with those that stand as texts so far; indexes for who lay where."""

import uuid
from typing import Any

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

ROLE = "qidai_app"
# Lots that stand as texts beside steps and results: (kind, table, column, step, day, who, when).
TEXTS = (
    (
        "processing_set",
        "bank_processingrecord",
        "kit_lot",
        "processing",
        "(started_at AT TIME ZONE %(zone)s)::date",
    ),
    ("bag", "bank_processingrecord", "bag_lot", "processing", "(started_at AT TIME ZONE %(zone)s)::date"),
    ("instrument", "bank_measurement", "instrument", "measurement", "measured_on"),
    ("test_kit", "bank_markerresult", "kit_lot", "marker", "tested_on"),
    ("test_kit", "bank_cultureresult", "kit_lot", "culture", "read_on"),
    ("test_kit", "bank_bloodgroupresult", "kit_lot", "blood_group", "tested_on"),
)
USES = " UNION ALL ".join(
    f"SELECT unit_id, '{kind}' AS kind, '{step}' AS step, {day} AS used_on, entered_by_id, entered_at,"
    f" btrim(regexp_replace({column}, '\\s+', ' ', 'g')) AS number FROM {table} WHERE {column} <> ''"
    for kind, table, column, step, day in TEXTS
)
FILL = f"""
CREATE TEMPORARY TABLE lot_texts ON COMMIT DROP AS
    SELECT DISTINCT ON (unit_id, kind, step, used_on, upper(number)) * FROM ({USES}) AS texts WHERE number <> ''
    ORDER BY unit_id, kind, step, used_on, upper(number), entered_at;
INSERT INTO bank_lot (id, kind, number, state)
    SELECT gen_random_uuid(), kind, min(number), 'in_use' FROM lot_texts GROUP BY kind, upper(number);
INSERT INTO bank_lotuse (id, unit_id, lot_id, step, used_on, entered_by_id, entered_at)
    SELECT gen_random_uuid(), t.unit_id, lot.id, t.step, t.used_on, t.entered_by_id, t.entered_at
    FROM lot_texts t JOIN bank_lot lot ON lot.kind = t.kind AND upper(lot.number) = upper(t.number);
"""
# Which units a lot touched is kept for thirty years: the application deletes none of it.
KEEP = f"REVOKE DELETE, TRUNCATE ON bank_lot, bank_lotuse FROM {ROLE};"
# Which units lay in a canister, by their moves (bank.stays).
MOVES = "WHERE action IN ('unit.place', 'unit.move', 'unit.take_out')"
INDEX = "".join(
    f"CREATE INDEX IF NOT EXISTS audit_place_{side} ON core_auditentry"
    f" (((\"{side}\" ->> 'place')) text_pattern_ops) {MOVES};"
    for side in ("before", "after")
)
UNINDEX = "DROP INDEX IF EXISTS audit_place_before; DROP INDEX IF EXISTS audit_place_after;"


def fill(apps: Any, schema_editor: Any) -> None:
    """Rows for the lots that are written down beside steps and results."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(FILL, {"zone": settings.TIME_ZONE})


class Migration(migrations.Migration):
    dependencies = [
        ("bank", "0017_yield"),
        ("core", "0002_ledger"),  # after its grants, which would undo those here
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Lot",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("collection_kit", "Collection kit"),
                            ("bag", "Bag"),
                            ("anticoagulant", "Anticoagulant"),
                            ("processing_set", "Processing set"),
                            ("reagent", "Reagent"),
                            ("cryoprotectant", "Cryoprotectant"),
                            ("test_kit", "Test kit"),
                            ("instrument", "Instrument"),
                            ("freezer", "Controlled-rate freezer"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                (
                    "manufacturer",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=80, verbose_name="manufacturer"
                    ),
                ),
                (
                    "number",
                    models.CharField(
                        help_text="of the lot; of an instrument its serial number",
                        max_length=80,
                        verbose_name="number",
                    ),
                ),
                (
                    "expires_on",
                    models.DateField(
                        blank=True, help_text="the last day of use", null=True, verbose_name="expires on"
                    ),
                ),
                ("received_on", models.DateField(blank=True, null=True, verbose_name="received on")),
                (
                    "state",
                    models.CharField(
                        choices=[("in_use", "In use"), ("blocked", "Blocked")],
                        db_default="in_use",
                        default="in_use",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "blocked_reason",
                    models.TextField(blank=True, db_default="", default="", verbose_name="why it is blocked"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "registered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["kind", "number", "manufacturer"],
            },
        ),
        migrations.CreateModel(
            name="LotUse",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "step",
                    models.CharField(
                        choices=[
                            ("collection", "Collection"),
                            ("processing", "Processing"),
                            ("freezing", "Freezing"),
                            ("measurement", "Measurement"),
                            ("marker", "Infectious disease markers"),
                            ("culture", "Culture"),
                            ("blood_group", "Blood group"),
                            ("typing", "HLA typing"),
                            ("storage", "Storage"),
                        ],
                        max_length=12,
                        verbose_name="step",
                    ),
                ),
                ("used_on", models.DateField(blank=True, null=True, verbose_name="used on")),
                (
                    "deviation",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="expired or blocked",
                        verbose_name="why it was used all the same",
                    ),
                ),
                ("entered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "entered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="bank.lot"
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lot_uses",
                        to="bank.cordbloodunit",
                    ),
                ),
            ],
            options={
                "ordering": ["used_on", "entered_at"],
            },
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Upper("number"),
                models.F("kind"),
                django.db.models.functions.text.Upper("manufacturer"),
                name="lot_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.CheckConstraint(
                condition=models.Q(("number", ""), _negated=True), name="lot_numbered"
            ),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "collection_kit",
                            "bag",
                            "anticoagulant",
                            "processing_set",
                            "reagent",
                            "cryoprotectant",
                            "test_kit",
                            "instrument",
                            "freezer",
                        ],
                    )
                ),
                name="lot_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("blocked_reason", ""), ("state", "in_use")),
                    models.Q(("state", "blocked"), models.Q(("blocked_reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="lot_blocked_with_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="lotuse",
            constraint=models.UniqueConstraint(
                fields=("unit", "lot", "step", "used_on"), name="lot_use_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="lotuse",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "step__in",
                        [
                            "collection",
                            "processing",
                            "freezing",
                            "measurement",
                            "marker",
                            "culture",
                            "blood_group",
                            "typing",
                            "storage",
                        ],
                    )
                ),
                name="lot_use_step_known",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
        migrations.RunSQL(INDEX, UNINDEX),
    ]
