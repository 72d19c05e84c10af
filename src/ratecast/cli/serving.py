"""Commands of the service that train a model: serve and refit."""

import gc
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ratecast.cli.budget import setting
from ratecast.cli.call import AUTO, emit, note, show
from ratecast.cli.first_model import BUDGET, DATA, MODEL, NONE_GIVEN, FirstModel
from ratecast.cli.serve_options import OPEN, PLAIN, AccessOptions, PageOptions, service_home
from ratecast.disk_files import locked
from ratecast.errors import InputError
from ratecast.optional_packages import require
from ratecast.serving.private_files import owner_only, private_home
from ratecast.table_options import DEFAULT, TableOptions

if TYPE_CHECKING:
    from ratecast.ratings import Ratings
    from ratecast.serving.http.page_mount import LoadPage, MakePage
    from ratecast.serving.live.published import ArtifactStore
    from ratecast.serving.server import Settings
    from ratecast.serving.store.database import Store
    from ratecast.training.experiment import Experiment

# Folder of a training in the service's folder.
TRAINING = "training"


@owner_only()
def serve(
    *,
    home: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    database: str | None = None,
    access: AccessOptions = OPEN,
    view: PageOptions = PLAIN,
    log_all: bool = False,
    keep: int = 3,
    table: TableOptions = DEFAULT,
    first: FirstModel = NONE_GIVEN,
) -> None:
    """Serve forecasts and take ratings, by HTTP.

    The page is at /, the API under /v1, its documentation at /docs, health at /healthz and /readyz.

    Examples:
        ratecast serve
        ratecast serve --port 8080 --token-file token.txt --private
        ratecast serve --proxy 127.0.0.1 --root-path /ratecast
        ratecast serve --database postgresql+psycopg://ratecast@localhost/ratings

    Args:
        home: folder of models, ratings and the secret; default: RATECAST_HOME/service.
        host: address to listen on; the default is reachable from this machine only.
        port: port to listen on.
        database: postgresql+psycopg://USER@HOST/NAME; default: SQLite in the folder.
        access: who may do what.
        view: what the page shows.
        log_all: log every request, not only writes and errors.
        keep: how many of the newest models that served are kept, save what is to be forgotten.
        table: how a table of your own is read.
        first: what is trained, if no model was published yet.
    """
    require("serve", "serve")
    import os

    with _without_garbage_collection():
        from ratecast.serving.http.auth import service_token
        from ratecast.serving.live.published import ArtifactStore
        from ratecast.serving.server import Settings
        from ratecast.serving.server import serve as run

    token = service_token(access.token, access.token_file, os.environ)
    settings = Settings(
        service_home(home), host, port, database, token, access.rate_limit, access.insecure,
        log_all, keep, access.private, access.proxy, access.root_path,
    ).checked()  # fmt: skip
    artifacts = ArtifactStore(settings.home)
    if artifacts.current is None:
        _publish_first(artifacts, settings, table, first)

    def page(port: int) -> "LoadPage | None":
        """Called once store and port are available."""
        # A plain print: importing what formats tables would take a tenth of a second.
        about = "documentation of the API: /docs; stop with Ctrl-C"
        address = replace(settings, port=port).address
        print(f"ratecast: {address}  ({about})", flush=True)
        return _page(view)

    run(settings, page)


@contextmanager
def _store(settings: "Settings") -> "Iterator[Store]":
    """The store, closed after the block. Raises `InputError` for one that cannot be used."""
    from ratecast.serving.store.database import Store
    from ratecast.serving.store.engine import reachable

    private_home(settings.home)
    with reachable(settings.url), closing(Store(settings.url)) as store:
        yield store


def _publish_first(
    artifacts: "ArtifactStore", settings: "Settings", table: TableOptions, first: FirstModel
) -> None:
    with _store(settings):
        # One that cannot be used is said before a model is trained for it.
        pass
    training = f"training {first.model} on {first.data} first"
    show(f"no model is published in {artifacts.home} yet: {training}")
    experiment = _experiment(first.model, first.data, artifacts.home, table, first.budget)
    with _training(artifacts.home):
        artifacts.publish(_trained(experiment))


