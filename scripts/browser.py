"""Print the path of a Chromium that works; install one, and a Chinese font, where that is possible.

Debian as root: the system's packages. Otherwise Playwright's own download. Exit code 3 and one loud line when neither
can be had.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
LOUD = (
    "!!! NO BROWSER: browser tests are skipped. As root `make test` installs one; else set QIDAI_CHROMIUM !!!"
)
NO_FONT = (
    "Qidai: no font with Chinese characters was found; pages in Chinese will show boxes (fonts-noto-cjk)"
)


def main() -> int:
    font = has_chinese_font() or install_packages("fonts-noto-cjk")
    if not font:
        note(NO_FONT)
    for find in (on_this_machine, from_debian, from_playwright):
        for path in find():
            if works(path):
                print(path)
                return 0
    note(LOUD)
    return 3


def on_this_machine() -> Iterator[str]:
    if named := os.environ.get("QIDAI_CHROMIUM"):
        yield named
    yield from filter(None, map(shutil.which, NAMES))
    if MAC.exists():
        yield str(MAC)


def from_debian() -> Iterator[str]:
    # Ubuntu's package of that name only points to a snap
    if "ID=debian" in os_release() and install_packages("chromium"):
        yield from filter(None, [shutil.which("chromium")])


def from_playwright() -> Iterator[str]:
    """Its own build, in the user's cache; as root on Debian and Ubuntu with the libraries that it needs."""
    path = playwright_path()
    if not Path(path).exists():
        note("Qidai: downloading Playwright's Chromium (once)")
        libraries = ["--with-deps"] if may_install() else []
        run([sys.executable, "-m", "playwright", "install", *libraries, "chromium"])
    yield path


def playwright_path() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def works(path: str) -> bool:
    """It must open a page: Ubuntu has a stub of that name, a download may lack libraries."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    command = [path, *flags, "--dump-dom", "data:text/html,<p>up</p>"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "up" in done.stdout


def has_chinese_font() -> bool:
    if shutil.which("fc-list"):
        shown = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True, check=False)
        return bool(shown.stdout.strip())
    return MAC.exists() or any(Path("/usr/share/fonts").rglob("*CJK*"))


def install_packages(*names: str) -> bool:
    if not may_install():
        return False
    note(f"Qidai: installing {', '.join(names)} (once)")
    run(["apt-get", "update", "-qq"])
    return run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names])


def may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def os_release() -> list[str]:
    try:
        return Path("/etc/os-release").read_text().split()
    except OSError:
        return []


def run(command: list[str]) -> bool:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        note(f"Qidai: {' '.join(command)} failed:\n{done.stdout[-2000:]}")
    return done.returncode == 0


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
