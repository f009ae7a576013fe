"""Consent by purpose, health history, documents; what is kept for good is kept by the database."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.crypto

ROLE = "qidai_app"
# What the application may change of rows that are kept for good: the columns that say that one counts no more.
CHANGES = {
    "consentgiven": "superseded",
    "consentwithdrawal": "corrected_by_id, corrected_at, correction_reason",
    "erasure": "",
    "consentdeclaration": "approved_by_id, approved_at, ended_by_id, ended_at, end_reason",
    "interview": "",
    "answer": "",
    "unitdocument": "withdrawn_by_id, withdrawn_at, withdrawal_reason",
}
KEEP = "".join(
    f"REVOKE UPDATE, DELETE, TRUNCATE ON bank_{table} FROM {ROLE};\n"
    + (f"GRANT UPDATE ({columns}) ON bank_{table} TO {ROLE};\n" if columns else "")
    for table, columns in CHANGES.items()
)
RELEASE = "".join(f"GRANT UPDATE, DELETE ON bank_{table} TO {ROLE};\n" for table in CHANGES)
PARTS = {"consentitem": ("consentform", "form_id"), "question": ("questionnaire", "questionnaire_id")}
GUARD = "".join(
    f"""
CREATE FUNCTION bank_{part}_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    links uuid[] := '{{}}';
BEGIN
    IF TG_OP <> 'INSERT' THEN links := links || OLD.{link}; END IF;
    IF TG_OP <> 'DELETE' THEN links := links || NEW.{link}; END IF;
    IF current_user = '{ROLE}' AND EXISTS (
        SELECT 1 FROM bank_{whole} WHERE id = ANY (links) AND approved_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'what an approved version asks for is never changed';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER bank_{part}_stays BEFORE INSERT OR UPDATE OR DELETE ON bank_{part}
    FOR EACH ROW EXECUTE FUNCTION bank_{part}_stays();
"""
    for part, (whole, link) in PARTS.items()
)
UNGUARD = "".join(
    f"DROP TRIGGER bank_{part}_stays ON bank_{part};\nDROP FUNCTION bank_{part}_stays();\n" for part in PARTS
)


class Migration(migrations.Migration):
    dependencies = [
        ("bank", "0013_hands"),
        ("core", "0002_ledger"),  # after the grants on all tables, which would undo those below
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ConsentWithdrawal",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("donation", "Donation and storage for public use"),
                            ("testing", "Testing of the mother's blood"),
                            ("samples", "Keeping of samples"),
                            ("research", "Research"),
                            ("contact", "Being contacted later"),
                            ("abroad", "Sending personal and genetic data abroad"),
                        ],
                        max_length=12,
                    ),
                ),
                ("withdrawn_on", models.DateField(verbose_name="withdrawn on")),
                (
                    "reported_by",
                    models.CharField(
                        choices=[
                            ("mother", "The mother herself"),
                            ("representative", "Her legal representative"),
                            ("site", "The collection site"),
                            ("authority", "An authority or ethics committee"),
                            ("other", "Somebody else"),
                        ],
                        max_length=16,
                        verbose_name="reported by",
                    ),
                ),
                ("reason", models.TextField(verbose_name="reason")),
                ("unit_status", models.CharField(blank=True, default="", max_length=16)),
                ("held", models.BooleanField(default=False)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("corrected_at", models.DateTimeField(blank=True, null=True)),
                ("correction_reason", models.TextField(blank=True, db_default="", default="")),
            ],
            options={
                "ordering": ["-recorded_at"],
            },
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("text_en", models.TextField(verbose_name="English")),
                ("text_zh", models.TextField(verbose_name="Chinese")),
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("position", models.PositiveSmallIntegerField(default=0)),
                (
                    "kind",
                    models.CharField(
                        choices=[("yes_no", "Yes or no"), ("text", "Text")], default="yes_no", max_length=8
                    ),
                ),
                (
                    "defers_on",
                    models.CharField(
                        blank=True, choices=[("yes", "Yes"), ("no", "No")], default="", max_length=3
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="ConsentForm",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("version", models.PositiveSmallIntegerField(unique=True)),
                ("title", models.CharField(max_length=120, verbose_name="title")),
                ("is_current", models.BooleanField(db_default=False, default=False)),
                ("valid_from", models.DateField(blank=True, null=True)),
                ("valid_until", models.DateField(blank=True, null=True)),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_by",
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
                "ordering": ["-version"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ConsentItem",
            fields=[
                ("text_en", models.TextField(verbose_name="English")),
                ("text_zh", models.TextField(verbose_name="Chinese")),
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("donation", "Donation and storage for public use"),
                            ("testing", "Testing of the mother's blood"),
                            ("samples", "Keeping of samples"),
                            ("research", "Research"),
                            ("contact", "Being contacted later"),
                            ("abroad", "Sending personal and genetic data abroad"),
                        ],
                        max_length=12,
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0)),
                (
                    "form",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="bank.consentform",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="ConsentGiven",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("donation", "Donation and storage for public use"),
                            ("testing", "Testing of the mother's blood"),
                            ("samples", "Keeping of samples"),
                            ("research", "Research"),
                            ("contact", "Being contacted later"),
                            ("abroad", "Sending personal and genetic data abroad"),
                        ],
                        help_text="as the item's",
                        max_length=12,
                    ),
                ),
                ("given", models.BooleanField()),
                ("given_on", models.DateField(verbose_name="answered on")),
                (
                    "medium",
                    models.CharField(
                        choices=[("paper", "Signed on paper"), ("electronic", "Signed electronically")],
                        max_length=12,
                        verbose_name="how she answered",
                    ),
                ),
                ("witness", models.CharField(blank=True, default="", max_length=40, verbose_name="witness")),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("superseded", models.BooleanField(db_default=False, default=False)),
                (
                    "donation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consents",
                        to="bank.donation",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="bank.consentitem",
                    ),
                ),
            ],
            options={
                "ordering": ["superseded", "-recorded_at"],
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                (
                    "withdrawal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="erasure",
                        serialize=False,
                        to="bank.consentwithdrawal",
                    ),
                ),
                (
                    "erased",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list, size=None
                    ),
                ),
                (
                    "kept",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), default=list, size=None
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name="consentwithdrawal",
            name="consent",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="withdrawals",
                to="bank.consentgiven",
            ),
        ),
        migrations.AddField(
            model_name="consentwithdrawal",
            name="corrected_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="consentwithdrawal",
            name="donation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="withdrawals", to="bank.donation"
            ),
        ),
        migrations.AddField(
            model_name="consentwithdrawal",
            name="recorded_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.CreateModel(
            name="Interview",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("interviewed_on", models.DateField(verbose_name="interviewed on")),
                ("entered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "donation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="interviews",
                        to="bank.donation",
                    ),
                ),
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
            ],
            options={
                "ordering": ["-interviewed_on", "-entered_at"],
            },
        ),
        migrations.CreateModel(
            name="MotherContact",
            fields=[
                (
                    "donation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="contact",
                        serialize=False,
                        to="bank.donation",
                    ),
                ),
                ("name", core.crypto.EncryptedTextField(blank=True, verbose_name="Name")),
                ("phone", core.crypto.EncryptedTextField(blank=True, verbose_name="Telephone")),
                ("other", core.crypto.EncryptedTextField(blank=True, verbose_name="Other way to reach her")),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "updated_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Answer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("value", models.TextField(blank=True, default="", verbose_name="answer")),
                ("remark", models.TextField(blank=True, default="", verbose_name="remark")),
                (
                    "defers",
                    models.BooleanField(default=False, help_text="as the question says of this answer"),
                ),
                (
                    "interview",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="bank.interview",
                    ),
                ),
                (
                    "question",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="bank.question"
                    ),
                ),
            ],
            options={
                "ordering": ["question__position"],
            },
        ),
        migrations.CreateModel(
            name="Questionnaire",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("version", models.PositiveSmallIntegerField(unique=True)),
                ("title", models.CharField(max_length=120, verbose_name="title")),
                ("is_current", models.BooleanField(db_default=False, default=False)),
                ("valid_from", models.DateField(blank=True, null=True)),
                ("valid_until", models.DateField(blank=True, null=True)),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_by",
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
                "ordering": ["-version"],
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="question",
            name="questionnaire",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="questions", to="bank.questionnaire"
            ),
        ),
        migrations.AddField(
            model_name="interview",
            name="questionnaire",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="interviews",
                to="bank.questionnaire",
            ),
        ),
        migrations.CreateModel(
            name="UnitDocument",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("consent", "Signed consent"),
                            ("interview", "Health history on paper"),
                            ("result", "Laboratory report"),
                            ("freezing", "Freezing curve"),
                            ("certificate", "Certificate"),
                            ("letter", "Letter"),
                            ("other", "Other"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("title", models.CharField(max_length=120, verbose_name="title")),
                ("content_type", models.CharField(max_length=40)),
                ("size_bytes", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("content", models.BinaryField()),
                ("added_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawal_reason", models.TextField(blank=True, db_default="", default="")),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="bank.cordbloodunit",
                    ),
                ),
                (
                    "withdrawn_by",
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
                "ordering": ["-added_at"],
            },
        ),
        migrations.CreateModel(
            name="ConsentDeclaration",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("donation", "Donation and storage for public use"),
                            ("testing", "Testing of the mother's blood"),
                            ("samples", "Keeping of samples"),
                            ("research", "Research"),
                            ("contact", "Being contacted later"),
                            ("abroad", "Sending personal and genetic data abroad"),
                        ],
                        max_length=12,
                    ),
                ),
                ("collected_from", models.DateField(verbose_name="collected from")),
                ("collected_until", models.DateField(verbose_name="collected until")),
                ("reason", models.TextField(verbose_name="reason")),
                ("entered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("end_reason", models.TextField(blank=True, db_default="", default="")),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "bank",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consent_declarations",
                        to="bank.bank",
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
            ],
            options={
                "ordering": ["-entered_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("purpose__in", ["samples", "research", "abroad"])),
                        name="declaration_purpose_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("collected_until__gte", models.F("collected_from"))),
                        name="declaration_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="declaration_reason_given"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("approved_at__isnull", True), ("approved_by__isnull", True)),
                            models.Q(("approved_at__isnull", False), ("approved_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="declaration_approved_paired",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_by__isnull", True),
                            ("entered_by__isnull", True),
                            models.Q(("approved_by", models.F("entered_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="declaration_approved_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("end_reason", ""), ("ended_at__isnull", True), ("ended_by__isnull", True)
                            ),
                            models.Q(
                                ("ended_at__isnull", False),
                                ("ended_by__isnull", False),
                                models.Q(("end_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="declaration_ended_whole",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="consentform",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("approved_at__isnull", True),
                        ("approved_by__isnull", True),
                        ("valid_from__isnull", True),
                    ),
                    models.Q(
                        ("approved_at__isnull", False),
                        ("approved_by__isnull", False),
                        ("valid_from__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="consentform_approved_paired",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentform",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by__isnull", True),
                    ("created_by__isnull", True),
                    models.Q(("approved_by", models.F("created_by")), _negated=True),
                    _connector="OR",
                ),
                name="consentform_approved_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentform",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_current", False),
                    models.Q(("approved_at__isnull", False), ("valid_until__isnull", True)),
                    _connector="OR",
                ),
                name="consentform_current_approved",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentform",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_current", True)),
                fields=("is_current",),
                name="consentform_one_in_force",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentitem",
            constraint=models.UniqueConstraint(fields=("form", "purpose"), name="consent_item_once"),
        ),
        migrations.AddConstraint(
            model_name="consentitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("purpose__in", ["donation", "testing", "samples", "research", "contact", "abroad"])
                ),
                name="consent_item_purpose_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("text_en", ""), _negated=True), models.Q(("text_zh", ""), _negated=True)
                ),
                name="consent_item_both_languages",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentgiven",
            constraint=models.UniqueConstraint(
                condition=models.Q(("superseded", False)),
                fields=("donation", "purpose"),
                name="consent_one_in_force",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentgiven",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("purpose__in", ["donation", "testing", "samples", "research", "contact", "abroad"])
                ),
                name="consent_purpose_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentgiven",
            constraint=models.CheckConstraint(
                condition=models.Q(("medium__in", ["paper", "electronic"])), name="consent_medium_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="consentwithdrawal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("corrected_at", None)),
                fields=("consent",),
                name="withdrawal_once_per_consent",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentwithdrawal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("consent", None), ("corrected_at", None)),
                fields=("donation", "purpose"),
                name="withdrawal_once_without_consent",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentwithdrawal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("purpose__in", ["donation", "testing", "samples", "research", "contact", "abroad"])
                ),
                name="withdrawal_purpose_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentwithdrawal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reported_by__in", ["mother", "representative", "site", "authority", "other"])
                ),
                name="withdrawal_reported_by_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentwithdrawal",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="withdrawal_reason_given"
            ),
        ),
        migrations.AddConstraint(
            model_name="consentwithdrawal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("corrected_at__isnull", True),
                        ("corrected_by__isnull", True),
                        ("correction_reason", ""),
                    ),
                    models.Q(
                        ("corrected_at__isnull", False),
                        ("corrected_by__isnull", False),
                        models.Q(("correction_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="withdrawal_corrected_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentwithdrawal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("corrected_by__isnull", True),
                    ("recorded_by__isnull", True),
                    models.Q(("corrected_by", models.F("recorded_by")), _negated=True),
                    _connector="OR",
                ),
                name="withdrawal_corrected_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="answer",
            constraint=models.UniqueConstraint(fields=("interview", "question"), name="answer_once"),
        ),
        migrations.AddConstraint(
            model_name="questionnaire",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("approved_at__isnull", True),
                        ("approved_by__isnull", True),
                        ("valid_from__isnull", True),
                    ),
                    models.Q(
                        ("approved_at__isnull", False),
                        ("approved_by__isnull", False),
                        ("valid_from__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="questionnaire_approved_paired",
            ),
        ),
        migrations.AddConstraint(
            model_name="questionnaire",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by__isnull", True),
                    ("created_by__isnull", True),
                    models.Q(("approved_by", models.F("created_by")), _negated=True),
                    _connector="OR",
                ),
                name="questionnaire_approved_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="questionnaire",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_current", False),
                    models.Q(("approved_at__isnull", False), ("valid_until__isnull", True)),
                    _connector="OR",
                ),
                name="questionnaire_current_approved",
            ),
        ),
        migrations.AddConstraint(
            model_name="questionnaire",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_current", True)),
                fields=("is_current",),
                name="questionnaire_one_in_force",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["yes_no", "text"])), name="question_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("defers_on", ""),
                    models.Q(("defers_on__in", ["yes", "no"]), ("kind", "yes_no")),
                    _connector="OR",
                ),
                name="question_defers_on_answer",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("text_en", ""), _negated=True), models.Q(("text_zh", ""), _negated=True)
                ),
                name="question_both_languages",
            ),
        ),
        migrations.AddConstraint(
            model_name="unitdocument",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        ["consent", "interview", "result", "freezing", "certificate", "letter", "other"],
                    )
                ),
                name="document_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="unitdocument",
            constraint=models.CheckConstraint(
                condition=models.Q(("size_bytes__gt", 0)), name="document_not_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="unitdocument",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn_at", None)), fields=("unit", "sha256"), name="document_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="unitdocument",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("withdrawal_reason", ""),
                        ("withdrawn_at__isnull", True),
                        ("withdrawn_by__isnull", True),
                    ),
                    models.Q(
                        ("withdrawn_at__isnull", False),
                        ("withdrawn_by__isnull", False),
                        models.Q(("withdrawal_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="document_withdrawn_whole",
            ),
        ),
        migrations.RunSQL(KEEP, RELEASE),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
