"""How the loops of match prediction are compiled."""

import hashlib
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent


def digest() -> str:
    """Of all loops and of the compiler: Numba looks only at a function's own file, not at what it calls."""
    found = hashlib.blake2b(version("numba").encode(), digest_size=8)
    for path in sorted([*HERE.glob("*kernels.py"), HERE / "jit.py"]):
        found.update(path.read_bytes())
    return found.hexdigest()


def cache_folder(environment: dict[str, str] | os._Environ[str]) -> str:
    """Where compiled loops are kept: NUMBA_CACHE_DIR, else in QIDAI_VAR, else under var/; a folder per digest."""
    usual = Path(environment.get("QIDAI_VAR") or HERE.parents[1] / "var") / "numba"
    base = Path(environment.get("NUMBA_CACHE_DIR") or usual)
    name = digest()
    return str(base if base.name == name else base / name)


# Once per machine and version (ready.py). Read by Numba when it is loaded.
os.environ["NUMBA_CACHE_DIR"] = cache_folder(os.environ)

from numba import njit  # noqa: E402


def compiled(function: Callable[..., Any]) -> Any:
    """A function compiled at its first call, kept on disk, that lets go of Python's lock while it runs."""
    return njit(cache=True, nogil=True)(function)
