"""Compiles a release of IPD-IMGT/HLA (folder …/3580, or its zip) into a nomenclature.

Reads wmda/hla_nom.txt (names, withdrawn names, antigens), hla_nom_g.txt, hla_nom_p.txt (groups),
rel_dna_ser.txt, rel_ser_ser.txt (serology), tce/dpb_tce.csv (T-cell-epitope groups of DPB1), the list of
alleles and, if it is there, Deleted_alleles.txt. Nothing is taken on trust: the files must be of one version,
unaltered where their MD5 is listed, and speak of the same alleles.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hla.antigens import antigen_tree
from hla.compiled import NO_GROUP, LocusContent, ReleaseNomenclature, encoded
from hla.loci import LOCI, SEROLOGY_PREFIX
from hla.nomenclature import NomenclatureError, field_key, first_field_antigen, two_fields
from hla.release_source import DELETED, HEAD, SUMS, VERSION, ReleaseFiles, release_files

CHECKSUM: Final = re.compile(r"^MD5 \((.+)\) = ([0-9a-f]{32})\s*$", re.MULTILINE)
NAME: Final = re.compile(r"\d{2,4}(?::\d{2,4}){1,3}[NLSCAQ]?")
TCE_GROUP: Final = re.compile(r"(?:(?:0|1|2a?|3)\$?)?")
NONE_ASSIGNED: Final = frozenset({"", "0", "?"})
# Serological loci whose relations apply to the antigens of DNA typings.
SEROLOGY_LOCI: Final = ("A", "B", "C", "DRB1", "DQB1")
# Locus of the antigens that hla_nom.txt names. Bw4 and Bw6 are public antigens, Dw types are cellular ones.
ANTIGEN_LOCI: Final = {"A": "A", "B": "B", "Cw": "C", "DR": "DRB1", "DQ": "DQB1", "DPw": "DPB1"}
OWN_LOCUS: Final = {("DR", "51"): "DRB5", ("DR", "52"): "DRB3", ("DR", "53"): "DRB4"}


@dataclass
class LocusRows:
    """What the files say of one locus."""

    alleles: list[str] = field(default_factory=list)
    withdrawn: dict[str, list[str]] = field(default_factory=dict)
    p_groups: dict[str, str] = field(default_factory=dict)  # allele -> name of its group, "" for none
    g_groups: dict[str, str] = field(default_factory=dict)
    antigens: dict[str, str] = field(default_factory=dict)
    serology: list[str] = field(default_factory=list)


def compile_release(path: Path) -> ReleaseNomenclature:
    """Compile a release folder or zip. Raises NomenclatureError that names the file and what is wrong with it."""
    return compile_files(release_files(path))


def compile_files(files: ReleaseFiles) -> ReleaseNomenclature:
    """Compile the files of a release. Raises NomenclatureError."""
    texts = {name: checked_text(files, name) for name in files.data if not name.endswith(SUMS)}
    release = common_version(texts)
    rows = {locus: LocusRows() for locus in LOCI}
    read_names(texts["wmda/hla_nom.txt"], deletion_reasons(texts.get(DELETED, "")), rows)
    for name, table in (("wmda/hla_nom_p.txt", "p_groups"), ("wmda/hla_nom_g.txt", "g_groups")):
        for locus, groups in read_groups(name, texts[name]):
            getattr(rows[locus], table).update(groups)
    read_antigens(texts["wmda/rel_dna_ser.txt"], rows)
    trees = read_relations(texts["wmda/rel_ser_ser.txt"])
    tce = read_tce(texts["tce/dpb_tce.csv"])
    listed = listed_alleles(texts[files.allele_list])
    for locus in LOCI:
        check_complete(locus, rows[locus], listed[locus], files.allele_list)
    check_tce(rows["DPB1"], tce)
    return ReleaseNomenclature(
        encoded(release, {locus: content(rows[locus], *trees[locus]) for locus in LOCI}, tce)
    )


def checked_text(files: ReleaseFiles, name: str) -> str:
    """Text of a file, checked against the MD5 list beside it if there is one."""
    data = files.data[name]
    listing, listed_as = files.listed_sum(name)
    sums = dict(CHECKSUM.findall(listing))
    if sums.get(listed_as, "") not in ("", hashlib.md5(data, usedforsecurity=False).hexdigest()):
        raise NomenclatureError(
            f"{name} is altered or incomplete: its MD5 is not the one listed. Fetch the release again."
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise NomenclatureError(f"{name} is not a text file.") from None


def common_version(texts: dict[str, str]) -> str:
    """The version that all files name."""
    versions = {name: found[1] for name, text in texts.items() if (found := VERSION.search(text[:HEAD]))}
    for name in texts:
        if name not in versions:
            raise NomenclatureError(f"{name} does not name its version.")
    if len(set(versions.values())) > 1:
        listed = ", ".join(f"{name} {version}" for name, version in versions.items())
        raise NomenclatureError(f"The files are of different versions: {listed}.")
    return next(iter(versions.values()))


def data_lines(name: str, text: str, columns: int) -> Iterator[list[str]]:
    """Cells of the lines that are no comment; each must have at least `columns`."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") or not line:
            continue
        cells = line.split(";")
        if len(cells) < columns:
            raise NomenclatureError(f"Line {number} of {name} has {len(cells)} columns, not {columns}.")
        yield cells


