#!/usr/bin/env python
"""Django's command line for Qidai. The commands of the pure kernels start without Django, settings and database."""

import os
import sys
from pathlib import Path

KERNEL_COMMANDS = ("hla_explain", "hla_compare", "match_matrix", "estimate")


def kernel_command(arguments: list[str]) -> list[str]:
    """The command of a kernel that is asked for, with its arguments; [] if it is another one."""
    if len(arguments) > 1 and arguments[0] == "help" and arguments[1] in KERNEL_COMMANDS:
        return [arguments[1], "--help"]
    return arguments if arguments and arguments[0] in KERNEL_COMMANDS else []


def run_kernel(found: list[str]) -> int:
    if found[0] == "estimate":
        from transplants.statistics.cli import main as estimate

        return estimate(found[1:])
    from config import env
    from hla.cli import main as run

    return run(found[0], found[1:], env.var_folder(Path(__file__).resolve().parent) / "hla")


def main() -> None:
    if found := kernel_command(sys.argv[1:]):
        sys.exit(run_kernel(found))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
