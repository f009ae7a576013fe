# Departments were free texts; now each is a row of its hospital, and the text of every person becomes a link to one.

import hashlib
import uuid
from collections import Counter, defaultdict

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models

# A person works in a department of the hospital that the person works for, not of another one.
OWN = """
ALTER TABLE hospitals_department ADD CONSTRAINT hospitals_department_of_hospital UNIQUE (id, hospital_id);
ALTER TABLE hospitals_membership ADD CONSTRAINT hospitals_membership_own_department
    FOREIGN KEY (department_id, hospital_id) REFERENCES hospitals_department (id, hospital_id)
    DEFERRABLE INITIALLY DEFERRED;
REVOKE DELETE, TRUNCATE ON hospitals_department FROM qidai_app;
"""
ANY = """
GRANT DELETE ON hospitals_department TO qidai_app;
ALTER TABLE hospitals_membership DROP CONSTRAINT hospitals_membership_own_department;
ALTER TABLE hospitals_department DROP CONSTRAINT hospitals_department_of_hospital;
"""


def plain(text):
    return " ".join(text.split())


def link(apps, schema_editor):
    """One department per hospital and name, whatever the case; the spelling that most people have is kept."""
    department, membership = (apps.get_model("hospitals", name) for name in ("Department", "Membership"))
    named = defaultdict(list)
    for row in membership.objects.exclude(department_text="").order_by("created_at", "pk"):
        if name := plain(row.department_text):
            named[row.hospital_id, name.lower()].append(row)
    for (hospital_id, _folded), people in named.items():
        (name, _often), *_others = Counter(plain(row.department_text) for row in people).most_common()
        made = department.objects.create(hospital_id=hospital_id, name=name)
        membership.objects.filter(pk__in=[row.pk for row in people]).update(department=made)
    if named:
        _tell(apps, named)
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else the next step may not alter these tables


def _tell(apps, named):
    lines = [f"{row.pk} {row.department_text}" for people in named.values() for row in people]
    apps.get_model("core", "AuditEntry").objects.create(
        actor_id="system:migration",
        actor_label="system: migration",
        action="department.loaded",
        target_type="hospitals.Department",
        target_key="0005",
        target_label="departments from the texts of people",
        batch_rows=len(lines),
        batch_sha256=hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    )


def unlink(apps, schema_editor):
    membership = apps.get_model("hospitals", "Membership")
    for row in membership.objects.exclude(department=None).select_related("department"):
        membership.objects.filter(pk=row.pk).update(department_text=row.department.name)
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0006_telling"),
        ("hospitals", "0004_samples_duplicates_disease"),
    ]

    operations = [
        migrations.AddField(
            model_name="hospital",
            name="qualification_authority",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=120, verbose_name="Qualified by"
            ),
        ),
        migrations.AddField(
            model_name="hospital",
            name="qualified_from",
            field=models.DateField(blank=True, null=True, verbose_name="Qualified from"),
        ),
        migrations.AddConstraint(
            model_name="hospital",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("qualified_from__isnull", True),
                    ("qualified_until__isnull", True),
                    ("qualified_from__lte", models.F("qualified_until")),
                    _connector="OR",
                ),
                name="hospitals_qualified_in_order",
            ),
        ),
        migrations.CreateModel(
            name="Department",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=80, verbose_name="Name")),
                (
                    "name_zh",
                    models.CharField(blank=True, default="", max_length=80, verbose_name="Chinese name"),
                ),
                ("active", models.BooleanField(default=True, verbose_name="Active")),
                (
                    "shipping_contact",
                    models.CharField(
                        blank=True, default="", max_length=120, verbose_name="Contact for shipments"
                    ),
                ),
                (
                    "shipping_phone",
                    models.CharField(
                        blank=True, default="", max_length=40, verbose_name="Telephone for shipments"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "hospital",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="departments",
                        to="hospitals.hospital",
                    ),
                ),
            ],
            options={
                "verbose_name": "department",
                "ordering": ["name", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("hospital"),
                        django.db.models.functions.text.Lower("name"),
                        name="hospitals_department_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="hospitals_department_named"
                    ),
                ],
            },
        ),
        migrations.RenameField("membership", "department", "department_text"),
        migrations.AlterField(
            model_name="membership",
            name="department_text",
            field=models.CharField(blank=True, default="", max_length=80, verbose_name="Department"),
        ),
        migrations.AddField(
            model_name="membership",
            name="department",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="members",
                to="hospitals.department",
                verbose_name="Department",
            ),
        ),
        migrations.RunPython(link, unlink),
        migrations.RemoveField(model_name="membership", name="department_text"),
        migrations.RunSQL(OWN, ANY),
    ]
