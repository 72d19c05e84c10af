"""`ratecast mcp`: every tool, over a service and over an artifact, by the client of the SDK."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from ratecast.cli import main
from ratecast.importing.client import Client as ServiceClient
from ratecast.models.state_space.model import StateSpace
from ratecast.serving.live.published import ArtifactStore
from tests.importing import catalogue
from tests.serving.place import TOKEN, Place, free_port, wait

pytest.importorskip("mcp")

from mcp import Client, StdioServerParameters

from ratecast.assistants.client import of_artifact, of_service
from ratecast.assistants.server import make_server

Say = pytest.CaptureFixture[str]
Answer = dict[str, Any]
Asked = Callable[[Client], Awaitable[Any]]
READING = ["search", "predict", "recommend", "explain", "together"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that keeps ratings, so that it can explain a forecast."""
    folder = tmp_path_factory.mktemp("artifact") / "model"
    small = StateSpace(factors=2, co_rating_factors=2, iterations=2)
    small.fit(catalogue.ratings(catalogue.HALF)).save(folder)
    return folder


@pytest.fixture(scope="module")
def service(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("home")
    ArtifactStore(home).publish(model)
    with Place(home, token=TOKEN).open() as opened:
        yield opened


@asynccontextmanager
async def over_service(service: httpx.Client, token: str = TOKEN) -> AsyncIterator[Client]:
    where = ServiceClient(str(service.base_url), token, "--token-file")
    async with of_service(where) as asked, Client(make_server(asked, write=True)) as client:
        yield client


@asynccontextmanager
async def over_artifact(model: Path, home: Path) -> AsyncIterator[Client]:
    async with (
        of_artifact(model, home) as asked,
        Client(make_server(asked, write=True)) as client,
    ):
        yield client


async def answer(client: Client, tool: str, **arguments: Any) -> Answer:
    found = await client.call_tool(tool, arguments)
    assert not found.is_error, found.content
    assert found.structured_content is not None
    # Clients without structured output read the same as text.
    assert json.loads(found.content[0].text) == found.structured_content  # type: ignore[union-attr]
    structured: Answer = found.structured_content
    return structured


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    found = await client.call_tool(tool, arguments)
    assert found.is_error
    text: str = found.content[0].text  # type: ignore[union-attr]
    assert "\n" not in text
    return text


async def every_tool(client: Client) -> list[Answer]:
    """What each tool answers, before and after a rating of a new user."""
    found = [
        await answer(client, "search", words="red lamp", n=3),
        await answer(client, "predict", user=3, movies=[1, 2, 31]),
        await answer(client, "recommend", user=3, n=4, from_year=1965, to_year=1995),
        await answer(client, "explain", user=3, movie=1, n=2),
        await answer(client, "together", users=[3, 4], n=2),
        await answer(client, "together", users=[3, 7000], stars=3.5, by="least", n=2),
        await answer(client, "predict", user=7001, movies=[2, 4]),
    ]
    rated = [await answer(client, "rate", user=7001, movie=m, stars=4.5) for m in (1, 3, 5)]
    # The time is that of the clock.
    found += [{**each, "at": None} for each in rated]
    found.append(await answer(client, "recommend", user=7001, n=5))
    return found


def test_an_artifact_answers_as_the_service(
    service: httpx.Client, model: Path, tmp_path: Path
) -> None:
    async def both() -> tuple[list[Answer], list[Answer]]:
        async with over_service(service) as client:
            one = await every_tool(client)
        async with over_artifact(model, tmp_path) as client:
            return one, await every_tool(client)

    running, alone = anyio.run(both)
    assert alone == running
    search, predicted, best, explained, together, least, before, *_, after = running
    assert all("Red Lamp" in movie["title"] for movie in search["movies"])
    assert len(search["movies"]) == 3
    assert [each["movie"]["id"] for each in predicted["forecasts"]] == [1, 2, 31]
    assert predicted["scale"]["lowest"] == 0.5
    assert predicted["scale"]["stars"][:2] == [0.5, 1.0]
    assert sum(predicted["forecasts"][0]["probabilities"].values()) == pytest.approx(1)
    years = [each["movie"]["year"] for each in best["forecasts"]]
    assert all(1965 <= year <= 1995 for year in years)
    stars = [each["stars"] for each in best["forecasts"]]
    assert len(stars) == 4
    assert stars == sorted(stars, reverse=True)
    assert len(explained["reasons"]) == 2
    assert explained["forecast"] == predicted["forecasts"][0]
    assert len(together["movies"]) == 2
    assert (together["stars"], together["by"]) == (4.0, "chance")
    assert (least["stars"], least["by"], len(least["movies"])) == (3.5, "least", 2)
    assert before["forecasts"][0]["history_length"] == 0
    assert after["forecasts"][0]["history_length"] == 3
    assert not {1, 3, 5} & {each["movie"]["id"] for each in after["forecasts"]}
    shown = service.get("/v1/predict", params={"user": 3, "movie": [1]}).json()["forecasts"][0]
    assert predicted["forecasts"][0]["stars"] == shown["stars"]


def test_the_tools_are_described_and_read_only_unless_asked(model: Path, tmp_path: Path) -> None:
    async def offered() -> tuple[Any, Any]:
        async with of_artifact(model, tmp_path) as asked:
            async with Client(make_server(asked)) as client:
                reading = (await client.list_tools()).tools
            async with Client(make_server(asked, write=True)) as client:
                return reading, (await client.list_tools()).tools

    reading, writing = anyio.run(offered)
    assert [tool.name for tool in reading] == READING
    assert [tool.name for tool in writing] == [*READING, "rate"]
    assert all(tool.annotations.read_only_hint for tool in reading)
    assert not writing[-1].annotations.read_only_hint
    for tool in writing:
        assert tool.description
        assert "\n " not in tool.description
        assert tool.output_schema["properties"]
    forecast = reading[1].output_schema["$defs"]["Forecast"]["properties"]
    assert forecast["stars"]["description"] == "expected stars, on the scale"
    count = reading[0].input_schema["properties"]["n"]
    assert (count["minimum"], count["maximum"], count["default"]) == (1, 100, 10)


def test_refusals_are_one_line_with_what_to_do(
    service: httpx.Client, model: Path, tmp_path: Path
) -> None:
    async def ask() -> None:
        async with over_artifact(model, tmp_path) as client:
            text = await refusal(client, "predict", user=3, movies=[999])
            assert text.startswith(f"predict: {model}: movie 999 is not known")
            assert text.endswith("find its id by search")
            text = await refusal(client, "predict", user=3)
            assert text == "predict: movies: is missing; add it"
            text = await refusal(client, "search", words="x", n=0)
            assert text == "search: n: is too low; give 1 or more"
            text = await refusal(client, "rate", user=3, movie=1, stars=9)
            assert "stars 9: not on the scale" in text
            text = await refusal(client, "recommend", user=3, genre="Opera")
            assert "genre 'Opera': not known; genres are" in text
            text = await refusal(client, "predict", user="an", movies=[1])
            assert text.startswith(f"predict: {model}: user")
        async with over_service(service, "no-token-of-the-service") as client:
            text = await refusal(client, "recommend", user=3)
            assert "this token does not allow it; give the token" in text
            assert "--token-file or RATECAST_TOKEN" in text
        absent = ServiceClient(f"http://127.0.0.1:{free_port()}")
        async with of_service(absent) as asked, Client(make_server(asked)) as client:
            text = await refusal(client, "search", words="red")
            assert f"{absent.url}: no service there" in text
            assert "start one with ratecast serve" in text

    anyio.run(ask)


def test_what_fails_inside_is_not_shown(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> str:
        async with of_artifact(model, tmp_path) as asked, Client(make_server(asked)) as client:

            def fail(*_: object) -> None:
                raise RuntimeError("a secret")

            monkeypatch.setattr(asked, "get", fail)
            return await refusal(client, "search", words="red")

    assert anyio.run(ask) == "search: failed; what ratecast mcp wrote to stderr says why"


def test_over_stdin_and_stdout(model: Path, tmp_path: Path) -> None:
    """A process of its own, which ends and leaves nothing behind when its stdin is closed."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    words = ["-m", "ratecast.cli", "mcp", "--artifact", str(model)]
    server = StdioServerParameters(
        command=sys.executable, args=words, env={**os.environ, "TMPDIR": str(temporary)}
    )

    async def ask() -> tuple[list[str], Answer]:
        async with Client(server, read_timeout_seconds=60) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            assert list(temporary.iterdir())
            return tools, await answer(client, "search", words="twice told")

    tools, found = anyio.run(ask)
    assert tools == READING
    assert {movie["year"] for movie in found["movies"]} == {1971, 1999}
    assert not list(temporary.iterdir())


def test_over_http(model: Path) -> None:
    """A process of its own, which Ctrl-C ends; it refuses what comes by another name."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    words = ["-m", "ratecast.cli", "mcp", "--artifact", str(model), "--port", str(port)]

    async def ask() -> Answer:
        async with Client(f"{address}/mcp") as client:
            return await answer(client, "search", words="twice told")

    with subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True) as running:
        try:
            with httpx.Client(base_url=address) as http:
                wait(http, 404, "/")
                other = http.post("/mcp", json={}, headers={"Host": "elsewhere.org"})
            assert other.status_code == 421
            assert len(anyio.run(ask)["movies"]) == 2
        finally:
            running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 130
        assert running.stderr is not None
        assert running.stderr.read().splitlines()[-1] == "ratecast: stopped"


def test_options_that_cannot_be(
    model: Path, tmp_path: Path, capsys: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    def line(*words: object) -> str:
        capsys.readouterr()
        assert main(["mcp", *map(str, words)]) == 2
        found = capsys.readouterr()
        assert not found.out
        assert found.err.count("\n") == 1
        return found.err

    assert "give either --url URL or --artifact DIR" in line()
    assert "give either" in line("--url", "http://127.0.0.1:1", "--artifact", model)
    for url in ("ftp://127.0.0.1", "http://"):
        assert f"{url}: is no address of a service" in line("--url", url)
    assert "--token-file is for a service" in line("--artifact", model, "--token-file", "token")
    assert "no manifest.json" in line("--artifact", tmp_path)
    assert "give a number up to 65535" in line("--artifact", model, "--port", 99999)
    monkeypatch.setattr("ratecast.optional_packages.find_spec", lambda _: None)
    assert "mcp is not installed; install it with pip install" in line("--artifact", model)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_stdin_is_open(
    number: signal.Signals, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read of stdin goes on; the process ends without it, after what it made is removed."""
    ended: list[int] = []
    removed: list[bool] = []

    async def run(*_: object, **__: object) -> None:
        try:
            signal.raise_signal(number)
            await anyio.sleep(60)
        finally:
            removed.append(True)

    monkeypatch.setattr("ratecast.assistants.server.run", run)
    monkeypatch.setattr("os._exit", ended.append)
    former = signal.getsignal(signal.SIGTERM)
    main(["mcp", "--artifact", str(model)])
    assert (ended, removed) == ([130], [True])
    assert signal.getsignal(signal.SIGTERM) is former


def test_an_empty_stdin_ends_it(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert main(["mcp", "--artifact", str(model)]) == 0
