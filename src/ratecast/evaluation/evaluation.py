"""From Python: score a model or forecasts on a split, cross-validate, tune."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl

from ratecast.audit import notes
from ratecast.console import PlainConsole
from ratecast.data.frames import ratings_of, to_polars
from ratecast.data.notices import Notify, to_stderr
from ratecast.errors import InputError
from ratecast.evaluation import protocol as runs
from ratecast.evaluation import score_rows
from ratecast.evaluation import tune as search
from ratecast.evaluation.forecast_files import About, forecasts_of
from ratecast.evaluation.own_train import require_own_train
from ratecast.evaluation.protocol import BOTH, Protocol, Trial
from ratecast.evaluation.split_scores import How, fold_trials
from ratecast.evaluation.terminal import SCORE_HEADER, score_cells, score_table
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.model import Model, Table
from ratecast.models import model_class
from ratecast.optional_packages import require
from ratecast.output_paths import HTML, check_apart, check_file
from ratecast.splits import FOLDS, Split, kfold
from ratecast.workers import Ray, place_of


@dataclass(frozen=True)
class Evaluation:
    """The scores of one or more models; `print` shows those over all rows of each part.

    rows: one for each model, protocol, part and slice. trials: the forecasts that were scored.
    """

    rows: list[score_rows.Row]
    trials: list[Trial]

    @property
    def frame(self) -> pl.DataFrame:
        """Every row as a table: model, split, protocol, part, slice, n, rmse, mae, nll, ece, ..."""
        return pl.DataFrame(self.rows)

    def __str__(self) -> str:
        header = ["model", "protocol", *(name for name in SCORE_HEADER if name != "slice")]
        whole = [row for row in self.rows if row["slice"] == "all"]
        cells = [
            [row["model"], row["protocol"], part, *figures]
            for row, (part, _, *figures) in zip(whole, score_cells(whole), strict=True)
        ]
        return _text(score_table(f"split {whole[0]['split']}", header, cells))


def evaluate(
    model: Model,
    split: Split,
    protocols: Sequence[Protocol] = BOTH,
    *,
    notify: Notify = to_stderr,
) -> Evaluation:
    """Score a model on every part of a split.

    model: fitted on `split.train` alone, or not fitted, then a copy of it is fitted here; either
    way the model itself is left as it is. protocols: `frozen` (predict without updates) and
    `as-of` (every rating is predicted from strictly earlier ones, then observed); as-of is left out
    where the split has no order of time or the model cannot be updated, and refused where it alone
    was given. notify: called with a line for rows or times that the parts of a split made by hand
    share.
    Raises `InputError` for a model that learned from other rows than `split.train`.

    >>> import ratecast as rc
    >>> split = rc.chronological(rc.example_ratings())
    >>> result = rc.evaluate(rc.Bias(), split)
    >>> sorted(set(result.frame["protocol"]))
    ['as-of', 'frozen']
    """
    trials = trials_of(model, checked_split(split, notify), protocols)
    return Evaluation([row for trial in trials for row in score_rows.rows_of(trial)], trials)


def cross_validate(
    model: Model, ratings: Table, folds: int = FOLDS, seed: int = 0, *, jobs: int | Ray = 1
) -> Evaluation:
    """Fit a copy of `model` on each of some random folds and score it, frozen, on the rest.

    ratings: as for `Model.fit`. The rows are means over the folds, `rmse_std` their deviation. A
    random fold knows later ratings of its users: for the question of a service, use `evaluate` on a
    chronological split. jobs: folds at a time, in processes that share the cores, or a Ray cluster,
    as for `compare`.

    >>> import ratecast as rc
    >>> result = rc.cross_validate(rc.Bias(), rc.example_ratings(), folds=3)
    >>> len(result.trials)
    3
    """
    make, place = partial(replace, replace(checked_model(model))), place_of(jobs)
    splits = kfold(ratings_of(ratings), folds, seed)
    trials = fold_trials(make, splits, How("frozen", notify=_silent), place)
    return Evaluation(score_rows.rows(trials, "kfold"), trials)


def score(
    forecasts: Forecast | Table,
    split: Split,
    *,
    label: str = "forecasts",
    protocol: Protocol = "frozen",
    notify: Notify = to_stderr,
) -> Evaluation:
    """Score forecasts that any program made of the rows of a split.

    forecasts: a frame with columns user, movie, stars, and at where it is known, of every row of
    test, and of valid if it has those too; with p_1 ... for each star its probabilities are scored
    too. Or what `Model.predict` gave back. label, protocol: of the rows of scores.
    Raises `InputError` for rows without a forecast, with two, or that the split does not have.

    >>> import ratecast as rc
    >>> split = rc.chronological(rc.example_ratings())
    >>> forecast = rc.Bias().fit(split.train).predict(split.test)
    >>> rc.score(forecast, split, label="theirs").frame["model"][0]
    'theirs'
    """
    frame = forecasts.frame if isinstance(forecasts, Forecast) else to_polars(forecasts, label)
    (protocol,) = checked_protocols([protocol])
    about = About(label, protocol, label)
    trial = forecasts_of(frame, checked_split(split, notify), about)
    return Evaluation(score_rows.rows_of(trial), [trial])


def tune(
    model: Model | str,
    split: Split,
    trials: int = search.TRIALS,
    *,
    protocol: Protocol | None = None,
    metric: str = "rmse",
    folds: str | None = None,
    study: Path | str | None = None,
    timeout: float | None = None,
    jobs: int | Ray = 1,
    prune: search.Prune = "auto",
    page: Path | str | None = None,
    seed: int = 0,
) -> search.Tuned:
    """Search the settings of a model by its score on `split.valid`; `split.test` is never read.

    model: a model, whose settings are tried first, or its name. trials: of the study in all.
    protocol: as-of where the split has an order of time and the model can be updated, else frozen.
    metric: rmse, mae, nll, ece or coverage_gap (how far the coverage of the 80 % intervals is from
    0.8), of which less is better; ndcg, recall, precision, mrr or concordance, of which more is.
    folds: kfold:5 or rolling:3, say: train and valid are divided so, and all folds count. study:
    file in which the trials are kept; the next call goes on from there, and a study of other data
    or settings is refused. timeout: seconds after which no trial begins. jobs: trials at a time,
    each in a process; what a trial tries then depends on which others have ended. Or a
    Ray cluster that runs them, as rc.Ray(workers=2). prune: whether a
    trial that is worse than most is ended after a fold, or after an epoch of a net: auto, always
    (by epochs in as-of too, though their RMSE is frozen), never. page: HTML file with the history
    of the trials, the importance of the settings, and the best trials. Needs the extra `tune`.

    >>> import ratecast as rc
    >>> split = rc.chronological(rc.example_ratings())
    >>> tuned = rc.tune("bias", split, trials=2)
    >>> sorted(tuned.settings), tuned.frame["state"].to_list()
    (['movie_damping', 'user_damping'], ['complete', 'complete'])
    """
    if page is not None:
        check_file(Path(page), HTML)
        require("plots", "tune: page")
        check_apart(Path(page), study)
    split = checked_split(split, to_stderr)
    parts = search.folds_of(split, folds, seed)
    start = model_class(model)(seed=seed) if isinstance(model, str) else checked_model(model)
    chosen = protocol or search.protocol_of(start, parts)
    about = search.Search(start.name, parts, chosen, seed, metric, prune)
    file = None if study is None else Path(study)
    plan = search.Plan(trials=trials, timeout=timeout, study=file, place=place_of(jobs))
    # Without what a fit of the model has learned.
    tuned = search.tune(partial(_like, replace(start)), about, plan)
    if page is not None:
        # It draws, and so takes a second to import, in every process.
        from ratecast.evaluation.tune.page import write_page

        write_page(Path(page), about, tuned)
    return tuned


def _silent(_: str) -> None:
    pass


def _like(start: Model, _: str, *, seed: int, **settings: Any) -> Model:
    """A model of the same class and settings but for these."""
    return replace(start, seed=seed, **settings)


def checked_model(model: Model) -> Model:
    """A model. Raises `InputError` for anything else."""
    if not isinstance(model, Model):
        raise InputError(f"{model!r} is no model; give one, as in rc.Bias()")
    return model


def checked_split(split: Split, notify: Notify) -> Split:
    """A split without empty parts. notify: called with a line for what its parts share.

    Raises `InputError` for anything else.
    """
    if not isinstance(split, Split):
        kind = type(split).__name__
        raise InputError(f"{kind} is no split; make one, as in rc.chronological(ratings)")
    for name, part in split.parts.items():
        if not len(part):
            raise InputError(f"split {split.name}: part {name} is empty; give it ratings")
    for line in notes(split):
        notify(line)
    return split


def checked_protocols(wanted: Sequence[Protocol]) -> tuple[Protocol, ...]:
    """One or both protocols, frozen first. Raises `InputError` for anything else."""
    if isinstance(wanted, str):
        raise InputError(f"protocols is {wanted!r}; give a list, as in ['frozen']")
    if not wanted or any(each not in BOTH for each in wanted):
        raise InputError(f"protocols are {list(wanted)}; give frozen, as-of or both")
    return tuple(each for each in BOTH if each in wanted)


def trials_of(model: Model, split: Split, wanted: Sequence[Protocol]) -> list[Trial]:
    """The trials of one model, of which nothing changes."""
    checked_model(model)
    wanted = checked_protocols(wanted)
    runs.require(model, split, wanted)
    if not model.is_fitted:
        return runs.fit_and_predict(replace(model), split, wanted)
    require_own_train(model, split, f"evaluate: model {model.name}", "fit it on split.train")
    allowed = runs.possible(model, split)
    return [runs.run(deepcopy(model), split, each) for each in wanted if each in allowed]


def _text(table: Any) -> str:
    text = StringIO()
    PlainConsole(file=text, width=120).print(table)
    return text.getvalue().rstrip()
