"""Verbs of the service."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ratecast.cli.call import note, show, tell
from ratecast.errors import InputError

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
    model: str = "state_space",
) -> None:
    """Serve forecasts and take ratings, by HTTP.

    The page is at /, the API under /v1, its description at /docs, health at /healthz and /readyz.

    Examples:
        ratecast serve
        ratecast serve --port 8080 --token secret
        ratecast serve --database postgresql+psycopg://ratecast@localhost/ratings

    Args:
        home: folder of models, ratings and the secret; RATECAST_HOME/service without it.
        host: address to listen at; only this machine reaches the usual one.
        port: port to listen at.
        database: postgresql+psycopg://USER@HOST/NAME; without it, SQLite in the folder.
        token: what writes must be sent with; also read from RATECAST_TOKEN.
        rate_limit: requests a second of one client, 0 for no limit; 50 where others can reach it.
        insecure: let others reach it without a token.
        log_all: log every request, not only writes and errors.
        data: what to train on where no model was published yet.
        model: which model to train then.
    """
    import os

    with _uncollected():
        from ratecast.serving.live.published import Shelf
        from ratecast.serving.server import Settings
        from ratecast.serving.server import serve as run

    settings = Settings(
        _home(home), host, port, database, token or os.environ.get("RATECAST_TOKEN"),
        rate_limit, insecure, log_all,
    ).checked()  # fmt: skip
    shelf = Shelf(settings.home)
    if shelf.current is None:
        show(f"no model was published in {settings.home} yet: training {model} on {data} first")
        shelf.publish(_trained(model, data, settings.home))

    def page() -> "Page | None":
        """The page, asked for once store and port are had."""
        # Plain, since what lays out tables would be a tenth of a second of the start.
        about = "description of the API: /docs; stop with Ctrl-C"
        print(f"ratecast: http://{host}:{port}/  ({about})", flush=True)
        return _page()

    run(settings, page)


def publish(artifact: Path, *, home: Path | None = None, json: bool = False) -> None:
    """Put a new artifact in force, without a stop.

    A service that runs takes it up by itself, or refuses it.

    Examples:
        ratecast publish artifacts/als --home service

    Args:
        artifact: folder that ratecast train wrote.
        home: the service's folder; RATECAST_HOME/service without it.
        json: print the result as one JSON document.
    """
    from ratecast.serving.live.published import Shelf

    name = Shelf(_home(home)).publish(artifact)
    tell({"published": name}, f"published as {name}", json)


def refit(
    *,
    home: Path | None = None,
    database: str | None = None,
    data: str = "ml-100k",
    columns: str | None = None,
    scale: str | None = None,
    model: str = "state_space",
    json: bool = False,
) -> None:
    """Train anew on a table and the store's ratings, and publish.

    Examples:
        ratecast refit
        ratecast refit --data ratings.csv --model als

    Args:
        home: the service's folder; RATECAST_HOME/service without it.
        database: as of ratecast serve.
        data: an edition of MovieLens, a folder, or a CSV or Parquet file of ratings.
        columns: role=name of a table of your own where a name is not recognised.
        scale: low:high:step, where it cannot be read from the ratings.
        model: the model's name, or the YAML file of an experiment.
        json: print the result as one JSON document.
    """
    from ratecast.data import load_as
    from ratecast.serving.live.published import Shelf
    from ratecast.serving.live.training_table import gathered
    from ratecast.serving.server import Settings
    from ratecast.serving.store.database import Store, reachable

    settings = Settings(_home(home), database=database)
    with reachable(settings.url):
        store = Store(settings.url)
        written = store.so_far()
        store.close()
    table = gathered(load_as(data, columns, scale), written)
    note(f"training {model} on {len(table)} ratings, {len(written.given)} of them from the store")
    name = Shelf(settings.home).publish(_trained(model, data, settings.home, table), written.last)
    facts = {"published": name, "ratings": len(table), "of_the_store": len(written.given)}
    tell(facts, f"published as {name}", json)


def _home(home: Path | None) -> Path:
    from ratecast.data import home as kept

    return (kept() / "service" if home is None else home).expanduser()


def _trained(model: str, data: str, home: Path, table: "Ratings | None" = None) -> Path:
    """The artifact of a fit on every rating, of `data` or of a table."""
    from ratecast.splits import chronological
    from ratecast.training.experiment import experiments
    from ratecast.training.train import train

    words = [model, f"--data={data}", "--split=all", f"--out={home / 'training'}"]
    (experiment,) = experiments(words, ())
    return train(experiment, None if table is None else chronological(table)).artifact


def _page() -> "Page | None":
    """What mounts the page, where it is installed."""
    name = "ratecast.serving.page"
    try:
        with _uncollected():
            found: Page = import_module(name).mount
    except ModuleNotFoundError as error:
        if error.name not in (name, "nicegui"):
            raise InputError(f"serve: the page cannot be loaded ({error})") from None
        return None
    return found


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing is looked through for garbage: what is imported stays, and a start is to be quick."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
