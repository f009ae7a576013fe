"""What papers are made of: the rows of an order, read once, behind the locks of whoever makes a paper."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from bank import stays
from bank.choices import ReleaseOutcome, Subject
from bank.models import (
    BloodGroupResult,
    CordBloodUnit,
    CultureResult,
    EligibilityDecision,
    HaemoglobinopathyResult,
    HlaTyping,
    MarkerResult,
    Measurement,
    ProcessingRecord,
    ProductCode,
    Reception,
    Release,
    TankAlarm,
    TankReading,
)
from core.models import Installation
from transplants.checks import Outcome
from transplants.choices_orders import TypingState
from transplants.models import (
    ConfirmatoryTyping,
    ExportPermit,
    Order,
    OrderSignature,
    PaperText,
    Shipment,
)


@dataclass
class Given:
    """An order with all that papers say of it. Each part is read when a paper first asks for it."""

    order: Order

    @classmethod
    def of(cls, order_id: UUID) -> Given:
        rows = Order.objects.select_related(
            "unit__bank", "unit__donation", "patient", "hospital", "department"
        )
        return cls(rows.get(pk=order_id))

    @property
    def unit(self) -> CordBloodUnit:
        return self.order.unit

    @cached_property
    def synthetic(self) -> bool:
        return self.unit.synthetic or Installation.load().synthetic

    @cached_property
    def texts(self) -> dict[str, PaperText]:
        return PaperText.objects.current()

    # --- the way ------------------------------------------------------------------------------------

    @cached_property
    def shipment(self) -> Shipment | None:
        return Shipment.objects.filter(order=self.order).select_related("shipper").first()

    @cached_property
    def permit(self) -> ExportPermit | None:
        return ExportPermit.objects.filter(order=self.order).first()

    @cached_property
    def signatures(self) -> list[OrderSignature]:
        """Those that hold."""
        return list(OrderSignature.objects.filter(order=self.order, void_at__isnull=True))

    @property
    def excepted_because(self) -> str:
        """Why the medical director lets it leave though something is open; "" where nothing is."""
        return next((one.justification for one in self.signatures if one.justification), "")

    @property
    def gone_over(self) -> list[str]:
        """What was open when it was released all the same: the labels of the checklist, kept in English."""
        return [
            one["label"]
            for one in self.order.release_checks
            if one.get("excepted") and one["outcome"] != Outcome.PASSED
        ]

    # --- the unit -----------------------------------------------------------------------------------

    @cached_property
    def product(self) -> str:
        """Code and description, where they are known."""
        code = self.unit.product_code
        described = ProductCode.objects.described(code[:5]) if code else ""
        return " ".join(filter(None, (code, described)))

    @cached_property
    def reception(self) -> Reception | None:
        return Reception.objects.filter(unit=self.unit).first()

    @cached_property
    def processing(self) -> ProcessingRecord | None:
        return ProcessingRecord.objects.filter(unit=self.unit).first()

    @cached_property
    def measurements(self) -> list[Measurement]:
        return list(Measurement.objects.in_force().filter(unit=self.unit))

    @cached_property
    def cultures(self) -> list[CultureResult]:
        rows = CultureResult.objects.standing().filter(unit=self.unit)
        return list(rows.order_by("kind", "read_on", "pk"))

    @cached_property
    def markers(self) -> list[MarkerResult]:
        rows = MarkerResult.objects.standing().filter(unit=self.unit)
        return list(rows.order_by("subject", "test", "tested_on", "pk"))

    @cached_property
    def haemoglobinopathy(self) -> HaemoglobinopathyResult | None:
        return HaemoglobinopathyResult.objects.in_force().filter(unit=self.unit).first()

    @cached_property
    def blood_group(self) -> BloodGroupResult | None:
        return BloodGroupResult.objects.in_force().filter(unit=self.unit).first()

    @cached_property
    def typing(self) -> HlaTyping | None:
        return HlaTyping.objects.filter(unit=self.unit, subject=Subject.UNIT, is_current=True).first()

    @cached_property
    def confirmed(self) -> ConfirmatoryTyping | None:
        """What two people found on a segment: a contradiction that nobody has settled, else what vouches for the typing
        as it is listed now. Of one that was compared with another typing, or was settled since, nothing is said."""
        rows = ConfirmatoryTyping.objects.filter(unit=self.unit).select_related("result", "verified_by")
        disputed = rows.filter(state=TypingState.DISCREPANT, settled_at__isnull=True)
        found: ConfirmatoryTyping | None = disputed.order_by("-ended_at", "-pk").first()
        if found is None and self.typing is not None:
            found = rows.vouching(self.unit, self.typing)
        return found

    @cached_property
    def was_typed_anew(self) -> bool:
        """Whether there is a confirmatory typing at all, though it may vouch for nothing any more."""
        ended = (TypingState.CONFIRMED, TypingState.DISCREPANT)
        return ConfirmatoryTyping.objects.filter(unit=self.unit, state__in=ended).exists()

    @cached_property
    def eligibility(self) -> EligibilityDecision | None:
        rows = EligibilityDecision.objects.in_force().filter(donation=self.unit.donation_id)
        return rows.first() if self.unit.donation_id else None

    @cached_property
    def release(self) -> Release | None:
        """By which the unit came on offer, the last time."""
        rows = Release.objects.filter(unit=self.unit).select_related("specification")
        rows = rows.exclude(outcome=ReleaseOutcome.REFUSED)
        return rows.order_by("-released_at", "-pk").first()

    @cached_property
    def stays(self) -> list[stays.Stay]:
        return stays.stays_of(self.unit)

    @cached_property
    def alarms(self) -> list[TankAlarm]:
        return stays.alarms_during(self.stays)

    @cached_property
    def is_watched(self) -> bool:
        """Whether anything was read of the tanks in which the unit lay."""
        tanks = {stay.tank for stay in self.stays}
        return TankReading.objects.filter(tank__code__in=tanks).exists()
