"""The study of a search: its trials, in memory or in a file, by optuna."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratecast.data.notices import Notify
from ratecast.disk_files import locked
from ratecast.errors import InputError
from ratecast.optional_packages import require
from ratecast.output_paths import check_file

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial

# Why a trial that a kill has ended is not counted: attribute of the trial.
CUT_OFF = "cut off"
# Attributes of a trial: its place in the order of the search, and what was found.
PLACE, SETTINGS, RMSE, SECONDS, REASON = "place", "settings", "rmse", "seconds", "reason"
# Trials that are complete before one is compared with them.
_FIRST = 5
_ABOUT = "about"
# Two processes may write at the same moment.
_WAIT_SECONDS = 60


@dataclass(frozen=True)
class Kept:
    """A study of optuna and the storage that it is in."""

    study: "Study"
    storage: "BaseStorage"

    def trial_id(self, number: int) -> int:
        """The storage's number of a trial."""
        study_id = self.storage.get_study_id_from_name(self.study.study_name)
        return self.storage.get_trial_id_from_study_id_trial_number(study_id, number)

    def counted(self) -> "list[FrozenTrial]":
        """The trials that count: complete, pruned and failed; not those that a kill cut off."""
        return [
            trial
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state.is_finished() and CUT_OFF not in trial.user_attrs
        ]


@contextmanager
def opened(
    file: Path | None, about: Mapping[str, str], higher: bool, notify: Notify
) -> Iterator[Kept]:
    """The study in `file`, which is made if it is not there; without one, in memory.

    about: what the trials depend on. A study of something else is refused, by `InputError`.
    notify: called with what was found in the file.
    """
    optuna = optuna_package()
    direction = "maximize" if higher else "minimize"
    if file is None:
        storage: BaseStorage = optuna.storages.InMemoryStorage()
        study = optuna.create_study(storage=storage, direction=direction, pruner=_pruner(optuna))
        yield Kept(study, storage)
        return
    with _alone(file), stored(file) as storage:
        names = optuna.get_all_study_names(storage)
        if not names:
            study = optuna.create_study(
                storage=storage, study_name=about["model"], direction=direction
            )
            study.set_user_attr(_ABOUT, dict(about))
        kept = resumed(file, storage)
        _refuse_other(file, kept.study.user_attrs.get(_ABOUT, {}), about)
        if names:
            _end_cut_off(kept)
            notify(_found(file, kept))
        yield kept


@contextmanager
def stored(file: Path) -> Iterator["BaseStorage"]:
    """The storage in a file. Raises `InputError` for a file that is none, or is damaged."""
    from sqlalchemy.exc import SQLAlchemyError

    optuna = optuna_package()
    try:
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{file}", engine_kwargs={"connect_args": {"timeout": _WAIT_SECONDS}}
        )
    except (SQLAlchemyError, RuntimeError) as error:
        raise _unusable(file, error) from None
    try:
        yield storage
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        # optuna says what it did, and the database what is wrong.
        raise _unusable(file, error.__cause__ or error) from None
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _unusable(file: Path, error: BaseException) -> InputError:
    reason = str(error).partition("\n")[0]
    return InputError(f"study {file}: {reason}; give another file")


def resumed(file: Path, storage: "BaseStorage") -> Kept:
    """The only study of a storage."""
    optuna = optuna_package()
    names = optuna.get_all_study_names(storage)
    if len(names) > 1:
        raise InputError(f"study {file}: has {len(names)} studies, not one; give another file")
    study = optuna.load_study(study_name=names[0], storage=storage, pruner=_pruner(optuna))
    return Kept(study, storage)


def optuna_package() -> Any:
    """optuna, of the extra `tune`. Raises `MissingPackageError` where it is not there."""
    require("tune", "tune")
    import optuna

    # As a warning it prints the traceback of a failure, which is raised too.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _pruner(optuna: Any) -> Any:
    """Ends a trial whose best value so far is worse than the median of complete ones at its step.

    Five folds are too few for a paired test, as Wilcoxon's, and successive halving needs a budget
    in epochs that the models do not share.
    """
    return optuna.pruners.MedianPruner(n_startup_trials=_FIRST)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Only one search may use the file, since it ends the trials that another one has begun."""
    check_file(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    in_use = f"study {file}: another search uses it; wait for it, or give another file"
    with locked(file, in_use):
        _refuse_other_database(file)
        yield


def _refuse_other_database(file: Path) -> None:
    """Refuse a database of something else, since optuna would add its tables to any."""
    if not file.stat().st_size:
        return
    try:
        with closing(sqlite3.connect(file)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError:
        tables = set()
    if "studies" not in tables:
        raise InputError(f"study {file}: is no study; give another file, or a new one")


def _refuse_other(file: Path, saved: Mapping[str, str], about: Mapping[str, str]) -> None:
    if not saved:
        raise InputError(f"study {file}: is of another program; give another file")
    for name, value in about.items():
        if saved.get(name) != value:
            was = saved.get(name, "not known")
            raise InputError(
                f"study {file}: its {name}: {was}; here: {value}; go on as it began, or give "
                "another file"
            )


def _end_cut_off(kept: Kept) -> None:
    """End the trials that were not over when a search was killed; they do not count."""
    from optuna.trial import TrialState

    for trial in kept.study.get_trials(deepcopy=False):
        if not trial.state.is_finished():
            trial_id = kept.trial_id(trial.number)
            kept.storage.set_trial_user_attr(trial_id, CUT_OFF, True)
            kept.storage.set_trial_state_values(trial_id, TrialState.FAIL)


def _found(file: Path, kept: Kept) -> str:
    counted = len(kept.counted())
    cut = sum(CUT_OFF in t.user_attrs for t in kept.study.get_trials(deepcopy=False))
    ended = f"; {cut} that a kill cut off do not count" if cut else ""
    return f"study {file}: {counted} trials{ended}"
