import stat
import zipfile
from pathlib import Path

import pytest

from ratecast.data import archive
from ratecast.errors import InputError

MB = 1 << 20


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_only_what_is_wanted_is_taken(tmp_path: Path) -> None:
    made = zipped(tmp_path / "a.zip", {"ml/u.data": b"1", "ml/big": b"0" * MB, "ml/": b""})
    (tmp_path / "out").mkdir()
    archive.extract(made, {"u.data"}, tmp_path / "out", 10)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["u.data"]


@pytest.mark.parametrize("name", ["../u.data", "/etc/u.data", "a/../../u.data", "c:\\u.data"])
def test_a_path_outside_is_refused(tmp_path: Path, name: str) -> None:
    made = zipped(tmp_path / "a.zip", {"ml/u.data": b"1", name: b"2"})
    with pytest.raises(InputError, match="outside"):
        archive.extract(made, {"u.data"}, tmp_path, MB)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("ml/u.data")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="is a link"):
        archive.extract(tmp_path / "a.zip", {"u.data"}, tmp_path, MB)


def test_a_bomb_is_refused_before_it_is_written(tmp_path: Path) -> None:
    made = zipped(tmp_path / "a.zip", {"ml/u.data": b"0" * (8 * MB)})
    assert made.stat().st_size < MB
    with pytest.raises(InputError, match="unpacks to more than 4 MiB"):
        archive.extract(made, {"u.data"}, tmp_path, 4 * MB)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    made = zipped(tmp_path / "a.zip", {"a/u.data": b"1", "b/u.data": b"2"})
    with pytest.raises(InputError, match="twice"):
        archive.extract(made, {"u.data"}, tmp_path, MB)


def test_truncated_and_corrupt_archives_are_refused(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", {"u.data": bytes(range(256)) * 400}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="truncated or corrupt"):
        archive.names(tmp_path / "cut.zip")
    (tmp_path / "odd.zip").write_bytes(whole[:60] + b"\xff" * 40 + whole[100:])
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="truncated or corrupt"):
        archive.extract(tmp_path / "odd.zip", {"u.data"}, tmp_path / "out", MB)
