"""Starting a Ray cluster of this machine, or connecting to one, with what can be wrong with it."""

import importlib.metadata
import logging
import os
import platform
import socket
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from ratecast.errors import InputError
from ratecast.optional_packages import require
from ratecast.workers.local import THREADS, threads_of_children
from ratecast.workers.place import Ray
from ratecast.workers.ray_token import kept_stderr, token_fault

# What must be the same on every node, beside Python and Ray, which Ray itself compares.
PACKAGES = ("ratecast", "numba", "numpy", "polars", "torch", "lightning")
_SECONDS = 60
_REACH_SECONDS = 5
# How a client of gRPC begins, and the kind of the frame by which its server does (RFC 9113, 3.4).
_SETTINGS = b"\x04"
_HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + _SETTINGS + bytes(5)
# What Ray raises for a connection that cannot be had, beside its own errors.
_REFUSALS = ConnectionError, RuntimeError, ValueError, OSError
T = TypeVar("T")


def ray_package() -> Any:
    """Ray, which the extra `ray` installs. Raises `MissingPackageError` where it is not there."""
    require("ray", "--on ray")
    import ray

    return ray


def require_ray_train() -> None:
    """Raise `MissingPackageError` where the part of Ray that trains nets lacks a package."""
    for extra in ("ray-train", "nets"):
        require(extra, "--on ray")


@contextmanager
def cluster(place: Ray, threads: int) -> Iterator[int]:
    """A connection for the time of the block; gives the number of workers.

    threads: of each, on a core of its own. Raises `InputError` for an address that
    cannot be reached, other versions on a node, and too few cores.
    """
    ray = ray_package()
    if ray.is_initialized():
        raise InputError("ray: this program is connected to a cluster already; end that first")
    try:
        _connect(ray, place, threads)
        _print_lines(ray, False)
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
        _print_lines(ray, True)


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


def _connect(ray: Any, place: Ray, threads: int) -> None:
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    # Tasks that lack memory would be begun again for ever.
    os.environ.setdefault("RAY_task_oom_retries", "2")
    # Without it Ray warns of a change to come, for machines with an accelerator.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A warning of Ray on the token of a cluster that ends with the work.
    logging.getLogger("ray").setLevel(logging.ERROR)
    require_possible(place, threads)
    if place.address is None:
        asked = (place.workers or max((os.cpu_count() or 1) // threads, 1)) * threads
        options |= {"num_cpus": asked, "include_dashboard": False}
    else:
        options["runtime_env"] = {"env_vars": dict.fromkeys(THREADS, str(threads))}
    printed: list[str] = []
    try:
        # A cluster of this machine passes the environment on to workers that it starts at once.
        with threads_of_children(threads), kept_stderr(printed) if place.address else nullcontext():
            # Without the word, a cluster that is found on this machine would be taken.
            ray.init(address=place.address or "local", **options)
    except Exception as error:
        # For a node that is not there in time Ray raises an `Exception` of no other class.
        refused = isinstance(error, (*_REFUSALS, ray.exceptions.RayError))
        if not refused and type(error) is not Exception:
            raise
        raise _no_connection(place.address, error, printed) from None


def _no_connection(address: str | None, error: BaseException, printed: list[str]) -> InputError:
    """The reason in words. printed: by Ray meanwhile."""
    reason = " ".join(str(error).split()).rstrip(".")
    if address is None:
        return InputError(f"ray: no cluster can be started here ({reason}); leave --on ray out")
    if fault := token_fault(address, error, printed):
        return InputError(fault)
    return InputError(
        f"ray: no connection to {address} ({reason}); run the command on a node of the cluster, "
        "with the Python and the Ray of its head"
    )


def _print_lines(ray: Any, wanted: bool) -> None:
    """Whether Ray prints, on stdout among the results, that a worker has ended; we say it too."""
    # There is no option for it. With `log_to_driver` off these lines are all that it prints.
    ray._private.worker._worker_logs_enabled = wanted  # noqa: SLF001


def require_possible(place: Ray, threads: int = 1) -> None:
    """Raise `InputError` for what is seen without a connection. threads: of each worker."""
    ray_package()
    if place.address is not None:
        _require_reachable(place.address)
        return
    cores = os.cpu_count() or 1
    if (asked := (place.workers or 1) * threads) > cores:
        raise InputError(
            f"ray: {place.workers} workers need {asked} cores, and this machine has {cores}; "
            f"give --workers {cores // threads} at most"
        )


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
        with socket.create_connection((host, int(port)), _REACH_SECONDS) as connection:
            connection.sendall(_HTTP2)
            answer = connection.recv(9)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"ray: {address} cannot be reached ({error}); start the head there with ray start "
            f"--head --port {port}, or give the address of one"
        ) from None
    if answer[3:4] != _SETTINGS:
        raise InputError(
            f"ray: {address} answers, but is no head of a Ray cluster; give the address that ray "
            "start --head has printed"
        )


def versions() -> dict[str, str]:
    """What must be the same on every node."""
    # Without nets torch may be missing, on all of them.
    found = {
        name: importlib.metadata.version(name) if find_spec(name) else "none" for name in PACKAGES
    }
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


def require_on_each_node(check: Callable[[], None]) -> None:
    """Raise `InputError` for a node on which a check raises one."""
    for _ in _from_each_node(check):
        pass


def require_shared(folders: Collection[Path]) -> None:
    """Raise `InputError` for a folder that a node of the cluster does not have, or not the same."""
    for folder in folders:
        with _mark(folder.resolve()) as mark:
            for node, is_there in _from_each_node(os.path.exists, mark):
                if not is_there:
                    raise InputError(
                        f"{folder}: is not shared with node {node} of the cluster; give a folder "
                        "that every node has under this name, as on a network disk"
                    )


@contextmanager
def _mark(folder: Path) -> Iterator[str]:
    """A new file in a folder; the folder itself where it can only be read."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.access(folder, os.W_OK):
        with tempfile.NamedTemporaryFile(prefix=".shared-", dir=folder) as mark:
            yield mark.name
    else:
        yield str(folder)


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
