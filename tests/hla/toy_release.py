"""A made-up release folder, small enough to read, with every sort of line that the real files have."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path, PurePosixPath

from hla.loci import LOCI

HEADER = "# file: {name}\n# date: 2001-01-01\n# version: IPD-IMGT/HLA 9.99.0\n"

# name -> (P group, G group, columns of rel_dna_ser)
ALLELES: dict[str, tuple[str, str, str]] = {
    "A*02:01:01:01": ("02:01P", "02:01:01G", "2;;;"),
    "A*02:01:01:02L": ("02:01P", "02:01:01G", ";0/2;;"),
    "A*02:01:01:03N": ("", "02:01:01G", "0;;;"),
    "A*02:01:02": ("02:01P", "", "2;;;"),
    "A*02:03": ("", "", "203;;;"),
    "A*02:09": ("02:01P", "02:01:01G", ";;2;"),
    "A*02:10": ("", "", "210;;;"),
    "A*02:12": ("", "", ";;;2/28"),
    "A*02:15N": ("", "", "0;;;"),
    "A*02:18Q": ("", "", ";;0/2;"),
    "A*02:101": ("", "", ";;2;"),
    "A*03:01": ("", "", "3;;;"),
    "A*03:02": ("", "", "3;;;"),
    "A*03:03N": ("", "", "0;;;"),
    "A*24:02:01": ("", "24:02:01G", "24;;;"),
    "A*24:09N": ("", "24:02:01G", "0;;;"),
    "A*24:03": ("", "", "2403;;;"),
    "A*23:01": ("", "", "23;;;"),
    "B*15:01": ("", "", "62;;;"),
    "B*15:02": ("", "", "75;;;"),
    "B*15:16": ("", "", "63;;;"),
    "B*15:03": ("", "", "72;;;"),
    "B*15:99": ("", "", ";;15/70;"),
    "B*38:01": ("", "", "38;;;"),
    "B*38:09": ("", "", "16;;;"),
    "B*39:01": ("", "", "3901;;;"),
    "B*39:02": ("", "", "3902;;;"),
    "B*39:05": ("", "", "39;;;"),
    "B*44:02:01:01S": ("", "", "0;;;44"),
    "B*51:42": ("51:42P", "", "51;;;"),
    "B*53:62": ("51:42P", "", ";;44;"),
    "B*83:01": ("", "", "?;;;"),
    "B*07:02:01": ("07:02P", "07:02:01G", "7;;;"),
    "B*07:65": ("07:02P", "07:02:01G", "7;;;"),
    "B*07:111N": ("", "", "0;;;"),
    "B*52:90": ("", "", ";;52;"),
    "C*07:02": ("", "", "7;;;"),
    "C*12:02": ("", "", "?;;;7"),
    "DRB1*04:05": ("", "", "4;;;"),
    "DRB3*01:01": ("", "", "52;;;"),
    "DRB4*01:03": ("", "", "53;;;"),
    "DRB5*01:01": ("", "", "51;;;"),
    "DQA1*01:01": ("", "", "?;;;"),
    "DQA1*05:01": ("", "", "?;;;"),
    "DQB1*03:01": ("", "", "7;;;"),
    "DQB1*03:02": ("", "", "8;;;"),
    "DPA1*01:03": ("", "", "?;;;"),
    "DPA1*02:01": ("", "", "?;;;"),
    "DPB1*04:01": ("04:01P", "", "?;;;"),
    "DPB1*350:01": ("04:01P", "", "?;;;"),
    "DPB1*05:01": ("", "", "?;;;"),
    "DPB1*09:01": ("", "", "?;;;"),
    "DPB1*03:01": ("03:01P", "03:01:01G", "?;;;"),
    "DPB1*104:01": ("03:01P", "03:01:01G", "?;;;"),
    "DPB1*06:01": ("", "", "?;;;"),
    "DPB1*19:02": ("", "", "?;;;"),
    "DPB1*61:01N": ("", "", "0;;;"),
    "DPB1*105:01": ("", "", "?;;;"),
    "DPB1*106:02N": ("", "", "0;;;"),
    "DPB1*107:01": ("", "", "?;;;"),
    "DPB1*10:01": ("", "", "?;;;"),
    "DPB1*1001:01": ("", "", "?;;;"),
}

# Withdrawn: name -> successor, reason
WITHDRAWN = {
    "A*02:02": ("02:03", "Sequence identical"),
    "A*02:04": ("02:02", "Sequence renamed"),
    "A*02:05": ("", "Never assigned"),
    "A*0214": ("02:03", "Sequence renamed"),
    "A*02:06": ("02:15N", "Sequence error"),
}

# Antigens that the WHO has named: prefix of hla_nom.txt -> numbers. Dw types are cellular, Bw4 and Bw6 public.
SEROLOGY = {
    "A": "2 3 9 23 24 28 68 69 203 210 2403",
    "B": "7 15 16 38 39 44 51 52 62 63 70 71 72 75 3901 3902",
    "Bw": "4 6",
    "Cw": "3 7 9 10",
    "DR": "4 51 52 53",
    "DQ": "3 7 8 9",
    "DPw": "4 5",
    "Dw": "6 18",
}

# DPB1 allele -> groups of versions 1 and 2
TCE = {
    "DPB1*04:01": ("3", "3"),
    "DPB1*350:01": ("", "3$"),
    "DPB1*05:01": ("3", "3"),
    "DPB1*09:01": ("1", "1"),
    "DPB1*03:01": ("2", "2"),
    "DPB1*06:01": ("3", "2a"),
    "DPB1*19:02": ("", "2$"),
    "DPB1*61:01N": ("0", "0"),
    "DPB1*104:01": ("", ""),
    "DPB1*105:01": ("3", "3"),
    "DPB1*106:02N": ("0", "0"),
    "DPB1*107:01": ("2$", "1$"),
    "DPB1*10:01": ("1", "1"),
    "DPB1*1001:01": ("", "3$"),
}

RELATIONS = """\
A;2;;203/210
A;9;23/24;
A;24;;2403
A;28;68/69;
B;15;62/63/75
B;16;38/39;
B;39;;3901/3902
B;70;71/72;
Cw;3;9/10;
DQ;3;7/8/9;
Dw;6;18/19;
"""


def files() -> dict[str, str]:
    """Name below the folder -> text."""
    split = {name: name.split("*") for name in ALLELES}
    nom = [f"{prefix};{antigen};19680101;;;" for prefix, row in SEROLOGY.items() for antigen in row.split()]
    nom += ["Cw;11;19871121;19911114;1;Sequence error", "MICA*;001;20000101;;;"]
    nom += [f"{locus}*;{name};20000101;;;" for locus, name in split.values()]
    nom += [
        f"{name.replace('*', '*;')};20000101;20010101;{new};{reason};"[:-1]
        for name, (new, reason) in WITHDRAWN.items()
    ]
    deleted = ["AlleleID,Allele,Description", 'HLA9,A*02:05,"Name never assigned, it seems"', "HLA8,broken"]
    listed = ["AlleleID,Allele"] + [f"HLA{number:05d},{name}" for number, name in enumerate(ALLELES)]
    tce = ["Allele,Protein,V1_Assignment,V2_Assignment,Comments"]
    tce += [f"{name},{name},{first},{second},a remark, with a comma" for name, (first, second) in TCE.items()]
    return {
        "wmda/hla_nom.txt": lines("hla_nom.txt", nom),
        "wmda/hla_nom_p.txt": lines("hla_nom_p.txt", [*group_lines(0), "MICA*;001;"]),
        "wmda/hla_nom_g.txt": lines("hla_nom_g.txt", group_lines(1)),
        "wmda/rel_dna_ser.txt": lines(
            "rel_dna_ser.txt",
            ["MICA*;001;?;;;"]
            + [f"{split[name][0]}*;{split[name][1]};{row[2]}" for name, row in ALLELES.items()],
        ),
        "wmda/rel_ser_ser.txt": lines("rel_ser_ser.txt", RELATIONS.splitlines()),
        "Allelelist.txt": lines("Allelelist.txt", [*listed, "HLA99999,MICA*001"]),
        "Deleted_alleles.txt": lines("Deleted_alleles.txt", deleted),
        "tce/dpb_tce.csv": lines("tce/dpb_tce.csv", tce),
    }


def group_lines(column: int) -> list[str]:
    """Lines of hla_nom_p.txt (column 0) or hla_nom_g.txt (1)."""
    groups: dict[tuple[str, str], list[str]] = {}
    for full, row in ALLELES.items():
        locus, name = full.split("*")
        if column == 0 and name.endswith("N"):
            continue
        groups.setdefault((locus, row[column] or name), []).append(name)
    return [
        f"{locus}*;{'/'.join(names)};{key if key.endswith(('G', 'P')) else ''}"
        for (locus, key), names in groups.items()
    ]


def lines(name: str, rows: list[str]) -> str:
    return HEADER.format(name=name) + "\n".join(rows) + "\n"


def write(folder: Path, *, sums: bool = True, **changed: str | None) -> Path:
    """Write the folder; `changed` by file name without dots replaces a text, None leaves the file out."""
    for name, text in files().items():
        key = PurePosixPath(name).stem
        content = changed.get(key, text)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_text(content, encoding="utf-8")
    if sums:
        write_sums(folder)
    return folder


def write_zip(path: Path, *, below: str = "", **changed: str | None) -> Path:
    """A zip of the same files, below a leading folder; `changed` as in `write`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files().items():
            content = changed.get(PurePosixPath(name).stem, text)
            if content is not None:
                archive.writestr(below + name, content)
    return path


def write_sums(folder: Path) -> None:
    """md5checksum.txt beside the files, as IPD publishes it."""
    for place in (folder, folder / "wmda", folder / "tce"):
        found = sorted(place.glob("*.[tc][xs][tv]"))
        rows = [f"MD5 ({path.name}) = {hashlib.md5(path.read_bytes()).hexdigest()}" for path in found]
        (place / "md5checksum.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")


assert {name.split("*")[0] for name in ALLELES} == set(LOCI)
