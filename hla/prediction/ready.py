"""All loops of match prediction compiled, or taken from this machine's cache, before somebody waits for them.

python -m hla.prediction.ready
"""

from hla.frequencies.sets import HaplotypeSet
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.people import Column, People
from hla.prediction.combine import Patient, predict
from hla.prediction.impute import Imputer
from hla.prediction.matrix import PredictedMatrix
from hla.prediction.next_typing import typing_values
from hla.prediction.table import HaplotypeTable
from hla.prediction.whole import whole_distribution
from hla.resolve import Resolver
from hla.typing import Typing, parse_pair

HAPLOTYPES = (
    (("A*01:01", "B*08:01", "C*07:01", "DRB1*03:01", "DQB1*02:01"), 0.6),
    (("A*02:01", "B*07:02", "C*07:02", "DRB1*15:01", "DQB1*06:02"), 0.4),
)
LOCI = ("A", "B", "C", "DRB1", "DQB1")


def compile_loops() -> None:
    """Predict one made-up pair in every way; seconds at the first time on a machine, then a fraction of one."""
    resolver = Resolver(Nomenclature.builtin(), EMPTY_MAC)
    found = HaplotypeSet.of(HAPLOTYPES, name="two", population="", loci=LOCI)
    table = HaplotypeTable.of(found, resolver)
    typing = Typing.of([parse_pair("A", "A*01:01", "A*02:01", resolver)])
    people = Imputer(table).impute([typing, typing])
    patient = Patient.of(people)
    predict(patient, people)
    typing_values(patient, people)
    whole_distribution(patient, people)
    persons = People(["1"], {locus: Column([typing.locus(locus)], [0]) for locus in LOCI})
    PredictedMatrix.of(persons, persons, table).block(0)


if __name__ == "__main__":
    compile_loops()
