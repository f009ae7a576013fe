# An order may name the department that takes the unit: one of the hospital that ordered it.

import django.db.models.deletion
from django.db import migrations, models

OWN = """
ALTER TABLE transplants_order ADD CONSTRAINT transplants_order_own_department
    FOREIGN KEY (department_id, hospital_id) REFERENCES hospitals_department (id, hospital_id)
    DEFERRABLE INITIALLY DEFERRED;
"""
ANY = "ALTER TABLE transplants_order DROP CONSTRAINT transplants_order_own_department;"


class Migration(migrations.Migration):
    dependencies = [
        ("hospitals", "0005_departments"),
        ("transplants", "0006_incidents"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="department",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="orders",
                to="hospitals.department",
                verbose_name="Department",
            ),
        ),
        migrations.RunSQL(OWN, ANY),
    ]
