"""Reference data of the commands: compiled from a path at its first use, then loaded from a small file.

The folder (`var/hla`) is shared with the rest of the program. It holds

    nomenclaturerelease-<version>-<sha16>, mactableversion-<version>-<sha16>   Nomenclature.to_bytes, MacTable.to_bytes
    from-<sha16>.json   {"key": …, "file": …}: what was compiled from a path, and what that path held then
    active.json         {"nomenclature": file, "mac": file, "ciwd": file}, each null if there is none: what the
                        installation uses; the database knows it, this tells programs that have none

(and ciwdtableversion-… likewise). sha16 begins the SHA-256 of the content, or of the path. Every file is put in
place in one step, so that processes may do the same at the same time; a file that is missing or damaged is made
anew. Nothing here is a source of truth.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from hla.ciwd import CiwdTable
from hla.mac import EMPTY_MAC, MacTable
from hla.nomenclature import Nomenclature, NomenclatureError

ACTIVE: Final = "active.json"
DEMO: Final = "demo"  # the built-in synthetic set of haplotype frequencies
FREQUENCIES: Final = "frequencyset"  # prefix of the files of haplotype frequency sets
VERSION: Final = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}")
PARTS: Final = ("", "wmda", "tce", "allelelist")  # the folders of a release that its compilation reads

if TYPE_CHECKING:
    from hla.frequencies.sets import HaplotypeSet

Loaded = TypeVar("Loaded", Nomenclature, MacTable, CiwdTable)


@dataclass(frozen=True)
class Sort(Generic[Loaded]):
    """One sort of reference data. prefix: of its files' names; entry: its name in active.json."""

    prefix: str
    entry: str
    compile: Callable[[Path], Loaded]
    decode: Callable[[bytes], Loaded]
    version: Callable[[Loaded], str]


def _compile_release(path: Path) -> Nomenclature:
    from hla.release import compile_release  # only a first use needs it

    return compile_release(path)


NOMENCLATURE: Final = Sort[Nomenclature](
    "nomenclaturerelease",
    "nomenclature",
    _compile_release,
    lambda data: Nomenclature.from_bytes(data),
    lambda nomenclature: nomenclature.release,
)
MAC: Final = Sort[MacTable](
    "mactableversion", "mac", MacTable.from_file, MacTable.from_bytes, lambda table: table.version
)
CIWD: Final = Sort[CiwdTable](
    "ciwdtableversion", "ciwd", CiwdTable.from_file, CiwdTable.from_bytes, lambda table: table.version
)


def file_name(prefix: str, version: str, sha256: str) -> str:
    """The name under which compiled content with this checksum is kept."""
    plain = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in version)[:60]
    return f"{prefix}-{plain}-{sha256[:16]}"


def write_file(path: Path, content: bytes) -> None:
    """Put a file in place in one step. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
        os.chmod(name, 0o644)  # nothing secret: other accounts of this host may use it
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise


def note_active(folder: Path, entry: str, name: str | None) -> None:
    """Note which file of a sort (its entry: "nomenclature", "mac", "ciwd") the installation uses, None if none.

    Raises OSError. Of two processes that note different sorts at once one may be lost until the next start.
    """
    known = read_notes(folder / ACTIVE)
    if entry not in known or known[entry] != name:
        write_file(folder / ACTIVE, json.dumps(known | {entry: name}).encode())


def read_notes(path: Path) -> dict[str, str | None]:
    """Content of a small file of notes, {} if it is missing, damaged or of another form."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    good = isinstance(found, dict) and all(isinstance(value, str | None) for value in found.values())
    return found if good else {}


