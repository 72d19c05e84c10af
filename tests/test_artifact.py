import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast import artifact
from ratecast.artifact import MANIFEST, Artifact
from ratecast.errors import InputError


@pytest.fixture
def saved() -> Artifact:
    table = pl.DataFrame({"movie": [1, 2], "title": ["Kolya (1996)", None], "genres": [["a"], []]})
    return Artifact({"model": "mean"}, {"weights": np.arange(6.0).reshape(2, 3)}, {"movies": table})


def test_reads_what_was_written(saved: Artifact, tmp_path: Path) -> None:
    artifact.write(tmp_path / "a", saved)
    again = artifact.read(tmp_path / "a")
    assert again.meta == saved.meta
    np.testing.assert_array_equal(again.arrays["weights"], saved.arrays["weights"])
    assert again.tables["movies"].equals(saved.tables["movies"])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]  # nothing left beside it


def test_a_second_write_replaces_the_first(saved: Artifact, tmp_path: Path) -> None:
    artifact.write(tmp_path / "a", saved)
    artifact.write(tmp_path / "a", Artifact({"model": "other"}, {}, {}))
    again = artifact.read(tmp_path / "a")
    assert again.meta == {"model": "other"}
    assert not again.tables


def test_a_folder_of_other_files_is_left_alone(saved: Artifact, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="has other files"):
        artifact.write(tmp_path, saved)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_failed_write_leaves_the_old_one(
    saved: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact.write(tmp_path / "a", saved)

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artifact, "save_file", full_disk)
    with pytest.raises(OSError, match="No space"):
        artifact.write(tmp_path / "a", Artifact({"model": "other"}, {}, {}))
    assert artifact.read(tmp_path / "a").meta == saved.meta
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["arrays.safetensors", "movies.parquet"])
def test_a_changed_file_is_refused_by_name(saved: Artifact, tmp_path: Path, name: str) -> None:
    artifact.write(tmp_path / "a", saved)
    file = tmp_path / "a" / name
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match=f"{name} has changed"):
        artifact.read(tmp_path / "a")
    file.unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        artifact.read(tmp_path / "a")


def test_another_version_is_refused(saved: Artifact, tmp_path: Path) -> None:
    artifact.write(tmp_path / "a", saved)
    path = tmp_path / "a" / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 99}))
    with pytest.raises(InputError, match="artifact of version 99"):
        artifact.read(tmp_path / "a")


@pytest.mark.parametrize(("text", "said"), [(None, "no manifest.json"), ("{", "not JSON")])
def test_no_manifest_or_a_torn_one(text: str | None, said: str, tmp_path: Path) -> None:
    if text:
        (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(InputError, match=said):
        artifact.read(tmp_path)
