"""The verb that checks the setup."""

from dataclasses import asdict

from ratecast.cli.call import emit


def doctor(*, offline: bool = False, compile: bool = False, json: bool = False) -> int:  # noqa: A002
    """Check the setup: versions, cores, cache, sources, disk.

    Prints what to do about each problem. The exit code is 1 if something required fails.

    Examples:
        ratecast doctor
        ratecast doctor --offline --json
        ratecast doctor --compile

    Args:
        offline: do not check whether the data sources can be reached.
        compile: compile the loops of all models, in place of the checks, so that no first use waits
            for it; they are kept in the folder of the package, or in NUMBA_CACHE_DIR.
        json: print the result as one JSON document.
    """
    if compile:
        from ratecast.compiling import compile_all

        done = compile_all()
        emit(asdict(done), str(done), json)
        return 0
    from ratecast.doctor import examine, facts, shown

    checks = examine(offline=offline)
    result = facts(checks)
    emit(result, shown(checks), json)
    return 0 if result["ok"] else 1
