"""What docs/deploy.md and docs/upgrade.md tell a reader to type works, in order, in one folder."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
import yaml
from alembic import command
from alembic.config import Config

from ratecast.cli import main
from ratecast.serving.store import migrate
from tests.docs.blocks import Block, blocks, lines, understood
from tests.serving import postgres
from tests.serving.deploy.files import DEPLOY, ROOT
from tests.serving.place import free_port, wait

PAGES = [ROOT / "docs" / name for name in ("deploy.md", "upgrade.md")]
BLOCKS = [block for page in PAGES for block in blocks(page)]
NOT_RUN = [block for block in BLOCKS if block.why]
# Before these the running service is stopped.
STOP = ("ratecast serve", "ratecast move-store", "mv service")
PORT = 8000
SECONDS = 300


class Typist:
    """Somebody who types what a page shows, and rates a movie whenever a service is started."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder, self.port, self.rated = folder, free_port(), list[int]()
        programs = folder / "programs"
        programs.mkdir()
        for name, words in (("ratecast", "-m ratecast.cli"), ("python3", "")):
            (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
            (programs / name).chmod(0o755)
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, **variables, "PATH": path}
        self._running = ExitStack()

    def follow(self, block: Block) -> None:
        """Type the lines of a block in one shell; a service goes on behind it."""
        before: list[str] = []
        for line in lines(block):
            if line.startswith(STOP):
                self.stop()
            if line.startswith("ratecast serve"):
                self.type(before, block)
                self.serve(line)
                before = []
            else:
                before.append(line.replace(f":{PORT}", f":{self.port}"))
        self.type(before, block)

    def type(self, script: list[str], block: Block) -> None:
        if not script:
            return
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=SECONDS,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block.place}: {script}\n{done.stdout}{done.stderr}"

    def serve(self, line: str) -> None:
        shell = f"exec {line} --port={self.port}"
        log = self._running.enter_context((self.folder / "serve.log").open("a"))
        running = subprocess.Popen(
            ["bash", "-c", shell], cwd=self.folder, env=self.environment, stdout=log, stderr=log
        )
        self._running.callback(running.wait, SECONDS)
        self._running.callback(running.terminate)
        token = self.folder / "token.txt"
        headers = {"Authorization": f"Bearer {token.read_text().strip()}"} if token.exists() else {}
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers) as client:
            wait(client)
            self.rated.append(50 + len(self.rated))
            rating = {"movie": self.rated[-1], "stars": 4}
            answer = client.post("/v1/users/9001/ratings", json=rating, timeout=SECONDS)
            assert answer.status_code == 201, answer.text
            stored = client.get("/v1/users/9001/ratings", timeout=SECONDS).json()["ratings"]
            self.stored = {each["movie"]["id"] for each in stored}

    def stop(self) -> None:
        self._running.close()


@pytest.fixture
def typist(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Typist]:
    variables = {}
    if postgres.here():
        running: postgres.Server = request.getfixturevalue("postgresql")
        for name in ("DATABASE", "EMPTY"):
            variables[name] = running.created(f"{name.lower()}{abs(hash(str(tmp_path)))}")
    found = Typist(tmp_path, variables)
    yield found
    found.stop()


@pytest.mark.usefixtures("ml100k")
def test_the_way_to_a_server_can_be_followed(typist: Typist) -> None:
    shutil.copytree(DEPLOY, typist.folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
    variables = typist.environment
    for block in blocks(PAGES[0]):
        if block.language == "sh" and not block.why:
            needed = re.findall(r"\$(DATABASE|EMPTY)", block.text)
            if not set(needed) - set(variables) and shutil.which("openssl"):
                typist.follow(block)
    # Started again, after the move or the restore, it had every rating from before.
    assert len(typist.rated) >= 3
    if "DATABASE" in variables:
        assert typist.stored == {50, 51, 53}
        counts = [_ratings(variables[name]) for name in ("DATABASE", "EMPTY")]
        assert counts == [3, 3]
    secrets = list((typist.folder / "deploy" / "secrets").iterdir())
    assert len(secrets) == 3
    assert not [file for file in secrets if file.stat().st_mode & 0o077]


@pytest.mark.usefixtures("ml100k")
def test_an_upgrade_can_be_followed(typist: Typist, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a store that an earlier release wrote."""
    monkeypatch.chdir(typist.folder)
    assert main(["train", "bias", "--all"]) == 0
    artifact = "lightning_logs/bias/version_0/artifact"
    assert main(["publish", artifact, "--home", "service"]) == 0
    engine = sa.create_engine(f"sqlite:///{typist.folder / 'service' / 'ratings.db'}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(migrate.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.exec_driver_sql("INSERT INTO ratings VALUES (1, 1, '9001', '7', 3.0, 5)")
    engine.dispose()
    for block in blocks(PAGES[1]):
        if block.language == "sh":
            typist.follow(block)
    assert typist.stored == {7, 50}
    published = sorted((typist.folder / "service" / "models").iterdir())
    assert len(published) >= 3


@pytest.mark.parametrize("block", NOT_RUN, ids=lambda block: block.place)
def test_what_cannot_be_run_here_is_understood(block: Block) -> None:
    subprocess.run(["bash", "-n", "-c", block.text], check=True)
    for line in lines(block):
        words = shlex.split(line)
        for k, word in enumerate(words):
            if word == "ratecast" if k == 0 else word.endswith("bin/ratecast"):
                understood(words[k + 1 :])
    for name in re.findall(r"(?<![\w/])deploy/[\w./-]+|requirements/\w+\.txt", block.text):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_variable_is_set_in_a_block_before_it_is_used(page: Path) -> None:
    known: set[str] = set()
    for block in blocks(page):
        if block.language == "sh":
            known |= set(re.findall(r"^([A-Z]+)=", block.text, flags=re.MULTILINE))
            assert set(re.findall(r"\$([A-Z]+)", block.text)) <= known, block.place


def test_the_files_that_the_pages_name_are_there() -> None:
    assert len(NOT_RUN) >= 5
    for page in PAGES:
        for name in re.findall(r"`(deploy/[\w./-]+)`", page.read_text("utf-8")):
            assert (ROOT / name).exists(), name
    (scrape,) = [block for block in BLOCKS if block.language == "yaml"]
    (job,) = yaml.safe_load(scrape.text)["scrape_configs"]
    assert job["job_name"] in (DEPLOY / "alerts.yaml").read_text("utf-8")
    assert job["static_configs"][0]["targets"] == [f"127.0.0.1:{PORT}"]


def _ratings(url: str) -> int:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        count = connection.execute(sa.text("SELECT count(*) FROM ratings")).scalar_one()
    engine.dispose()
    return int(count)
