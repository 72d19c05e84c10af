import hashlib
import shutil
import sys
import threading
from collections import namedtuple
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ratecast import data
from ratecast.data import canonical, editions, package_index
from ratecast.data.cache import home
from ratecast.errors import InputError
from tests.data import writers
from tests.data.test_archive import zipped
from tests.data.test_layouts import SMALL
from tests.data.writers import World

Served = dict[str, bytes]
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RATECAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "*")
    return tmp_path / "home"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editions, "SITE", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A web server in the place of GroupLens; bodies that end in CUT break off."""
    served: Served = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = served.get(self.path.lstrip("/"))
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.removesuffix(b"CUT"))

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr(editions, "SITE", f"http://127.0.0.1:{server.server_port}")
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def archived(folder: Path, name: str = "ml-latest-small") -> bytes:
    folder.mkdir(parents=True, exist_ok=True)
    writers.csvs(folder, SMALL)
    files = {f"{name}/{path.name}": path.read_bytes() for path in folder.glob("*.csv")}
    return zipped(folder / "made.zip", files).read_bytes()


def served_small(site: Served, folder: Path) -> None:
    body = archived(folder)
    site["ml-latest-small.zip"] = body
    line = f"MD5 (ml-latest-small.zip) = {hashlib.md5(body).hexdigest()}\n"
    site["ml-latest-small.zip.md5"] = line.encode()


def nothing_half_written(cache: Path) -> None:
    assert not list(cache.glob("data/*"))
    assert not list(cache.glob(".work-*"))
    assert not [p for p in cache.glob("downloads/*") if p.suffix not in (".zip", ".whl")]


def test_fetch_reads_the_published_checksum_says_the_terms_and_keeps_the_tables(
    site: Served, tmp_path: Path
) -> None:
    served_small(site, tmp_path / "made")
    said: list[str] = []
    folder = data.fetch("ml-latest-small", notify=said.append)
    assert said[-2].startswith("Licence: ")
    assert said[-1].startswith("Citation: ")
    assert "Harper" in said[-1]
    site.clear()
    said.clear()
    assert data.fetch("ml-latest-small", notify=said.append) == folder
    table = data.load("ml-latest-small", notify=said.append)
    assert table.frame.rows() == SMALL.rated
    assert data.load(folder).movies.equals(table.movies)
    assert said == []


def test_another_file_than_published_is_refused(
    site: Served, tmp_path: Path, empty_cache: Path
) -> None:
    site["ml-1m.zip"] = archived(tmp_path / "made", "ml-1m")
    with pytest.raises(InputError, match=r"ml-1m\.zip.*checksum differs"):
        data.fetch("ml-1m")
    nothing_half_written(empty_cache)
    assert not list(empty_cache.glob("downloads/*.zip"))


def test_a_download_that_breaks_off_leaves_nothing(
    site: Served, tmp_path: Path, empty_cache: Path
) -> None:
    served_small(site, tmp_path / "made")
    site["ml-latest-small.zip"] = site["ml-latest-small.zip"][:200] + b"CUT"
    with pytest.raises(InputError, match="--from PATH"):
        data.fetch("ml-latest-small")
    nothing_half_written(empty_cache)
    assert not list(empty_cache.glob("downloads/*"))


def test_an_interrupted_fetch_leaves_nothing_half_written(
    site: Served, tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_small(site, tmp_path / "made")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(canonical, "_swap", interrupted)
        with pytest.raises(KeyboardInterrupt):
            data.fetch("ml-latest-small")
    nothing_half_written(empty_cache)
    assert len(data.load("ml-latest-small")) == len(SMALL.rated)


def test_a_torn_or_old_dataset_is_fetched_again(site: Served, tmp_path: Path) -> None:
    served_small(site, tmp_path / "made")
    folder = data.fetch("ml-latest-small")
    torn = folder / "ratings.parquet"
    torn.write_bytes(torn.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"ratings\.parquet is missing or incomplete"):
        data.load(folder)
    assert len(data.load("ml-latest-small")) == len(SMALL.rated)
    metadata = folder / canonical.METADATA
    metadata.write_text(metadata.read_text().replace('"version": 1', '"version": 0'))
    with pytest.raises(InputError, match="version 0"):
        data.load(folder)
    assert len(data.load("ml-latest-small")) == len(SMALL.rated)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["ml-100k", "ml-25m", "ml-latest"])
def test_without_network_and_cache_the_error_says_what_from_takes(
    name: str, empty_cache: Path
) -> None:
    with pytest.raises(InputError) as caught:
        data.load(name)
    line = str(caught.value)
    assert "\n" not in line
    assert f"{name} is not in" in line
    assert f"--from PATH: the published {name}.zip" in line
    assert ("recbole-1.2.1" in line) == (name == "ml-100k")
    nothing_half_written(empty_cache)


@pytest.mark.usefixtures("offline")
def test_without_pip_the_second_source_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(InputError, match="--from PATH"):
        data.fetch("ml-100k")


def test_a_wheel_that_was_changed_is_refused(tmp_path: Path) -> None:
    made = zipped(tmp_path / package_index.WHEEL, {"recbole/ml-100k.inter": b""})
    with pytest.raises(InputError, match="SHA-256"):
        data.fetch("ml-100k", made)


def test_from_an_archive_and_from_a_folder(tmp_path: Path) -> None:
    made = tmp_path / "made"
    archived(made)
    said: list[str] = []
    data.fetch("ml-latest", made / "made.zip", notify=said.append)
    assert "not checked" in said[0]
    assert len(data.load("ml-latest")) == len(SMALL.rated)
    data.fetch("ml-25m", made, notify=said.append)
    assert len(data.load("ml-25m")) == len(SMALL.rated)


def test_a_bad_row_in_an_archive_names_the_archive(tmp_path: Path, empty_cache: Path) -> None:
    head = b"userId,movieId,rating,timestamp\n"
    files = {"m/ratings.csv": head + b"1,1,9,1\n", "m/movies.csv": b"movieId,title,genres\n"}
    made = zipped(tmp_path / "made.zip", files)
    with pytest.raises(InputError) as caught:
        data.fetch("ml-latest", made)
    assert str(caught.value).startswith(f"{made}/ratings.csv, line 2: rating 9 is not on the scale")
    nothing_half_written(empty_cache)


@pytest.mark.usefixtures("offline")
def test_a_wheel_in_the_cache_is_used_again_only_if_it_is_sound(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made").mkdir()
    writers.recbole(tmp_path / "made", World([(1, 10, 4.0, 1)], [writers.Film(10, "Kolya", 1996)]))
    files = {p.name: p.read_bytes() for p in (tmp_path / "made").iterdir()}
    (empty_cache / "downloads").mkdir(parents=True)
    zipped(empty_cache / "downloads" / package_index.WHEEL, files)
    with pytest.raises(InputError, match="--from PATH"):
        data.fetch("ml-100k")
    monkeypatch.setattr(package_index, "verify_wheel", lambda _: None)
    assert len(data.load("ml-100k")) == 1


def test_from_an_archive_of_another_checksum(tmp_path: Path, empty_cache: Path) -> None:
    archived(tmp_path / "made")
    with pytest.raises(InputError, match=r"MD5 .* differs from the published"):
        data.fetch("ml-25m", tmp_path / "made" / "made.zip")
    nothing_half_written(empty_cache)


def test_from_a_truncated_archive(tmp_path: Path, empty_cache: Path) -> None:
    whole = archived(tmp_path / "made")
    (tmp_path / "cut.zip").write_bytes(whole[:300])
    for name in ("ml-25m", "ml-latest"):
        with pytest.raises(InputError, match="truncated or corrupt"):
            data.fetch(name, tmp_path / "cut.zip")
    nothing_half_written(empty_cache)


def test_from_what_is_no_edition(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file or folder.*--from PATH"):
        data.fetch("ml-25m", tmp_path / "none.zip")
    with pytest.raises(InputError, match=r"no ratings\.csv in it.*--from PATH"):
        data.fetch("ml-25m", tmp_path)
    (tmp_path / "hundred").mkdir()
    writers.u_data(tmp_path / "hundred", World([(1, 10, 4.0, 1)], SMALL.films))
    with pytest.raises(InputError, match=r"no ratings\.csv in it"):
        data.fetch("ml-25m", tmp_path / "hundred")


def test_unknown_edition_offers_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean ml-100k"):
        data.fetch("ml100k")
    with pytest.raises(InputError, match="no such file, folder or edition"):
        data.load("nothing")


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RATECAST_HOME", str(tmp_path / "file"))
    with pytest.raises(InputError, match="set RATECAST_HOME"):
        data.fetch("ml-25m", tmp_path)


def test_the_cache_is_where_the_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RATECAST_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert home() == Path("/somewhere/ratecast")
    monkeypatch.setenv("RATECAST_HOME", "/elsewhere")
    assert home() == Path("/elsewhere")


def test_ml_100k_falls_back_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editions, "SITE", "http://127.0.0.1:9")
    films = [writers.Film(10, "Kolya", 1996)]
    (tmp_path / "made").mkdir()
    writers.recbole(tmp_path / "made", World([(1, 10, 4.0, 1)], films))
    files = {f"recbole/{p.name}": p.read_bytes() for p in (tmp_path / "made").iterdir()}

    def downloaded(folder: Path) -> Path:
        return zipped(folder / package_index.WHEEL, files)

    monkeypatch.setattr(package_index, "download_wheel", downloaded)
    monkeypatch.setattr(package_index, "verify_wheel", lambda _: None)
    said: list[str] = []
    table = data.load("ml-100k", notify=said.append)
    assert any("second source" in line for line in said)
    assert table.movies["title"].to_list() == ["Kolya (1996)"]


def test_too_little_disk_is_said_before_anything_is_unpacked(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made"
    archived(made)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9, 9, 10))
    with pytest.raises(InputError, match=r"made\.zip: unpacking: needs about .* are free at"):
        data.fetch("ml-latest", made / "made.zip", notify=lambda _: None)
    with pytest.raises(InputError, match=r"ml-latest: 3 ratings: needs about"):
        data.fetch("ml-latest", made, notify=lambda _: None)
    nothing_half_written(empty_cache)
