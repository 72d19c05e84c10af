"""Artifacts that were published, each in a folder of its own; a file names the present one.

HOME/models/NAME/   HOME/current   HOME/verdicts.json   HOME/ratings.db   HOME/secret
"""

import hashlib
import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ratecast import artifact
from ratecast.atomic_write import write_text
from ratecast.serving.live.served_model import LEARNED_TO

SERVING = "serving"


@dataclass(frozen=True)
class Shelf:
    """The service's folder."""

    home: Path

    @property
    def current(self) -> str | None:
        """The name of the artifact that was published last."""
        file = self.home / "current"
        return file.read_text().strip() if file.exists() else None

    def folder(self, name: str) -> Path:
        """Where the artifact of this name lies."""
        return self.home / "models" / name

    def publish(self, source: Path, learned_to: int = 0) -> str:
        """Copy an artifact here and name it the present one, in one step; its new name.

        Raises `InputError` for what is no artifact, or a torn one.
        """
        artifact.read(source)
        models = self.home / "models"
        models.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=models))
        try:
            copy = fresh / "artifact"
            shutil.copytree(source, copy)
            if learned_to or not (copy / LEARNED_TO).exists():
                write_text(copy / LEARNED_TO, f"{learned_to}\n")
            name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{_digest(copy)}"
            if not self.folder(name).exists():
                copy.rename(self.folder(name))
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        write_text(self.home / "current", name + "\n")
        return name

    def verdicts(self) -> dict[str, str]:
        """Of each artifact that a service tried: `serving`, or why it was refused."""
        file = self.home / "verdicts.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def judge(self, name: str, verdict: str) -> None:
        """Keep what became of an artifact."""
        kept = {n: v for n, v in self.verdicts().items() if n != name and self.folder(n).exists()}
        write_text(self.home / "verdicts.json", json.dumps(kept | {name: verdict}, indent=1) + "\n")

    def served(self) -> list[str]:
        """Artifacts that have served: the present one if it has, then the newest."""
        good = sorted((n for n, v in self.verdicts().items() if v == SERVING), reverse=True)
        return sorted(good, key=lambda name: name != self.current)


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / artifact.MANIFEST).read_bytes()).hexdigest()[:8]
