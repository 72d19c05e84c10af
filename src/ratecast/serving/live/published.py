"""Published artifacts, each in a folder of its own; a file names the current one.

HOME/models/NAME/   HOME/current   HOME/shadow   HOME/verdicts.json   HOME/ratings.db   HOME/secret
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
from ratecast.disk_files import sync_folder
from ratecast.errors import InputError
from ratecast.serving.live.acceptance_checks import check_alone
from ratecast.serving.live.held_back import write_held_back
from ratecast.serving.live.served_model import LEARNED_TO, learned
from ratecast.serving.private_files import FILE, FOLDER, make_private
from ratecast.serving.quality.comparison import COMPARISON, FORCED
from ratecast.serving.quality.recent import RecentRows
from ratecast.systems import rename, sync

SERVING = "serving"
KEEP = 3
_LOOK_SECONDS = 0.1
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

    @property
    def not_refused(self) -> str | None:
        """Name of the current artifact; where the service refused it, of the newest that served."""
        name = self.current
        if name is None or self.verdicts().get(name, SERVING) == SERVING:
            return name
        return next(iter(self.accepted()), name)

    def folder(self, name: str) -> Path:
        """Folder of the artifact of this name."""
        return self.home / "models" / name

    @property
    def shadow(self) -> str | None:
        """Name of the artifact that runs beside the served one, or None."""
        file = self.home / "shadow"
        return file.read_text().strip() if file.exists() else None

    def promote(self, *, force: bool = False) -> str:
        """Make the shadow the current artifact; returns its name. force: as for `publish`.

        Raises `InputError` without a shadow.
        """
        name = self.shadow
        if name is None or not self.folder(name).exists():
            raise InputError(
                f"{self.home}: no shadow to promote; ratecast publish DIR --shadow starts one"
            )
        if force:
            (self.folder(name) / FORCED).touch()
        write_text(self.home / "current", name + "\n", FILE)
        self.end_shadow()
        return name

    def end_shadow(self) -> str | None:
        """Let no model run beside the served one any more; the name of the one that did."""
        name = self.shadow
        (self.home / "shadow").unlink(missing_ok=True)
        return name

    def publish(
        self,
        source: Path,
        learned_to: int = 0,
        *,
        shadow: bool = False,
        force: bool = False,
        held_back: RecentRows | None = None,
    ) -> str:
        """Copy an artifact and make it the current one, atomically; returns its new name.

        learned_to: sequence number of the last stored event in its training table. shadow: let it
        run beside the current one instead. force: serve it without a comparison with the served
        one. held_back: see `write_held_back`. Raises `InputError` for a folder that is not an
        artifact, or a damaged one, and for a model that gives no valid forecasts, or is of another
        table than the one in service. The model is asked here first: one that ends a process ends
        this one, not the service.
        """
        checked = artifact.identity(source)
        check_alone(source, next(map(self.folder, self.accepted()), None))
        models = self.home / "models"
        models.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".new-", dir=models))
        try:
            copy = staging / "artifact"
            shutil.copytree(source, copy)
            artifact.read(copy)
            if artifact.identity(copy) != checked:
                raise InputError(f"{source}: changed while it was published; publish it again")
            for verdict in (FORCED, COMPARISON):
                (copy / verdict).unlink(missing_ok=True)
            if learned_to or not (copy / LEARNED_TO).exists():
                write_text(copy / LEARNED_TO, f"{learned_to}\n", FILE)
            if force:
                (copy / FORCED).touch()
            if held_back is not None:
                write_held_back(copy, held_back)
            make_private(copy)
            name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{_digest(copy, shadow)}"
            if not self.folder(name).exists():
                sync_folder(copy)
                rename(copy, self.folder(name))
                sync(models)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        write_text(self.home / ("shadow" if shadow else "current"), name + "\n", FILE)
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

        The artifact in service, the current one, the shadow and those published later stay; a
        shadow that is outdated ends.
        """
        outdated = self.outdated(served, removal)
        if self.shadow in outdated:
            self.end_shadow()
        kept = {*sorted(self.accepted(), reverse=True)[: self.keep], self.shadow} - {*outdated}
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


def _digest(folder: Path, shadow: bool) -> str:
    """Of the artifact, and of how it is published, so that each has a verdict of its own.

    Without that, a model that is refused and made a shadow in the same second would stay refused.
    """
    digest = hashlib.sha256((folder / artifact.MANIFEST).read_bytes())
    digest.update(b"forced" * (folder / FORCED).exists() + b"shadow" * shadow)
    return digest.hexdigest()[:8]
