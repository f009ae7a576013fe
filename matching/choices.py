"""States of a match request and coded lists of a search. Only services move a request."""

from __future__ import annotations

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.querysets import CORD_ONLY


class RequestState(TextChoices):
    """From draft to shipped unit (domain notes, workflow 1.2). Those not in SWITCHED_ON wait for later work."""

    DRAFT = "DRAFT", _("Draft")
    SUBMITTED = "SUBMITTED", _("Submitted")
    SEARCHED = "SEARCHED", _("Searched")
    OFFERED = "OFFERED", _("Units offered")
    CT_REQUESTED = "CT_REQUESTED", _("Confirmatory typing asked")
    CT_REPORTED = "CT_REPORTED", _("Confirmatory typing reported")
    RESERVED = "RESERVED", pgettext_lazy("request", "Unit reserved")
    ORDERED = "ORDERED", _("Unit ordered")
    SHIPPED = "SHIPPED", _("Unit shipped")
    CLOSED = "CLOSED", _("Closed")
    CANCELLED = "CANCELLED", pgettext_lazy("request", "Cancelled")
    DECLINED = "DECLINED", _("Declined")
    EXPIRED = "EXPIRED", _("Expired")


_R = RequestState
SWITCHED_ON = frozenset(
    {_R.DRAFT, _R.SUBMITTED, _R.SEARCHED, _R.RESERVED, _R.ORDERED, _R.SHIPPED, _R.CLOSED, _R.CANCELLED}
)
OPEN = frozenset(_R) - {_R.CLOSED, _R.CANCELLED, _R.DECLINED, _R.EXPIRED}

# Where a request may go from each state. Every open one may be cancelled.
TRANSITIONS: dict[RequestState, frozenset[RequestState]] = {
    _R.DRAFT: frozenset({_R.SUBMITTED, _R.CANCELLED}),
    _R.SUBMITTED: frozenset({_R.SEARCHED, _R.CANCELLED, _R.DECLINED, _R.EXPIRED}),
    _R.SEARCHED: frozenset({_R.OFFERED, _R.CT_REQUESTED, _R.RESERVED, _R.CANCELLED, _R.DECLINED, _R.EXPIRED}),
    _R.OFFERED: frozenset({_R.CT_REQUESTED, _R.RESERVED, _R.CANCELLED, _R.DECLINED, _R.EXPIRED}),
    _R.CT_REQUESTED: frozenset({_R.CT_REPORTED, _R.CANCELLED, _R.DECLINED, _R.EXPIRED}),
    _R.CT_REPORTED: frozenset({_R.RESERVED, _R.OFFERED, _R.CANCELLED, _R.DECLINED, _R.EXPIRED}),
    # back to the list where the reservation ended without an order
    _R.RESERVED: frozenset({_R.ORDERED, _R.SEARCHED, _R.OFFERED, _R.CANCELLED, _R.EXPIRED}),
    _R.ORDERED: frozenset({_R.SHIPPED, _R.RESERVED, _R.CANCELLED}),
    # back where the unit was lost on its way, or not used: the patient still waits
    _R.SHIPPED: frozenset({_R.CLOSED, _R.RESERVED, _R.SEARCHED}),
    _R.CLOSED: frozenset(),
    _R.CANCELLED: frozenset(),
    _R.DECLINED: frozenset(),
    _R.EXPIRED: frozenset(),
}
# A reserved unit may be lost, and a second one or a backup is looked for meanwhile.
SEARCHABLE = frozenset({_R.SUBMITTED, _R.SEARCHED, _R.OFFERED, _R.CT_REQUESTED, _R.CT_REPORTED, _R.RESERVED})

# Patients of these wait for a unit: searched again at night, and compared with each new unit.
WAITING = frozenset({_R.SUBMITTED, _R.SEARCHED, _R.RESERVED})

# What the page calls a state's look; a word always stands beside the colour.
STATE_TONE: dict[str, str] = {
    _R.DRAFT: "warn",
    _R.SUBMITTED: "info",
    _R.SEARCHED: "good",
    _R.RESERVED: "good",
    _R.ORDERED: "good",
    _R.SHIPPED: "good",
    _R.CANCELLED: "bad",
    _R.DECLINED: "bad",
    _R.EXPIRED: "bad",
}


