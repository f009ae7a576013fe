"""Forms of units that come back. Services check again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.signing import SignatureForm
from transplants.choices_orders import Answer, ReturnDecision
from transplants.forms import ReasonForm
from transplants.forms_grafts import CHOOSE
from transplants.forms_shipments import ScanField
from transplants.moments import MomentField
from transplants.querysets_orders import UnitReturnQuerySet
from transplants.writing import LONGEST_REASON


class ReturnedForm(forms.Form):
    scanned = ScanField()
    returned_at = MomentField(label=_("Back in the bank"), initial=timezone.localtime)
    bag_intact = forms.ChoiceField(label=_("Bag intact"), choices=[CHOOSE, *Answer.choices])


class ProposeForm(SignatureForm):
    """listable: whether the unit may be on offer again at all."""

    decision = forms.ChoiceField(label=_("What becomes of it"))
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write why.")},
    )
    field_order = ("decision", "reason", "password")

    def __init__(self, *args: Any, listable: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ways = [one for one in ReturnDecision.choices if listable or one[0] != ReturnDecision.LISTED]
        label = self.fields["decision"].label
        self.fields["decision"] = forms.ChoiceField(label=label, choices=[CHOOSE, *ways])
        self.order_fields(self.field_order)


class SecondForm(SignatureForm):
    """seen: what the person was shown of the proposal."""

    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


class WithdrawForm(ReasonForm):
    """A proposal is taken back, or refused."""


class ReturnFilterForm(forms.Form):
    """Filters of the list; what they say stays in the URL."""

    STATES = (
        ("", _("open")),
        ("away", _("not back yet")),
        ("decide", _("to decide")),
        ("second", _("second signature")),
        ("settled", _("decided")),
        ("all", _("all")),
    )

    q = forms.CharField(label=_("Number, unit or hospital"), required=False, max_length=40)
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)

    def apply(self, rows: UnitReturnQuerySet) -> UnitReturnQuerySet:
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        if text := data.get("q", "").replace("\0", "").strip():
            unit = Q(unit__unit_no__icontains=text) | Q(unit__din__icontains=text.replace(" ", ""))
            rows = rows.filter(Q(order__number__icontains=text) | Q(hospital__code__icontains=text) | unit)
        ways = {
            "": rows.open,
            "away": rows.away,
            "decide": rows.to_decide,
            "second": rows.to_second,
            "settled": rows.settled,
            "all": rows.all,
        }
        return ways.get(data.get("state", ""), rows.open)()