@owner_only()
def refit(
    *,
    home: Path | None = None,
    database: str | None = None,
    data: str | None = None,
    table: TableOptions = DEFAULT,
    model: str | None = None,
    force: bool = False,
    wait: float | None = None,
    json: bool = False,
) -> None:
    """Train on a table and the stored ratings, publish the model.

    A rating in the store replaces the table's of the same user and movie. Before that, the same
    training without the newest ratings is tried on these, for the comparison with the served model.

    Examples:
        ratecast refit
        ratecast refit --data ratings.csv --model als

    Args:
        home: the service's folder; default: RATECAST_HOME/service.
        database: as for ratecast serve.
        data: an edition of MovieLens, or a file or folder of ratings; default: what the
            published model was trained on, or ml-100k.
        table: how a table of your own is read; by default as for the published model.
        model: the model's name, or the YAML file of an experiment; default: the published model,
            or the one in service where that was refused, with its settings; without one, auto.
        force: train once, and serve the model without the comparison.
        wait: as for ratecast publish.
        json: print the result as one JSON document.
    """
    require("serve", "refit")
    from functools import partial

    from ratecast.cli.held_back import held_back
    from ratecast.cli.publishing import checked_wait, waited
    from ratecast.data import load_table
    from ratecast.serving.live.published import ArtifactStore
    from ratecast.serving.live.training_table import training_table
    from ratecast.serving.server import Settings

    settings = Settings(service_home(home), database=database)
    artifacts = ArtifactStore(settings.home)
    checked_wait(wait, "refit")
    experiment = _refit_experiment(artifacts, data, table, model)
    with _store(settings) as store:
        stored = store.events_since()
    given = load_table(experiment.data, experiment.table)
    ratings = training_table(given, stored)
    note(
        f"training {experiment.name} on {len(ratings)} ratings, {len(stored.ratings)} of them from "
        "the store" + ("" if given.timed else ", all without times, as the table has none")
    )
    with _training(settings.home):
        rows = None if force else held_back(partial(_trained, experiment), artifacts, given, stored)
        trained = _trained(experiment, ratings)
        name = artifacts.publish(trained, stored.last, force=force, held_back=rows)
    facts = {"published": name, "ratings": len(ratings), "of_the_store": len(stored.ratings)}
    verdict, message = waited(artifacts, name, wait, "refit")
    emit(facts | verdict, message, json)


def _refit_experiment(
    artifacts: "ArtifactStore", data: str | None, table: TableOptions, model: str | None
) -> "Experiment":
    """The experiment that was given, completed by that of the published model.

    Raises `InputError` where there is no service and no model was given.
    """
    from ratecast.training.saved_experiment import options_for, saved_experiment, trained_on

    if model is None and not artifacts.home.exists():
        # A new one would hide a misspelt path, and no service would have the model.
        start = f"ratecast serve --home {artifacts.home} starts one, or give --model"
        raise InputError(f"refit: {artifacts.home}: no folder of a service; {start}")
    # Not one that the service refused: it would be fitted again and again.
    name = artifacts.not_refused
    folder = None if name is None else artifacts.folder(name)
    saved = None if folder is None else saved_experiment(folder)
    if folder is None or saved is None:
        return _experiment(model or MODEL, data or DATA, artifacts.home, table)
    if data is None:
        known = trained_on(folder, table)
        data, table = known.data, known.table
    else:
        table = options_for(folder, data, table)
    if model is not None:
        return _experiment(model, data, artifacts.home, table)
    out = artifacts.home / TRAINING
    return replace(saved, data=data, table=table, split="all", out=out)


def _experiment(
    model: str, data: str, home: Path, table: TableOptions, budget: str | None = None
) -> "Experiment":
    """Training of a model on every rating, for the service in `home`."""
    from ratecast.training.experiment import experiments

    words = [model, f"--data={data}", "--split=all", f"--out={home / TRAINING}"]
    if budget or model == AUTO:
        words.append(setting(budget or BUDGET))
    return experiments([*words, *table.words()], ())[0]


@contextmanager
def _training(home: Path) -> Iterator[None]:
    """For the block, the folder of one training; its logs and weights are removed at the end."""
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / "training.lock", f"{home}: another training is at work; wait for its end"):
        try:
            yield
        finally:
            if (home / TRAINING).exists():
                shutil.rmtree(home / TRAINING)


def _trained(
    experiment: "Experiment", ratings: "Ratings | None" = None, out: Path | None = None
) -> Path:
    """Fit on all ratings of the experiment's data, or on `ratings`; the artifact's folder.

    out: folder of the run, if it is not that of the experiment.
    """
    from ratecast.splits import named
    from ratecast.training.train import train

    split = None if ratings is None else named(ratings, "auto", experiment.seed)[0]
    finished = train(experiment if out is None else replace(experiment, out=out), split)
    for line in finished.summary:
        note(line)
    return finished.artifact


def _page(view: PageOptions = PLAIN) -> "LoadPage | None":
    """What imports the page; None if NiceGUI is not installed.

    Raises `InputError` for a word or a comparison that is none.
    """
    if find_spec("nicegui") is None:
        return None
    from ratecast.serving.item_words import ItemWord
    from ratecast.serving.page.table_scores import read_scores

    word = None if view.item_word is None else ItemWord.of(view.item_word)
    scores = None if view.comparison is None else read_scores(view.comparison)

    def load() -> "MakePage":
        with _without_garbage_collection():
            from ratecast.serving.page.mounting import page_app
        return partial(page_app, word=word, scores=scores)

    return load


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Garbage collection is off during imports, for a faster start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
