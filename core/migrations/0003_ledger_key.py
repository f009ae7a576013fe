"""A search is recomputed from what the ledger tells of it: by its key, not by a walk over all searches."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0002_ledger")]

    operations = [
        migrations.AddIndex(
            model_name="ledger",
            index=models.Index(fields=["target_type", "target_key"], name="ledger_target_key"),
        ),
    ]
