"""Where the files of an IPD-IMGT/HLA release come from: a folder or a zip, read without unpacking it to disk.

`gather` asks a reader for one file after another; the reader of a folder or a zip stands here, another one
(an address on the web) may stand elsewhere. Nothing larger than MAX_BYTES a file is read.
"""

import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from hla.nomenclature import NomenclatureError

NAMES: Final = "wmda/hla_nom.txt"
REQUIRED: Final = (
    NAMES,
    "wmda/hla_nom_g.txt",
    "wmda/hla_nom_p.txt",
    "wmda/rel_dna_ser.txt",
    "wmda/rel_ser_ser.txt",
    "tce/dpb_tce.csv",
)
DELETED: Final = "Deleted_alleles.txt"
SUMS: Final = "md5checksum.txt"
OPTIONAL: Final = (DELETED, SUMS, f"wmda/{SUMS}", f"tce/{SUMS}")
VERSION: Final = re.compile(r"^# version: IPD-IMGT/HLA (\d+\.\d+\.\d+)\s*$", re.MULTILINE)
HEAD: Final = 2000  # characters among which a file names its version
MAX_BYTES: Final = 64 << 20  # of one file; the largest of 3.58.0 has 1 MB
CURE: Final = "Give the complete folder or zip of one release, as IPD-IMGT/HLA publishes it."

Reader = Callable[[str], bytes | None]  # name below the release's folder -> content, None where there is none


@dataclass(frozen=True)
class ReleaseFiles:
    """Content of the files by their names below the release's folder; `allele_list` names one of them."""

    data: dict[str, bytes]
    allele_list: str

    def listed_sum(self, name: str) -> tuple[str, str]:
        """The list of MD5 sums that stands beside a file ("" if none does), and the name it has there."""
        path = PurePosixPath(name)
        listing = self.data.get(str(path.parent / SUMS), b"")
        return listing.decode("utf-8", "replace"), path.name


def release_files(path: Path) -> ReleaseFiles:
    """The files of a release folder or zip. Raises NomenclatureError that names the file and the cure."""
    path = Path(path)
    if path.is_dir():
        return gather(lambda name: from_folder(path, name))
    return from_zip(path)


def gather(read: Reader) -> ReleaseFiles:
    """All files of a release that `read` finds. Raises NomenclatureError if one is missing."""
    data = {}
    for name in REQUIRED:
        data[name] = required(name, read(name))
    allele_list, data_of_list = next(
        ((name, content) for name in allele_lists(data[NAMES]) if (content := read(name)) is not None),
        ("Allelelist.txt", None),
    )
    data[allele_list] = required(allele_list, data_of_list)
    for name in OPTIONAL:
        if (content := read(name)) is not None:
            data[name] = content
    return ReleaseFiles(data, allele_list)


def allele_lists(names: bytes) -> Iterable[str]:
    """Names that the list of alleles has had: plain, or with the release's number, here or in its own folder."""
    yield "Allelelist.txt"
    if version := VERSION.search(names[:HEAD].decode("utf-8", "replace")):
        numbered = f"Allelelist.{version[1].replace('.', '')}.txt"
        yield from (numbered, f"allelelist/{numbered}")


def required(name: str, content: bytes | None) -> bytes:
    if content is None:
        raise NomenclatureError(f"The release has no readable file {name}. {CURE}")
    return content


def from_folder(folder: Path, name: str) -> bytes | None:
    """A file of a folder."""
    try:
        with (folder / name).open("rb") as handle:
            return limited(handle, name)
    except OSError:
        return None


def limited(handle: IO[bytes], name: str) -> bytes:
    """All of a file, unless it is larger than any file of a release can be."""
    content = handle.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise NomenclatureError(f"{name} is larger than {MAX_BYTES >> 20} MB: it is no release file. {CURE}")
    return content


def from_zip(path: Path) -> ReleaseFiles:
    """The files of a zip, below whatever folder they stand in there. Raises NomenclatureError."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = frozenset(archive.namelist())
            root = root_of(names, path.name)
            return gather(lambda name: member(archive, root + name, names, path.name))
    except (OSError, zipfile.BadZipFile) as error:
        raise NomenclatureError(
            f"{path.name} is no folder and no readable zip ({error}). {CURE} A zip may have been cut short on "
            "its way: fetch it again."
        ) from error


def root_of(names: Iterable[str], archive: str) -> str:
    """The folder of a zip that the release's files stand below: "", or "IMGTHLA-3580/"."""
    roots = sorted(name.removesuffix(NAMES) for name in names if name == NAMES or name.endswith("/" + NAMES))
    if not roots:
        raise NomenclatureError(f"{archive} holds no {NAMES}: it is no release of IPD-IMGT/HLA. {CURE}")
    if len(roots) > 1:
        listed = ", ".join(roots[:5])
        raise NomenclatureError(f"{archive} holds several releases ({listed}). Give a zip of one.")
    return roots[0]


def member(archive: zipfile.ZipFile, name: str, names: frozenset[str], file: str) -> bytes | None:
    """A member of a zip, never more of it than a release file can have."""
    if name not in names:
        return None
    try:
        with archive.open(name) as handle:
            return limited(handle, f"{name} in {file}")
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise NomenclatureError(
            f"{name} in {file} is damaged or locked ({error}). Fetch the zip again, or give the unpacked folder."
        ) from error