class LociSet(TextChoices):
    """The combinations of loci that can be asked for; A, B and DRB1 always count."""

    THREE = "A,B,DRB1", "A, B, DRB1"
    FOUR = "A,B,C,DRB1", "A, B, C, DRB1"
    FIVE = "A,B,C,DRB1,DQB1", "A, B, C, DRB1, DQB1"


class Kept(IntegerChoices):
    """How many of the candidates a search keeps in full detail; the others are counted."""

    THOUSAND = 1_000, "1,000"
    TWO_THOUSAND = 2_000, "2,000"
    FIVE_THOUSAND = 5_000, "5,000"


class MatchClass(TextChoices):
    """Classes of a unit: what is counted at which loci. Values as in hla.matching.CLASSES."""

    ANTIGEN6 = "antigen6", _("A, B antigen, DRB1 allele (of 6)")
    ALLELE6 = "allele6", _("A, B, DRB1 allele (of 6)")
    ALLELE8 = "allele8", _("A, B, C, DRB1 allele (of 8)")
    ALLELE10 = "allele10", _("A, B, C, DRB1, DQB1 allele (of 10)")


SIZES = (6, 8, 10)  # positions over which a match probability is computed
CLASS_SIZE: dict[str, int] = {"antigen6": 6, "allele6": 6, "allele8": 8, "allele10": 10}


class Urgency(TextChoices):
    """A label for people; it changes no order of work by itself."""

    ROUTINE = "routine", _("not urgent")
    URGENT = "urgent", _("urgent")


class Indication(TextChoices):
    """For whom a policy is made."""

    MALIGNANT = "malignant", _("malignant disease")
    NON_MALIGNANT = "non-malignant", _("non-malignant disease")


class ProposedFor(TextChoices):
    """The patients for whose new requests a policy is proposed."""

    MALIGNANT = "malignant", _("blood cancer")
    CHILDREN = "children", _("blood cancer, under 18 years")
    NON_MALIGNANT = "non-malignant", _("other diseases")


class RunOrigin(TextChoices):
    """Who asked for a search."""

    PERSON = "person", _("a person")
    NIGHT = "night", _("the nightly search")


class Direction(TextChoices):
    """Direction of all mismatches of a unit (hla.matching.UnitDirection)."""

    MATCHED = "matched", _("no mismatch")
    GVH_ONLY = "gvh-only", _("graft-versus-host only")
    HVG_ONLY = "hvg-only", _("host-versus-graft only")
    BIDIRECTIONAL = "bidirectional", _("both directions")
    UNKNOWN = "unknown", _("cannot be told")


class Stage(TextChoices):
    """What a search is doing, as shown on its progress page."""

    SNAPSHOT = "snapshot", _("Bringing the inventory up to date")
    BUILD = "build", _("Building this computer's copy of the inventory")
    SCORE = "score", _("Comparing the patient with each distinct typing")
    FILTER = "filter", _("Filtering the units")
    RANK = "rank", _("Ranking the candidates")
    PREDICT = "predict", _("Computing match probabilities")
    EXPLAIN = "explain", _("Writing down why each unit matches")
    STORE = "store", _("Storing the list")


class PlanningStage(TextChoices):
    """What a simulation of the inventory is doing (matching.engine.planning)."""

    PREPARE = "prepare", _("Making up patients and new units")
    PATIENTS = "patients", _("Searching the inventory for each simulated patient")
    HAPLOTYPES = "haplotypes", _("Finding the haplotypes that would add most")


class Verdict(TextChoices):
    """What recomputing a search from its stored inputs proved."""

    IDENTICAL = "identical", _("identical")
    DIFFERENT = "different", _("different")
    IMPOSSIBLE = "impossible", _("cannot be recomputed")


class SignatureMeaning(TextChoices):
    """What a signature under a match report says; the words stand before the signer."""

    REVIEWED = "reviewed", _("I have reviewed this list.")
    CHOSEN = "chosen", _("I have reviewed this list and choose the units named.")


