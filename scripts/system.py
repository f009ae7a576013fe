"""A whole Qidai for scripts that prove or measure: own servers, own database, a real worker, gone at the end."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config import embedded, supervisor  # noqa: E402


def options(doc: str | None, **counts: int) -> argparse.Namespace:
    """Of the command line of a proof: how many of what, each with its default, and where the real data are."""
    parser = argparse.ArgumentParser(description=doc)
    for name, default in counts.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    return parser.parse_args()


@contextmanager
def real_system(name: str) -> Iterator[Path]:
    """Servers as a laptop has them (with fsync), an empty migrated database, Django ready in this process.

    DATABASE_URL and REDIS_URL of the caller are left out on purpose: nobody's data are to be measured or filled.
    """
    base = ROOT / "var"
    base.mkdir(exist_ok=True)
    var = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=base))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        os.environ.update(embedded.ensure(var / "embedded"))
        os.environ |= {
            "QIDAI_VAR": str(var),
            "QIDAI_ENV": "test",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        manage("migrate", "-v", "0")
        import django

        django.setup()
        yield var
    finally:
        embedded.stop(var / "embedded")
        shutil.rmtree(var, ignore_errors=True)


def manage(*arguments: str) -> str:
    """Run a command of manage.py in a process of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"manage.py {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def load_reference(data: Path) -> str:
    """IPD-IMGT/HLA 3.58.0 and the subset of multiple allele codes where `data` has them; says what is in use."""
    if not (data / "imgt" / "3580").is_dir():
        return f"built-in nomenclature: there is no {data / 'imgt' / '3580'}"
    said = manage("load_hla_release", str(data / "imgt" / "3580"))
    codes = data / "mac" / "numer.v3.subset.txt"
    return (said + manage("load_mac", str(codes)) if codes.is_file() else said).strip()


@contextmanager
def whole_system(var: Path, *, beat: bool = True) -> Iterator[tuple[str, int]]:
    """Web server, worker and beat just as `make run` starts them; where the web server answers."""
    with supervisor.web_socket() as listener:
        children = [
            child
            for child in supervisor.make_children(var, dict(os.environ), listener)
            if beat or child.name != "beat"
        ]
        with supervisor.stopping(children):
            for child in children:
                child.start()
            supervisor.wait_until_ready(children[0], listener.getsockname())
            yield listener.getsockname()


@contextmanager
def worker(var: Path, *, processes: int = 2) -> Iterator[None]:
    """A Celery worker as `make run` starts it."""
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "-l", "WARNING"]
    command += ["-c", str(processes), "-Q", "interactive,batch,maintenance"]
    command += ["--without-gossip", "--without-mingle"]
    with (var / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(condition: Callable[[], Any], *, seconds: float, what: str, every: float = 0.002) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            sys.exit(f"waited {seconds:g} s for {what}")
        time.sleep(every)
