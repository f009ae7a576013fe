"""Forms of selection policies. Every field bears the name of its place (selection.whole.flat), so that what the rules
refuse stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hla.text import fold_text
from hospitals.models import Hospital
from matching.choices import CLASS_SIZE, Indication, MatchClass, ProposedFor
from matching.engine.numbers import plain_number
from matching.engine.policy import Policy
from matching.engine.selection.catalogue import RULES, SORT_KEYS, Parameter
from matching.engine.selection.rules import (
    MOST_OF_PAIRS,
    WHOLE_OF_PAIRS,
    BadRules,
    SelectionRules,
    Setting,
    number_of,
    parse,
)
from matching.models import SelectionPolicy
from matching.presenters.findings import references
from matching.presenters.policy_words import (
    ACTION_CHOICES,
    ANTIGEN_RULES,
    NOBODY,
    PAIR_UNITS,
    PAIRS,
    PARAMETERS,
    SORT_NAMES,
    options,
    place_text,
    unit_of,
)
from matching.presenters.rule_words import GROUPS, NAMES
from matching.selection import whole
from matching.selection.policies import Writes, plain_name
from matching.selection.refusals import refusal
from matching.services import PolicyData

NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
TWO_READINGS = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}")


def read_number(text: str, place: str) -> str:
    """What a person wrote, with a decimal point. Raises BadRules; 1,000 may be a thousand or one, and is refused."""
    folded = fold_text(text).strip()
    if TWO_READINGS.fullmatch(folded):
        raise BadRules("ambiguous_comma", place)
    if not NUMBER.fullmatch(folded):
        raise BadRules("no_number", place, given=text)
    return folded.replace(",", ".")


def _invalid(error: BadRules) -> forms.ValidationError:
    said = refusal(error)
    return forms.ValidationError(said.message, code=said.code)


class NumberField(forms.CharField):
    """A number within its limits; a decimal comma is read."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def __init__(self, place: str, least: Decimal, most: Decimal, *, whole: bool, **kwargs: Any) -> None:
        super().__init__(
            **{"max_length": 20, "error_messages": {"required": _("Write a number, such as 2.5.")}, **kwargs}
        )
        self.place, self.least, self.most, self.whole = place, least, most, whole

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            number = read_number(text, self.place)
            return number_of(number, self.place, self.least, self.most, whole=self.whole)
        except BadRules as error:
            raise _invalid(error) from error


class ChoicesField(forms.MultipleChoiceField):
    """Some of the options of a threshold, at least one where it is required."""

    widget = forms.CheckboxSelectMultiple


def threshold_field(code: str, name: str, parameter: Parameter) -> forms.Field:
    label = lazy(place_text, str)(f"{code}.{name}")
    if parameter.kind == "choices":
        return ChoicesField(
            label=label,
            choices=lazy(options, list)(code, name),
            required=not parameter.may_be_none,
            error_messages={"required": _("Choose at least one, or turn the rule off.")},
        )
    if parameter.kind == "choice":
        return forms.ChoiceField(label=label, choices=lazy(options, list)(code, name))
    whole_number = parameter.kind == "whole"
    return NumberField(f"{code}.{name}", parameter.least, parameter.most, whole=whole_number, label=label)


def _words(words: Mapping[str, Any], first: Any = None) -> list[tuple[str, str]]:
    choices = [(key, str(word)) for key, word in words.items()]
    return choices if first is None else [("", str(first)), *choices]


