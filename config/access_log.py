"""The log of the web server tells which page was asked for, never what was asked of it.

The query of an address can hold a typing (Typing workbench) or a search text: neither belongs in a log file.
"""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger


class WithoutQueries(Logger):
    """gunicorn's own log, its usual fields, without the query in request line and referrer.

    Not by `--access-logformat`: the path that this offers (`%(U)s`) is decoded, so that a line break in an
    address would forge a line of the log.
    """

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> Any:
        kept = {**environ, "QUERY_STRING": ""}
        for name in ("RAW_URI", "HTTP_REFERER"):
            if name in kept:
                kept[name] = _without_query(kept[name])
        return super().atoms(resp, req, kept, request_time)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """ "Error handling request GET /address" goes to the error log."""
        args = tuple(_without_query(value) if isinstance(value, str) else value for value in args)
        super().exception(msg, *args, **kwargs)


def _without_query(address: str) -> str:
    return address.partition("?")[0]
