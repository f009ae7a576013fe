"""How the compiled loops are compiled: those of scoring, of match prediction and of the search."""

import hashlib
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ROOT: Final = Path(__file__).parents[1]
LOOPS: Final = ("hla/*kernels.py", "hla/prediction/*kernels.py", "matching/engine/*kernels.py", "hla/jit.py")


def digest() -> str:
    """Of all loops and of the compiler: Numba looks only at a function's own file, not at what it calls."""
    found = hashlib.blake2b(version("numba").encode(), digest_size=8)
    for path in sorted(path for pattern in LOOPS for path in ROOT.glob(pattern)):
        found.update(path.read_bytes())
    return found.hexdigest()


def cache_folder(environment: dict[str, str] | os._Environ[str]) -> str:
    """Where compiled loops are kept: NUMBA_CACHE_DIR, else in QIDAI_VAR, else under var/; a folder per digest."""
    usual = Path(environment.get("QIDAI_VAR") or ROOT / "var") / "numba"
    base = Path(environment.get("NUMBA_CACHE_DIR") or usual)
    name = digest()
    return str(base if base.name == name else base / name)


# Once per machine and version (ready.py). Read by Numba when it is loaded.
os.environ["NUMBA_CACHE_DIR"] = cache_folder(os.environ)

from numba import njit  # noqa: E402


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same numbers as a plain array that cannot be written: a mapped one, a copy and a slice are one type to the
    compiler, which would else compile a loop for each."""
    found = array.view(np.ndarray)
    found.flags.writeable = False
    return found


def compiled(function: Callable[..., Any]) -> Any:
    """A function compiled at its first call, kept on disk, that lets go of Python's lock while it runs."""
    return njit(cache=True, nogil=True)(function)
