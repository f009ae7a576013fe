"""`make run`: the whole of Qidai on one machine under one supervisor. `python -m config.supervisor`

Starts the private servers (unless DATABASE_URL and REDIS_URL name others), migrates, fills an empty database with
the demo, runs web, workers and beat, starts again what dies, and on Ctrl-C stops everything it started.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from config import embedded
from config import env as settings_env
from config.embedded.process import STOP_SIGNALS, undisturbed

CHECKOUT = Path(__file__).resolve().parent.parent
FIRST_PORT = 8000
LAST_PORT = 65_535
READY_PATIENCE = 90.0
STOP_PATIENCE = 4.0
LONGEST_PAUSE = 30.0
STEADY = 60.0  # a child that lived so long has recovered: its pauses begin anew
PR_SET_PDEATHSIG = 1


class Trouble(Exception):
    """Qidai cannot start; the text says why and what to do."""


class Stopped(BaseException):
    """Ctrl-C or a signal: unwinds from wherever we are, so that everything is stopped in order."""


@dataclass
class Child:
    """One long-running process in a session of its own: Ctrl-C reaches it only through us."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    pass_fds: tuple[int, ...] = ()
    bound: bool = True  # ends with us, also when we are killed
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 1.0
    due: float = field(default=0.0)

    def start(self) -> None:
        with self.log.open("ab") as output, undisturbed():
            self.process = subprocess.Popen(
                self.command,
                cwd=CHECKOUT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=self.pass_fds,
                preexec_fn=end_with_parent if self.bound else None,  # safe: this process has one thread
            )
        self.started, self.due = time.monotonic(), 0.0

    def look(self) -> None:
        """Start it again when it has died, later and later if it keeps dying."""
        if self.process and self.process.poll() is not None:
            if time.monotonic() - self.started > STEADY:
                self.pause = 1.0
            code, when = self.process.returncode, f"in {self.pause:.0f} s"
            say(f"{self.name} ended ({code}); starting it again {when}, see {self.log}")
            self._signal(signal.SIGKILL)  # what it may have left
            self.process, self.due = None, time.monotonic() + self.pause
            self.pause = min(self.pause * 2, LONGEST_PAUSE)
        if self.process is None and time.monotonic() >= self.due:
            self.start()

    def ask_to_stop(self) -> None:
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()

    def make_stop(self, deadline: float) -> None:
        """Wait for it, then end its whole session: no grandchild outlives us."""
        if self.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(max(0.0, deadline - time.monotonic()))
            self._signal(signal.SIGKILL)
            self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


