"""The Kubernetes manifest and the recipe for two machines agree with the packages and Ray."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import ratecast as rc

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "launchers" / "cluster"
RECIPE = FOLDER / "two_machines.sh"


def manifests() -> dict[str, dict[str, Any]]:
    found = list(yaml.safe_load_all((FOLDER / "kuberay.yaml").read_text("utf-8")))
    return {each["kind"]: each for each in found}


def pinned(name: str) -> str:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{name}=="))


def pods() -> list[dict[str, Any]]:
    spec = manifests()["RayCluster"]["spec"]
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


def test_the_cluster_is_of_the_kubernetes_api_and_of_our_release_of_ray() -> None:
    found = manifests()
    assert set(found) == {"PersistentVolumeClaim", "RayCluster"}
    assert found["RayCluster"]["apiVersion"] == "ray.io/v1"
    assert found["RayCluster"]["spec"]["rayVersion"] == pinned("ray")
    for group in found["RayCluster"]["spec"]["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        # Kubernetes and Ray take text.
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())


def test_every_pod_shares_the_work_folder_and_has_the_same_image() -> None:
    claim = manifests()["PersistentVolumeClaim"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for pod in pods():
        volumes = {each["name"]: each for each in pod["volumes"]}
        assert volumes["work"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        (container,) = pod["containers"]
        mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        assert mounts == {"work": "/shared", "shared-memory": "/dev/shm"}
        assert mounts.keys() == volumes.keys()
        assert container["image"] == f"ratecast-ray:{rc.__version__}"
        assert container["resources"]["requests"] == container["resources"]["limits"]


def test_no_node_has_more_shared_memory_than_memory() -> None:
    for pod in pods():
        (container,) = pod["containers"]
        sizes = {each["name"]: each.get("emptyDir", {}).get("sizeLimit") for each in pod["volumes"]}
        memory = container["resources"]["limits"]["memory"]
        assert int(sizes["shared-memory"].removesuffix("Gi")) < int(memory.removesuffix("Gi")) / 2


def test_the_recipe_is_a_script_and_says_how_it_is_used() -> None:
    assert subprocess.run(["bash", "-n", RECIPE], check=False).returncode == 0
    said = subprocess.run(["bash", RECIPE], check=False, capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == f"usage: {RECIPE} head [OWN_ADDRESS] | join HEAD_ADDRESS | end\n"


def test_ray_has_every_option_of_the_recipe() -> None:
    pytest.importorskip("ray")
    text = RECIPE.read_text("utf-8")
    # Ray's command line takes seconds to import, so once for both, and away from this process.
    code = """
import json
from ray.scripts.scripts import cli
print(json.dumps({n: [o for p in c.params for o in p.opts] for n, c in cli.commands.items()}))
"""
    call = [sys.executable, "-c", code]
    found = json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout)
    for command in ("start", "get-auth-token"):
        lines = re.findall(rf"ray {command}( --?[^\n]*)", text)
        used = {option for line in lines for option in re.findall(r"--[a-z][a-z-]*", line)}
        assert used
        assert used <= set(found[command])
