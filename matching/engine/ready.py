"""All compiled loops of a search made ready, or taken from this machine's cache, before somebody waits for them.

python -m matching.engine.ready
"""

from hla.loci import SEARCH_LOCI
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.prediction import ready
from hla.resolve import Resolver
from hla.typing import Typing, parse_pair
from matching.engine import scan
from matching.engine.columns import UnitRow
from matching.engine.policy import Policy
from matching.engine.prognosis import Genotype, prognosis
from matching.engine.search import Criteria, search
from matching.engine.snapshot import build


def compile_loops() -> None:
    """Search a made-up inventory and predict a made-up pair; seconds at the first time on a machine, then a fraction.

    No thread is left behind: workers fork afterwards.
    """
    ready.compile_loops()
    resolver = Resolver(Nomenclature.builtin(), EMPTY_MAC)
    pair = ("A*01:01", "A*02:01"), ("B*07:02", "B*08:01"), ("", ""), ("DRB1*03:01", "DRB1*15:01"), ("", "")
    units = [UnitRow(bytes([number]) * 16, pair, 1, 1, 2020, "LISTED", "A", "+") for number in range(3)]
    patient = Typing.of(
        parse_pair(locus, *texts, resolver) for locus, texts in zip(SEARCH_LOCI, pair, strict=True)
    )
    snapshot = build(units, resolver=resolver, ledger_number=0)
    search(patient, Criteria(limit=1), snapshot)
    genotype = Genotype({locus: pair for locus, pair in zip(SEARCH_LOCI, pair, strict=True) if pair[0]}, 1.0)
    prognosis(
        [genotype],
        snapshot,
        loci=("A", "B", "DRB1"),
        policy=Policy(),
        need_e4=1,
        expected={},
        new_a_year=0,
        enough=0,
    )
    scan.close_pools()


if __name__ == "__main__":
    compile_loops()
