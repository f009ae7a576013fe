"""`make test`: browser, servers, the whole suite, coverage gates. Arguments go to pytest and skip the gates.

The last line printed is pytest's closing line, word for word.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from servers import ROOT, embedded, throw_away_servers

CLOSING_LINE = re.compile(r"=+ .*\d+\.\d+s.* =+$")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def main(arguments: list[str]) -> int:
    browser = find_browser()
    with throw_away_servers() as env:
        if browser:
            env["QIDAI_CHROMIUM"] = browser
        env["PYTHONUNBUFFERED"] = "1"
        report = Path(env["QIDAI_VAR"]) / "coverage.json"
        compile_loops(env)
        env["COVERAGE_FILE"] = str(report.with_name("coverage.db"))
        with temporary_roots() as env["QIDAI_TEST_ROOTS"]:
            code, closing = run_pytest(arguments or whole_suite(report), env)
    if not arguments and code == 0:
        code = gates(report)
        print(closing, flush=True)
    return code


def compile_loops(env: dict[str, str]) -> None:
    """All compiled loops, once for all test processes and for the next run (var/numba)."""
    env.setdefault("NUMBA_CACHE_DIR", str(ROOT / "var" / "numba"))
    subprocess.run([sys.executable, "-m", "matching.engine.ready"], cwd=ROOT, env=env, check=True)


def gates(report: Path) -> int:
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "coverage_gates.py", report], check=False
    ).returncode


def find_browser() -> str:
    """The path of a working Chromium, "" if there is none; where CI is set that ends the run."""
    found = subprocess.run(
        [sys.executable, ROOT / "scripts" / "browser.py"], stdout=subprocess.PIPE, text=True, check=False
    )
    if found.returncode and os.environ.get("CI"):
        sys.exit(found.returncode)
    return found.stdout.strip()


def whole_suite(report: Path) -> list[str]:
    processes = max(2, min(os.cpu_count() or 2, 8))
    colour = "yes" if sys.stdout.isatty() else "no"
    coverage = ["--cov", "--cov-report=", f"--cov-report=json:{report}"]
    # each process begins with a stretch of its own: worlds and releases that a file builds once are built once
    spread = ["-n", str(processes), "--dist=worksteal"]
    return [*spread, f"--color={colour}", "--durations=15", *coverage]


def run_pytest(arguments: list[str], env: dict[str, str]) -> tuple[int, str]:
    """Show pytest's output as it comes; return its exit code and closing line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert isinstance(process.stdout, io.BufferedReader)
    tail = b""
    try:
        while part := process.stdout.read1():
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
            tail = (tail + part)[-4096:]
    except BaseException:
        end(process)
        raise
    return process.wait(), closing_line(tail.decode(errors="replace"))


def closing_line(output: str) -> str:
    """pytest's last line, as it printed it."""
    lines = [line for line in output.splitlines() if CLOSING_LINE.fullmatch(COLOURS.sub("", line))]
    return lines[-1] if lines else ""


def end(process: subprocess.Popen[bytes]) -> None:
    """One polite interrupt lets it clean up behind its tests; a terminal's own would come on top of it."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@contextlib.contextmanager
def temporary_roots() -> Iterator[str]:
    """Where tests start servers of their own: what an interrupted test leaves running is stopped here."""
    folder = Path(tempfile.mkdtemp(prefix="qd-"))  # short: sockets lie in it
    folder.chmod(0o755)
    try:
        yield str(folder)
    finally:
        for state in folder.glob("**/state.json"):
            embedded.stop(state.parent)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