def deletion_reasons(text: str) -> dict[str, str]:
    """Withdrawn name with locus -> what became of it, in the words of Deleted_alleles.txt."""
    rows = (line.split(",", 2) for line in text.splitlines() if line.startswith("HLA"))
    return {row[1]: row[2].strip('"') for row in rows if len(row) == 3}


def read_names(text: str, reasons: dict[str, str], rows: dict[str, LocusRows]) -> None:
    """Names in use and withdrawn ones: columns locus, name, given, withdrawn, successor, reason."""
    for cells in data_lines("wmda/hla_nom.txt", text, 6):
        locus = cells[0].removesuffix("*")
        if locus == cells[0]:
            read_antigen(cells, rows)
            continue
        if locus not in rows:
            continue
        if not cells[3]:
            rows[locus].alleles.append(cells[1])
        else:
            reason = reasons.get(f"{locus}*{cells[1]}", cells[5])
            rows[locus].withdrawn[cells[1]] = [cells[4], reason]


def read_antigen(cells: list[str], rows: dict[str, LocusRows]) -> None:
    """A serological antigen that the WHO has named and not withdrawn."""
    locus = OWN_LOCUS.get((cells[0], cells[1])) or ANTIGEN_LOCI.get(cells[0])
    if locus and not cells[3]:
        rows[locus].serology.append(cells[1])