def _offer(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


def _floor_choices(name: str) -> list[tuple[str, str]]:
    size, text = CLASS_SIZE[name], gettext("at least %(n)d/%(of)d")
    return [("0", gettext("no floor")), *((str(n), text % {"n": n, "of": size}) for n in range(size, 0, -1))]


class PolicyForm(forms.Form):
    """A whole policy. Places of thresholds, "sort.1"…, "pairs.…", "floors.…" are names of its fields."""

    indication = forms.ChoiceField(label=_("Indication"), required=False)
    proposed_for = forms.ChoiceField(
        label=_("Proposed for"),
        required=False,
        help_text=_("New requests for such patients start with this policy; people may choose another."),
    )
    population = forms.CharField(label=_("Population of use"), required=False, max_length=200)
    author = forms.CharField(label=_("Author"), required=False, max_length=120)
    references = forms.CharField(
        label=_("References"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The protocol or guideline behind the whole; each rule below may name its own."),
    )

    def __init__(self, *args: Any, policy: SelectionPolicy, **kwargs: Any) -> None:
        self.policy = policy
        self.search, self.selection = whole.read(policy.rules)
        kwargs["initial"] = _initial(policy, self.search, self.selection)
        super().__init__(*args, **kwargs)
        _offer(self, "indication", _words(dict(Indication.choices), _("any")))
        _offer(self, "proposed_for", _words(dict(ProposedFor.choices), NOBODY))
        for setting in self.selection.settings.values():
            self._add_rule(setting)
        self._add_order()
        self._add_pairs()
        self._add_search()

    def _add_rule(self, setting: Setting) -> None:
        code = setting.code
        named = lazy(place_text, str)
        self.fields[f"{code}.action"] = forms.ChoiceField(
            label=named(f"{code}.action"),
            choices=[choice for choice in ACTION_CHOICES if choice[0] in setting.rule.actions],
        )
        for name, parameter in setting.rule.parameters.items():
            self.fields[f"{code}.{name}"] = threshold_field(code, name, parameter)
        self.fields[f"{code}.reference"] = forms.CharField(
            label=named(f"{code}.reference"), required=False, max_length=200
        )

    def _add_order(self) -> None:
        choices = lazy(_words, list)(SORT_NAMES, "–")
        for place in range(1, len(SORT_KEYS) + 1):
            label = lazy(lambda n: gettext("Key %(n)d") % {"n": n}, str)(place)
            self.fields[f"sort.{place}"] = forms.ChoiceField(label=label, required=False, choices=choices)

    def _add_pairs(self) -> None:
        for name, label in PAIRS.items():
            whole_or_none = name == WHOLE_OF_PAIRS
            self.fields[f"pairs.{name}"] = NumberField(
                f"pairs.{name}",
                Decimal(0),
                MOST_OF_PAIRS[name],
                whole=whole_or_none,
                required=not whole_or_none,
                label=label,
            )

    def _add_search(self) -> None:
        self.fields["primary"] = forms.ChoiceField(
            label=_("Class that orders the search"), choices=MatchClass.choices
        )
        self.fields["antigen_rule"] = forms.ChoiceField(
            label=_("Antigen rule"), choices=lazy(_words, list)(ANTIGEN_RULES)
        )
        for name in CLASS_SIZE:
            self.fields[f"floors.{name}"] = forms.ChoiceField(
                label=MatchClass(name).label, choices=lazy(_floor_choices, list)(name)
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self._check_order()
        self._check_limits()
        if not self.errors:
            try:
                whole.read(self.rules())
            except BadRules as error:
                self.add_error(error.place if error.place in self.fields else None, _invalid(error))
        return data

    def _check_order(self) -> None:
        """Here too, so that they stand beside the key and together with other mistakes."""
        seen: set[str] = set()
        for place in range(1, len(SORT_KEYS) + 1):
            key = self.cleaned_data.get(f"sort.{place}")
            if key in seen:
                self.add_error(f"sort.{place}", _invalid(BadRules("sort_twice", "sort")))
            seen |= {key} if key else set()
        if not seen:
            self.add_error("sort.1", _invalid(BadRules("no_sort", "sort")))

    def _check_limits(self) -> None:
        for code in RULES:
            least, most = (self.cleaned_data.get(f"{code}.{name}") for name in ("least", "most"))
            if least is not None and most is not None and least > most:
                self.add_error(f"{code}.least", _invalid(BadRules("least_above_most", f"{code}.least")))

    def rules(self) -> dict[str, Any]:
        """As stored."""
        data = self.cleaned_data
        rules = {
            code: {name: _plain(data[f"{code}.{name}"]) for name in ("action", *rule.parameters, "reference")}
            for code, rule in RULES.items()
        }
        return {
            "antigen_rule": data["antigen_rule"],
            "primary": data["primary"],
            "floors": {name: int(data[f"floors.{name}"]) for name in CLASS_SIZE},
            "required_loci": list(self.search.required_loci),
            "selection": {
                "rules": rules,
                "sort": [key for n in range(len(SORT_KEYS)) if (key := data[f"sort.{n + 1}"])],
                "pairs": {name: _plain(data[f"pairs.{name}"]) for name in PAIRS},
            },
        }

    def selection_rules(self) -> SelectionRules:
        return parse(self.rules()["selection"])

    def data_for_service(self) -> PolicyData:
        names = ("indication", "proposed_for", "population", "author", "references")
        return PolicyData(rules=self.rules(), **{name: self.cleaned_data[name] for name in names})

    # what the template walks through

    def groups(self) -> Iterator[dict[str, Any]]:
        """Fieldsets: {name, rules: [{name, action, thresholds: [{field, label, unit}], reference, refs}]}."""
        settings = self.selection.settings.values()
        for group, members in groupby(settings, key=lambda setting: setting.rule.group):
            yield {"name": GROUPS[group], "rules": [self._rule(setting) for setting in members]}

    def _rule(self, setting: Setting) -> dict[str, Any]:
        code, parameters = setting.code, setting.rule.parameters
        return {
            "name": NAMES[code],
            "action": self[f"{code}.action"],
            "thresholds": [
                {
                    "field": self[f"{code}.{name}"],
                    "label": PARAMETERS[name],
                    "unit": unit_of(code, name, parameter),
                }
                for name, parameter in parameters.items()
            ],
            "reference": self[f"{code}.reference"],
            "refs": references(Setting(setting.rule, setting.action, {})),
        }

    def sort_fields(self) -> list[forms.BoundField]:
        return [self[f"sort.{place}"] for place in range(1, len(SORT_KEYS) + 1)]

    def pair_fields(self) -> list[dict[str, Any]]:
        return [{"field": self[f"pairs.{name}"], "unit": PAIR_UNITS[name]} for name in PAIRS]

    def floor_fields(self) -> list[forms.BoundField]:
        return [self[f"floors.{name}"] for name in CLASS_SIZE]

    @property
    def search_changed(self) -> bool:
        """Whether the part changes that only a search uses."""
        return bool(
            {"primary", "antigen_rule", *(f"floors.{name}" for name in CLASS_SIZE)} & set(self.changed_data)
        )


def _plain(value: Any) -> Any:
    return plain_number(value) if isinstance(value, Decimal) else value


def _initial(policy: SelectionPolicy, search: Policy, selection: SelectionRules) -> dict[str, Any]:
    flat = whole.flat(policy.rules)
    names = ("indication", "proposed_for", "population", "author", "references")
    order = {f"sort.{place}": key for place, key in enumerate(selection.sort, 1)}
    floors = {f"floors.{name}": str(search.floors.get(name, 0)) for name in CLASS_SIZE}
    return {**flat, **order, **floors, **{name: getattr(policy, name) for name in names}}


class PolicyCopyForm(forms.Form):
    """A policy of one's own from another."""

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("It stands in the lists from which people choose, and stays the same for all versions."),
        error_messages={"required": _("Give the policy a name.")},
    )
    owner = forms.ChoiceField(
        label=_("Whose policy"), error_messages={"required": _("Choose whose policy it is.")}
    )

    def __init__(self, *args: Any, source: SelectionPolicy, writes: Writes, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hospitals = {str(one.pk): one for one in _hospitals(source, writes)}
        choices = [(key, f"{one.display_name} ({one.code})") for key, one in self.hospitals.items()]
        if writes.of_bank and source.hospital_id is None:
            choices.insert(0, ("bank", gettext("the bank's")))
        _offer(self, "owner", choices)
        if len(choices) == 1:
            self.fields["owner"].initial = choices[0][0]
        own = next(iter(self.hospitals.values()), None)
        values = {"name": plain_name(source), "code": own.code if own else ""}
        self.fields["name"].initial = (
            gettext("%(name)s, %(code)s") % values if own else gettext("%(name)s, copy") % values
        )[:80]

    @property
    def hospital(self) -> Hospital | None:
        """None: the bank's."""
        return self.hospitals.get(self.cleaned_data["owner"])


def _hospitals(source: SelectionPolicy, writes: Writes) -> Any:
    found = Hospital.objects.filter(pk__in=writes.hospital_ids).order_by("code")
    return found if source.hospital_id is None else found.filter(pk=source.hospital_id)


class RetireForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=400,
        error_messages={"required": _("Give the reason for retiring this policy.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class PolicyFilterForm(forms.Form):
    """Filters of the list; what they say stays in the URL."""

    q = forms.CharField(label=_("Policy or hospital"), required=False, max_length=40)
    indication = forms.ChoiceField(label=_("Indication"), required=False)
    retired = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "indication", _words(dict(Indication.choices), _("all")))

    def apply(self, rows: list[SelectionPolicy]) -> list[SelectionPolicy]:
        """In memory: the shipped policies are found by their names in the reader's language."""
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        wanted = (data.get("q") or "").casefold().strip()
        asked = data.get("indication")
        return [
            row
            for row in rows
            if (not asked or row.indication == asked)
            and wanted in _searched(row)
            and (row.is_offered or data.get("retired"))
        ]


def _searched(policy: SelectionPolicy) -> str:
    hospital = f" {policy.hospital.display_name} {policy.hospital.code}" if policy.hospital else ""
    return f"{plain_name(policy)} {policy.name} {policy.population}{hospital}".casefold()