def end_with_parent() -> None:
    """Linux ends the child when we are killed without a chance to do it ourselves."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def main() -> int:
    var = Path(os.environ.get("QIDAI_VAR") or CHECKOUT / "var").resolve()
    var.mkdir(parents=True, exist_ok=True)
    for number in STOP_SIGNALS:
        signal.signal(number, stop_everything)
    try:
        with only_one(var) as note:
            run(var, note)
    except Stopped:
        say("stopped")
    except (Trouble, embedded.EmbeddedError, settings_env.BadEnvironment) as trouble:
        say(str(trouble))
        return 1
    return 0


def run(var: Path, note: IO[str]) -> None:
    with own_servers(var) as urls, web_socket() as listener:
        env = {**os.environ, **urls}
        logins = prepare(env)
        address = "http://{}:{}".format(*listener.getsockname())
        children = make_children(var, env, listener)
        with stopping(children), undisturbed_end():
            for child in children:
                child.start()
            wait_until_ready(children[0], listener.getsockname())
            note.write(f"{os.getpid()} {address}\n")  # scripts/shots.py reads it
            note.flush()
            say(f"log-ins of the demonstration:\n\n{logins}")
            say(f"runs at {address}/   (Ctrl-C stops it; logs are in {var / 'log'})")
            while True:
                time.sleep(0.25)
                for child in children:
                    child.look()


@contextlib.contextmanager
def only_one(var: Path) -> Iterator[IO[str]]:
    """Two supervisors over one database would fight for it."""
    with (var / "run.lock").open("a+") as note:
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note.seek(0)
            who = note.read().split()
            where = f" as process {who[0]} at {who[1]}" if len(who) == 2 else ""
            raise Trouble(f"already running from {var}{where}; stop that one first (Ctrl-C)") from None
        note.truncate(0)
        yield note


@contextlib.contextmanager
def own_servers(var: Path) -> Iterator[dict[str, str]]:
    """The private servers, ours to stop; none when the environment names others."""
    if os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL"):
        yield {}  # settings refuse one without the other
        return
    try:
        yield embedded.ensure(var / "embedded")
    finally:
        embedded.stop(var / "embedded")


@contextlib.contextmanager
def web_socket() -> Iterator[socket.socket]:
    """Bound here and handed to gunicorn, so that nobody can take the port while gunicorn starts or restarts."""
    wanted = settings_env.number("QIDAI_PORT", default=FIRST_PORT, most=LAST_PORT)
    for port in range(wanted, min(wanted + 100, LAST_PORT + 1)):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.close()
            continue
        if port != wanted:
            say(f"port {wanted} is taken by another program; using {port}")
        with listener:
            yield listener
        return
    raise Trouble(f"no free port from {wanted} on; set QIDAI_PORT")


def prepare(env: Mapping[str, str]) -> str:
    """Migrate and fill an empty database; returns the log-ins to show when the web server answers."""
    say("bringing the database up to date; the first time, a demo bank is made in it")
    command = [sys.executable, "-m", "config.prepare"]
    step: subprocess.Popen[str] | None = None
    try:
        with undisturbed():
            step = subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        logins, _ = step.communicate()
    except Stopped:
        if step:
            step.terminate()
            step.communicate()
        raise
    if step.returncode:
        raise Trouble(f"preparing the database failed ({step.returncode}); see above")
    return logins


def make_children(var: Path, env: Mapping[str, str], listener: socket.socket) -> list[Child]:
    logs = var / "log"
    logs.mkdir(exist_ok=True)
    least = {key: value for key, value in env.items() if key != "DATABASE_OWNER_URL"}  # nobody here migrates
    python = (sys.executable, "-m")
    celery = (*python, "celery", "-A", "config.celery")
    web = [*python, "gunicorn", "config.wsgi:application", "--bind", f"fd://{listener.fileno()}", *GUNICORN]
    # preloading halves the start, but what is loaded once cannot be reloaded
    web.append("--reload" if os.environ.get("QIDAI_DEBUG") else "--preload")
    cores = max(2, os.cpu_count() or 2)
    interactive = settings_env.number("QIDAI_INTERACTIVE_PROCESSES", default=cores, least=1)
    batch = settings_env.number("QIDAI_BATCH_PROCESSES", default=cores // 2, least=1)
    beat = [*celery, "beat", "-l", "INFO", "-s", str(var / "celerybeat-schedule"), "--pidfile="]
    return [
        Child("web", web, least, logs / "web.log", (listener.fileno(),)),
        Child("worker", [*celery, *worker("interactive", interactive)], least, logs / "worker.log"),
        Child("batch worker", [*LAST, *celery, *worker("batch", batch)], least, logs / "batch.log"),
        Child("beat", beat, least, logs / "beat.log"),
    ]


GUNICORN = (
    *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
    *("--timeout", "120", "--graceful-timeout", "3", "--no-control-socket", "--access-logfile", "-"),
    *("--logger-class", "config.access_log.WithoutQueries"),  # an address can hold a typing
)
LAST = ("nice", "-n", "10")  # a batch gets what the searches leave of the processors


def worker(queue: str, processes: int | str) -> list[str]:
    """Arguments of the worker of one queue. Each also does the housekeeping: a sweep must not wait for a batch."""
    command = f"worker -n {queue}@%h -l INFO -c {processes} -Q {queue},maintenance"
    return [*command.split(), "--without-gossip", "--without-mingle"]  # they have nothing to tell one another


@contextlib.contextmanager
def stopping(children: Sequence[Child], patience: float = STOP_PATIENCE) -> Iterator[None]:
    """Whatever happens inside, all of them end; the servers that they use are stopped after this."""
    try:
        yield
    finally:
        for child in children:
            child.ask_to_stop()
        deadline = time.monotonic() + patience
        for child in children:
            child.make_stop(deadline)


@contextlib.contextmanager
def undisturbed_end() -> Iterator[None]:
    """Once it ends it ends: a second Ctrl-C must not leave a process behind."""
    try:
        yield
    finally:
        ignore_signals()
        say("stopping")


def wait_until_ready(web: Child, address: tuple[str, int]) -> None:
    """Returns when /healthz answers 200: before that an address would be a promise."""
    deadline = time.monotonic() + READY_PATIENCE
    while time.monotonic() < deadline:
        if healthy(address):
            return
        if web.process and web.process.poll() is not None:
            break
        time.sleep(0.05)
    tail = web.log.read_text(errors="replace")[-2000:]
    raise Trouble(f"the web server did not come up; {web.log} ends with:\n{tail}")


def healthy(address: tuple[str, int]) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def ignore_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def stop_everything(number: int, frame: FrameType | None) -> None:
    ignore_signals()
    raise Stopped


def say(text: str) -> None:
    # the terminal may be gone: SIGHUP must still stop everything
    with contextlib.suppress(OSError):
        print(f"Qidai: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
