"""Transplants that were reported before outcomes were kept get their units, their patient's facts and an outcome."""

from datetime import date, timedelta
from typing import Any

from django.db import migrations


def _certain(classes: dict[str, Any], name: str) -> int | None:
    """How many agree, where the typings left nothing open."""
    span = classes.get(name)
    return span[0] if span and span[0] == span[-1] else None


def _window(day_0: date) -> tuple[date, date]:
    """Of the first form: day 85 to 115."""
    return day_0 + timedelta(85), day_0 + timedelta(115)


def fill(apps: Any, schema_editor: Any) -> None:
    transplant = apps.get_model("transplants", "Transplant")
    unit = apps.get_model("transplants", "TransplantUnit")
    outcome = apps.get_model("transplants", "Outcome")
    for row in transplant.objects.filter(outcome__isnull=True).select_related("patient"):
        patient = row.patient
        row.sex, row.cmv = patient.sex, patient.cmv
        row.age_years = max(0, round((row.infused_on - patient.birth_date).days / 365.25, 2))
        row.save(update_fields=["sex", "cmv", "age_years"])
        for position, infusion in enumerate(
            row.infusions.select_related("unit").order_by("began_at", "pk"), start=1
        ):
            classes = infusion.match.get("classes") or {}
            unit.objects.create(
                transplant=row,
                position=position,
                unit=infusion.unit,
                infusion=infusion,
                unit_no=infusion.unit.unit_no,
                tnc_e7_per_kg=infusion.tnc_e7_per_kg,
                cd34_e5_per_kg=infusion.cd34_e5_per_kg,
                antigen6=_certain(classes, "antigen6"),
                allele8=_certain(classes, "allele8"),
            )
        died = patient.ended_on if patient.inactive_reason == "died" else None
        is_dead = died is not None and died >= row.infused_on
        opens, closes = (died, died + timedelta(60)) if is_dead else _window(row.infused_on)
        outcome.objects.create(
            transplant=row,
            days_followed=(died - row.infused_on).days if is_dead else 0,
            is_dead=is_dead,
            due_visit="d100",
            due_from=opens,
            due_until=closes,
        )


class Migration(migrations.Migration):
    dependencies = [("transplants", "0009_outcomes")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
