"""One step of `make run`: database up to date, demo filled, log-ins printed. `python -m config.prepare`

One process and not three management commands: each would load Django again, and a start is measured in seconds.
Progress goes to standard error; standard output gets the table of log-ins only.
"""

from __future__ import annotations

import os
import sys

import django
from django.conf import settings
from django.core.management import CommandError, call_command

# QIDAI_DEMO="units=1000 hospitals=5 patients=5" makes another one.
DEMO = {"units": 20_000, "hospitals": 110, "patients": 200, "seed": 1}


def demo() -> dict[str, int]:
    """The size of the demonstration: what the environment says, else DEMO."""
    wanted = (pair.partition("=") for pair in os.environ.get("QIDAI_DEMO", "").split())
    return {**DEMO, **{name: int(number) for name, _, number in wanted}}


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    try:
        call_command("migrate", verbosity=0, interactive=False)
        if not settings.PRODUCTION:
            call_command("demo_data", if_empty=True, stdout=sys.stderr, **demo())
            call_command("demo_logins")
    except CommandError as error:
        sys.stderr.write(f"Qidai: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
