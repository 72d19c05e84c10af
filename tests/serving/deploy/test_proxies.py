"""ratecast behind nginx and Caddy, with the files in deploy/: `make test-deploy`."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.serving.deploy.proxies import PROXIES, ROOT_PATH, Front
from tests.serving.place import Place, process, wait

pytestmark = pytest.mark.deploy
# Of a page with many movies.
MOST = 30
SOCKET = f"{ROOT_PATH}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"


@contextmanager
def behind(name: str, home: Path, *words: str) -> Iterator[tuple[Front, httpx.Client]]:
    """The service behind a proxy, and a client of the service itself."""
    folder = home / "proxy"
    folder.mkdir()
    options = ("--proxy=127.0.0.1", f"--root-path={ROOT_PATH}", *words)
    with process(home, *options) as (_, client):
        wait(client)
        with PROXIES[name](int(client.base_url.port or 0), folder) as front:
            yield front, client


@pytest.mark.parametrize("name", PROXIES)
def test_everything_works_under_the_path(name: str, place: Place) -> None:
    with behind(name, place.home) as (front, direct), front.client() as client:
        _walk(client)
        _addresses(client, front)
        _api(client)
        assert client.get(f"{ROOT_PATH}/metrics").status_code == 404
        assert direct.get("/metrics").is_success
        asyncio.run(_socket(front))


def _walk(client: httpx.Client) -> None:
    """Every link and file of the page, and of the pages that it links to, is there."""
    page = client.get(f"{ROOT_PATH}/")
    cookie = page.headers["set-cookie"].lower()
    assert f"path={ROOT_PATH};" in cookie
    assert "; secure" in cookie
    seen = _linked(client, f"{ROOT_PATH}/")
    assert {f"{ROOT_PATH}{page}" for page in ("/models", "/map", "/together")} <= seen
    further = {each for path in seen for each in _linked(client, path)} - seen
    assert len(further) > MOST
    for path in sorted(further)[:: len(further) // MOST]:
        assert client.get(path).status_code == 200, path


def _linked(client: httpx.Client, path: str) -> set[str]:
    """What a page links to or loads, as addresses of this host: so many at most."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    if "html" not in answer.headers["content-type"]:
        return set()
    links = re.findall(r"""(?:href|src)=["']([^"'#]+)["']""", answer.text)
    links += re.findall(r'"(?:href|src)":"([^"#]+)"', answer.text)
    own = {link for link in links if not link.startswith(("http:", "https:", "data:"))}
    found = [str(httpx.URL(f"https://x{path}").join(link).raw_path, "ascii") for link in own]
    assert all(link.startswith(f"{ROOT_PATH}/") for link in found), found
    return set(sorted(found)[:MOST])


def _addresses(client: httpx.Client, front: Front) -> None:
    """Without the slash, and without TLS, one is led to the right address."""
    moved = client.get(ROOT_PATH)
    assert moved.status_code == 308
    assert httpx.URL(front.address).join(moved.headers["location"]).path == f"{ROOT_PATH}/"
    led = httpx.get(f"{front.plain}{ROOT_PATH}/")
    assert led.status_code in (301, 308)
    assert led.headers["location"].startswith("https://")
    assert led.headers["location"].endswith(f"{ROOT_PATH}/")
    assert "max-age" in client.get(f"{ROOT_PATH}/healthz").headers["strict-transport-security"]
    # What a client says of a path in front is not believed.
    lied = client.get(f"{ROOT_PATH}/", headers={"X-Forwarded-Prefix": "/elsewhere"})
    assert "/elsewhere" not in lied.text
    lied = client.get(f"{ROOT_PATH}/v1/model/", headers={"X-Forwarded-Host": "else.example"})
    assert "else.example" not in lied.headers["location"]


def _api(client: httpx.Client) -> None:
    """Ids with a slash, and bodies, get through to the service, which answers itself."""
    document = client.get(f"{ROOT_PATH}/openapi.json").json()
    assert document["servers"][0]["url"] == ROOT_PATH
    rating = {"movie": 50, "stars": 4}
    assert client.post(f"{ROOT_PATH}/v1/users/9001/ratings", json=rating).status_code == 201
    missing = client.get(f"{ROOT_PATH}/v1/movies/a%2Fb%20c")
    assert missing.headers["content-type"] == "application/problem+json"
    assert "a/b c" in missing.json()["detail"]
    large = client.post(f"{ROOT_PATH}/v1/predict", content=b"x" * (2 << 20))
    assert large.status_code == 413
    assert large.headers["content-type"] == "application/problem+json"


async def _socket(front: Front) -> None:
    """The page's socket opens for its own address, and for no other."""
    address = front.address.replace("https:", "wss:") + SOCKET
    async with connect(address, ssl=front.trust, origin=front.address) as socket:  # type: ignore[arg-type]
        # The first message of Engine.IO.
        assert str(await socket.recv()).startswith('0{"sid"')
    with pytest.raises(InvalidStatus):
        async with connect(address, ssl=front.trust, origin="https://else.example"):  # type: ignore[arg-type]
            pass


@pytest.mark.parametrize("name", PROXIES)
def test_each_client_has_its_own_rate(name: str, place: Place) -> None:
    """By the address that the proxy saw, and not by what the client says of itself."""
    with behind(name, place.home, "--rate-limit=1") as (front, _):
        said = {"X-Forwarded-For": "203.0.113.9"}
        with front.client("127.0.0.5") as one, front.client("127.0.0.6") as two:
            path = f"{ROOT_PATH}/v1/model"
            statuses = [one.get(path, headers=said).status_code for _ in range(4)]
            assert statuses[-1] == 429
            assert two.get(path, headers=said).status_code == 200
