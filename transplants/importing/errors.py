"""What can be wrong in a list of earlier transplants, in words."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from bank.imports.errors import Finding
from core.findings import Messages

MESSAGES: Messages = {
    "transplants_form": _("This is no table with a header. Save it as CSV or XLSX."),
    "hospital_needed": _("Say which hospital: its code in each row, or one hospital for the whole file."),
    "hospital_unknown": _(
        "There is no hospital “%(text)s”. An administrator adds it under Hospitals, “Add a hospital”; or choose one "
        "hospital for the whole file."
    ),
    "hospital_differs": _("The file is for the hospital %(expected)s, this row says “%(text)s”."),
    "own_needed": _("Say whether the unit is of this bank: yes or no here, or one answer for the whole file."),
    "number_comma": _("“%(text)s” may be a fraction or thousands. Write digits with a decimal point."),
    "patient_form": _("“%(text)s” is too long for a code: at most 40 characters, a pseudonym and never a name."),
    "text_long": _("The text has more than %(most)s characters."),
    "day_0_early": _("%(text)s: there was no transplant of cord blood before %(year)s."),
    "diagnosis_needed": _("Give the diagnosis by its code, or its ICD-10 code."),
    "diagnosis_text_needed": _("Say in diagnosis_text what “other” is."),
    "icd10_unknown": _(
        "“%(text)s” is the ICD-10 code of no diagnosis of the list. Give the diagnosis by its code, or as “other” with "
        "diagnosis_text."
    ),
    "icd10_ambiguous": _("“%(text)s” may be %(allowed)s. Give the diagnosis by its code."),
    "icd10_differs": _("The ICD-10 code “%(text)s” is not that of the diagnosis %(expected)s."),
    "born_after": _("The patient was born after day 0."),
    "age_differs": _("The age does not fit the day of birth: on day 0 it makes %(years)s years."),
    "second_unit_missing": _("A graft of two units needs the second unit."),
    "second_unit_too_many": _("A graft of one unit has no second unit."),
    "followed_needed": _("Give the day of the last contact, or the months followed."),
    "followed_differs": _("The months followed do not fit the day of the last contact: they end on %(day)s."),
    "cause_of_living": _("A cause of death, and the patient is not dead."),
    "day_needs_yes": _("A day is given for what the row says did not happen."),
    "day_twice": _("The days since day 0 do not fit the date: they make %(day)s."),
    "before_day_0": _("%(day)s lies before day 0."),
    "after_contact": _("%(day)s lies after the last contact or the death on %(contact)s."),
    "on_day_0": _("A second transplant is never on day 0 of the first."),
    "before_other": _("%(day)s lies before %(other)s on %(other_day)s."),
    "engrafted_and_failed": _("A primary graft failure means that it never engrafted, and neutrophils recovered."),
    "grade_needs_acute": _("The row says that there was no acute GVHD, and gives a grade."),
    "grade_low": _("Only grade III and IV have a day of severe acute GVHD."),
    "row_twice": _("The same transplant stands in line %(first)s already."),
    "unit_twice": _("The unit %(unit)s was given in line %(first)s already. A unit is given once."),
    "unit_given": _("The unit %(unit)s was given in the transplant %(number)s. A unit is given once."),
    "unit_not_given": _(
        "The unit %(unit)s stands in the inventory as %(status)s: it cannot have been given. Settle that first."
    ),
    "sequence_order": _("Transplant %(n)s of the patient was on %(day)s, and this one must be after it."),
    "after_death": _("The patient died on %(day)s, by what is reported of transplant %(n)s."),
    "second_denied": _("Transplant %(n)s of the patient was on %(day)s, and the row says there was none."),
    "second_differs": _("Transplant %(n)s of the patient was on %(day)s, and the row gives another day."),
    "corrected_here": _(
        "Somebody corrected this follow-up in Qidai after it was taken over. A list does not overwrite that: correct "
        "it on the page of the transplant, %(number)s."
    ),
    "not_of_a_list": _("This transplant, %(number)s, is not of a list. Correct it on its page."),
    "day_missing": _("It happened, and its day is not given: figures count it as not known."),
}  # fmt: skip


class TransplantFinding(Finding):
    """One thing wrong in a list of transplants."""

    messages: ClassVar[tuple[Messages, ...]] = (MESSAGES, *Finding.messages)
