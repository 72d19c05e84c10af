"""The command that gives a running service another model."""

from pathlib import Path
from typing import TYPE_CHECKING

from ratecast.cli.call import emit
from ratecast.cli.serve_options import service_home
from ratecast.errors import InputError
from ratecast.optional_packages import require
from ratecast.serving.private_files import owner_only

if TYPE_CHECKING:
    from ratecast.serving.live.published import ArtifactStore


@owner_only()
def publish(
    artifact: Path | None = None,
    *,
    home: Path | None = None,
    shadow: bool = False,
    no_shadow: bool = False,
    promote: bool = False,
    force: bool = False,
    wait: float | None = None,
    json: bool = False,
) -> None:
    """Publish a new artifact without a restart.

    It is loaded and asked for forecasts first. A running service checks it again, with the ratings
    of its store, compares it with the served model on recent ones, and then serves or refuses it.

    Examples:
        ratecast publish artifacts/als --home service
        ratecast publish artifacts/als --wait
        ratecast publish artifacts/als --shadow
        ratecast publish --promote

    Args:
        artifact: folder that ratecast train wrote.
        home: the service's folder; default: RATECAST_HOME/service.
        shadow: let it run beside the served model, which answers; both are scored.
        no_shadow: end the shadow, in place of publishing an artifact.
        promote: publish the shadow, in place of an artifact.
        force: serve it even if it forecast recent ratings worse than the served model.
        wait: seconds to wait for the running service, 30 if no number is given; the exit code is
            0 when it serves the artifact, and 2 when it refuses it or does not answer.
        json: print the result as one JSON document.
    """
    require("serve", "publish")
    from ratecast.serving.live.published import ArtifactStore

    artifacts = ArtifactStore(service_home(home))
    checked_wait(wait, "publish")
    if sum((artifact is not None, promote, no_shadow)) != 1 or (shadow and artifact is None):
        raise InputError("publish: give one of an artifact, --promote and --no-shadow")
    if wait is not None and (shadow or no_shadow):
        raise InputError("publish: --wait is for a model that is to be served, not for a shadow")
    if no_shadow:
        ended = artifacts.end_shadow()
        message = (
            f"{ended} is no shadow any more; the served model stays"
            if ended
            else f"{artifacts.home}: there is no shadow; nothing was changed"
        )
        emit({"published": None, "ended": ended}, message, json)
        return
    if artifact is None:
        name = artifacts.promote(force=force)
    else:
        name = artifacts.publish(artifact, shadow=shadow, force=force)
    verdict, message = waited(artifacts, name, wait, "publish", "the shadow " * shadow)
    emit({"published": name} | verdict, message, json)


def checked_wait(seconds: float | None, command: str) -> None:
    """Raise `InputError` for what is no time to wait."""
    if seconds is not None and not 0 < seconds < float("inf"):
        raise InputError(f"{command}: --wait {seconds:g}: give a number of seconds above 0")


def waited(
    artifacts: "ArtifactStore", name: str, seconds: float | None, command: str, kind: str = ""
) -> tuple[dict[str, str], str]:
    """What the running service says of an artifact, and a line on it, after so many seconds.

    seconds: None not to wait. kind: of the artifact, for the line. Raises `InputError` where it is
    refused, or nothing answers.
    """
    from ratecast.serving.live.published import SERVING
    from ratecast.serving.quality.comparison import read_comparison

    message = f"published as {kind}{name}"
    if seconds is None:
        return {}, message
    verdict = artifacts.verdict(name, seconds)
    if verdict is None:
        raise InputError(
            f"{command}: no service answered within {seconds:g} s; {name} is served once "
            f"ratecast serve --home {artifacts.home} runs"
        )
    if verdict != SERVING:
        raise InputError(f"{command}: {verdict}")
    facts, compared = {"verdict": verdict}, str(read_comparison(artifacts.folder(name)) or "")
    facts |= {"comparison": compared} if compared else {}
    return facts, f"{message}, and served" + f"; {compared}" * bool(compared)
