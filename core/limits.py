"""How often something may be asked for: counted in the cache, for all processes of an installation."""

from __future__ import annotations

from django.core.cache import cache


def allowed(key: str, *, most: int, seconds: int) -> bool:
    """Counts this time, and says whether it is one of the first `most` within `seconds`."""
    name = f"limit:{key}"
    if cache.add(name, 1, seconds):
        return most >= 1
    try:
        return int(cache.incr(name)) <= most
    except ValueError:  # its time ran out between the two
        cache.add(name, 1, seconds)
        return most >= 1
