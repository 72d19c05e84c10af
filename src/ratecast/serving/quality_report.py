"""How well the service forecasts, as plain records that are written as JSON."""

from dataclasses import dataclass

from ratecast.serving.live.state import LiveState
from ratecast.serving.quality.band import Band, band_of
from ratecast.serving.quality.scores import Figures, sums_of


@dataclass(frozen=True, slots=True)
class Beside:
    """The shadow and the served model, by slice, on the same recent ratings.

    artifact, model: of the shadow.
    """

    artifact: str
    model: str
    shadow: dict[str, Figures]
    served: dict[str, Figures]


@dataclass(frozen=True, slots=True)
class Quality:
    """Scores of the forecasts that came true; each was made before its rating.

    model, artifact: in service now. all: every one, by slice. window: the newest 10,000 to 10,500.
    band: where the RMSE of the window's full blocks should lie, or null while there are too few.
    shadow: null without one. shadow_failed: the artifact of a shadow that failed, or null.
    """

    model: str
    artifact: str
    all: dict[str, Figures]
    window: dict[str, Figures]
    band: Band | None
    shadow: Beside | None
    shadow_failed: str | None


def quality_of(live: LiveState) -> Quality:
    """The scores of now."""
    scores, window = live.scores(), live.quality.scores.window
    return Quality(
        live.served.model.name,
        live.served.name,
        {} if scores.total is None else scores.total.figures(),
        {} if window is None else window.figures(),
        band_of(scores.full_blocks),
        _beside(live),
        live.shadow.failed,
    )


def _beside(live: LiveState) -> Beside | None:
    shadow = live.shadow.model
    if shadow is None:
        return None
    own, served = shadow.recent.rows(), live.served.recent.rows()
    shown: list[dict[str, Figures]] = [{}, {}]
    if own is not None and served is not None:
        shown = [sums_of(rows).figures() for rows in own.shared_with(served)]
    return Beside(shadow.name, shadow.model.name, *shown)
