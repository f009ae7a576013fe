"""`make test`: browser, servers, the whole suite, coverage gates. Arguments go to pytest and skip the gates.

The last line printed is pytest's closing line, word for word.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from servers import ROOT, throw_away_servers

CLOSING_LINE = re.compile(r"=+ .*\d+\.\d+s.* =+$")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def main(arguments: list[str]) -> int:
    browser = find_browser()
    with throw_away_servers() as env:
        if browser:
            env["QIDAI_CHROMIUM"] = browser
        env["PYTHONUNBUFFERED"] = "1"
        report = Path(env["QIDAI_VAR"]) / "coverage.json"
        env["COVERAGE_FILE"] = str(report.with_name("coverage.db"))
        code, closing = run_pytest(arguments or whole_suite(report), env)
    if not arguments and code == 0:
        code = subprocess.run(
            [sys.executable, ROOT / "scripts/coverage_gates.py", report], check=False
        ).returncode
    print(closing, flush=True)
    return code


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
    return ["-n", str(processes), f"--color={colour}", "--durations=15", *coverage]


def run_pytest(arguments: list[str], env: dict[str, str]) -> tuple[int, str]:
    """Show pytest's output as it comes; return its exit code and closing line."""
    closing = ""
    command = [sys.executable, "-m", "pytest", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        for line in process.stdout:
            if CLOSING_LINE.fullmatch(COLOURS.sub("", line.rstrip())):
                closing = line.rstrip()
            print(line, end="", flush=True)
    except BaseException:
        # Ctrl-C reached pytest too: let it end its workers; a SIGTERM did not
        process.send_signal(signal.SIGINT)
        process.communicate()
        raise
    return process.wait(), closing


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
