"""The policy that is there from the first day: classes, antigen rule and floor of matching.md 2.3."""

from typing import Any
from uuid import UUID

from django.db import migrations

# Fixed, so that results of different installations name the same policy by the same id.
DEFAULT_POLICY = UUID("5d1da1de-fa01-4000-8000-000000000001")


def create(apps: Any, schema_editor: Any) -> None:
    apps.get_model("matching", "SelectionPolicy").objects.create(
        id=DEFAULT_POLICY,
        name="Qidai default, single unit",
        version=1,
        rules={
            "antigen_rule": "split",
            "primary": "antigen6",
            "floors": {"antigen6": 4},
            "required_loci": ["A", "B", "DRB1"],
        },
        references=(
            "A and B at antigen level, DRB1 at allele level, 4/6 and better: the classical cord search"
            " (WMDA, A, B antigen and DRB1 ARD level CBU searches). Two splits of one broad antigen are a"
            " mismatch (WMDA framework, level SD2; doi 10.1038/bmt.2010.132)."
        ),
        is_default=True,
        created_by="Qidai",
    )


def remove(apps: Any, schema_editor: Any) -> None:
    apps.get_model("matching", "SelectionPolicy").objects.filter(pk=DEFAULT_POLICY).delete()


class Migration(migrations.Migration):
    dependencies = [("matching", "0001_initial")]
    operations = [migrations.RunPython(create, remove)]
