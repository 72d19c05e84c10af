"""The verb that checks the setup."""

from ratecast.cli.call import emit


def doctor(*, offline: bool = False, json: bool = False) -> int:
    """Check the setup: versions, cores, cache, sources, disk.

    Prints what to do about each problem. The exit code is 1 if something required fails.

    Examples:
        ratecast doctor
        ratecast doctor --offline --json

    Args:
        offline: do not check whether the data sources can be reached.
        json: print the result as one JSON document.
    """
    from ratecast.doctor import examine, facts, shown

    checks = examine(offline=offline)
    result = facts(checks)
    emit(result, shown(checks), json)
    return 0 if result["ok"] else 1
