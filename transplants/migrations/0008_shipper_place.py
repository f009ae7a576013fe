# Where a shipper is: one that is away, or not inspected since, is packed with nothing.

from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def those_that_are_away(apps, schema_editor):
    """Whose newest shipment left, and of which nobody has written down that it came back."""
    shipper, shipment, event = (
        apps.get_model("transplants", name) for name in ("Shipper", "Shipment", "ShipmentEvent")
    )
    left = shipment.objects.filter(shipper=OuterRef("pk"), dispatched_at__isnull=False).order_by(
        "-dispatched_at"
    )
    for row in shipper.objects.annotate(last=Subquery(left.values("pk")[:1])).exclude(last=None):
        if not event.objects.filter(shipment=row.last, kind="returned").exists():
            shipper.objects.filter(pk=row.pk).update(place="away")
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else the next step may not alter the table


class Migration(migrations.Migration):
    dependencies = [("transplants", "0007_department")]

    operations = [
        migrations.AddField(
            model_name="shipper",
            name="place",
            field=models.CharField(
                choices=[("ready", "Here and ready"), ("away", "Away"), ("back", "Back, to be inspected")],
                default="ready",
                editable=False,
                max_length=5,
                verbose_name="Where it is",
            ),
        ),
        migrations.RunPython(those_that_are_away, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="shipper",
            constraint=models.CheckConstraint(
                condition=models.Q(("place__in", ["ready", "away", "back"])), name="shipper_place_known"
            ),
        ),
    ]
