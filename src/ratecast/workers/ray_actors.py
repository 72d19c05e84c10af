"""Values in actors of a Ray cluster."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from ratecast.errors import InputError
from ratecast.workers.contract import LostWorker
from ratecast.workers.ray_cluster import ray_package
from ratecast.workers.ray_pool import first_line

# A node that is added on demand may take a minute.
START_SECONDS = 120


class RayActors:
    """See `Actors`. An actor that ends is not begun again: it had what it was given and more."""

    def __init__(
        self, label: str, make: Callable[..., Any], given: Sequence[tuple[Any, ...]]
    ) -> None:
        ray = ray_package()
        kept = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Kept)
        self._label = label
        self._actors = [kept.remote(make, *each) for each in given]
        # For messages: known before the process can end at its work.
        self._nodes = [actor.node.remote() for actor in self._actors]
        self._require_all()

    def _require_all(self) -> None:
        """Raise `LostWorker` where some find no core, as for a node whose end is not known yet."""
        ray = ray_package()
        there, _ = ray.wait(self._nodes, num_returns=len(self._nodes), timeout=START_SECONDS)
        if len(there) < len(self._nodes):
            self.end()
            raise LostWorker(
                f"{self._label}: {len(there)} of {len(self._nodes)} workers found a core within "
                f"{START_SECONDS} seconds"
            )

    def call(self, number: int, method: str, *given: Any, results: int = 1) -> list[Any]:
        """See `Actors`."""
        found = self._actors[number].call.options(num_returns=results).remote(method, *given)
        return [found] if results == 1 else list(found or ())

    def get(self, results: Sequence[Any]) -> list[Any]:
        """See `Actors`."""
        ray, found, errors = ray_package(), list[Any](), list[BaseException]()
        for result in results:
            try:
                found.append(ray.get(result))
            except ray.exceptions.RayError as error:
                errors.append(_unwrapped(error))
        if not errors:
            return found
        # What one raised makes others fail that wait for it.
        raise self._named(min(errors, key=_turn))

    def end(self) -> None:
        """See `Actors`."""
        for actor in self._actors:
            ray_package().kill(actor)
        self._actors = []

    def pids(self) -> list[int]:
        """The process of each."""
        ray = ray_package()
        found: list[int] = ray.get([actor.pid.remote() for actor in self._actors])
        return found

    def _named(self, error: BaseException) -> BaseException:
        """The error, or a lost worker in words."""
        ray = ray_package()
        if not isinstance(error, ray.exceptions.RayError):
            return error
        ids = [actor._actor_id.hex() for actor in self._actors]  # noqa: SLF001
        lost = getattr(error, "actor_id", None)
        which = self._label
        if lost in ids:
            which += f" {ids.index(lost)}{self._node(ids.index(lost))}"
        return LostWorker(f"{which}: {first_line(error)}")

    def _node(self, number: int) -> str:
        ray = ray_package()
        try:
            return f", on node {ray.get(self._nodes[number], timeout=1)}"
        except (ray.exceptions.RayError, TimeoutError):
            return ""


def _turn(error: BaseException) -> int:
    """The reason comes first: an input, a lost worker, then what waited for them."""
    if isinstance(error, InputError):
        return 0
    return 1 if isinstance(error, ray_package().exceptions.RayError) else 2


def _unwrapped(error: BaseException) -> BaseException:
    """What a call raised, without what Ray wraps it in."""
    ray = ray_package()
    while isinstance(error, ray.exceptions.RayTaskError):
        error = error.cause
    return error


class _Kept:
    """The actor."""

    def __init__(self, make: Callable[..., Any], *given: Any) -> None:
        from ratecast.progress import silent

        with silent():
            self._value = make(*given)

    def call(self, method: str, *given: Any) -> Any:
        """The result of a method."""
        return getattr(self._value, method)(*given)

    def node(self) -> str:
        """The address of its machine."""
        address: str = ray_package().util.get_node_ip_address()
        return address

    def pid(self) -> int:
        """Of its process."""
        return os.getpid()