VERDICT_TONE = {Verdict.IDENTICAL: "good", Verdict.DIFFERENT: "bad", Verdict.IMPOSSIBLE: "warn"}


class ChangeKind(TextChoices):
    """What other reference data made of a typing."""

    RENAMED = "renamed", _("renamed")
    P_GROUPS = "p-groups", _("other P groups")
    ANTIGENS = "antigens", _("other antigens")
    TCE = "tce", _("other T-cell-epitope groups")
    LEADER = "leader", _("other leader")
    NULLS = "nulls", _("other possible null alleles")
    UNREADABLE = "unreadable", _("no longer readable")
    READABLE = "readable", _("readable now")


CHANGE_TONE = {
    ChangeKind.RENAMED: "info",
    ChangeKind.P_GROUPS: "maybe",
    ChangeKind.ANTIGENS: "maybe",
    ChangeKind.TCE: "maybe",
    ChangeKind.LEADER: "maybe",
    ChangeKind.NULLS: "info",
    ChangeKind.UNREADABLE: "bad",
    ChangeKind.READABLE: "good",
}


class Basis(TextChoices):
    """What the genotypes of a person rest on, as a search stores it; the later, the weaker (hla.prediction.imputed)."""

    TYPING = "typing", _("the typing alone")
    SET = "set", _("haplotypes of the set")
    BLOCKS = "blocks", _("estimate without linkage between class I and class II")
    LOCI = "loci", _("estimate with single loci")
    LISTED = "listed", _("estimate with alleles that the set does not know")
    NONE = "none", _("no estimate")


class Quantity(TextChoices):
    """What a probability of no mismatch is about: a class of n, or one locus. Keys of SearchResult.prediction."""

    OF6 = "6", "6/6"
    OF8 = "8", "8/8"
    OF10 = "10", "10/10"
    A = "A", "A"
    B = "B", "B"
    C = "C", "C"
    DRB1 = "DRB1", "DRB1"
    DQB1 = "DQB1", "DQB1"


QUANTITY_LOCI: dict[str, tuple[str, ...]] = {
    Quantity.OF6: ("A", "B", "DRB1"),
    Quantity.OF8: ("A", "B", "C", "DRB1"),
    Quantity.OF10: ("A", "B", "C", "DRB1", "DQB1"),
    **{locus: (locus,) for locus in (Quantity.A, Quantity.B, Quantity.C, Quantity.DRB1, Quantity.DQB1)},
}

WEAK_BASES = (Basis.BLOCKS, Basis.LOCI, Basis.LISTED)  # estimates: the set does not explain the typing


class SetStep(TextChoices):
    """How the frequency set of a person was found (matching.frequency_sets)."""

    OWN = "own", _("own population")
    DEFAULT = "default", _("the bank's default")
    GLOBAL = "global", _("global")
    BUILT_IN = "built-in", _("built-in demonstration")


class EntryState(TextChoices):
    """Of a unit on a patient's shortlist."""

    SHORTLISTED = "shortlisted", _("shortlisted")
    REMOVED = "removed", _("removed")


MOST_SHORTLISTED = 20  # units of one patient at a time: more is not a choice any more
LONGEST_NOTE = 2_000


def choice_text(place: int | None) -> str:
    """What a place on a shortlist is called: first choice, second choice, backup 1, …; none is undecided."""
    if place is None:
        return str(_("undecided"))
    if place <= 2:
        return str(_("first choice") if place == 1 else _("second choice"))
    return str(_("backup %(n)d")) % {"n": place - 2}


class WatchFor(TextChoices):
    """How much of the order of a list counts as better for who watches a patient (matching.standing)."""

    CLASS = "class", _("a better class")
    BAND = "band", _("a better class, or a higher probability within the class")
    DOSE = "dose", _("anything higher in the list: also more certain matches, or more cells")


def cord_only() -> list[str]:
    """The donors that a request asks for unless it says otherwise."""
    return list(CORD_ONLY)
