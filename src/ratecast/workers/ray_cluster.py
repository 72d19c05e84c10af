"""Starting a Ray cluster of this machine, or connecting to one, with what can be wrong with it."""

import importlib.metadata
import logging
import os
import platform
import socket
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ratecast.errors import InputError
from ratecast.workers.place import Ray

# What must be the same on every node, beside Python and Ray, which Ray itself compares.
PACKAGES = ("ratecast", "numba", "numpy", "polars")
_SECONDS = 60
_REACH_SECONDS = 5
T = TypeVar("T")


def ray_package() -> Any:
    """Ray, which the extra `ray` installs. Raises `InputError` where it is not there."""
    try:
        import ray
    except ImportError:
        raise InputError(
            "ray: is not installed; install it with pip install 'ratecast[ray]', or from a "
            "checkout with pip install -e '.[ray]'"
        ) from None
    return ray


@contextmanager
def cluster(place: Ray, threads: int, environment: Mapping[str, str]) -> Iterator[int]:
    """A connection for the time of the block; gives the number of workers.

    threads: cores of each. environment: of every process. Raises `InputError` for an address that
    cannot be reached, other versions on a node, and too few cores.
    """
    ray = ray_package()
    if ray.is_initialized():
        raise InputError("ray: this program is connected to a cluster already; end that first")
    _connect(ray, place, threads, environment)
    try:
        found = cores()
        count = place.workers or max(found // threads, 1)
        if count * threads > found:
            raise InputError(
                f"ray: {count} workers of {threads} cores each need {count * threads} cores, and "
                f"the cluster has {found}; give --workers {found // threads} at most"
            )
        if place.address is not None:
            _require_same_versions()
        yield count
    finally:
        ray.shutdown()


def cores() -> int:
    """Of all nodes that are there now."""
    return int(ray_package().cluster_resources().get("CPU", 0))


def require_memory(needed: float, count: int, what: str) -> None:
    """Raise `InputError` where a node has less memory than its workers need.

    needed: bytes of each of `count` workers. what: they do, in words.
    """
    for node in ray_package().nodes():
        has = node.get("Resources", {})
        workers = min(int(has.get("CPU", 0)), count)
        if node["Alive"] and workers and has.get("memory", 0) < needed * workers:
            raise InputError(
                f"{what}: each worker needs about {needed / 1e9:.1f} GB of memory, and node "
                f"{node['NodeManagerAddress']} has {has.get('memory', 0) / 1e9:.1f} GB for "
                f"{workers}; give nodes with more memory, or fewer cores (ray start --num-cpus)"
            )


def _connect(ray: Any, place: Ray, threads: int, environment: Mapping[str, str]) -> None:
    options: dict[str, Any] = {
        "logging_level": logging.ERROR,
        "log_to_driver": False,
        "runtime_env": {"env_vars": dict(environment)},
    }
    # Tasks that lack memory would be begun again for ever.
    os.environ.setdefault("RAY_task_oom_retries", "2")
    # Without it Ray warns of a change to come, for machines with an accelerator.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # A warning of Ray on the token of a cluster that ends with the work.
    logging.getLogger("ray").setLevel(logging.ERROR)
    if place.address is None:
        cores = os.cpu_count() or 1
        asked = (place.workers or max(cores // threads, 1)) * threads
        if asked > cores:
            raise InputError(
                f"ray: {place.workers} workers need {asked} cores, and this machine has {cores}; "
                f"give --workers {cores // threads} at most"
            )
        # Without the word it takes a cluster that this machine is a node of, and not these cores.
        ray.init(address="local", num_cpus=asked, include_dashboard=False, **options)
        return
    _require_reachable(place.address)
    try:
        ray.init(address=place.address, **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise InputError(
            f"ray: no connection to {place.address} ({reason}); run the command on a node of the "
            "cluster, with the Python and the Ray of its head"
        ) from None


def _require_reachable(address: str) -> None:
    """Raise `InputError` at once, where Ray would try for long."""
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        raise InputError(
            f"ray: {address!r} is no address; give that of the head node, as in 10.0.0.7:6379, or "
            "auto on a machine of the cluster"
        )
    try:
        socket.create_connection((host, int(port)), _REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise InputError(
            f"ray: {address} cannot be reached ({error}); start the head there with ray start "
            f"--head --port {port}, or give the address of one"
        ) from None


def versions() -> dict[str, str]:
    """What must be the same on every node."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return found | {"python": platform.python_version()}


def _require_same_versions() -> None:
    """Raise `InputError` for a node whose packages are not those of this machine."""
    here = versions()
    for node, there in _from_each_node(versions):
        for name, version in here.items():
            if there[name] != version:
                raise InputError(
                    f"ray: node {node} has {name} {there[name]}, and this machine {version}; "
                    "install the same on both"
                )


def require_shared(folders: Collection[Path]) -> None:
    """Raise `InputError` for a folder that a node of the cluster does not have, or not the same."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".shared-", dir=folder.resolve()) as mark:
            for node, is_there in _from_each_node(os.path.exists, mark.name):
                if not is_there:
                    raise InputError(
                        f"{folder}: is not shared with node {node} of the cluster; give a folder "
                        "that every node has under this name, as on a network disk"
                    )


def on_node(node_id: str) -> Any:
    """The strategy by which a task runs on a node and nowhere else."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id, soft=False)


def _from_each_node(ask: Callable[..., T], *given: Any) -> Iterator[tuple[str, T]]:
    """What a call gives on each node. Raises `InputError` for one where it does not."""
    ray = ray_package()
    task = ray.remote(num_cpus=0, max_retries=0)(ask)
    asked = {
        node["NodeManagerAddress"]: task.options(
            scheduling_strategy=on_node(node["NodeID"])
        ).remote(*given)
        for node in ray.nodes()
        if node["Alive"]
    }
    for node, reference in asked.items():
        try:
            yield node, ray.get(reference, timeout=_SECONDS)
        except ray.exceptions.RayTaskError as error:
            raise InputError(
                f"ray: node {node} cannot run ratecast ({error.cause}); install the same ratecast "
                "there"
            ) from None
        except ray.exceptions.RayError as error:
            raise InputError(f"ray: node {node} does not answer ({error}); restart it") from None
