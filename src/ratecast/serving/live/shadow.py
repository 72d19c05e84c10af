"""A model that runs beside the served one: it gets every rating, and answers no request."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from ratecast.serving.live.rebuilds import next_rebuild
from ratecast.serving.live.served_model import ServedModel
from ratecast.serving.store.database import Event, RemovalEvent
from ratecast.serving.store.new_movies import NewMovie

log = logging.getLogger("ratecast.serving")


class Shadow:
    """The shadow, if there is one. Whatever fails in it ends it alone.

    model: None without a shadow. failed: the artifact that failed, which is not loaded again.
    """

    def __init__(self) -> None:
        self.model: ServedModel | None = None
        self.failed: str | None = None
        self._backlog: list[list[Event]] | None = None
        self._is_stale, self._next_rebuild = False, 0.0

    @property
    def name(self) -> str | None:
        """Name of its artifact."""
        return None if self.model is None else self.model.name

    @property
    def is_loading(self) -> bool:
        """Whether a model is being loaded."""
        return self._backlog is not None

    def update(self, events: list[Event]) -> None:
        """Apply the events of one commit."""
        if self._backlog is not None:
            self._backlog.append(events)
        if self.model is None:
            return
        try:
            self.model.update(events)
        except Exception as error:
            self._fail(self.model.name, error)
            return
        # A model that keeps no ratings cannot unlearn one.
        removed = any(isinstance(event, RemovalEvent) for event in events)
        self._is_stale |= removed and not self.model.keeps_ratings

    def add_movies(self, movies: Sequence[NewMovie]) -> None:
        """Add movies that are new to the service."""
        if self.model is not None:
            try:
                self.model.add_movies(movies)
            except Exception as error:
                self._fail(self.model.name, error)

    async def follow(
        self, wanted: str | None, load: Callable[[str], Awaitable[ServedModel]]
    ) -> None:
        """Run the artifact `wanted` from now on, or none.

        load: reads it and the whole store. Raises what it raises where the store is not available,
        so that the caller tries again.
        """
        if wanted is None or wanted == self.failed:
            self.model = None
            return
        start = time.monotonic()
        if wanted == self.name and (not self._is_stale or start < self._next_rebuild):
            return
        self._backlog, self._is_stale = [], False
        try:
            model = await load(wanted)
            model.catch_up(self._backlog)
        except SQLAlchemyError:
            self._is_stale = True
            raise
        except Exception as error:
            self._fail(wanted, error)
            return
        finally:
            self._backlog = None
        if self.name != wanted:
            facts = {"artifact": wanted, "model": model.model.name}
            log.info("shadow runs", extra={"facts": facts})
        self.model = model
        self._next_rebuild = next_rebuild(start)

    def _fail(self, name: str, error: Exception) -> None:
        self.model, self.failed = None, name
        facts = {"artifact": name, "reason": f"{type(error).__name__}: {error}"}
        log.error("shadow failed", extra={"facts": facts}, exc_info=error)
