"""How soon a model may be built again, so that rebuilds take a small share of the time."""

import time

# After a rebuild, the next one waits at least REBUILD_SECONDS and REST_FACTOR times its duration.
REBUILD_SECONDS, REST_FACTOR = 5.0, 20.0


def next_rebuild(began: float) -> float:
    """When the next one may begin, after one that began then and ends now: monotonic seconds."""
    now = time.monotonic()
    return now + max(REBUILD_SECONDS, REST_FACTOR * (now - began))
