"""Published artifacts, each in a folder of its own; a file names the current one.

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
from ratecast.disk_files import sync, sync_folder
from ratecast.errors import InputError
from ratecast.serving.live.acceptance_checks import check_alone
from ratecast.serving.live.served_model import LEARNED_TO

SERVING = "serving"
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class ArtifactStore:
    """The artifacts in the service's folder `home`."""

    home: Path

    @property
    def current(self) -> str | None:
        """Name of the artifact that was published last, or None."""
        file = self.home / "current"
        return file.read_text().strip() if file.exists() else None

    def folder(self, name: str) -> Path:
        """Folder of the artifact of this name."""
        return self.home / "models" / name

    def publish(self, source: Path, learned_to: int = 0) -> str:
        """Copy an artifact and make it the current one, atomically; returns its new name.

        learned_to: sequence number of the last stored event in its training table. Raises
        `InputError` for a folder that is not an artifact, or a damaged one, and for a model that
        gives no valid forecasts, or is of another table than the one in service. The model is
        asked here first: one that ends a process ends this one, not the service.
        """
        checked = artifact.identity(source)
        check_alone(source, next(map(self.folder, self.accepted()), None))
        models = self.home / "models"
        models.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".new-", dir=models))
        try:
            copy = staging / "artifact"
            shutil.copytree(source, copy)
            artifact.read(copy)
            if artifact.identity(copy) != checked:
                raise InputError(f"{source}: changed while it was published; publish it again")
            if learned_to or not (copy / LEARNED_TO).exists():
                write_text(copy / LEARNED_TO, f"{learned_to}\n")
            name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{_digest(copy)}"
            if not self.folder(name).exists():
                sync_folder(copy)
                copy.rename(self.folder(name))
                sync(models)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        write_text(self.home / "current", name + "\n")
        return name

    def verdicts(self) -> dict[str, str]:
        """Artifact name to `serving`, or to the reason why it was refused."""
        file = self.home / "verdicts.json"
        if not file.exists():
            return {}
        try:
            verdicts = json.loads(file.read_text("utf-8"))
            return {name: str(verdict) for name, verdict in verdicts.items()}
        except (OSError, ValueError, AttributeError):
            # Damaged: the service writes its own verdict again, and checks every other model anew.
            return {}

    def names(self) -> list[str]:
        """Every artifact that was published: the current one first, then the newest."""
        folders = (self.home / "models").glob("[!.]*")
        names = sorted((path.name for path in folders), reverse=True)
        return sorted(names, key=lambda name: name != self.current)

    def verdict(self, name: str, seconds: float) -> str | None:
        """The verdict of a running service on an artifact; None if it has none in this time."""
        end = time.monotonic() + seconds
        while name not in (verdicts := self.verdicts()) and time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)
        return verdicts.get(name)

    def record_verdict(self, name: str, verdict: str) -> None:
        """Store the verdict of one artifact; verdicts of deleted artifacts are dropped."""
        others = {n: v for n, v in self.verdicts().items() if n != name and self.folder(n).exists()}
        write_text(
            self.home / "verdicts.json", json.dumps(others | {name: verdict}, indent=1) + "\n"
        )

    def accepted(self) -> list[str]:
        """Artifacts that were in service: the current one first, then the newest."""
        names = sorted((n for n, v in self.verdicts().items() if v == SERVING), reverse=True)
        return sorted(names, key=lambda name: name != self.current)


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / artifact.MANIFEST).read_bytes()).hexdigest()[:8]
