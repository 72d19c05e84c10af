"""Artifacts that were edited at random, published beside a service that takes ratings."""

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from safetensors.numpy import load_file, save_file

from ratecast.artifact import ARRAYS, DIGEST, MANIFEST
from ratecast.disk_files import digest_of
from ratecast.errors import InputError
from ratecast.serving.live.published import SERVING, ArtifactStore
from tests.serving.place import smuggled, wait

WAIT_SECONDS = 60.0


@dataclass
class Found:
    """refused: where they were published. refused_later: by the service.

    untidy: refusals of more than a line, or that left something behind. ended: writes refused.
    """

    refused: int = 0
    refused_later: int = 0
    served: int = 0
    untidy: int = 0
    ended: int = 0


def edited(source: Path, folder: Path, drawn: random.Random) -> Path:
    """A copy with one edit: of bytes, of the manifest, of a file's name, or of the arrays."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    edit: Callable[[Path, random.Random], None] = drawn.choice([_bytes, _manifest, _name, _arrays])
    edit(folder, drawn)
    return folder


def _bytes(folder: Path, drawn: random.Random) -> None:
    file = drawn.choice(sorted(folder.iterdir()))
    data = bytearray(file.read_bytes())
    data[drawn.randrange(len(data))] ^= 1 << drawn.randrange(8)
    file.write_bytes(data)


def _manifest(folder: Path, drawn: random.Random) -> None:
    """A key of it is taken away, named otherwise, or given another value."""
    manifest = json.loads((folder / MANIFEST).read_text())
    inside = [manifest, manifest["meta"], manifest["meta"]["settings"], manifest["files"]]
    part = drawn.choice([each for each in inside if each])
    key = drawn.choice(sorted(part))
    how = drawn.randrange(4)
    value = part.pop(key)
    if how == 1:
        part[f"{key}x"] = value
    elif how > 1:
        part[key] = drawn.choice([None, -1, "x", [], {}, 1e9])
    _sealed(folder, manifest) if how == 3 and DIGEST in manifest else _written(folder, manifest)


def _name(folder: Path, drawn: random.Random) -> None:
    file = drawn.choice(sorted(folder.iterdir()))
    if drawn.random() < 0.5:
        file.unlink()
    else:
        file.rename(folder / f"x{file.name}")


def _arrays(folder: Path, drawn: random.Random) -> None:
    """One is taken away, added, named otherwise, or cut; with every digest in order."""
    arrays = load_file(folder / ARRAYS)
    name, how = drawn.choice(sorted(arrays)), drawn.randrange(4)
    array = arrays.pop(name)
    if how == 1:
        arrays[f"{name}x"] = array
    elif how == 2:
        arrays |= {name: array, "another": np.zeros(3)}
    elif how == 3:
        arrays[name] = np.ascontiguousarray(array[: len(array) // 2])
    save_file(arrays, folder / ARRAYS)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][ARRAYS] = digest_of(folder / ARRAYS)
    _sealed(folder, manifest)


def _sealed(folder: Path, manifest: dict) -> None:  # type: ignore[type-arg]
    """Written with the digest that belongs to it."""
    from ratecast.artifact import _own_digest

    _written(folder, manifest | {DIGEST: _own_digest(manifest)})


def _written(folder: Path, manifest: dict) -> None:  # type: ignore[type-arg]
    (folder / MANIFEST).write_text(json.dumps(manifest))


def publish_edited(home: Path, client: httpx.Client, source: Path, count: int, seed: int) -> Found:
    """Publish so many; every tenth that is refused is put before the service all the same."""
    drawn, found, artifacts = random.Random(seed), Found(), ArtifactStore(home)
    for turn in range(count):
        folder = edited(source, home / "edited", drawn)
        before = artifacts.current, len(list((home / "models").iterdir()))
        try:
            name = artifacts.publish(folder)
        except InputError as error:
            lines = str(error).count("\n")
            left = artifacts.current, len(list((home / "models").iterdir()))
            found.untidy += lines > 0 or left != before
            found.refused += 1
            if turn % 10:
                continue
            name = smuggled(home, folder)
        verdict = artifacts.verdict(name, WAIT_SECONDS)
        assert verdict is not None
        found.served += verdict == SERVING
        found.refused_later += verdict != SERVING
        wait(client)
        forecast = client.get("/v1/predict?user=1&movie=2").json()["forecasts"][0]
        assert abs(sum(forecast["probabilities"].values()) - 1) < 1e-6
        body = {"movie": 1 + turn % 50, "stars": 4}
        found.ended += client.post("/v1/users/7200/ratings", json=body).status_code != 201
    return found
