"""Match reports: made, kept with their file, signed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bank.models import CordBloodUnit
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import Installation, User
from core.pdf.paint import pdf_bytes
from core.roles import BANK_ROLES, ROLE_PERMISSIONS, Permission, Role
from hospitals.querysets import open_in
from matching.choices import SignatureMeaning
from matching.models import (
    MatchReport,
    ReportSignature,
    SearchRun,
)
from matching.reports.bounds import FEWEST_UNITS, MOST_CHOSEN, MOST_KEPT, MOST_UNITS
from matching.reports.given import Given, ListPart, PairLine
from matching.reports.match_report import match_report


@dataclass(frozen=True, kw_only=True)
class ReportAsked(ListPart):
    """The first units of the page's order under its filters; language: of the report."""

    language: str


@dataclass(frozen=True)
class Printed:
    """A report as a file. digest: of what it says, as printed in it."""

    pdf: bytes
    digest: str
    made_at: datetime


def report_print(*, run: SearchRun, asked: ReportAsked, actor: Actor) -> bytes:
    """The file of a report that is not kept; the audit entry holds its digest."""
    printed = _printed(run, asked, actor)
    with transaction.atomic():
        _record(run, asked, printed, actor, ("matching.SearchRun", str(run.pk), run.label))
    return printed.pdf


def report_create(
    *, run: SearchRun, asked: ReportAsked, actor: Actor, report_id: UUID | None = None
) -> MatchReport:
    """A report that is kept, to be signed and fetched again bit for bit.

    `report_id` comes from the form, so that a form sent twice meets `report_exists` instead of making two. Raises
    Conflict too where the search has as many reports as it may.
    """
    _new_id(report_id, run)
    printed = _printed(run, asked, actor)
    with transaction.atomic():
        SearchRun.objects.select_for_update(no_key=True).get(
            pk=run.pk
        )  # reports are counted by one at a time
        report: MatchReport = MatchReport.objects.create(
            id=_new_id(report_id, run),
            run=run,
            language=asked.language,
            unit_count=len(asked.results),
            units=units_of(asked),
            order=asked.order[:200],
            filters=list(asked.filters),
            policy_label=asked.evaluation.policy_label,
            digest=printed.digest,
            pdf=printed.pdf,
            pdf_sha256=hashlib.sha256(printed.pdf).hexdigest(),
            created_by=actor.label[:200],
            created_at=printed.made_at,
        )
        _record(run, asked, printed, actor, ("matching.MatchReport", str(report.pk), run.label))
    return report


def _new_id(wanted: UUID | None, run: SearchRun) -> UUID:
    """The id that the form proposes, if it is free; that of another search's report tells nothing and is not used."""
    taken = MatchReport.objects.filter(pk=wanted).values_list("run_id", flat=True).first() if wanted else None
    if taken == run.pk:
        raise Conflict("report_exists", _("This report was kept already."))
    if run.reports.count() >= MOST_KEPT:
        raise Conflict(
            "too_many_reports",
            _(
                "This search has %(most)d kept reports, and no more are kept. Use one of them, or fetch a file that is "
                "not kept."
            ),
            params={"most": MOST_KEPT},
        )
    return wanted if wanted and taken is None else uuid4()


def units_of(asked: ReportAsked) -> list[dict[str, Any]]:
    """What can be chosen from the report: its units, then those that stand in its pairs only.

    partners: units with which one makes a pair of the report; without any it was not asked for pairs, or is in none.
    """
    partners: dict[UUID, list[str]] = {}
    for line in _lines(asked):
        for one, other in (line.units, line.units[::-1]):
            partners.setdefault(one.id, []).append(other.unit_no)
    return [
        {
            "id": str(one.unit_id),
            "unit_no": one.unit.public_no,
            "rank": one.rank,
            "partners": partners.get(one.unit_id, []),
            "in_pairs_only": place >= len(asked.results),
        }
        for place, one in enumerate((*asked.results, *asked.beside))
    ]


