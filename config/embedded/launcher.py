"""Become an account that PostgreSQL accepts, then become the program: `launcher.py MODE PROGRAM ARGUMENT…`

A script and not a preexec_fn: code between fork and exec may deadlock in a process with threads, and
unshare() needs a process with one thread. Imports nothing of ours, because it runs with `python -IS`.
"""

import ctypes
import os
import pwd
import sys

CLONE_NEWUSER = 0x10000000


def enter_user_namespace() -> None:
    """Outside root stays the owner of every file; inside we are nobody.

    The inner user must exist in /etc/passwd: initdb looks its name up.
    """
    inner = nobody().pw_uid
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER):
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{inner} 0 1"), ("gid_map", f"{inner} 0 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def drop_to_nobody() -> None:
    """For good, outside as well: the data folder must belong to nobody then."""
    user = nobody()
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ["HOME"] = "/"


def nobody() -> pwd.struct_passwd:
    ordinary = [user for user in pwd.getpwall() if user.pw_uid]
    return min(ordinary, key=lambda user: user.pw_name != "nobody")


def main(mode: str, program: str, *arguments: str) -> None:
    {"namespace": enter_user_namespace, "nobody": drop_to_nobody}[mode]()
    os.execv(program, [program, *arguments])  # noqa: S606  no shell wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
