"""The form of a simulation. It checks as one types and says what to do; the service checks again."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from matching import frequency_sets
from matching.choices import CLASS_SIZE, MatchClass
from matching.engine.numbers import plain_number
from matching.engine.planning_plan import GRID
from matching.planning import (
    LARGEST,
    LEAST_PATIENTS,
    MOST_DOSES,
    MOST_PATIENTS,
    MOST_WEIGHTS,
    PlanData,
    proposed,
)

_BETWEEN = re.compile(r"[,，;；+\s]+")
MOST_KG = 250
MOST_DOSE = 20


def _targets() -> list[tuple[str, str]]:
    """Class and fewest matches, each with the name of its class: a closed list shows nothing else."""
    text = gettext("at least %(n)d/%(of)d")
    return [
        (f"{name}:{floor}", f"{text % {'n': floor, 'of': CLASS_SIZE[name]}} · {MatchClass(name).label}")
        for name, floors in GRID.items()
        for floor in floors
    ]


def _numbers(text: str) -> list[str]:
    return [part for part in _BETWEEN.split(text.strip()) if part]


def _decimal(text: str, most: int) -> Decimal:
    """A number above 0. Raises ValidationError that names it."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or not 0 < value <= most or value != round(value, 2):
        message = gettext("“%(text)s” is no number above 0 and up to %(most)s with at most two decimals.")
        raise forms.ValidationError(message % {"text": text[:20], "most": most}, code="number")
    return value


class PlanningForm(forms.Form):
    """What is simulated. Weights are written as in `10:0.2, 60:0.8`, doses as in `2.5, 5`."""

    frequencies = forms.ChoiceField(
        label=_("Population: frequency set"),
        help_text=_("Patients, and the units beyond the present inventory, are drawn from its haplotypes."),
    )
    patients = forms.IntegerField(
        label=_("Patients simulated"),
        min_value=LEAST_PATIENTS,
        max_value=MOST_PATIENTS,
        help_text=_("Four times as many halve the sampling error, and take four times as long."),
    )
    weights = forms.CharField(
        label=_("Weights of patients, kg with shares"),
        max_length=120,
        help_text=_("Such as 10:0.2, 20:0.3, 60:0.5. The shares may have any sum."),
    )
    doses = forms.CharField(
        label=_("Doses, TNC ×10⁷/kg"),
        max_length=40,
        required=False,
        help_text=_("Cells before freezing. No dose filter is always shown beside them."),
    )
    target = forms.ChoiceField(
        label=_("Class that counts as served"),
        choices=lazy(_targets, list)(),
        help_text=_("For the figure at the head, the haplotypes that would add most, and the curve."),
    )
    target_dose = forms.CharField(
        label=_("Dose that counts as served, ×10⁷/kg"),
        max_length=8,
        required=False,
        help_text=_("One of the doses above; empty for none. A smaller unit is nobody's best choice."),
    )
    searches_per_year = forms.IntegerField(
        label=_("Searches a year"),
        min_value=1,
        max_value=100_000,
        help_text=_(
            "Searches for patients of this population; the worth of a unit counts those of ten years."
        ),
    )
    largest = forms.DecimalField(
        label=_("Curve ends at, times the inventory"),
        min_value=Decimal(1),
        max_value=Decimal(str(LARGEST)),
        decimal_places=1,
        help_text=_("Units beyond the inventory are simulated, at most 200,000."),
    )
    seed = forms.IntegerField(
        label=_("Seed"),
        min_value=0,
        max_value=2**31 - 1,
        help_text=_("The same seed gives the same patients."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = frequency_sets.active_sets()
        field = cast("forms.ChoiceField", self.fields["frequencies"])
        field.choices = [(info.checksum, f"{info.population} · {info.version}") for info in rows]

    def clean_weights(self) -> tuple[tuple[Decimal, Decimal], ...]:
        found = []
        for part in _numbers(self.cleaned_data["weights"].replace("：", ":")):
            weight, _sign, share = part.partition(":")
            found.append((_decimal(weight, MOST_KG), _decimal(share or "1", MOST_KG)))
        if not 0 < len(found) <= MOST_WEIGHTS:
            raise forms.ValidationError(
                gettext("Give 1 to %(most)d weights.") % {"most": MOST_WEIGHTS}, code="weights"
            )
        if len({weight for weight, _share in found}) < len(found):
            raise forms.ValidationError(gettext("A weight stands there twice."), code="weights")
        return tuple(sorted(found))

    def clean_doses(self) -> tuple[Decimal, ...]:
        found = sorted({_decimal(part, MOST_DOSE) for part in _numbers(self.cleaned_data["doses"])})
        if len(found) > MOST_DOSES:
            raise forms.ValidationError(
                gettext("Give at most %(most)d doses.") % {"most": MOST_DOSES}, code="doses"
            )
        return tuple(found)

    def clean_target_dose(self) -> Decimal:
        text = self.cleaned_data["target_dose"].strip()
        return _decimal(text, MOST_DOSE) if text not in ("", "0") else Decimal(0)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        dose, doses = data.get("target_dose"), data.get("doses")
        if dose and doses is not None and dose not in doses:
            self.add_error(
                "target_dose",
                forms.ValidationError(gettext("Choose one of the doses above."), code="target_dose"),
            )
        return data

    def data_for_service(self) -> PlanData:
        data = self.cleaned_data
        name, _sign, floor = data["target"].partition(":")
        return PlanData(
            set_checksum=data["frequencies"],
            patients=data["patients"],
            seed=data["seed"],
            weights=data["weights"],
            doses=data["doses"],
            target=(name, int(floor)),
            target_dose=data["target_dose"],
            searches_per_year=data["searches_per_year"],
            largest=data["largest"],
        )


def planning_initial(data: PlanData | None = None) -> dict[str, Any]:
    """What the form shows at first: what the bank's own rows propose, or a plan made before."""
    data = data or proposed()
    return {
        "frequencies": data.set_checksum,
        "patients": data.patients,
        "seed": data.seed,
        "weights": ", ".join(f"{plain_number(kg)}:{plain_number(share)}" for kg, share in data.weights),
        "doses": ", ".join(map(plain_number, data.doses)),
        "target": f"{data.target[0]}:{data.target[1]}",
        "target_dose": plain_number(data.target_dose) if data.target_dose else "",
        "searches_per_year": data.searches_per_year,
        "largest": plain_number(data.largest),
    }
