"""Commands of the service: serve, publish, refit."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ratecast.cli.call import emit, note, show
from ratecast.errors import InputError
from ratecast.table_options import DEFAULT, TableOptions

if TYPE_CHECKING:
    from ratecast.ratings import Ratings
    from ratecast.serving.http.app import Page


def serve(
    *,
    home: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    database: str | None = None,
    token: str | None = None,
    rate_limit: float | None = None,
    insecure: bool = False,
    log_all: bool = False,
    data: str = "ml-100k",
    table: TableOptions = DEFAULT,
    model: str = "state_space",
) -> None:
    """Serve forecasts and take ratings, by HTTP.

    The page is at /, the API under /v1, its documentation at /docs, health at /healthz and /readyz.

    Examples:
        ratecast serve
        ratecast serve --port 8080 --token secret
        ratecast serve --database postgresql+psycopg://ratecast@localhost/ratings

    Args:
        home: folder of models, ratings and the secret; default: RATECAST_HOME/service.
        host: address to listen on; the default is reachable from this machine only.
        port: port to listen on.
        database: postgresql+psycopg://USER@HOST/NAME; default: SQLite in the folder.
        token: service token that writes must carry; default: RATECAST_TOKEN.
        rate_limit: requests per second and client, 0 for no limit; default for remote clients: 50.
        insecure: allow remote clients without a token.
        log_all: log every request, not only writes and errors.
        data: training data, if no model was published yet.
        table: how a table of your own is read.
        model: model to train, if no model was published yet.
    """
    import os

    with _without_garbage_collection():
        from ratecast.serving.live.published import ArtifactStore
        from ratecast.serving.server import Settings
        from ratecast.serving.server import serve as run

    settings = Settings(
        _home(home), host, port, database, token or os.environ.get("RATECAST_TOKEN"),
        rate_limit, insecure, log_all,
    ).checked()  # fmt: skip
    artifacts = ArtifactStore(settings.home)
    if artifacts.current is None:
        show(f"no model is published in {settings.home} yet: training {model} on {data} first")
        artifacts.publish(_trained(model, data, settings.home, table))

    def page() -> "Page | None":
        """Called once store and port are available."""
        # A plain print: importing what formats tables would take a tenth of a second.
        about = "documentation of the API: /docs; stop with Ctrl-C"
        print(f"ratecast: http://{host}:{port}/  ({about})", flush=True)
        return _page()

    run(settings, page)


def publish(artifact: Path, *, home: Path | None = None, json: bool = False) -> None:
    """Publish a new artifact without a restart.

    A running service checks it, and then serves it or refuses it.

    Examples:
        ratecast publish artifacts/als --home service

    Args:
        artifact: folder that ratecast train wrote.
        home: the service's folder; default: RATECAST_HOME/service.
        json: print the result as one JSON document.
    """
    from ratecast.serving.live.published import ArtifactStore

    name = ArtifactStore(_home(home)).publish(artifact)
    emit({"published": name}, f"published as {name}", json)


def refit(
    *,
    home: Path | None = None,
    database: str | None = None,
    data: str = "ml-100k",
    table: TableOptions = DEFAULT,
    model: str = "state_space",
    json: bool = False,
) -> None:
    """Train on a table and the stored ratings, publish the model.

    Examples:
        ratecast refit
        ratecast refit --data ratings.csv --model als

    Args:
        home: the service's folder; default: RATECAST_HOME/service.
        database: as for ratecast serve.
        data: an edition of MovieLens, or a file or folder of ratings.
        table: how a table of your own is read.
        model: the model's name, or the YAML file of an experiment.
        json: print the result as one JSON document.
    """
    from ratecast.data import load_table
    from ratecast.serving.live.published import ArtifactStore
    from ratecast.serving.live.training_table import training_table
    from ratecast.serving.server import Settings
    from ratecast.serving.store.database import Store, reachable

    settings = Settings(_home(home), database=database)
    with reachable(settings.url):
        store = Store(settings.url)
        stored = store.events_since()
        store.close()
    ratings = training_table(load_table(data, table), stored)
    note(
        f"training {model} on {len(ratings)} ratings, {len(stored.ratings)} of them from the store"
    )
    name = ArtifactStore(settings.home).publish(
        _trained(model, data, settings.home, table, ratings), stored.last
    )
    facts = {"published": name, "ratings": len(ratings), "of_the_store": len(stored.ratings)}
    emit(facts, f"published as {name}", json)


def _home(home: Path | None) -> Path:
    from ratecast.data import home as data_home

    return (data_home() / "service" if home is None else home).expanduser()


def _trained(
    model: str, data: str, home: Path, table: TableOptions, ratings: "Ratings | None" = None
) -> Path:
    """Fit on all ratings of `data`, or on `ratings`; returns the artifact's folder."""
    from ratecast.splits import named
    from ratecast.training.experiment import experiments
    from ratecast.training.train import train

    arguments = [model, f"--data={data}", "--split=all", f"--out={home / 'training'}"]
    (experiment,) = experiments([*arguments, *table.words()], ())
    split = None if ratings is None else named(ratings, "auto")[0]
    return train(experiment, split).artifact


def _page() -> "Page | None":
    """The function that mounts the page; None if the page is not installed."""
    name = "ratecast.serving.page"
    try:
        with _without_garbage_collection():
            mount: Page = import_module(name).mount
    except ModuleNotFoundError as error:
        if error.name not in (name, "nicegui"):
            raise InputError(f"serve: the page cannot be loaded ({error})") from None
        return None
    return mount


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Garbage collection is off during imports, for a faster start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
