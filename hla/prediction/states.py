"""Numbers for what alleles express, shared by all haplotype sets that one nomenclature reads."""

from collections.abc import Sequence
from threading import Lock

from hla.resolve import Resolver

MOST = 1 << 16  # states of a locus: they are kept in 16 bits
NOTHING = 0  # state of an allele that is not expressed
StateKey = int | str  # id of a P group; or the name of an allele that stands for itself


class StateSpace:
    """Dense numbers (1 and up, by locus) for P groups and for alleles that stand for themselves. Only grows."""

    def __init__(self) -> None:
        self._codes: dict[str, dict[StateKey, int]] = {}
        self._keys: dict[str, list[StateKey]] = {}
        self._lock = Lock()

    def code(self, locus: str, key: StateKey) -> int:
        """The number of a P group, or of an allele by its name. Raises ValueError where there are too many."""
        codes = self._codes.setdefault(locus, {})
        found = codes.get(key)
        if found is None:
            with self._lock:
                if len(codes) + 1 >= MOST and key not in codes:
                    raise ValueError(
                        f"More than {MOST - 1:,} alleles and groups at {locus} in all frequency sets."
                    )
                found = codes.setdefault(key, len(codes) + 1)
                keys = self._keys.setdefault(locus, [""])
                if found == len(keys):
                    keys.append(key)
        return found

    def keys(self, locus: str) -> Sequence[StateKey]:
        """What each number stands for; the first is NOTHING."""
        return self._keys.get(locus, [""])

    def size(self, locus: str) -> int:
        """One more than the largest number."""
        return len(self._keys.get(locus, [""]))


def space_of(resolver: Resolver) -> StateSpace:
    """The states of a resolver; they live as long as it does."""
    return resolver.kept(_space, "states of match prediction")


def _space(resolver: Resolver, text: str) -> StateSpace:
    return StateSpace()


def state_name(resolver: Resolver, locus: str, state: int) -> str:
    """Name of a state as people read it: "A*02:01P", "A*01:16N", "" for nothing expressed."""
    key = space_of(resolver).keys(locus)[state]
    return key if isinstance(key, str) else resolver.nomenclature.p_name(locus, key)