def read_groups(name: str, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Per line the locus and allele -> group: columns locus, alleles joined by /, name of the group."""
    for locus, alleles, group, *_ in data_lines(name, text, 3):
        if locus.removesuffix("*") in LOCI:
            yield locus.removesuffix("*"), dict.fromkeys(alleles.split("/"), group)


def read_antigens(text: str, rows: dict[str, LocusRows]) -> None:
    """Antigens of each allele: columns locus, allele, unambiguous, possible, assumed, expert."""
    for cells in data_lines("wmda/rel_dna_ser.txt", text, 6):
        locus = cells[0].removesuffix("*")
        if locus in rows:
            rows[locus].antigens[cells[1]] = assigned(cells[1], cells[2:6])


def assigned(allele: str, columns: list[str]) -> str:
    """The antigens of the first column that is not empty, without "0" and "?"; else the first field.

    A "0" beside an antigen ("0/2": perhaps not seen by serology at all) is dropped and not kept as a flag:
    the antigen then counts as assigned, which errs towards a match that the laboratory has to confirm. It
    would have to become part of the compiled form, and of every checksum, to be shown.
    """
    first = next((cell for cell in columns if cell), "")
    found = sorted(set(first.split("/")) - NONE_ASSIGNED, key=int)
    return "/".join(found or first_field_antigen(allele))


def read_relations(text: str) -> dict[str, tuple[dict[str, str], list[str]]]:
    """Per locus the parents of antigens and which of them are associated ones."""
    splits: dict[str, dict[str, list[str]]] = {}
    associated: dict[str, dict[str, list[str]]] = {}
    for prefix, antigen, split, linked, *_ in data_lines("wmda/rel_ser_ser.txt", padded(text), 4):
        splits.setdefault(prefix, {})[antigen] = split.split("/") if split else []
        associated.setdefault(prefix, {})[antigen] = linked.split("/") if linked else []
    trees = {}
    for locus in LOCI:
        prefix = SEROLOGY_PREFIX[locus] if locus in SEROLOGY_LOCI else ""
        tree = antigen_tree(splits.get(prefix, {}), associated.get(prefix, {}))
        trees[locus] = (dict(tree.parents), sorted(tree.associated))
    return trees


def padded(text: str) -> str:
    """Lines without a fourth column get an empty one."""
    lines = text.splitlines()
    return "\n".join(line + ";" if line.count(";") == 2 else line for line in lines)


def read_tce(text: str) -> dict[str, list[str]]:
    """DPB1 allele (fields and suffix) -> its T-cell-epitope groups of versions 1 and 2, as written ("2a", "3$", "")."""
    groups = {}
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split(",", 4)
        locus, star, name = cells[0].partition("*")
        if not star or line.startswith("#"):
            continue
        if locus != "DPB1" or len(cells) < 4 or not all(map(TCE_GROUP.fullmatch, cells[2:4])):
            raise NomenclatureError(
                f"Line {number} of tce/dpb_tce.csv is not an allele, its protein and two groups (0, 1, 2, 2a, 3)."
            )
        groups[name] = cells[2:4]
    return groups


def check_tce(rows: LocusRows, tce: dict[str, list[str]]) -> None:
    """The table of T-cell-epitope groups must have the alleles that the release has."""
    alleles = set(rows.alleles)
    for what, names in (
        ("tce/dpb_tce.csv lacks", alleles - tce.keys()),
        ("wmda/hla_nom.txt lacks", tce.keys() - alleles),
    ):
        if names:
            raise NomenclatureError(f"{what} DPB1*{min(names)} ({len(names)} such names).")


def listed_alleles(text: str) -> dict[str, set[str]]:
    """Names in use by locus, as the list of alleles has them."""
    listed: dict[str, set[str]] = {locus: set() for locus in LOCI}
    for line in text.splitlines():
        locus, star, name = line.partition(",")[2].partition("*")
        if line.startswith("HLA") and star and locus in listed:
            listed[locus].add(name)
    return listed


def check_complete(locus: str, rows: LocusRows, listed: set[str], allele_list: str) -> None:
    """The files must speak of the same alleles."""
    alleles = set(rows.alleles)
    expressed = {name for name in alleles if not name.endswith("N")}
    checks: tuple[tuple[str, Iterable[str]], ...] = (
        (f"{allele_list} lacks", alleles - listed),
        ("wmda/hla_nom.txt lacks", listed - alleles),
        ("wmda/hla_nom_g.txt lacks", alleles - rows.g_groups.keys()),
        ("wmda/hla_nom_p.txt lacks", expressed - rows.p_groups.keys()),
        ("wmda/rel_dna_ser.txt lacks", alleles - rows.antigens.keys()),
        ("wmda/hla_nom.txt has the malformed name", [name for name in alleles if not NAME.fullmatch(name)]),
    )
    if not alleles:
        raise NomenclatureError(f"The release holds no allele of HLA-{locus}.")
    for what, names in checks:
        if found := sorted(names):
            raise NomenclatureError(f"{what} {locus}*{found[0]} ({len(found)} such names).")


def content(rows: LocusRows, parents: dict[str, str], associated: list[str]) -> LocusContent:
    """The rows of a locus in compiled form."""
    alleles = sorted(rows.alleles, key=lambda name: (field_key(name), name))
    p_names = {name: rows.p_groups.get(name, "") or two_fields(name) for name in alleles if name[-1] != "N"}
    g_names = {name: group.removesuffix("G") for name in alleles if (group := rows.g_groups[name])}
    p_ids, p_listed = numbered(alleles, p_names)
    g_ids, g_listed = numbered(alleles, g_names)
    antigen_ids, antigens = numbered(alleles, rows.antigens)
    return LocusContent(
        alleles,
        p_ids,
        p_listed,
        g_ids,
        g_listed,
        antigen_ids,
        antigens,
        rows.withdrawn,
        parents,
        associated,
        sorted(rows.serology, key=int),
    )


def numbered(alleles: list[str], groups: dict[str, str]) -> tuple[list[int], list[str]]:
    """Number of each allele's group (NO_GROUP for none), and the groups in the order of their numbers."""
    numbers: dict[str, int] = {}
    ids = [numbers.setdefault(groups[name], len(numbers)) if name in groups else NO_GROUP for name in alleles]
    return ids, list(numbers)
