"""What to expect of a dose after thaw, by the recovery that the bank measured on units that were thawed."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bank.choices import Analyte
from bank.models import CordBloodUnit
from bank.recovery import AT_LEAST, BY_BANK, BY_METHOD, Recovery, recovery
from matching.models import EvaluatedUnit
from matching.presenters.rule_words import amount_of

OF_RULE = {"tnc_dose": Analyte.TNC, "cd34_dose": Analyte.CD34, "cfu_dose": Analyte.CFU}
UNIT = {"tnc_dose": "×10⁷/kg", "cd34_dose": "×10⁵/kg", "cfu_dose": "×10⁵/kg"}


def expected(row: EvaluatedUnit, unit: CordBloodUnit) -> dict[str, str]:
    """Dose rule -> a sentence; only of doses that are known."""
    doses = {
        code: amount_of(row.findings[code][1])
        for code in OF_RULE
        if code in row.findings and row.findings[code][1] is not None
    }
    if not doses:
        return {}
    known = recovery(unit.bank.code, unit.processing_method)
    return {code: _text(code, dose, known[OF_RULE[code].value]) for code, dose in doses.items()}


def _text(code: str, dose: float, found: Recovery | None) -> str:
    if found is None:
        return _("After thaw: cannot tell, fewer than %(n)d units were measured.") % {"n": AT_LEAST}
    values = {
        "dose": f"{dose * found.median:.2f} {UNIT[code]}",
        "low": f"{dose * found.p5:.2f}",
        "high": f"{dose * found.p95:.2f}",
        "basis": basis_text(found),
    }
    return _("After thaw about %(dose)s, nine of ten %(low)s to %(high)s (%(basis)s).") % values


def basis_text(found: Recovery) -> str:
    """Whose thawed units these were."""
    names = {"n": f"{found.n:,}", "bank": found.bank_code, "method": found.method}
    if found.basis == BY_METHOD:
        return _("%(n)s units of %(bank)s by %(method)s") % names
    if found.basis == BY_BANK:
        return _("%(n)s units of %(bank)s") % names
    return _("%(n)s units of all banks") % names
