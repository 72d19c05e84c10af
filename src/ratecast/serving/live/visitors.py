"""The small files that map a browser's cookie to its user: gone with the user."""

import json
from pathlib import Path

from ratecast.serving.store.database import Store

# As the page writes them.
USER, SINCE = "user", "since"


def forget_deleted(folder: Path, store: Store) -> None:
    """Remove the files of visitors whose user was deleted. folder: it need not be there."""
    registered, deleted = dict(store.registrations()), store.deleted_users()
    for file in folder.glob("storage-user-*"):
        try:
            visitor = json.loads(file.read_text("utf-8"))
        except (ValueError, FileNotFoundError):
            # It is being written, or the visitor has signed out meanwhile.
            continue
        user, since = str(visitor.get(USER)), visitor.get(SINCE)
        # A user of the training table was never registered.
        if registered.get(user) != since or (since is None and user in deleted):
            file.unlink(missing_ok=True)
