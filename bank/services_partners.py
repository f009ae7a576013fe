"""Partners: banks and registries whose lists are read here and never changed here."""

from __future__ import annotations

import re

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from bank.choices import DonorType, Source
from bank.models import Bank
from bank.services_codes import guard_bank_codes
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput

_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,11}")


@transaction.atomic
def partner_create(
    *, code: str, name: str, holds: str, actor: Actor, country: str = "", issuing_organisation: int | None = None,
    emdis_hub: str = "",
) -> Bank:  # fmt: skip
    """A partner bank, whose list holds cord blood, or a registry, whose list holds adult donors.

    Raises InvalidInput: code_form, name_needed, country_form, ion_form, cbu_hub; Conflict code_taken.
    """
    code, name = code.strip().upper(), " ".join(name.replace("\0", "").split())[:120]
    if not _CODE.fullmatch(code):
        text = _("A code has 1 to 12 letters and digits, and - and _ in between.")
        raise InvalidInput("code_form", text, field="code")
    if not name:
        raise InvalidInput("name_needed", _("Give it a name."), field="name")
    codes = {
        "country": country.strip().upper(),
        "issuing_organisation": issuing_organisation,
        "emdis_hub": emdis_hub.strip().upper(),
    }
    guard_bank_codes({**codes, "tissue_establishment_code": ""})
    bank = Bank(code=code, name=name, source=Source.PARTNER, holds=DonorType(holds), **codes)
    try:
        with transaction.atomic():
            bank.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("code_taken", _("Another bank has this code already."), field="code") from error
    after = {"name": name, "holds": bank.holds, **{key: value for key, value in codes.items() if value}}
    audit.record(actor=actor, action="bank.partner_create", target=bank, after=after)
    return bank