def _lines(asked: ReportAsked) -> Sequence[PairLine]:
    return asked.pairs.lines if asked.pairs else ()


def _printed(run: SearchRun, asked: ReportAsked, actor: Actor) -> Printed:
    if not run.is_finished:
        raise Conflict("search_not_finished", _("This search has not finished; there is nothing to report."))
    if len(asked.results) > MOST_UNITS:
        raise InvalidInput(
            "too_many_units",
            _("A report holds %(least)d to %(most)d units."),
            field="n",
            params={"least": FEWEST_UNITS, "most": MOST_UNITS},
        )
    made_at = timezone.now().replace(microsecond=0)
    given = Given(
        **asked.as_values(),
        run=run,
        made_by=actor.label,
        made_at=made_at,
        synthetic=Installation.load().synthetic,
    )
    document = match_report(given, asked.language)
    return Printed(pdf_bytes(document), document.digest, made_at)


def _record(
    run: SearchRun, asked: ReportAsked, printed: Printed, actor: Actor, target: tuple[str, str, str]
) -> None:
    audit.record(
        actor=actor,
        action="report.create",
        target=target,
        after={
            "run": str(run.pk),
            "digest": printed.digest,
            "pdf_sha256": hashlib.sha256(printed.pdf).hexdigest(),
            "language": asked.language,
            "policy": asked.evaluation.policy_label,
            "units": [one["unit_no"] for one in units_of(asked)],
            "pairs": [[unit.unit_no for unit in line.units] for line in _lines(asked)],
        },
        hospital_id=run.request.hospital_id,
    )


# --- signatures ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Signing:
    """What is said by signing. chosen: numbers of units as in the report, at most two, for SignatureMeaning.CHOSEN."""

    meaning: str
    chosen: Sequence[str] = ()
    remark: str = ""


def report_sign(*, report_id: UUID, signing: Signing, password: str, user: User) -> ReportSignature:
    """Sign a report with one's password; once a person.

    Raises NotAllowed for a wrong password (which the audit trail tells) or without the right to sign in this hospital,
    InvalidInput for a choice that the report does not hold, or that is no pair of it, Conflict for a second signature,
    a unit that is not on offer any more, or a file that is not the one that was stored.
    """
    report = MatchReport.objects.select_related("run__request").get(pk=report_id)
    role = signing_role(user, report.run.request.hospital_id)
    if role is None:
        report_sign_refused(report=report, user=user, reason="may_not_sign")
        raise NotAllowed("may_not_sign", _("Only a physician of the hospital or the medical director signs."))
    _check_choice(report, signing)
    if not user.check_password(password):
        report_sign_refused(report=report, user=user, reason="wrong_password")
        raise NotAllowed("wrong_password", _("This is not your password."), field="password")
    if hashlib.sha256(report.pdf).hexdigest() != report.pdf_sha256:
        raise Conflict("file_changed", _("The stored file is not the one that was made. Make a new report."))
    return _sign(report, signing, user, role)


def signing_role(user: User, hospital_id: UUID) -> Role | None:
    """The role by which a person may sign reports of a hospital; None for nobody who may."""
    signing = [role for role in sorted(user.roles) if Permission.REPORT_SIGN in ROLE_PERMISSIONS[role]]
    here = [role for role in signing if role in BANK_ROLES or hospital_id in user.hospital_ids]
    return here[0] if here and user.is_active else None


def _check_choice(report: MatchReport, signing: Signing) -> None:
    chosen = list(dict.fromkeys(signing.chosen))
    if signing.meaning not in SignatureMeaning.values:
        raise InvalidInput("unknown_meaning", _("Say what the signature means."), field="meaning")
    if signing.meaning == SignatureMeaning.REVIEWED and chosen:
        raise InvalidInput(
            "choice_without_choosing",
            _("A mere review chooses no unit: take the units away."),
            field="chosen",
        )
    if signing.meaning == SignatureMeaning.CHOSEN and not 1 <= len(chosen) <= MOST_CHOSEN:
        raise InvalidInput("choice_missing", _("Choose one unit, or two for a double graft."), field="chosen")
    units = {unit["unit_no"]: unit for unit in report.units}
    if unknown := set(chosen) - set(units):
        raise InvalidInput(
            "unit_not_in_report",
            _("%(unit)s is not in this report."),
            field="chosen",
            params={"unit": ", ".join(sorted(unknown))},
        )
    _check_pair(
        [units[name] for name in chosen], has_pairs=any(unit.get("partners") for unit in units.values())
    )


