"""`python -m config.embedded up|down|status|env`: the private servers of this checkout by hand."""

from __future__ import annotations

import argparse
import json
import sys

from config.embedded import EmbeddedError, default_root, ensure, status, stop


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    parser.add_argument("action", choices=("up", "down", "status", "env"), nargs="?", default="status")
    parser.add_argument("--fast", action="store_true", help="without fsync, for throw-away data")
    options = parser.parse_args()
    root = default_root()
    try:
        if options.action == "down":
            stop(root)
        elif options.action in ("up", "env"):
            urls = ensure(root, durable=not options.fast)
            if options.action == "env":
                print("\n".join(f"export {key}='{value}'" for key, value in urls.items()))
    except EmbeddedError as error:
        print(f"Qidai: {error}", file=sys.stderr)
        return 1
    if options.action != "env":
        print(json.dumps({"root": str(root), **status(root)}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
