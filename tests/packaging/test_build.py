import tarfile
import time
import zipfile
from email.parser import Parser
from pathlib import Path

from ratecast.disk_files import digest_of
from tests.packaging.builds import BUILT_AT, LEFT_BEHIND, ROOT, built, copied

PACKAGE = ROOT / "src" / "ratecast"


def names_in_sdist(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        return [name.partition("/")[2] for name in archive.getnames()]


def test_the_wheel_is_the_package_and_nothing_else(packages: dict[str, Path]) -> None:
    with zipfile.ZipFile(packages["wheel"]) as wheel:
        names = {n for n in wheel.namelist() if ".dist-info/" not in n}
        same = wheel.read("ratecast/serving/page/results.json")
    files = {p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    expected = {path.relative_to(PACKAGE.parent).as_posix() for path in files}
    assert names == expected | {"ratecast/serving/page/results.json"}
    assert {"ratecast/py.typed", "ratecast/serving/page/page.css"} <= names
    assert "ratecast/serving/store/migrations/env.py" in names
    assert same == (ROOT / "results" / "reproduce.json").read_bytes()


def test_the_sdist_has_what_the_wheel_is_made_of(packages: dict[str, Path]) -> None:
    names = names_in_sdist(packages["sdist"])
    roots = {name.partition("/")[0] for name in names}
    beside = {".gitignore", "CHANGELOG.md", "CITATION.cff", "LICENSE", "PKG-INFO", "README.md"}
    built_of = {"configs", "constraints.txt", "pyproject.toml", "requirements", "results", "src"}
    assert roots == beside | built_of
    assert not {*names} & {*LEFT_BEHIND}
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_two_builds_have_the_same_bytes(packages: dict[str, Path], tmp_path: Path) -> None:
    # From another folder, by another user's umask, and the wheel without the sdist between.
    again = built(copied(tmp_path / "other", 0o600), tmp_path / "dist", "--sdist", "--wheel")
    for kind, path in packages.items():
        assert digest_of(again[kind]) == digest_of(path), kind
        assert again[kind].name == path.name


def test_times_and_modes_are_those_of_the_release(packages: dict[str, Path]) -> None:
    with zipfile.ZipFile(packages["wheel"]) as wheel:
        infos = wheel.infolist()
    assert {info.date_time for info in infos} == {time.gmtime(BUILT_AT)[:6]}
    assert {info.external_attr >> 16 & 0o777 for info in infos} == {0o644}
    with tarfile.open(packages["sdist"]) as archive:
        members = archive.getmembers()
    assert {member.mtime for member in members} == {BUILT_AT}
    assert {member.mode for member in members} == {0o644}
    assert {(member.uid, member.gid, member.uname) for member in members} == {(0, 0, "")}


def test_metadata_lets_newer_pythons_in(packages: dict[str, Path]) -> None:
    with zipfile.ZipFile(packages["wheel"]) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
        about = Parser().parsestr(wheel.read(name).decode())
    assert about["Requires-Python"] == ">=3.11"
    assert "Programming Language :: Python :: 3.14" in about.get_all("Classifier", [])
    assert about["License-Expression"] == "MIT"
