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
from ratecast.serving.live.served_model import LEARNED_TO, learned
from ratecast.serving.private_files import FILE, FOLDER, make_private

SERVING = "serving"
KEEP = 3
# Of a name: the second in which it was published.
_SECOND = len("20260101T000000Z")
# A copy that was given up, because its process was killed, is older than this.
_STAGING_SECONDS = 3600


@dataclass(frozen=True)
class ArtifactStore:
    """The artifacts in the service's folder `home`. keep: how many older ones that served stay."""

    home: Path
    keep: int = KEEP

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
        `InputError` for a folder that is not an artifact, or a damaged one.
        """
        artifact.read(source)
        models = self.home / "models"
        models.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".new-", dir=models))
        try:
            copy = staging / "artifact"
            shutil.copytree(source, copy)
            make_private(copy)
            if learned_to or not (copy / LEARNED_TO).exists():
                write_text(copy / LEARNED_TO, f"{learned_to}\n", FILE)
            name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{_digest(copy)}"
            if not self.folder(name).exists():
                copy.rename(self.folder(name))
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        write_text(self.home / "current", name + "\n", FILE)
        return name

    def verdicts(self) -> dict[str, str]:
        """Artifact name to `serving`, or to the reason why it was refused."""
        file = self.home / "verdicts.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def record_verdict(self, name: str, verdict: str) -> None:
        """Store the verdict of one artifact; verdicts of deleted artifacts are dropped."""
        others = {n: v for n, v in self.verdicts().items() if n != name and self.folder(n).exists()}
        self._write_verdicts(others | {name: verdict})

    def accepted(self) -> list[str]:
        """Artifacts that were in service: the current one first, then the newest."""
        names = sorted((n for n, v in self.verdicts().items() if v == SERVING), reverse=True)
        return sorted(names, key=lambda name: name != self.current)

    def outdated(self, served: str, removal: int) -> list[str]:
        """Older artifacts that may have learned from what was deleted before `served` learned.

        removal: sequence number of the last such deletion in the store.
        """
        return [name for name in self._older(served) if learned(self.folder(name)) < removal]

    def prune(self, served: str, removal: int) -> None:
        """Remove outdated artifacts, and older ones that are not among the `keep` newest accepted.

        The artifact in service, the current one and those published later stay.
        """
        kept = {*sorted(self.accepted(), reverse=True)[: self.keep]}
        kept -= {*self.outdated(served, removal)}
        for name in self._older(served):
            if name not in kept:
                shutil.rmtree(self.folder(name))
        for staging in (self.home / "models").glob(".new-*"):
            if staging.stat().st_mtime < time.time() - _STAGING_SECONDS:
                shutil.rmtree(staging)
        verdicts = self.verdicts()
        present = {name: text for name, text in verdicts.items() if self.folder(name).exists()}
        if present != verdicts:
            self._write_verdicts(present)

    def _older(self, served: str) -> list[str]:
        """Artifacts published in an earlier second than `served`, without the current one."""
        names = (path.name for path in (self.home / "models").iterdir())
        return sorted(
            name
            for name in names
            if name[:_SECOND] < served[:_SECOND] and name[0] != "." and name != self.current
        )

    def _write_verdicts(self, verdicts: dict[str, str]) -> None:
        write_text(self.home / "verdicts.json", json.dumps(verdicts, indent=1) + "\n", FILE)


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / artifact.MANIFEST).read_bytes()).hexdigest()[:8]
