"""The folder of a run, and the choice of a killed run to resume."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from ratecast.disk_files import locked
from ratecast.errors import InputError
from ratecast.output_paths import check_folder
from ratecast.splits import Split
from ratecast.training.experiment import Experiment

RUN, LOCK, ARTIFACT = "run.yaml", ".running", "artifact"
_VERSION = re.compile(r"version_(\d+)")


@contextmanager
def run_folder(experiment: Experiment, ratings: Split | str) -> Iterator[Path]:
    """The folder of a run, locked for this process: that of a killed run, or a new version_n.

    ratings: the split, or a digest of the ratings.

    A run is resumed if it has the same experiment and ratings, no artifact, and no running process
    (a file lock, which the system releases when a process ends).
    """
    digest = ratings if isinstance(ratings, str) else fingerprint(ratings)
    record = {"experiment": experiment.plain(), "ratings": digest}
    text = yaml.safe_dump(record, sort_keys=False)
    home = experiment.out / experiment.experiment
    check_folder(home)
    home.mkdir(parents=True, exist_ok=True)
    resumed = _killed(home, text) if experiment.resume == "auto" else []
    for folder in [*resumed, _new(home)]:
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(folder / LOCK, f"{folder}: another run works there"))
            except InputError:
                continue
            (folder / RUN).write_text(text, "utf-8")
            yield folder
            return


def fingerprint(split: Split) -> str:
    """A digest of the ratings in train and valid."""
    digest = hashlib.sha256()
    for part in (split.train, split.valid):
        if part is not None:
            digest.update(part.fingerprint().encode())
    return digest.hexdigest()[:16]


def _versions(home: Path) -> dict[int, Path]:
    matches = {_VERSION.fullmatch(path.name): path for path in home.iterdir() if path.is_dir()}
    return {int(match[1]): path for match, path in matches.items() if match}


def _killed(home: Path, text: str) -> list[Path]:
    newest_first = [path for _, path in sorted(_versions(home).items(), reverse=True)]
    return [
        path
        for path in newest_first
        if not (path / ARTIFACT).exists()
        and (path / RUN).exists()
        and (path / RUN).read_text("utf-8") == text
    ]


def _new(home: Path) -> Path:
    number = max(_versions(home), default=-1) + 1
    while True:
        try:
            (home / f"version_{number}").mkdir()
        except FileExistsError:
            number += 1
        else:
            return home / f"version_{number}"
