"""The wheel in empty environments of every Python and extra: it trains, predicts and serves."""

import json
import signal
import subprocess
import tomllib
from pathlib import Path

import httpx
import pytest

from tests.packaging.builds import ROOT
from tests.packaging.environments import (
    PYTHONS,
    RUN_SECONDS,
    Environment,
    installing,
    interpreter,
    made,
    uv,
    write_ratings,
)
from tests.serving.place import free_port, wait

pytestmark = pytest.mark.packaging
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# Of work on ratecast itself: installed by `make setup`.
EXTRAS = ["", *(name for name in PROJECT["optional-dependencies"] if name not in ("dev", "docs"))]
ARTIFACT = "out/bias/version_0/artifact"
CLIENT = """
import ratecast as rc

def stars(model: rc.Model, user: int, movie: int) -> float:
    return float(model.predict([user], [movie]).frame["stars"][0])

print(stars(rc.load_model("out/bias/version_0/artifact"), 1, 2))
"""


def python(version: str) -> str:
    found = interpreter(version)
    if found is None:
        pytest.skip(f"no Python {version} on this machine")
    return found


def installed(folder: Path, version: str, wheel: Path, extra: str) -> Environment:
    environment = made(folder, python(version))
    what = f"ratecast[{extra}] @ {wheel.as_uri()}" if extra else f"ratecast @ {wheel.as_uri()}"
    if "nvidia" in installing(environment, "--dry-run", what):
        pytest.skip(f"torch for Python {version} is here a build for GPUs, of several GB")
    installing(environment, what)
    return environment


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: extra or "core")
@pytest.mark.parametrize("version", PYTHONS)
def test_the_wheel_trains_and_predicts(
    version: str, extra: str, packages: dict[str, Path], tmp_path: Path
) -> None:
    environment = installed(tmp_path, version, packages["wheel"], extra)
    assert environment.run("ratecast", "--version").split()[-1] == PROJECT["version"]
    assert "state_space" in environment.run("ratecast", "models")
    write_ratings(tmp_path / "ratings.csv")
    environment.run("ratecast", "train", "bias", "--data=ratings.csv", "--out=out")
    words = ("ratecast", "predict", f"--artifact={ARTIFACT}", "--user=1", "--movie=2", "--json")
    forecast = json.loads(environment.run(*words))
    (tmp_path / "client.py").write_text(CLIENT, "utf-8")
    stars = float(environment.run("python", "client.py"))
    assert 1 <= stars <= 5
    assert stars == pytest.approx(forecast["stars"], abs=0.01)
    doctor = json.loads(environment.ran("ratecast", "doctor", "--offline", "--json").stdout)
    found = {name: check["value"] for name, check in doctor["checks"]["Extras"].items()}
    assert found.get(extra, "installed") == "installed"
    assert doctor["checks"]["Versions"]["python"]["ok"]


@pytest.mark.parametrize("version", PYTHONS)
def test_the_wheel_serves_page_and_table(
    version: str, packages: dict[str, Path], tmp_path: Path
) -> None:
    environment = installed(tmp_path, version, packages["wheel"], "serve")
    write_ratings(tmp_path / "ratings.csv")
    environment.run("ratecast", "train", "bias", "--data=ratings.csv", "--out=out")
    environment.run("ratecast", "publish", ARTIFACT, "--home=service")
    # The table of the reproduction, which only the wheel has beside the page.
    code = "from ratecast.serving.page.models import results; print(sorted(results() or ()))"
    assert "rows" in environment.run("python", "-c", code)
    port = free_port()
    words = [str(environment.bin / "ratecast"), "serve", "--home=service", f"--port={port}"]
    with (tmp_path / "serve.log").open("w", encoding="utf-8") as log:
        service = subprocess.Popen(
            words, cwd=tmp_path, env=environment.variables, stdout=log, stderr=log
        )
        try:
            address = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=address, timeout=60.0) as client:
                # All is imported, and kernels compiled, for the first time.
                wait(client, seconds=RUN_SECONDS)
                assert client.get("/v1/predict", params={"user": 1, "movie": 2}).is_success
                for path in ("/", "/models", "/docs", "/openapi.json"):
                    assert client.get(path).is_success, path
            # After its last request it ends as the signal says.
            service.terminate()
            assert service.wait(30.0) in (0, -signal.SIGTERM)
        finally:
            service.kill()
            service.wait()
    events = (tmp_path / "serve.log").read_text("utf-8")
    assert "Application shutdown complete" in events
    assert "Traceback" not in events


def test_a_client_is_checked_against_the_types(packages: dict[str, Path], tmp_path: Path) -> None:
    environment = installed(tmp_path, "3.11", packages["wheel"], "")
    installing(environment, "mypy")
    (tmp_path / "client.py").write_text(CLIENT, "utf-8")
    environment.run("mypy", "--strict", "client.py")
    (tmp_path / "wrong.py").write_text(CLIENT.replace(", 1, 2)", ", 'one', 2)"), "utf-8")
    assert 'incompatible type "str"; expected "int"' in environment.ran("mypy", "wrong.py").stdout
    (tmp_path / "typed.py").write_text(
        "import ratecast as rc\nreveal_type(rc.load_model('x'))\n", "utf-8"
    )
    assert "ratecast.modelling.contract.model.Model" in environment.ran("mypy", "typed.py").stdout


@pytest.mark.parametrize("version", PYTHONS)
@pytest.mark.parametrize("deployment", ["core", "serve"])
def test_pins_with_hashes_install_by_pip_alone(
    version: str, deployment: str, packages: dict[str, Path], tmp_path: Path
) -> None:
    environment = made(tmp_path, python(version))
    uv("pip", "install", f"--python={tmp_path / 'env'}", "pip")
    pip = ("python", "-m", "pip", "install", "--no-compile")
    pins = str(ROOT / "requirements" / f"{deployment}.txt")
    environment.run(*pip, "--require-hashes", "--only-binary=:all:", "-r", pins)
    environment.run(*pip, "--no-deps", "--no-index", str(packages["wheel"]))
    environment.run("python", "-m", "pip", "check")
    assert environment.run("ratecast", "--version").split()[-1] == PROJECT["version"]
    assert "state_space" in environment.run("ratecast", "models")
