"""The one error of the statistics. A code with named parameters, so that an upper layer can translate it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

Params = Mapping[str, str | int | float]

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bad_counts": "A table of counts holds whole numbers of 0 or more.",
        "bad_level": "A confidence level of {value} is not between 0 and 1.",
        "bad_times": "The times asked for are not all numbers of 0 or more.",
        "collinear": "It is a combination of other covariates: its effect cannot be told from theirs.",
        "constant": "It has the same value for all at risk: it has no effect that could be estimated.",
        "contact_after_end": "The last contact ({contact}) comes after {name} ({value}), after which there is none.",
        "empty": "There are no rows.",
        "entry_not_before": "The entry ({entry}) is not before the time ({value}).",
        "entry_unsupported": "{method} is not defined here for rows that enter late.",
        "event_after_contact": "{name} ({value}) comes after the last contact ({contact}).",
        "event_fraction": "The event {value} is not a whole number.",
        "event_large": "The event {value} is larger than {limit}: it is hardly the code of a cause.",
        "event_negative": "The event {value} is negative.",
        "event_text": "The event {value} is text, not a code.",
        "infinite": "The value is infinite.",
        "lengths_differ": "It has {count} values where {first} has {expected}.",
        "missing": "The value is missing.",
        "no_convergence": "The fit did not converge in {iterations} steps.",
        "no_events": "There is no event, so nothing can be compared or fitted.",
        "not_a_number": "The value {value} is not a number.",
        "one_group": "There is one group only, so nothing can be compared.",
        "overlap": "Rows of {value} overlap in time.",
        "separation": "It separates those with an event from those without: its effect has no finite estimate.",
        "several_causes": "The event {value} says that there are several causes; {method} takes 0 and 1.",
        "shape": "The covariates are not a table with one row per subject and {expected} columns.",
        "subject_twice": "{value} has more than one row.",
        "time_negative": "The time {value} is negative.",
        "unknown_choice": "{value} is none of {choices}.",
        "unknown_stratum": "{value} is a stratum that the model does not know.",
    }
)

HINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bad_counts": "Give counts of patients, without missing cells.",
        "bad_level": "Write 0.95 for 95 %.",
        "bad_times": "Give times in the unit of the data, counted from day 0.",
        "collinear": "Leave it out, or one of the others.",
        "constant": "Leave it out.",
        "contact_after_end": "Correct one of the two dates.",
        "empty": "Widen the selection.",
        "entry_not_before": "Leave out who left before entering; where nobody enters late, give no entry.",
        "entry_unsupported": "Leave the entry out, or compare causes by cause-specific regression.",
        "event_after_contact": "Correct one of the two dates: who had an event was seen on that day.",
        "event_fraction": "Write 0 for censored, 1, 2, … for the causes.",
        "event_large": "Check that the column of events is the right one.",
        "event_negative": "Write 0 for censored, 1, 2, … for the causes.",
        "event_text": "Write 0 for censored, 1, 2, … for the causes: of text nobody can tell what means censored.",
        "infinite": "Correct it or leave the row out.",
        "lengths_differ": "Give each subject one value in each column.",
        "missing": "Complete it or leave the row out, and say how many were left out.",
        "no_convergence": "Check covariates of very large values, and very rare groups.",
        "no_events": "Wait for events, or widen the selection.",
        "not_a_number": "Write a number with a decimal point.",
        "one_group": "Give a column of groups with at least two values.",
        "overlap": "End each row where the next one of the same subject begins.",
        "separation": "Join the rare group with another one, or leave the covariate out.",
        "several_causes": "Use the cumulative incidence, or code any event as 1 if that is the question.",
        "shape": "Give one column per name.",
        "subject_twice": "Count each person once: keep the first transplant.",
        "time_negative": "Count from day 0; correct the dates.",
        "unknown_choice": "Choose one of them.",
        "unknown_stratum": "Fit with that stratum, or predict for another one.",
    }
)


class StatisticsError(ValueError):
    """Data that an estimate must not be made of, or a question that has no answer.

    code: key of CODES and HINTS. column: name of the column at fault, "" if none. row: its 0-based row, None if it
    has none. params: values of the templates. message, hint: in English, without the place.
    """

    def __init__(
        self, code: str, *, column: str = "", row: int | None = None, **params: str | int | float
    ) -> None:
        self.code = code
        self.column = column
        self.row = row
        self.params: dict[str, str | int | float] = dict(params)
        self.message = CODES[code].format(**params)
        self.hint = HINTS[code].format(**params)
        super().__init__(self.told())

    def told(self, place: str = "") -> str:
        """One line: place, message, hint. place: of the row, such as "line 7"; without, its number counted from 1."""
        where = place or (f"row {self.row + 1}" if self.row is not None else "")
        head = ", ".join(part for part in (f"column {self.column}" if self.column else "", where) if part)
        return f"{head}: {self.message} {self.hint}" if head else f"{self.message} {self.hint}"
