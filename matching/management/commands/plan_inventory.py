from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bank.models import CordBloodUnit
from core.errors import DomainError
from matching import frequency_sets, inventory, planning, reference
from matching.choices import CLASS_SIZE
from matching.computing import policy_of
from matching.engine.planning_people import CannotPlan
from matching.engine.planning_plan import Worth
from matching.selection.policies import bank_default


class Command(BaseCommand):
    help = "Simulate patients against the inventory: match rates, curve, gain of new units, worth of units."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--set", default="", help="version of a frequency set in use; the bank's default")
        parser.add_argument("--patients", type=int, default=planning.USUAL_PATIENTS)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--searches", type=int, help="a year; as the page proposes")
        parser.add_argument("--least", type=int, default=0, help="also name so many units of least worth")

    def handle(self, *args: Any, **options: Any) -> None:
        from matching.engine.planning import planned

        data = self._data(options)
        info = planning.set_in_use(data.set_checksum)
        if info is None:
            raise CommandError("No such frequency set is in use.")
        try:
            policy = bank_default()
        except DomainError as error:
            raise CommandError(str(error)) from error
        snapshot = inventory.current(reference.resolver(look=True))
        try:
            found = planned(
                planning.plan_of(data.stored()),
                frequency_sets.haplotypes_of(info),
                snapshot,
                policy=policy_of(policy),
            )
        except (CannotPlan, ValueError) as error:
            raise CommandError(f"This cannot be simulated: {error}") from error
        origin = snapshot.origin
        self.stdout.write(
            f"{info.version} ({info.population}), release {origin.release}, inventory of change "
            f"{origin.ledger_number}, antigen rule {policy_of(policy).antigen_rule}, {data.stored()}"
        )
        for line in _lines(planning.figures(found)):
            self.stdout.write(line)
        for line in _least(found.worth, options["least"]):
            self.stdout.write(line)

    def _data(self, options: dict[str, Any]) -> planning.PlanData:
        data = replace(planning.proposed(), patients=options["patients"], seed=options["seed"])
        if options["searches"]:
            data = replace(data, searches_per_year=options["searches"])
        if options["set"]:
            named = [one for one in frequency_sets.active_sets(look=True) if one.version == options["set"]]
            data = replace(data, set_checksum=named[0].checksum if named else "")
        return data


def _lines(found: planning.Json) -> list[str]:
    n, worth, gains, curve = found["rates"][0]["n"], found["worth"], found["gains"], found["curve"]
    lines = [f"{found['units']} units on offer, {found['cells_unknown']} of unknown cells; {n} patients"]
    lines += [
        f"{one['class']} >= {one['floor']}/{CLASS_SIZE[one['class']]}, dose {one['dose']}: "
        f"{100 * one['possible'] / n:.1f} % ({100 * one['low']:.1f}-{100 * one['high']:.1f}), "
        f"certain {100 * one['certain'] / n:.1f} %, units median {one['units'][1]}"
        for one in found["rates"]
    ]
    for one in curve["series"]:
        if one["class"] == "antigen6" and one["dose"] == "0":
            points = zip(curve["sizes"], one["hits"], strict=True)
            shares = ", ".join(f"{size}: {100 * hits / n:.1f} %" for size, hits in points)
            lines.append(
                f"curve >= {one['floor']}/6 without dose filter (own units {curve['inventory']}): {shares}"
            )
    lines.append(
        f"one more unit newly serves {1e6 * gains['anybody']['gain']:.1f} in a million "
        f"({1e6 * gains['anybody']['low']:.1f}-{1e6 * gains['anybody']['high']:.1f})"
    )
    lines.append(
        f"worth: {worth['never']} units headed no list (each at most {100 * worth['unseen_at_most']:.1f} %), "
        f"{worth['expected']:.0f} expected to be a best choice in {worth['searches']} searches"
    )
    return lines


def _least(worth: Worth, count: int) -> list[str]:
    found = planning.units_at(worth, planning.order_of(worth, least_first=True)[:count])
    known = CordBloodUnit.objects.in_bulk([one.unit_id for one in found])
    return [
        f"{known[one.unit_id].public_no}: TNC {one.tnc_e7 or 'unknown'} e7, worth {100 * one.ever:.2f} %, "
        f"useful to {100 * one.useful:.3f} %"
        for one in found
    ]
