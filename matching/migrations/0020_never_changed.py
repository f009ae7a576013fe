"""What a policy says and what a note says is never changed or deleted; only what befalls them is written later."""

from django.db import migrations, models
from django.db.models.functions import Lower

ROLE = "qidai_app"
LATER = {
    "matching_selectionpolicy": "is_default, retired_at, retired_by, retire_reason",
    "matching_graftnote": "struck_by, struck_at, strike_reason",
}
GUARD = [
    statement
    for table, columns in LATER.items()
    for statement in (
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {ROLE}",
        f"GRANT UPDATE ({columns}) ON {table} TO {ROLE}",
    )
]
UNGUARD = [f"GRANT UPDATE, DELETE ON {table} TO {ROLE}" for table in LATER]


class Migration(migrations.Migration):
    dependencies = [("matching", "0019_reports")]

    operations = [
        migrations.AddConstraint(
            model_name="selectionpolicy",
            constraint=models.UniqueConstraint(
                "hospital",
                Lower("name"),
                "version",
                name="policy_name_once",
                nulls_distinct=False,
            ),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
