"""How long things are kept: older models, and what was deleted.

What was deleted leaves the log of the database and the visitors' files within a second. The models
that learned from it go as soon as one serves that did not; then the database file is written anew.
"""

import asyncio
import logging
import time

from sqlalchemy.exc import SQLAlchemyError

from ratecast.serving.errors import UnavailableError
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.live.served_model import learned
from ratecast.serving.live.visitors import forget_deleted
from ratecast.serving.store.database import Store
from ratecast.serving.writer import GroupCommitWriter

RETRY_SECONDS = 60.0
log = logging.getLogger("ratecast.serving")


class Retention:
    """Removes what is not kept; called again and again while a service runs."""

    def __init__(self, artifacts: ArtifactStore, store: Store) -> None:
        self._artifacts, self._store = artifacts, store
        self._tidied, self._swept, self._next_try = "", -1, 0.0

    async def poll(self, served: str, writer: GroupCommitWriter) -> None:
        """Remove what is to be removed now. served: name of the artifact in service.

        Raises nothing: where a file cannot be removed, that is logged and tried again.
        """
        if time.monotonic() < self._next_try:
            return
        try:
            if self._store.holds_deleted:
                await asyncio.to_thread(self._store.empty_log)
            deletions = self._store.deletions
            if deletions != self._swept:
                folder = self._artifacts.home / "visitors"
                await asyncio.to_thread(forget_deleted, folder, self._store)
                self._swept = deletions
            if served != self._tidied:
                await self._tidy(served, writer)
                self._tidied = served
        except (OSError, ValueError, SQLAlchemyError, UnavailableError) as error:
            self._next_try = time.monotonic() + RETRY_SECONDS
            facts = {"reason": " ".join(str(error).split())[:200]}
            log.warning("not everything that was deleted is erased", extra={"facts": facts})

    async def _tidy(self, served: str, writer: GroupCommitWriter) -> None:
        """Remove older models, after a new one came into service."""
        learned_to = learned(self._artifacts.folder(served))
        removal = await asyncio.to_thread(self._store.last_removal, learned_to)
        if self._artifacts.outdated(served, removal):
            # Between two commits, which would fail while the file is written. The models that
            # are outdated go last, so that a service that is killed here begins again.
            await writer.run(self._store.erase)
        await asyncio.to_thread(self._artifacts.prune, served, removal)
