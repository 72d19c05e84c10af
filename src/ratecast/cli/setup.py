"""The verb about the setup."""

from ratecast.cli.call import emit


def doctor(*, offline: bool = False, json: bool = False) -> int:
    """Check the setup: versions, cores, cache, sources, disk.

    Exit code 1 where something that is needed fails, with what to do.

    Examples:
        ratecast doctor
        ratecast doctor --offline --json

    Args:
        offline: leave out whether the sources of data can be reached.
        json: print the result as one JSON document.
    """
    from ratecast.doctor import examine, facts, shown

    checks = examine(offline=offline)
    found = facts(checks)
    emit(found, shown(checks), json)
    return 0 if found["ok"] else 1
