"""Selection policies: copied, revised as a new version, given up, made the bank's default. No version ever changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from hospitals.models import Hospital
from matching.choices import Indication, ProposedFor
from matching.engine.selection.rules import BadRules
from matching.models import SelectionPolicy
from matching.selection import whole
from matching.selection.policies import SHIPPED, plain_name
from matching.selection.refusals import refusal

NAMES_LOCK = 0x51D_0013  # of this program; no other lock has the number
LONGEST = {"name": 80, "population": 200, "author": 120, "references": 4000}


@dataclass(frozen=True, kw_only=True)
class PolicyData:
    """What people write of a policy. rules: the whole JSON as stored; what it does not name has the usual value."""

    rules: Mapping[str, Any]
    indication: str = ""
    proposed_for: str = ""
    population: str = ""
    author: str = ""
    references: str = ""


@transaction.atomic
def policy_copy(
    *, source: SelectionPolicy, hospital: Hospital | None, name: str, actor: Actor
) -> SelectionPolicy:
    """Version 1 of a policy of the hospital's own (None: the bank's), with the rules of `source`.

    A copy is proposed for nobody until its owner says so. Raises InvalidInput for a name that cannot be.
    """
    if source.hospital_id is not None and source.hospital_id != (hospital.pk if hospital else None):
        raise InvalidInput(  # its readers would see the other hospital's rules
            "policy_of_another_owner", _("A hospital's policy can be copied within this hospital only.")
        )
    name = _text("name", name)
    if not name:
        raise InvalidInput("name_missing", _("Give the policy a name."), field="name")
    _check_name(name, hospital)
    data = _columns(
        PolicyData(
            rules=source.rules,
            indication=source.indication,
            population=source.population,
            author=source.author,
            references=source.references,
        )
    )
    copy = _created(name=name, version=1, hospital=hospital, copied_from=source, actor=actor, columns=data)
    audit.record(
        actor=actor,
        action="policy.copy",
        target=copy,
        after={"copied_from": str(source), **_flat(data)},
        hospital_id=copy.hospital_id,
    )
    return copy


@transaction.atomic
def policy_revise(*, policy_id: UUID, data: PolicyData, actor: Actor) -> SelectionPolicy:
    """The next version; the one that the person had before them is retired with it and passes on being the default.

    Raises Conflict if that one is no longer offered (it names who was faster), InvalidInput with the place of a rule
    that cannot be, and where nothing differs.
    """
    policy = _locked(policy_id)
    _check_offered(policy)
    wanted = _columns(data)
    before, after = audit.changes(_flat_before(policy), _flat(wanted))
    if not after:
        raise InvalidInput(
            "policy_unchanged", _("Nothing differs from %(policy)s. No new version was made."),
            params={"policy": str(policy)},
        )  # fmt: skip
    _check_proposed(policy, wanted["proposed_for"])
    was_default = policy.is_default
    _retire(policy, actor)
    made = _created(
        name=policy.name,
        version=policy.version + 1,
        hospital=policy.hospital,
        copied_from=policy.copied_from,
        actor=actor,
        columns={**wanted, "is_default": was_default},
    )
    audit.record(
        actor=actor,
        action="policy.revise",
        target=made,
        before=before,
        after=after,
        hospital_id=made.hospital_id,
    )
    return made


@transaction.atomic
def policy_retire(*, policy_id: UUID, reason: str, actor: Actor) -> SelectionPolicy:
    """Offer it no more; what was made by it keeps it. The bank's default cannot go before another has its place."""
    policy = _locked(policy_id)
    _check_offered(policy)
    reason = _text("reason", reason, 400)
    if not reason:
        raise InvalidInput("reason_missing", _("Give the reason for retiring this policy."), field="reason")
    if policy.is_default:
        raise Conflict(
            "policy_is_default",
            _("%(policy)s is the bank's default. Make another policy the default first."),
            params={"policy": str(policy)},
        )
    _retire(policy, actor, reason)
    audit.record(
        actor=actor,
        action="policy.retire",
        target=policy,
        before={"offered": True},
        after={"offered": False},
        reason=reason,
        hospital_id=policy.hospital_id,
    )
    return policy


@transaction.atomic
def policy_make_default(*, policy_id: UUID, actor: Actor) -> SelectionPolicy:
    """Serve, from now on, requests for whose patients no policy is proposed."""
    policy = _locked(policy_id)
    _check_offered(policy)
    if policy.hospital_id is not None:
        raise InvalidInput("policy_not_the_banks", _("Only a policy of the bank can be the default."))
    if policy.is_default:
        raise Conflict("already_so", _("%(policy)s is the default already."), params={"policy": str(policy)})
    earlier = SelectionPolicy.objects.filter(is_default=True).first()
    SelectionPolicy.objects.filter(is_default=True).update(is_default=False)
    policy.is_default = True
    policy.save(update_fields=["is_default"])
    audit.record(
        actor=actor,
        action="policy.make_default",
        target=policy,
        before={"default": str(earlier) if earlier else ""},
        after={"default": str(policy)},
    )
    return policy


