"""What people are told of a code that is wrong: the sentence says what it should be."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bank.codes.errors import CodeError

MESSAGES: dict[str, str | Promise] = {
    "din_empty": _("The DIN is empty."),
    "din_form": _(
        "“%(text)s” is not a DIN: write 13 characters and the check character, for example "
        "G1234 98 654321 H, or scan the label."
    ),
    "din_check_missing": _("The check character of %(din)s is missing; it is %(expected)s."),
    "din_check_wrong": _("The check character of %(din)s is %(expected)s, not %(given)s."),
    "din_flag_wrong": _(
        "The flag behind %(din)s does not belong to it: %(given)s was read, right is %(expected)s "
        "(check character %(check)s). Scan the label again."
    ),
    "din_flag_unknown": _("%(flag)s is not a flag of ISBT 128 (00 to 96)."),
    "grid_form": _("“%(text)s” is not a GRID: 4 digits from 1000, 13 letters or digits, and 2 check digits."),
    "grid_check_wrong": _("The check digits of the GRID %(grid)s are %(expected)s, not %(given)s."),
    "product_form": _(
        "“%(text)s” is not a product code: write 8 characters, for example S9999000, or scan the label."
    ),
    "sec_form": _("“%(text)s” is not a Single European Code: 40 characters, in two parts of 21 and 19."),
    "sec_system": _("%(given)s is not a product coding system of the Single European Code: %(known)s."),
    "sec_expiry": _("%(text)s is no day of expiry: write YYYYMMDD, or 00000000 for none."),
    "cbu_hub": _("“%(hub)s” is not the code of an EMDIS hub: 2 to 4 capital letters or digits."),
    "cbu_too_long": _("%(cbu)s has %(length)s characters; a CBU id has at most %(most)s."),
    "scan_unknown": _("“%(text)s” begins with no known data structure of ISBT 128."),
    "scan_cut": _("“%(text)s” is cut off. Scan the label again."),
    "scan_unused": _("“%(text)s” names no unit: it holds neither a DIN nor a product code."),
    "compound_count": _(
        "The message should hold %(expected)s data structures, %(given)s were read. Scan the label again."
    ),
}


def told(error: CodeError) -> str:
    """The sentence, in the reader's language."""
    return str(MESSAGES[error.code]) % error.params