def _check_pair(chosen: Sequence[Mapping[str, Any]], *, has_pairs: bool) -> None:
    """A unit that stands in pairs only is too little, or was never judged, by itself; two were judged as a pair."""
    if len(chosen) == 1 and chosen[0].get("in_pairs_only"):
        raise InvalidInput(
            "half_of_a_pair",
            _(
                "%(unit)s stands in this report as one of two units only. Choose one of its partners too: %(others)s."
            ),
            field="chosen",
            params={"unit": chosen[0]["unit_no"], "others": ", ".join(chosen[0]["partners"])},
        )
    if has_pairs and len(chosen) == MOST_CHOSEN and chosen[1]["unit_no"] not in chosen[0]["partners"]:
        raise InvalidInput(
            "no_pair_of_the_report",
            _(
                "%(one)s and %(other)s are no pair of this report. Choose a pair that it lists, or make a report that "
                "holds this one."
            ),
            field="chosen",
            params={"one": chosen[0]["unit_no"], "other": chosen[1]["unit_no"]},
        )


def _check_offer(report: MatchReport, chosen: Sequence[str]) -> None:
    """Under the locks of the units, so that none is taken back between the look and the signature."""
    ids = [unit["id"] for unit in report.units if unit["unit_no"] in chosen]
    rows = CordBloodUnit.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    wanted = report.run.criteria["statuses"]
    if gone := [unit.public_no for unit in rows if unit.blocks or unit.status not in wanted]:
        raise Conflict(
            "unit_gone",
            _("%(units)s: not on offer any more, or reserved since. Search again and make a new report."),
            params={"units": ", ".join(sorted(gone))},
        )


@transaction.atomic
def _sign(report: MatchReport, signing: Signing, user: User, role: Role) -> ReportSignature:
    actor = Actor.user(user)
    _check_offer(report, signing.chosen)
    try:
        with transaction.atomic():
            signature: ReportSignature = ReportSignature.objects.create(
                report=report,
                signer=actor.id,
                signed_by=actor.label[:200],
                role=role,
                meaning=signing.meaning,
                chosen=list(dict.fromkeys(signing.chosen)),
                remark=signing.remark.replace("\0", ""),
                digest=report.digest,
                pdf_sha256=report.pdf_sha256,
            )
    except IntegrityError as error:
        raise Conflict("signed_already", _("You have signed this report already.")) from error
    said = {
        "digest": report.digest,
        "pdf_sha256": report.pdf_sha256,
        "role": role,
        "meaning": signing.meaning,
        "chosen": signature.chosen,
    }
    _record_signature(report, user, "report.sign", said)
    return signature


def report_sign_refused(*, report: MatchReport, user: User, reason: str) -> None:
    """A try to sign that failed: wrong_password, too_many_tries or may_not_sign."""
    _record_signature(report, user, "report.sign_refused", {"reason": reason})


def may_keep_reports(user: User, hospital_id: UUID) -> bool:
    """Who chooses grafts or signs for a hospital keeps reports; whoever may read a search may fetch one."""
    may_choose = open_in(user, Permission.GRAFT_CHOOSE, hospital_id)
    return may_choose or signing_role(user, hospital_id) is not None


@transaction.atomic
def _record_signature(report: MatchReport, user: User, action: str, after: Mapping[str, Any]) -> None:
    audit.record(
        actor=Actor.user(user),
        action=action,
        target=("matching.MatchReport", str(report.pk), report.run.label),
        after=after,
        hospital_id=report.run.request.hospital_id,
    )
