"""The files in deploy/ agree with each other, with the image, and with what ratecast takes."""

import re
import shlex
import subprocess
import tomllib
from inspect import signature
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from prometheus_client.parser import text_string_to_metric_families

from ratecast.cli.serving import serve
from ratecast.serving.http.limits import Limits
from tests.docs.blocks import understood
from tests.serving.deploy.files import DEPLOY, ROOT, compose, expressions, manifests, stages, unit
from tests.serving.place import Place

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PORT = str(signature(serve).parameters["port"].default)
VOLUME, USER = "/var/lib/ratecast", 10001
# An exact version, or a digest.
EXACT = re.compile(r"[\w./-]+(:\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})")


def container() -> dict[str, Any]:
    """That of the service, in Kubernetes."""
    (found,) = deployment()["spec"]["template"]["spec"]["containers"]
    return dict(found)


def deployment() -> dict[str, Any]:
    (found,) = (each for each in manifests() if each["kind"] == "Deployment")
    return found


def options(words: list[str]) -> dict[str, str]:
    """The options of `ratecast serve`, after a check that it takes them."""
    assert words[0] == "serve"
    understood(words)
    return dict(word.partition("=")[::2] for word in words[1:])


def test_the_image_is_exact_and_for_a_user_of_its_own() -> None:
    build, final = stages()
    assert build.base == final.base
    found = re.fullmatch(r"python:(\d+\.\d+\.\d+)-slim-\w+(@sha256:[0-9a-f]{64})?", final.base)
    assert found
    assert found[1] in SpecifierSet(PROJECT["requires-python"])
    assert final.all("USER") == [f"{USER}:{USER}"]
    assert final.all("VOLUME") == [VOLUME]
    assert final.all("EXPOSE") == [PORT]
    for name in ("NUMBA_CACHE_DIR", "NUMBA_CPU_NAME"):
        assert final.environment[name] == build.environment[name]
    words = final.exec_form("CMD")
    assert final.exec_form("ENTRYPOINT") == ["ratecast"]
    understood(words)
    assert f"http://127.0.0.1:{PORT}/readyz" in final.exec_form("HEALTHCHECK")[-1]
    health = shlex.split(final.all("HEALTHCHECK")[0])
    assert all(option.startswith("--") for option in health[: health.index("CMD")])


def test_the_image_is_built_of_what_is_there() -> None:
    build, _ = stages()
    admitted = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    names = [name for sources, _ in build.copied for name in sources]
    assert {f"!{name}" for name in names} == {line for line in admitted if line.startswith("!")}
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in names:
        assert re.search(f"^{re.escape(name)}", kept.stdout, flags=re.MULTILINE), name
    placed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    for name in (*placed["targets"]["wheel"]["force-include"], PROJECT["readme"], "LICENSE"):
        assert name in names


