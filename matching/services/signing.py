"""Signatures under match reports: by whom, for which units, and that these are judged today as they are printed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bank.models import CordBloodUnit
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import BANK_ROLES, ROLE_PERMISSIONS, Permission, Role
from core.signing import guard_signature
from hospitals.querysets import open_in
from matching.choices import SignatureMeaning
from matching.engine.pairs import FAILED
from matching.kept import kept_for
from matching.models import Evaluation, MatchReport, ReportSignature
from matching.reports.bounds import MOST_CHOSEN
from matching.selection.findings_kept import changed, outcomes_of
from matching.selection.pairs import one_pair
from matching.services.evaluating import evaluation_of


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
    a unit that is not on offer any more or judged otherwise today, or a file that is not the one that was stored.
    """
    report = MatchReport.objects.select_related("run__request__patient", "run__policy", "policy").get(
        pk=report_id
    )
    role = signing_role(user, report.run.request.hospital_id)
    if role is None:
        report_sign_refused(report=report, user=user, reason="may_not_sign")
        raise NotAllowed("may_not_sign", _("Only a physician of the hospital or the medical director signs."))
    _check_choice(report, signing)
    try:
        guard_signature(user, password)
    except NotAllowed as error:
        report_sign_refused(report=report, user=user, reason=error.code)
        raise
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
    numbers = [unit["unit_no"] for unit in report.units]
    if twice := [name for name in chosen if numbers.count(name) > 1]:
        raise InvalidInput(
            "unit_named_twice",
            _(
                "%(unit)s is the number of two units of this report, of two banks. Sign it as reviewed, and say in the "
                "remark which bank's unit is meant."
            ),
            field="chosen",
            params={"unit": ", ".join(twice)},
        )
    _check_kept([units[name] for name in chosen])
    _check_pair([units[name] for name in chosen])
    _check_excluded([units[name] for name in chosen], signing.remark)


def _check_kept(chosen: Sequence[Mapping[str, Any]]) -> None:
    """Reports of before say of no unit how it was judged: nobody could tell what has changed since."""
    if any("outcomes" not in unit for unit in chosen):
        raise Conflict(
            "report_too_old", _("This report is of an earlier version. Make a new one, and choose from it.")
        )


def _check_pair(chosen: Sequence[Mapping[str, Any]]) -> None:
    """Two were judged as a pair: their doses, and how they match each other."""
    if len(chosen) == MOST_CHOSEN and chosen[1]["unit_no"] not in chosen[0]["partners"]:
        raise InvalidInput(
            "no_pair_of_the_report",
            _(
                "%(one)s and %(other)s are no pair of this report. Choose a pair that it lists, or make a report that "
                "holds this one."
            ),
            field="chosen",
            params={"one": chosen[0]["unit_no"], "other": chosen[1]["unit_no"]},
        )


def _check_excluded(chosen: Sequence[Mapping[str, Any]], remark: str) -> None:
    """A physician may choose what a rule excludes; the signature then says why.

    Units of a pair are excluded by the doses of a single unit at most, which say nothing of two.
    """
    if len(chosen) != 1 or not chosen[0]["excluded_by"] or remark.strip():
        return
    unit = chosen[0]
    text = _("%(unit)s is excluded by the policy. Say in the remark why it is chosen all the same.")
    if unit["partners"]:
        text = _(
            "%(unit)s is excluded by the policy unless another unit is given with it (%(others)s). Choose both, or say "
            "in the remark why it is chosen alone."
        )
    params = {"unit": unit["unit_no"], "others": ", ".join(unit["partners"])}
    raise InvalidInput("remark_needed", text, field="remark", params=params)


def _check_judgement(report: MatchReport, chosen: Sequence[str]) -> None:
    """What is signed is judged today as it is printed: patient, antibodies or unit may have changed since."""
    if not chosen:
        return
    assert report.policy is not None  # of every report that remembers how its units were judged
    evaluation = evaluation_of(run=report.run, policy=report.policy)
    kept = {unit["id"]: unit for unit in report.units if unit["unit_no"] in chosen}
    rows = evaluation.rows.filter(result__unit_id__in=kept).select_related("result__unit")
    now = {str(row.result.unit_id): outcomes_of(row) for row in rows}
    differing = {unit["unit_no"]: changed(unit["outcomes"], now.get(pk, {})) for pk, unit in kept.items()}
    if any(differing.values()) or not _still_a_pair(report, evaluation, list(kept)):
        raise Conflict(
            "judged_otherwise",
            _(
                "%(units)s: patient, antibodies or unit have changed since this report, and the rules say something "
                "else now. Make a new report."
            ),
            params={
                "units": ", ".join(name for name, codes in differing.items() if codes) or ", ".join(chosen)
            },
        )


def _still_a_pair(report: MatchReport, evaluation: Evaluation, ids: Sequence[str]) -> bool:
    if len(ids) < MOST_CHOSEN:
        return True
    found = one_pair(report.run, evaluation, [UUID(one) for one in ids])
    return found is not None and int(found.found.verdicts[0]) != FAILED


def _check_offer(report: MatchReport, chosen: Sequence[str]) -> None:
    """Under the locks of the units, so that none is taken back between the look and the signature."""
    ids = [unit["id"] for unit in report.units if unit["unit_no"] in chosen]
    rows = CordBloodUnit.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    wanted, own = report.run.criteria["statuses"], kept_for(report.run.request.patient_id)
    if gone := [
        unit.public_no for unit in rows if unit.blocks or (unit.status not in wanted and unit.pk not in own)
    ]:
        raise Conflict(
            "unit_gone",
            _("%(units)s: not on offer any more, or reserved since. Search again and make a new report."),
            params={"units": ", ".join(sorted(gone))},
        )


@transaction.atomic
def _sign(report: MatchReport, signing: Signing, user: User, role: Role) -> ReportSignature:
    actor = Actor.user(user)
    _check_offer(report, signing.chosen)
    _check_judgement(report, signing.chosen)
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
