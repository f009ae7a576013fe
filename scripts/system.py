"""A whole Qidai for scripts that prove or measure: own servers, own database, a real worker, gone at the end."""

from __future__ import annotations

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

from config import embedded  # noqa: E402


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