def _locked(policy_id: UUID) -> SelectionPolicy:
    """The row, with all that its owner offers locked, in one order: being default or proposed passes between them."""
    hospital_id = SelectionPolicy.objects.values_list("hospital_id", flat=True).get(pk=policy_id)
    rows = SelectionPolicy.objects.filter(hospital=hospital_id).select_for_update(no_key=True, of=("self",))
    found: dict[UUID, SelectionPolicy] = {row.pk: row for row in rows.order_by("pk")}
    return found[policy_id]


def _check_offered(policy: SelectionPolicy) -> None:
    if policy.is_offered:
        return
    newest = SelectionPolicy.objects.versions_of(policy).first()
    assert newest is not None
    if newest.pk != policy.pk:
        raise Conflict(
            "policy_superseded",
            _(
                "%(who)s was faster: version %(version)s was saved %(at)s. Nothing of yours was saved; open that "
                "version and make your changes there."
            ),
            params={"who": newest.created_by, "version": newest.version, "at": _moment(newest.created_at)},
        )
    raise Conflict(
        "policy_retired",
        _("%(policy)s was retired by %(who)s, %(at)s. Copy it to use its rules again."),
        params={"policy": str(policy), "who": policy.retired_by or "–", "at": _moment(policy.retired_at)},
    )


def _moment(at: Any) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M")


def _retire(policy: SelectionPolicy, actor: Actor, reason: str = "") -> None:
    policy.is_default, policy.retired_at = False, timezone.now()
    policy.retired_by, policy.retire_reason = actor.label[:200], reason
    policy.save(update_fields=["is_default", "retired_at", "retired_by", "retire_reason"])


def _created(
    *,
    name: str,
    version: int,
    hospital: Hospital | None,
    copied_from: SelectionPolicy | None,
    actor: Actor,
    columns: Mapping[str, Any],
) -> SelectionPolicy:
    try:
        with transaction.atomic():
            made: SelectionPolicy = SelectionPolicy.objects.create(
                name=name,
                version=version,
                hospital=hospital,
                copied_from=copied_from,
                created_by=actor.label[:200],
                **columns,
            )
    except IntegrityError as error:
        raise Conflict(
            "policy_made_meanwhile",
            _("Somebody made a policy of this name this moment. Look, and try again."),
        ) from error
    return made


def _check_name(name: str, hospital: Hospital | None) -> None:
    """One name, one policy, in every list from which somebody chooses: a hospital's lists show the bank's too.

    Names are given by one at a time: a hospital and the bank may ask for the same at once.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NAMES_LOCK])
    taken = (
        SelectionPolicy.objects.all() if hospital is None else SelectionPolicy.objects.for_hospital(hospital)
    )
    names = {policy.name.casefold() for policy in taken} | {plain_name(policy).casefold() for policy in taken}
    if name.casefold() in names | {shipped.casefold() for shipped in SHIPPED}:
        raise InvalidInput(
            "name_taken",
            _("There is a policy of this name, offered or retired. Give another name."),
            field="name",
        )


def _check_proposed(policy: SelectionPolicy, patients: str) -> None:
    if not patients:
        return
    others = SelectionPolicy.objects.filter(hospital=policy.hospital_id, proposed_for=patients).offered()
    other = others.exclude(pk=policy.pk).first()
    if other is not None:
        raise InvalidInput(
            "proposed_already",
            _("%(policy)s is proposed for these patients. Change that one first."),
            field="proposed_for",
            params={"policy": plain_name(other)},
        )


def _columns(data: PolicyData) -> dict[str, Any]:
    """Checked columns. Raises InvalidInput with the place that is wrong."""
    if data.indication not in ("", *Indication.values):
        raise InvalidInput(
            "indication_unknown", _("Choose one of the offered indications."), field="indication"
        )
    if data.proposed_for not in ("", *ProposedFor.values):
        raise InvalidInput(
            "proposed_for_unknown", _("Choose one of the offered groups of patients."), field="proposed_for"
        )
    try:
        rules = whole.data_of(*whole.read(data.rules))
    except BadRules as error:
        raise refusal(error) from error
    texts = {name: _text(name, getattr(data, name)) for name in ("population", "author", "references")}
    return {"rules": rules, "indication": data.indication, "proposed_for": data.proposed_for, **texts}


def _columns_of(policy: SelectionPolicy) -> dict[str, Any]:
    names = ("rules", "indication", "proposed_for", "population", "author", "references")
    return {name: getattr(policy, name) for name in names}


def _flat(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Each text, threshold and action under its own name, for the audit."""
    texts = {name: value for name, value in columns.items() if name != "rules"}
    return {**texts, **whole.flat(columns["rules"])}


def _flat_before(policy: SelectionPolicy) -> dict[str, Any]:
    try:
        return _flat(_columns_of(policy))
    except BadRules as error:
        raise Conflict("policy_unreadable", refusal(error).message) from error


def _text(name: str, value: str, longest: int = 0) -> str:
    text = value.replace("\0", "").strip()
    limit = longest or LONGEST[name]
    if len(text) > limit:
        raise InvalidInput(
            "text_too_long",
            _("At most %(limit)s characters. Shorten this text."),
            field=name,
            params={"limit": limit},
        )
    return text