class Cache:
    """Finds and keeps reference data in `folder`. warn: told in a sentence what could not be kept or found."""

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self.folder = folder
        self.warn = warn

    def nomenclature(self, source: str | None) -> Nomenclature:
        """The release at a path or of a version; without `source` the one in use here, else the built-in one.

        Raises NomenclatureError that says what is wrong and what to do.
        """
        if source is None:
            return self._active(NOMENCLATURE) or Nomenclature.builtin()
        if not os.path.exists(source) and VERSION.fullmatch(source):
            return self._of_version(source)
        return self._compiled(NOMENCLATURE, Path(source))

    def mac(self, source: str | None) -> MacTable:
        """The multiple allele codes in a file; without `source` those in use here, else none."""
        if source is None:
            return self._active(MAC) or EMPTY_MAC
        return self._compiled(MAC, Path(source))

    def ciwd(self) -> CiwdTable | None:
        """The table of common alleles in use here."""
        return self._active(CIWD)

    def frequencies(
        self, source: str, population: str, *, truncated: bool = False, ignore_checksum: bool = False
    ) -> "HaplotypeSet":
        """The haplotype frequency set in a file, of a population where it holds several; or loaded here by a name.

        truncated, ignore_checksum: as hla.frequencies.files.read_set. Raises NomenclatureError that says what is
        wrong and what to do.
        """
        from hla.frequencies.demo import demo_set  # only match prediction needs them
        from hla.frequencies.files import read_set

        if os.path.exists(source):
            found, notes = read_set(
                Path(source),
                name=Path(source).stem,
                population=population,
                truncated=truncated,
                ignore_checksum=ignore_checksum,
            )
            for note in notes:
                self.warn(f"{source}: {note}")
            return found
        if source == DEMO:
            return demo_set()
        kept = self._kept_sets(source)
        if len(kept) == 1:
            return next(iter(kept.values()))[1]
        if kept:
            names = ", ".join(sorted(version for version, _ in kept.values()))
            raise NomenclatureError(f"{source} names several frequency sets: {names}. Give one of these.")
        raise NomenclatureError(
            f"{source} is neither a file nor the name of a frequency set that was used here. Give the path of a file, "
            f"such as CAU.freqs.gz, or {DEMO} for the built-in synthetic set."
        )

    def _kept_sets(self, source: str) -> dict[str, tuple[str, "HaplotypeSet"]]:
        """Frequency sets of this name, version or population: checksum -> (version as its file has it, set)."""
        from hla.frequencies.sets import HaplotypeSet

        found = {}
        for path in self.folder.glob(f"{FREQUENCIES}-*"):
            version = path.name.removeprefix(f"{FREQUENCIES}-").rpartition("-")[0]
            try:
                stored = HaplotypeSet.from_bytes(path.read_bytes())
            except (OSError, NomenclatureError):
                continue  # of an older form, or damaged: the database has it
            if source == version:
                return {stored.checksum: (version, stored)}
            if source in (stored.name, stored.population):
                found[stored.checksum] = (version, stored)
        return found

    def versions(self) -> list[str]:
        """The versions of the releases that are kept here."""
        names = [path.name for path in self.folder.glob(f"{NOMENCLATURE.prefix}-*")]
        found = {name.removeprefix(f"{NOMENCLATURE.prefix}-").rpartition("-")[0] for name in names}
        return sorted(found, key=lambda version: [int(part) for part in re.findall(r"\d+", version)])

    def _of_version(self, version: str) -> Nomenclature:
        kept = list(self.folder.glob(f"{NOMENCLATURE.prefix}-{version}-*"))
        for path in sorted(kept, key=lambda path: -path.stat().st_mtime_ns):
            if (found := self._read(NOMENCLATURE, path.name)) is not None:
                return found
        known = ", ".join(self.versions()) or "none"
        raise NomenclatureError(
            f"Release {version} has not been compiled here (there are: {known}). Give its folder or zip once, "
            "as --release PATH; after that the version is enough."
        )

    def _active(self, sort: Sort[Loaded]) -> Loaded | None:
        """What the installation uses, None if that is nothing or not known."""
        name = read_notes(self.folder / ACTIVE).get(sort.entry)
        if not name:
            return None
        found = self._read(sort, name)
        if found is None:
            self.warn(f"{self.folder / ACTIVE} names {name}, which cannot be read: going on without it.")
        return found

    def _compiled(self, sort: Sort[Loaded], path: Path) -> Loaded:
        key = source_key(path)
        index = f"from-{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]}.json"
        noted = read_notes(self.folder / index)
        if noted.get("key") == key and (kept := self._read(sort, noted.get("file") or "")) is not None:
            return kept
        try:
            made = sort.compile(path)
        except OSError as error:
            raise NomenclatureError(f"{path} cannot be read: {error.strerror or error}.") from None
        self._keep(sort, made, index, key)
        return made

    def _keep(self, sort: Sort[Loaded], made: Loaded, index: str, key: str) -> None:
        content = made.to_bytes()
        name = file_name(sort.prefix, sort.version(made), hashlib.sha256(content).hexdigest())
        try:
            write_file(self.folder / name, content)
            write_file(self.folder / index, json.dumps({"key": key, "file": name}).encode())
        except OSError as error:
            self.warn(
                f"Nothing can be kept in {self.folder} ({error.strerror}): reference data are compiled anew each time."
            )

    def _read(self, sort: Sort[Loaded], name: str) -> Loaded | None:
        """The object in a file of the folder, None if it is missing, damaged or of an older form."""
        try:
            return sort.decode((self.folder / Path(name).name).read_bytes())
        except (OSError, NomenclatureError):
            return None


def source_key(path: Path) -> str:
    """Changes when a file at `path` (file, or folder of a release) may have changed, or the code that compiles it.

    Names, sizes and times of change are looked at, no content. Raises NomenclatureError if there is nothing.
    """
    folders = [path / part for part in PARTS] if path.is_dir() else []
    code = Path(__file__).parent
    try:
        found = [entry for folder in (*folders, code) for entry in listed(folder)]
        if not folders:
            found.append(signature(path.name, path.stat()))
    except OSError as error:
        raise NomenclatureError(
            f"{path} cannot be read ({error.strerror}). Give the path of a folder or file, or the version of a "
            "release that was used before, such as 3.58.0."
        ) from None
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


def listed(folder: Path) -> list[str]:
    """Signatures of the files in a folder; none if there is no such folder."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [
            signature(os.path.join(folder.name, entry.name), entry.stat())
            for entry in entries
            if entry.is_file()
        ]


def signature(name: str, found: os.stat_result) -> str:
    return f"{os.fsencode(name).hex()} {found.st_size} {found.st_mtime_ns}"
