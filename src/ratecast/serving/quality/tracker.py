"""Counts the forecasts of the served model, and logs when their RMSE leaves its band."""

import logging
import time
from collections.abc import Callable

from ratecast.ratings import Scale
from ratecast.serving.quality.band import LEAVES, RETURNS, band_of
from ratecast.serving.quality.recent import RecentForecasts
from ratecast.serving.quality.scores import Scores, Sums

log = logging.getLogger("ratecast.serving")
SAVE_SECONDS = 1.0


class QualityTracker:
    """The scores of the service.

    They are counted when somebody looks, so that a commit costs no sums. What is not saved yet is
    counted again after a restart, from the forecasts of the same model as of the same moments.

    scale: of the ratings. last_seq: of the last stored event. stored: what was saved last, or None.
    clock: seconds.
    """

    def __init__(
        self,
        scale: Scale,
        last_seq: int = 0,
        stored: bytes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.scores = _scores(scale, last_seq, stored)
        self.saved = self.scores.seq
        self._clock, self._next = clock, 0.0
        band = band_of(self.scores.full_blocks)
        self.is_outside = band is not None and not band.holds

    def count(self, recent: RecentForecasts, last_seq: int) -> Scores:
        """The scores, with every forecast of the served model up to the event `last_seq`."""
        rows = recent.after(self.scores.seq)
        try:
            if rows is not None and self.scores.count(rows):
                self._look_at_band()
        except Exception:
            # A write is not refused for the sake of a score.
            log.exception("scores: some forecasts could not be scored")
        self.scores.seq = max(self.scores.seq, last_seq)
        return self.scores

    def due(self, recent: RecentForecasts, last_seq: int, removes: bool) -> bytes | None:
        """What should be saved now; None if that can wait.

        removes: whether a forecast that is not saved yet could not be made again afterwards,
        because its rating is removed, or because another model takes over.
        """
        if recent.newest <= self.saved or not (removes or self._clock() >= self._next):
            return None
        scores = self.count(recent, last_seq)
        return None if scores.total is None else scores.packed()

    def was_saved(self, seq: int) -> None:
        """The scores up to this event are in the store."""
        self.saved, self._next = seq, self._clock() + SAVE_SECONDS

    def _look_at_band(self) -> None:
        """Log that the RMSE left its band, or that it is back; once each."""
        band = band_of(self.scores.full_blocks, RETURNS if self.is_outside else LEAVES)
        if band is None or band.holds != self.is_outside:
            return
        self.is_outside = not self.is_outside
        facts = {"ratings": band.n, "rmse": round(band.rmse, 4)}
        facts |= {"expected": round(band.expected, 4)}
        facts |= {"low": round(band.low, 4), "high": round(band.high, 4)}
        where = "left its band" if self.is_outside else "is back in its band"
        log.warning(f"RMSE {where}", extra={"facts": facts})


def _scores(scale: Scale, last_seq: int, stored: bytes | None) -> Scores:
    """The stored scores, if they are of this scale."""
    if stored is None:
        return Scores()
    shape = Sums.none(scale, len(scale.stars)).scores.calibration.shape
    try:
        scores = Scores.unpacked(stored)
        if scores.total is None or scores.total.scores.calibration.shape != shape:
            raise ValueError("of another scale")
    except ValueError as error:
        log.warning("scores begin anew", extra={"facts": {"reason": str(error)}})
        return Scores(last_seq)
    # A store that was restored from a backup ends earlier.
    scores.seq = min(scores.seq, last_seq)
    return scores
