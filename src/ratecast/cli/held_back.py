"""The second fit of a refit, which is compared with the served model on the newest ratings."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ratecast.cli.call import note

if TYPE_CHECKING:
    from ratecast.ratings import Ratings
    from ratecast.serving.live.published import ArtifactStore
    from ratecast.serving.quality.recent import RecentRows
    from ratecast.serving.store.database import StoredEvents


def held_back(
    train: Callable[["Ratings", Path], Path],
    artifacts: "ArtifactStore",
    given: "Ratings",
    stored: "StoredEvents",
) -> "RecentRows | None":
    """Forecasts of the newest stored ratings by the same training without them.

    None if they are too few, or if there is no model that they could be compared with.
    train: fits on a table, in a folder; returns the artifact's folder.
    """
    from ratecast.serving.live.held_back import held_back_after, until
    from ratecast.serving.live.served_model import LEARNED_TO, learned, load
    from ratecast.serving.live.training_table import training_table

    name = artifacts.not_refused
    if name is None:
        return None
    after = held_back_after(stored, learned(artifacts.folder(name)))
    if after is None:
        return None
    ratings = training_table(given, until(stored, after))
    note(f"first on {len(ratings)} ratings, without the newest, which it is compared on")
    with TemporaryDirectory(dir=artifacts.home) as folder:
        artifact = train(ratings, Path(folder))
        (artifact / LEARNED_TO).write_text(f"{after}\n")
        return load(artifact, stored).recent.rows()