def test_compose_starts_the_image_with_what_it_needs() -> None:
    given = compose()
    service, database = given["services"]["ratecast"], given["services"]["postgres"]
    found = options(service["command"])
    assert service["image"] == f"ratecast:{PROJECT['version']}"
    assert EXACT.fullmatch(database["image"])
    assert service["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert [mount.partition(":")[2] for mount in service["volumes"]] == [VOLUME]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    secrets = {f"/run/secrets/{name}" for name in service["secrets"]}
    url, _, passfile = found["--database"].partition("?passfile=")
    environment = database["environment"]
    user, name = environment["POSTGRES_USER"], environment["POSTGRES_DB"]
    assert url == f"postgresql+psycopg://{user}@postgres/{name}"
    assert secrets == {found["--token-file"], passfile}
    used = {*service["secrets"], *database["secrets"]}
    assert set(given["secrets"]) == used
    mounts = (*service["volumes"], *database["volumes"])
    assert {mount.partition(":")[0] for mount in mounts} == set(given["volumes"])


def test_kubernetes_has_one_writer() -> None:
    spec = deployment()["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert container()["image"] == f"ratecast:{PROJECT['version']}"
    options(container()["args"])
    pod = spec["template"]["spec"]
    context = pod["securityContext"]
    assert (context["runAsUser"], context["fsGroup"]) == (USER, USER)
    assert container()["securityContext"]["readOnlyRootFilesystem"] is True
    paths = {mount["name"]: mount["mountPath"] for mount in container()["volumeMounts"]}
    assert paths == {"home": VOLUME, "tmp": "/tmp"}
    assert {volume["name"] for volume in pod["volumes"]} == set(paths)


def test_the_probes_of_kubernetes_are_answered(place: Place) -> None:
    probes = [value for name, value in container().items() if name.endswith("Probe")]
    assert len(probes) == 3
    with place.open() as client:
        for probe in probes:
            assert probe["httpGet"]["port"] == "http"
            assert client.get(probe["httpGet"]["path"]).is_success


def test_the_objects_of_kubernetes_name_each_other() -> None:
    found = {(each["kind"], each["metadata"]["name"]): each for each in manifests()}
    assert [port["containerPort"] for port in container()["ports"]] == [int(PORT)]
    home, _ = deployment()["spec"]["template"]["spec"]["volumes"]
    assert ("PersistentVolumeClaim", home["persistentVolumeClaim"]["claimName"]) in found
    url = options(container()["args"])["--database"]
    host = url.partition("@")[2].partition("/")[0]
    stateful = found["StatefulSet", host]
    assert stateful["spec"]["serviceName"] == host
    for (kind, _), each in found.items():
        spec = each["spec"]
        if kind in ("Deployment", "StatefulSet"):
            labels = spec["template"]["metadata"]["labels"]
            assert spec["selector"]["matchLabels"] == labels
        if kind == "Service":
            assert spec["selector"] == each["metadata"]["labels"]
        if kind == "Ingress":
            (path,) = spec["rules"][0]["http"]["paths"]
            assert ("Service", path["backend"]["service"]["name"]) in found
            assert path["path"] == options(container()["args"])["--root-path"]
    (database,) = stateful["spec"]["template"]["spec"]["containers"]
    assert EXACT.fullmatch(database["image"])
    assert database["image"] == compose()["services"]["postgres"]["image"]


def test_the_secret_of_kubernetes_is_the_one_that_the_page_makes() -> None:
    (database,) = (
        each["spec"]["template"]["spec"]["containers"][0]
        for each in manifests()
        if each["kind"] == "StatefulSet"
    )
    asked = [
        variable["valueFrom"]["secretKeyRef"]
        for each in (container(), database)
        for variable in each["env"]
        if "valueFrom" in variable
    ]
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    made = re.search(r"kubectl create secret generic (\w+)((?:.*\\\n)*.*)", page)
    assert made
    keys = set(re.findall(r"--from-literal=([\w-]+)=", made[2]))
    assert {(key["name"], key["key"]) for key in asked} == {(made[1], key) for key in keys}


def test_the_unit_starts_the_service_under_the_path_of_the_proxies() -> None:
    found = unit()
    program, *words = shlex.split(found["ExecStart"][0])
    given = options(words)
    (credential,) = found["LoadCredential"]
    assert given["--token-file"].endswith(f"/{credential.partition(':')[0]}")
    assert given["--home"] == f"/var/lib/{found['StateDirectory'][0]}"
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    for path in (program, credential.partition(":")[2]):
        assert path in page
    environment = dict(each.split("=", 1) for each in found["Environment"])
    assert f"NUMBA_CACHE_DIR={environment['NUMBA_CACHE_DIR']}" in page
    for name in ("nginx.conf", "Caddyfile"):
        text = (DEPLOY / name).read_text("utf-8")
        assert f"{given['--root-path']}/" in text
        assert f"{given['--proxy']}:{PORT}" in text


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_proxy_lets_through_what_the_page_takes(name: str) -> None:
    text = (DEPLOY / name).read_text("utf-8")
    (most,) = re.findall(r"(?:client_max_body_size|max_size) (\d+)m", text.lower())
    # With the boundaries of a form.
    assert Limits().upload < int(most) * 10**6
    (words,) = re.findall(r"^# ratecast (serve .*)$", text, flags=re.MULTILINE)
    understood(words.split())


def test_prometheus_is_asked_for_what_the_service_has(place: Place) -> None:
    with place.open() as client:
        client.post("/v1/users/9001/ratings", json={"movie": 50, "stars": 4})
        client.get("/v1/model")
        text = client.get("/metrics").text
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        labels.setdefault(family.name, {"end"} if family.name.endswith("_band") else set())
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    asked = expressions()
    assert len(asked) > 20
    for expression in asked:
        for name, inner in re.findall(r"\b(ratecast_\w+)(?:\{([^}]*)\})?", expression):
            assert name in labels, expression
            wanted = set(re.findall(r"(\w+)(?:=~|!~|!=|=)", inner)) - {"instance", "job"}
            assert wanted <= labels[name], expression
        for value in re.findall(r'history="(\w+)"', expression):
            assert value == "all"


def test_no_file_has_a_secret() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    assert len(files) >= 8
    for path in files:
        assert not re.search(r"(password|token): *[\"']?\w{8,}", path.read_text("utf-8")), path
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text("utf-8")
