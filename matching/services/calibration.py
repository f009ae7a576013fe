"""Confirmatory typings: each checks the predictions that searches made before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.models import CordBloodUnit
from core import audit
from core.audit import Actor
from core.errors import InvalidInput
from core.hla_messages import typing_error_text
from core.typings import MAX_GL_LENGTH
from hla.errors import TypingError
from hla.loci import SEARCH_LOCI
from hla.resolve import Resolved, Resolver
from hla.scoring import score_locus
from hla.table import LocusTable
from hla.typing import LocusTyping, Typing, parse_gl
from matching import reference
from matching.choices import QUANTITY_LOCI
from matching.models import PredictionCheck, SearchResult
from matching.models_calibration import SCORED_BASES
from matching.patient_typings import parsed

BOTH: Final = 2  # matches at a locus without a mismatch


@transaction.atomic
def prediction_confirm(*, unit_id: UUID, gl: str, confirmed_on: date, actor: Actor) -> list[PredictionCheck]:
    """Compare the confirmatory typing of a unit with what searches predicted before that day.

    Of each request the newest finished search that lists the unit counts. A quantity (class or locus) is checked where
    the search left open whether it has a mismatch, and where patient and confirmed typing leave one genotype each: if
    only clear mismatches of an ambiguous typing counted, the predictions would look too high. Nothing is checked twice,
    and nothing by a search made after the unit was first confirmed. The unit's own typing is not changed. Raises
    InvalidInput for an unknown unit, an unreadable or empty typing, a day to come.
    """
    unit = _locked(unit_id)
    if confirmed_on > timezone.localdate():
        raise InvalidInput(
            "confirmed_in_future", _("The day of the typing is still to come."), field="confirmed_on"
        )
    resolver = reference.resolver()
    confirmed = _read(gl, resolver)
    done = set(
        PredictionCheck.objects.filter(result__unit=unit).values_list("result__run__request_id", "quantity")
    )
    common = {
        "bank_id": unit.bank_id,
        "confirmed_on": confirmed_on,
        "confirmed_gl": confirmed.gl(),
        "recorded_by": actor.label[:200],
        "recorded_at": timezone.now(),
    }
    found = [
        PredictionCheck(
            result=result, quantity=quantity, observed=observed, **_said(result, quantity), **common
        )
        for result in _predictions(unit, confirmed_on)
        for quantity, observed in _outcomes(result, confirmed, resolver)
        if (result.run.request_id, quantity) not in done
    ]
    if found:
        PredictionCheck.objects.bulk_create(found)
        searches = len({check.result_id for check in found})
        after = {
            "gl": confirmed.gl(), "confirmed_on": confirmed_on, "searches": searches, "predictions": len(found)
        }  # fmt: skip
        audit.record(actor=actor, action="prediction.confirm", target=unit, after=after)
    return found


def _locked(unit_id: UUID) -> CordBloodUnit:
    """The unit, its row locked until the end of the transaction: two confirmations of it wait for one another."""
    unit: CordBloodUnit | None = (
        CordBloodUnit.objects.select_for_update(no_key=True).filter(pk=unit_id).first()
    )
    if unit is None:
        raise InvalidInput("unit_unknown", _("There is no such unit."))
    return unit


def _read(gl: str, resolver: Resolver) -> Typing:
    if len(gl) > MAX_GL_LENGTH:
        raise InvalidInput(
            "typing_too_long",
            _("The typing has more than %(limit)s characters."),
            field="gl",
            params={"limit": MAX_GL_LENGTH},
        )
    try:
        found = parse_gl(gl, resolver)
    except TypingError as error:
        raise InvalidInput(
            "confirmed_typing_unreadable",
            _("The typing cannot be read: %(why)s"),
            field="gl",
            params={"why": typing_error_text(error)},
        ) from error
    if not found.loci:
        raise InvalidInput("confirmed_typing_empty", _("The typing says nothing."), field="gl")
    return found


def _predictions(unit: CordBloodUnit, confirmed_on: date) -> Iterable[SearchResult]:
    """Of each request the newest finished search before the day (of the first confirmation) that lists the unit.

    The day itself does not count, since nobody knows which came first.
    """
    first = PredictionCheck.objects.filter(result__unit=unit).aggregate(day=Min("confirmed_on"))["day"]
    day = min(confirmed_on, first or confirmed_on)
    until = datetime.combine(day, time.min, tzinfo=timezone.get_default_timezone())
    return (
        SearchResult.objects.filter(unit=unit, run__completed_at__lt=until)
        .select_related("run")
        .order_by("run__request_id", "-run__run_no")
        .distinct("run__request_id")
    )


def _outcomes(result: SearchResult, confirmed: Typing, resolver: Resolver) -> Iterator[tuple[str, bool]]:
    """Quantities of a result that its search left open, and whether the confirmed typing has no mismatch in them."""
    if result.prediction.get("basis") not in SCORED_BASES:
        return
    try:
        patient = parsed(result.run.patient_typing, resolver)
    except TypingError:  # today's nomenclature cannot read what the search's could
        return
    alike = {locus: _alike(patient.locus(locus), confirmed.locus(locus), resolver) for locus in SEARCH_LOCI}
    for quantity, loci in QUANTITY_LOCI.items():
        seen = [alike[locus] for locus in loci]
        if quantity in result.prediction and None not in seen and _was_open(result, quantity):
            yield str(quantity), all(seen)


def _was_open(result: SearchResult, quantity: str) -> bool:
    """Whether the typings of the search allowed both: a mismatch, and none."""
    spans = [_span(result, locus) for locus in QUANTITY_LOCI[quantity]]
    return all(high == BOTH for _low, high in spans) and any(low < BOTH for low, _high in spans)


def _span(result: SearchResult, locus: str) -> tuple[int, int]:
    """Fewest and most matches at a locus by the typings of the search.

    Where the search did not compare them only the prediction tells; one of 0 or 1 counts as settled.
    """
    compared = result.evidence.get(locus)
    if compared is not None:
        low, high = compared["match"]
        return low, high
    predicted = _predicted(result, locus)
    return BOTH if predicted == 1 else 0, BOTH if predicted > 0 else 0


def _alike(mine: LocusTyping, theirs: LocusTyping, resolver: Resolver) -> bool | None:
    """Whether two typings of a locus have no mismatch; None where either leaves more than one genotype."""
    if not (_leaves_one(mine, resolver) and _leaves_one(theirs, resolver)):
        return None
    table = LocusTable.build(theirs.locus, [(theirs.first, theirs.second)], resolver)
    counts = score_locus(mine, table).at(len(table) - 1)
    return counts.match_min == BOTH if counts.match_min == counts.match_max else None


def _leaves_one(typing: LocusTyping, resolver: Resolver) -> bool:
    """Whether a typing leaves one genotype at the level of P groups."""
    pairs = resolver.pairs(typing.locus, typing.first, typing.second)
    found = {tuple(sorted(_only(value) for value in pair)) for pair in pairs}
    return len(found) == 1 and _OPEN not in found.pop()


_OPEN: Final = -2
_NOTHING: Final = -1


def _only(value: Resolved) -> int:
    """The one P group that a value leaves."""
    if value.null:
        return _NOTHING
    return next(iter(value.p_groups)) if len(value.p_groups) == 1 else _OPEN


def _predicted(result: SearchResult, quantity: str) -> float:
    return min(max(float(result.prediction[quantity][0]), 0.0), 1.0)


def _said(result: SearchResult, quantity: str) -> dict[str, Any]:
    """The prediction, and the frequency sets that it came from as the search named them."""
    summary = result.run.prediction
    sets: list[Mapping[str, Any]] = summary["sets"]
    used = sets[result.prediction["set"]]
    versions = {one["checksum"]: one["version"] for one in sets}
    theirs: list[str] = list(dict.fromkeys(summary["patient"]["sets"]))
    return {
        "predicted": _predicted(result, quantity),
        "basis": result.prediction["basis"],
        "unit_set_version": used["version"],
        "unit_set_checksum": used["checksum"],
        "patient_set_version": " + ".join(versions[checksum] for checksum in theirs),
        "patient_set_checksum": " + ".join(theirs),
    }
