"""Speed of the HLA kernel on real data: python benchmarks/hla_kernel.py [--data ../shared/data]

Prints processor time, the best of several runs: load of a release, cold and kept resolution of 100,000
distinct values, a hostile input, one patient against tables of 1,000 and 100,000 typings, evidence of a pair.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from hla.cli import collect_less  # noqa: E402
from hla.compiled import ReleaseNomenclature  # noqa: E402
from hla.errors import TypingError  # noqa: E402
from hla.loci import SEARCH_LOCI  # noqa: E402
from hla.mac import MacTable  # noqa: E402
from hla.matching import LocusTable, explain_locus, score_locus  # noqa: E402
from hla.nomenclature import Nomenclature  # noqa: E402
from hla.release import compile_release  # noqa: E402
from hla.resolve import Resolver  # noqa: E402
from hla.text import kept_value  # noqa: E402
from hla.typing import LocusTyping, read_gl  # noqa: E402


def best(times: int, work: Callable[[], object]) -> float:
    """Shortest processor time of some runs, seconds."""
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def values(names: ReleaseNomenclature, mac: MacTable, count: int, seed: int) -> list[tuple[str, str]]:
    """Distinct values of real inventories: 40 % names, 20 % codes, 30 % lists, 10 % groups and families."""
    random_of = random.Random(seed)
    by_locus = {locus: names._contents[locus].alleles for locus in SEARCH_LOCI}
    codes = list(mac)
    found: dict[tuple[str, str], None] = {}
    while len(found) < count:
        locus = random_of.choice(SEARCH_LOCI)
        alleles = by_locus[locus]
        name = random_of.choice(alleles)
        sort = random_of.random()
        if sort < 0.4:
            text = f"{locus}*{name}"
        elif sort < 0.6:
            text = f"{locus}*{name[:2]}:{random_of.choice(codes)}"
        elif sort < 0.9:
            start = random_of.randrange(len(alleles))
            text = "/".join(f"{locus}*{name}" for name in alleles[start : start + random_of.randint(2, 20)])
        else:
            text = f"{locus}*{':'.join(name.rstrip('NLSCAQ').split(':')[: random_of.randint(1, 3)])}"
        found[locus, text] = None
    return list(found)


def resolve_all(resolver: Resolver, wanted: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that can be read."""
    good = []
    for locus, text in wanted:
        try:
            resolver.position(locus, text)
            good.append((locus, text))
        except TypingError:
            continue
    return good


def bench_resolving(names: ReleaseNomenclature, mac: MacTable) -> list[tuple[str, str]]:
    wanted = values(names, mac, 100_000, seed=7)
    collect_less()  # as the commands do
    start = time.process_time()
    counted = sum(range(10_000_000))
    ratio = time.process_time() - start
    found = []
    for _ in range(3):
        resolver = Resolver(Nomenclature.from_bytes(names.to_bytes()), MacTable.from_bytes(mac.to_bytes()))
        kept_value.cache_clear()
        start = time.process_time()
        good = resolve_all(resolver, wanted)
        found.append(time.process_time() - start)
    took = sorted(found)[1]
    print(f"100,000 distinct values, cold: {took:.2f} s, median of 3 ({len(wanted) - len(good)} unknown)")
    print(f"  {took / ratio:.0f} times the sum of {counted and 10} million numbers ({ratio:.2f} s)")
    kept = best(3, lambda: [resolver.position(locus, text) for locus, text in good])
    print(f"kept: {len(good) / kept:,.0f} a second")
    return good


def bench_scoring(resolver: Resolver, good: list[tuple[str, str]]) -> None:
    random_of = random.Random(3)
    texts = [text for locus, text in good if locus == "B"]
    for size in (1_000, 100_000):
        few = texts if size > 1_000 else random_of.sample(texts, 200)
        pairs = list(dict.fromkeys((random_of.choice(few), random_of.choice(few)) for _ in range(size * 2)))[
            :size
        ]
        start = time.process_time()
        table = LocusTable.build("B", pairs, resolver)
        table.arrays()
        print(f"table of {len(table):,} typings of {len(few):,} values: {time.process_time() - start:.2f} s")
        for text in ("B*46:01+B*40:01", "B*40:XX+B*15:XX", "B*40:01+"):
            first, second = text.split("+")
            patient = LocusTyping("B", first, second, "pair")
            score_locus(patient, table)
            print(f"  {text}: {1e3 * best(7, lambda: score_locus(patient, table)):.2f} ms")  # noqa: B023


def bench_rest(resolver: Resolver) -> None:
    hostile = ["A*02:01/" * 1250 + "x", "A*" + "02:" * 3333, "^" * 10_000, "A*77:01^" * 1250, "9" * 10_000]
    slowest = max(
        best(3, lambda: read_gl(text, resolver))  # noqa: B023
        for text in hostile
    )
    print(f"10,000 hostile characters: {1e3 * slowest:.1f} ms")
    mine, theirs = (
        read_gl(text, resolver).typing.locus("B") for text in ("B*46:01+B*40:XX", "B*40:02+B*15:01")
    )
    table = LocusTable.build("B", [(theirs.first, theirs.second)], resolver)
    counts = score_locus(mine, table).at(1)
    whole = best(50, lambda: explain_locus(mine, theirs, resolver))
    known = best(50, lambda: explain_locus(mine, theirs, resolver, counts=counts))
    print(f"evidence of a pair: {1e6 * whole:.0f} µs, counts known {1e6 * known:.0f} µs")


def bench_codes() -> None:
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
    codes = {
        letters[i // 279841 % 23]
        + letters[i // 12167 % 23]
        + letters[i // 529 % 23]
        + letters[i // 23 % 23]
        + letters[i % 23]: "01/02/03"
        for i in range(1_000_000)
    }
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{code}\t{subtypes}\n" for code, subtypes in codes.items())
        file.flush()
        print(
            f"1,000,000 codes: text read in {best(1, lambda: MacTable.from_file(Path(file.name))):.2f} s",
            end="",
        )
    data = MacTable.of("generated", codes).to_bytes()
    start = time.process_time()
    table = MacTable.from_bytes(data)
    print(f", loaded in {time.process_time() - start:.2f} s, {len(data) / 1e6:.0f} MB", end="")
    wanted = random.Random(1).sample(list(codes), 20_000)
    took = best(3, lambda: [table.expand("A", "02", code) for code in wanted]) / len(wanted)
    print(f", look-up {1e6 * took:.1f} µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    folder = parser.parse_args().data
    print(f"release compiled: {best(3, lambda: compile_release(folder / 'imgt' / '3580')):.2f} s")
    names = compile_release(folder / "imgt" / "3580")
    data = names.to_bytes()

    def load() -> None:
        loaded = Nomenclature.from_bytes(data)
        for locus in SEARCH_LOCI:
            loaded.name(locus, "01:01")

    print(f"compiled release loaded: {best(3, load):.2f} s, {len(data) / 1e3:.0f} kB")
    mac = MacTable.from_file(folder / "mac" / "numer.v3.subset.txt")
    good = bench_resolving(names, mac)
    resolver = Resolver(names, mac)
    bench_scoring(resolver, good)
    bench_rest(resolver)
    bench_codes()


if __name__ == "__main__":
    main()
