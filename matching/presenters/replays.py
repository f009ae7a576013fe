"""A recomputed search in words: what it proved, where it differs, what today's data would change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bank.choices import UnitStatus
from bank.models import CordBloodUnit
from core.models import Job, User
from matching.choices import CLASS_SIZE, VERDICT_TONE, Verdict
from matching.models import SearchReplay, SearchRun
from matching.presenters.probabilities import share_text
from matching.presenters.requests import release_text
from matching.presenters.results import is_open_to
from matching.presenters.summary import mac_text
from matching.replays import NO_DIGESTS, NO_PROBABILITIES, OTHER_ENGINE
from matching.replays_today import PROBABILITIES, told
from matching.selection.policies import shown_name

Json = dict[str, Any]

CHANGES = {
    "new": (gettext_lazy("new"), "good"),
    "gone": (gettext_lazy("gone"), "bad"),
    "status": (gettext_lazy("other status"), "warn"),
    "class": (gettext_lazy("other class"), "maybe"),
    "probability": (gettext_lazy("other probability"), "info"),
    "rank": (gettext_lazy("other rank"), ""),
}


def progress(job: Job) -> Json:
    """Context of _components/progress.html, without its address."""
    failed, open_one = job.state == Job.State.FAILED, job.is_open
    titles = {
        Job.State.QUEUED.value: _("Waiting for a free worker"),
        Job.State.FAILED.value: _("Recomputing failed"),
        Job.State.CANCELLED.value: _("Recomputing was cancelled"),
    }
    return {
        "state": job.state,
        "title": titles.get(job.state) or job.stage or _("Starting"),
        "share": job.share if open_one else None,
        "started_at": job.started_at,
        "error": job.error if failed else "",
    }


def moment(replay: SearchReplay) -> str:
    at = replay.completed_at or replay.created_at
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M")


def latest(run: SearchRun) -> Json | None:
    """The last time that this search was recomputed to an end, for the head of its list."""
    replay = run.replays.finished().first()
    if replay is None:
        return None
    words = {"when": moment(replay), "outcome": replay.get_verdict_display()}
    return {"pk": replay.pk, "label": _("recomputed %(when)s: %(outcome)s") % words}


def verdict(replay: SearchReplay) -> Json:
    """Context of _components/notice.html: the sentence that the page is for."""
    found = {
        Verdict.IDENTICAL: _identical,
        Verdict.DIFFERENT: _different,
        Verdict.IMPOSSIBLE: _impossible,
    }[Verdict(replay.verdict)]
    title, text = found(replay)
    return {"tone": VERDICT_TONE[Verdict(replay.verdict)], "title": title, "text": text}


def _compared(replay: SearchReplay) -> dict[str, str]:
    return {name: f"{count:,}" for name, count in replay.compared.items()}


def _identical(replay: SearchReplay) -> tuple[str, str]:
    rows = replay.compared["rows"]
    title = ngettext("Identical in the %(rows)s row.", "Identical in all %(rows)s rows.", rows) % {
        "rows": f"{rows:,}"
    }
    return title, _(
        "This search was recomputed on %(when)s from its patient, criteria, policy, reference data, frequency sets and "
        "the inventory of that time. All %(figures)s figures and all %(columns)s columns of each row are, bit for bit, "
        "what is stored."
    ) % {"when": moment(replay), **_compared(replay)}


def _different(replay: SearchReplay) -> tuple[str, str]:
    count = replay.difference_count or 0
    title = ngettext(
        "Different: %(count)s value is not what is stored.",
        "Different: %(count)s values are not what is stored.",
        count,
    ) % {"count": f"{count:,}"}
    return title, _(
        "This search was recomputed on %(when)s from the inventory and the data of that time; %(figures)s figures and "
        "%(rows)s rows of %(columns)s columns were compared. Below is every difference, or the first hundred."
    ) % {"when": moment(replay), **_compared(replay)}


def _impossible(replay: SearchReplay) -> tuple[str, str]:
    return _("This search cannot be recomputed."), _("%(why)s Nothing was compared (%(when)s).") % {
        "why": replay.reason["text"],
        "when": moment(replay),
    }


def remarks(replay: SearchReplay) -> list[str]:
    texts = {
        OTHER_ENGINE: _("Made by engine %(made)s, recomputed by engine %(again)s.")
        % {"made": replay.run.engine_version, "again": replay.engine_version},
        NO_PROBABILITIES: _("The search stored no probabilities; of these there was nothing to compare."),
        NO_DIGESTS: _(
            "The search is of a version that wrote no digests of its patient and its list into the ledger; there was "
            "nothing to hold these against."
        ),
    }
    return [texts[code] for code in replay.remarks]


def facts(run: SearchRun) -> list[Json]:
    """Context of _components/facts.html: what the search was recomputed from."""
    sets = dict.fromkeys(one["version"] for one in run.prediction.get("sets") or [])
    number = f"{run.ledger_number:,}" if run.ledger_number is not None else ""
    return [
        {"label": _("Searched on"), "value": f"{timezone.localtime(run.completed_at):%Y-%m-%d %H:%M}"},
        {"label": _("Policy"), "value": shown_name(run.policy)},
        {
            "label": _("Nomenclature"),
            "value": release_text(run.release),
            "note": run.nomenclature_checksum[:12],
        },
        {"label": _("Codes"), "value": mac_text(run.mac_version), "note": run.mac_checksum[:12]},
        {"label": _("Frequency sets"), "value": ", ".join(sets)},
        {"label": _("Inventory as of change"), "value": number, "note": run.snapshot_checksum[:12]},
        {"label": _("Engine"), "value": run.engine_version},
    ]


def differences(replay: SearchReplay) -> list[Json]:
    return [
        {
            "where": _where(one),
            "column": one["column"],
            "stored": _value(one["stored"]),
            "recomputed": _value(one["recomputed"]),
        }
        for one in replay.differences
    ]


def _where(one: Json) -> str:
    if one["part"] == "rows":
        return _("rank %(rank)s") % {"rank": f"{one['rank']:,}"}
    return _("in the ledger") if one["part"] == "ledger" else _("figures")


def _value(value: Any) -> str:
    return "–" if value is None else str(value)


def today_figures(replay: SearchReplay) -> list[Json]:
    """Context of _components/kpi.html."""
    today = replay.today
    notes = [f"{CHANGES[name][0]} {count:,}" for name, count in today["by_change"].items() if count]
    return [
        {"value": f"{today['new']:,}", "label": _("new units"), "tone": ""},
        {"value": f"{today['gone']:,}", "label": _("gone"), "tone": ""},
        {"value": f"{today['changed']:,}", "label": _("changed"), "note": " · ".join(notes), "tone": ""},
        {"value": f"{today['shifted']:,}", "label": _("only shifted by others"), "tone": ""},
        {"value": f"{today['same']:,}", "label": _("the same"), "tone": ""},
    ]


def today_basis(replay: SearchReplay) -> str:
    """By what the other list would be made."""
    today = replay.today
    return " · ".join(
        [
            _("inventory as of change %(number)s") % {"number": f"{today['ledger_number']:,}"},
            release_text(today["release"]),
            mac_text(today["mac_version"]),
            *today["sets"],
        ]
    )


def today_rows(replay: SearchReplay, user: User) -> list[Json]:
    """Units of the list that differ, old beside new."""
    listed = replay.today["listed"]
    units = CordBloodUnit.objects.in_bulk([one["unit"] for one in listed])
    known = {str(pk): unit for pk, unit in units.items()}
    return [_today_row(one, known[one["unit"]], user) for one in listed]


def _today_row(one: Json, unit: CordBloodUnit, user: User) -> Json:
    then, now = (side and told(side) for side in (one["then"], one["now"]))
    both = [
        then or now,
        now or then,
    ]  # of a unit that came or went only one side is known, and the tag says which
    return {
        "unit": unit.public_no,
        "url": reverse("bank:unit-detail", args=[unit.pk]) if is_open_to(unit, user) else "",
        "tags": [{"text": CHANGES[name][0], "tone": CHANGES[name][1]} for name in one["changes"]],
        "rank": _step(*(side and side["rank"] for side in (then, now))),
        "classes": list(_classes(*(side["classes"] for side in both))),
        "shares": [
            f"P({size}/{size}) {_step(*(_share(side.get(name)) for side in both))}"
            for name, size in PROBABILITIES.items()
            if any(name in side for side in both)
        ],
        "status": _step(*(UnitStatus(side["status"]).label for side in both)),
    }


def _classes(then: Json, now: Json) -> Iterable[str]:
    for name, size in CLASS_SIZE.items():
        if name in then or name in now:
            word = _("antigen") if name == "antigen6" else _("allele")
            yield f"{_step(*(_range(side.get(name), size) for side in (then, now)))} {word}"


def _range(pair: list[int] | None, size: int) -> str | None:
    if pair is None:
        return None
    low, high = pair
    return f"{high}/{size}" if low == high else f"{low}–{high}/{size}"


def _share(value: float | None) -> str | None:
    return None if value is None else share_text(value)


def _step(old: Any, new: Any) -> str:
    """ "3 → 5", "3" where nothing changed, "– → 5" of a new unit."""
    if old == new:
        return "–" if old is None else str(old)
    return " → ".join("–" if side is None else str(side) for side in (old, new))
