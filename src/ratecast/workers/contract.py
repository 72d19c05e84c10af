"""What the workers of every place can do."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Shared(Protocol[T_co]):
    """A value that calls are given without copying it for each of them."""

    def value(self) -> T_co:
        """The value, made once in each process. It must not be changed."""
        ...


class Served(Protocol):
    """A value whose methods calls use, wherever they run."""

    def call(self, method: str, *given: Any) -> Any:
        """The result of a method."""
        ...


class Pool(Protocol):
    """Runs calls. count: how many at a time."""

    count: int

    def submit(self, label: str, call: Callable[..., T], *given: Any) -> "Future[T]":
        """Run `call(*given)` on a worker.

        label: what messages call it. An error of the call is raised by the future as it was, with
        a note that has the label, but for an `InputError`. A worker of a cluster that ends is
        replaced, and the call begun again, some times; then it is an `InputError` with the label. A
        process of this machine that ends is an `InputError` at once.
        """
        ...

    def share(self, value: T) -> Shared[T]:
        """Give a value to all later calls."""
        ...

    def serve(self, value: Any) -> Served:
        """Let calls use the methods of a value that reads and writes files of this machine.

        value: it can be pickled. Each process of this machine has its own; a cluster has one.
        """
        ...
