"""What the workers of every place can do."""

from collections.abc import Callable, Sequence
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


class LostWorker(Exception):  # noqa: N818
    """A worker ended, and with it the value that it had; the message says which."""


class Actors(Protocol):
    """Some values of one kind, by number."""

    def call(self, number: int, method: str, *given: Any, results: int = 1) -> list[Any]:
        """Call a method, after the earlier calls of the same value; does not wait for it.

        given: what an earlier call gave, too: the call then waits for it. results: how many the
        method returns, as a sequence if they are more than one. Gives as many; see `get`.
        """
        ...

    def get(self, results: Sequence[Any]) -> list[Any]:
        """What calls have given, when they are done. It must not be changed.

        Raises what a call raised, and `LostWorker` where a worker has ended.
        """
        ...

    def end(self) -> None:
        """Give the workers back."""
        ...
