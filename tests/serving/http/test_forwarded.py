"""What a proxy says holds if it was named; and everything works under a path."""

from pathlib import Path
from typing import Any

import pytest

from ratecast.errors import InputError
from ratecast.serving.http.forwarded import Proxies, _apply, _strip
from ratecast.serving.http.limits import Limits
from tests.serving.place import Place

HERE = "127.0.0.1"
SAID = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "films.example",
    "X-Forwarded-Prefix": "/ratecast",
}


def scope_of(headers: dict[str, str], path: str = "/", kind: str = "http") -> dict[str, Any]:
    given = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scheme = "http" if kind == "http" else "ws"
    return {"type": kind, "headers": [], "path": path, "raw_path": path.encode(), "given": given,
            "client": ("10.0.0.1", 1), "scheme": scheme, "root_path": ""}  # fmt: skip


def applied(headers: dict[str, str], kind: str = "http") -> dict[str, Any]:
    scope = scope_of(headers, kind=kind)
    _apply(scope, scope["given"], Proxies.of("10.0.0.0/8,::1"))
    return scope


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        # The client wrote the first one itself.
        ("198.51.100.1, 203.0.113.7, 10.9.9.9", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("203.0.113.7, nonsense", "10.0.0.1"),
        ("nonsense, 10.1.1.1", "10.1.1.1"),
        ("", "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy(chain: str, client: str) -> None:
    assert applied({"X-Forwarded-For": chain})["client"][0] == client


def test_scheme_host_and_path_are_those_of_the_client() -> None:
    scope = applied(SAID)
    assert (scope["scheme"], scope["root_path"]) == ("https", "/ratecast")
    assert dict(scope["headers"])[b"host"] == b"films.example"
    assert applied(SAID, "websocket")["scheme"] == "wss"
    odd = {
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Host": "a/b",
        "X-Forwarded-Prefix": "/a/../b",
    }
    scope = applied(odd)
    assert (scope["scheme"], scope["root_path"], scope["headers"]) == ("http", "", [])


@pytest.mark.parametrize(
    ("path", "bare"),
    [("/ratecast/v1", "/v1"), ("/ratecast", "/"), ("/v1", "/v1"), ("/ratecasts", "/ratecasts")],
)
def test_a_path_is_taken_with_the_root_and_without(path: str, bare: str) -> None:
    scope = scope_of({}, path)
    _strip(scope, "/ratecast")
    assert (scope["path"], scope["raw_path"]) == (bare, bare.encode())


@pytest.mark.parametrize("proxy", ["somewhere", "10.0.0.1/8", "", "1.2.3.4,"])
def test_what_is_no_address_is_refused(proxy: str) -> None:
    with pytest.raises(InputError, match=r"--proxy .* is no address"):
        Proxies.of(proxy)


@pytest.mark.parametrize("root", ["ratecast", "/a b", "/../x", "/a//b", "/a?b"])
def test_what_is_no_root_path_is_refused(root: str) -> None:
    with pytest.raises(InputError, match=r"--root-path .* is no path"):
        Proxies.of(None, root)


def test_proxies_are_known_by_address_and_network() -> None:
    proxies = Proxies.of("127.0.0.1,10.0.0.0/8,::1", "/ratecast/")
    assert proxies.root_path == "/ratecast"
    assert all(map(proxies.trusts, ["127.0.0.1", "::ffff:127.0.0.1", "10.2.3.4", "::1"]))
    assert not any(map(proxies.trusts, ["127.0.0.2", "11.0.0.1", "", "unix"]))


def test_behind_a_proxy_each_client_has_its_own_rate(place: Place) -> None:
    place.limits, place.proxies = Limits(rate=1), Proxies.of(HERE)
    with place.open() as client:
        statuses = [
            client.get("/v1/model", headers={"X-Forwarded-For": f"203.0.113.{k}"}).status_code
            for k in (7, 7, 7, 8)
        ]
    assert statuses == [200, 200, 429, 200]


def test_what_others_say_is_not_believed(place: Place) -> None:
    place.limits = Limits(rate=1)
    with place.open() as client:
        statuses = [
            client.get("/v1/model", headers=SAID | {"X-Forwarded-For": f"203.0.113.{k}"})
            for k in (7, 8, 9)
        ]
        assert [answer.status_code for answer in statuses] == [200, 200, 429]


def test_the_api_and_its_documentation_work_under_a_path(place: Place) -> None:
    place.proxies = Proxies.of(HERE)
    with place.open() as client:
        document = client.get("/openapi.json", headers=SAID).json()
        assert document["servers"][0]["url"] == "/ratecast"
        assert "servers" not in client.get("/openapi.json").json()
        page = client.get("/docs", headers=SAID).text
        assert 'src="docs/start.js"' in page
        assert 'href="/' not in page
        assert 'url: "openapi.json"' in client.get("/docs/start.js", headers=SAID).text
        moved = client.get("/v1/model/", headers=SAID)
        assert moved.headers["location"] == "/ratecast/v1/model"
        assert client.get("/v1/movies/%35%30", headers=SAID).json()["id"] == 50
    place.proxies = Proxies.of(None, "/ratecast")
    with place.open() as client:
        for path in ("/v1/model", "/ratecast/v1/model", "/ratecast/docs", "/docs"):
            assert client.get(path).is_success, path
        assert client.get("/v1/model/").headers["location"] == "/ratecast/v1/model"


def test_head_works_where_get_does(place: Place) -> None:
    with place.open() as client:
        paths = ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/v1/model"]
        for path in [*paths, "/v1/movies/50", "/v1/movies/0", "/v1/users/1/ratings"]:
            get, head = client.get(path), client.head(path)
            assert head.status_code == get.status_code
            assert head.content == b""
            if path != "/metrics":
                assert head.headers["content-length"] == get.headers["content-length"]
        assert client.head("/v1/users").status_code == 405
        assert client.post("/v1/model").headers["allow"] == "GET, HEAD"
        counted = client.get("/metrics").text
        assert 'method="HEAD",route="/v1/model",status="200"' in counted


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    from ratecast.serving.http.auth import service_token

    file = tmp_path / "token"
    file.write_text("a-token-of-a-file\n")
    file.chmod(0o600)
    assert service_token(None, None, {}) is None
    assert service_token("typed", None, {"RATECAST_TOKEN": "set"}) == "typed"
    assert service_token(None, None, {"RATECAST_TOKEN": "set"}) == "set"
    assert service_token(None, file, {"RATECAST_TOKEN": "set"}) == "a-token-of-a-file"
    assert service_token(None, None, {"RATECAST_TOKEN_FILE": str(file)}) == "a-token-of-a-file"
    for token, given, environment, words in [
        ("typed", file, {}, "--token and --token-file are both given"),
        (None, None, {"RATECAST_TOKEN": "x", "RATECAST_TOKEN_FILE": "y"}, "are both given"),
        (None, tmp_path / "none", {}, "No such file"),
    ]:
        with pytest.raises(InputError, match=words):
            service_token(token, given, environment)
    file.chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        service_token(None, file, {})
    file.chmod(0o600)
    file.write_text("\n")
    with pytest.raises(InputError, match="is empty"):
        service_token(None, file, {})


def test_a_cookie_is_secure_behind_tls_and_of_our_path_only() -> None:
    from ratecast.serving.http.middleware import _adapted

    cookie = (b"set-cookie", b"visitor=abc; path=/; Max-Age=9; httponly; samesite=lax")
    plain = {"scheme": "http", "headers": []}
    assert _adapted(cookie, plain, "/", "") == cookie
    _, value = _adapted(cookie, {"scheme": "https", "headers": []}, "/", "/ratecast")
    assert value == b"visitor=abc; path=/ratecast; Max-Age=9; httponly; samesite=lax; secure"
