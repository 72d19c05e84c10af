"""Reads ahead: what is needed next is read by another thread while the present is worked on."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def read_ahead(items: Iterable[T], read: Callable[[T], R], most: int = 2) -> Iterator[R]:
    """`read` of each item, in order; up to `most` are read before they are asked for.

    What `read` raises is raised where its result would come.
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(1) as reader:
        try:
            for item in items:
                waiting.append(reader.submit(read, item))
                if len(waiting) > most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def iterate_ahead(items: Iterator[T], most: int = 2) -> Iterator[T]:
    """The items of an iterator, whose next ones are made by another thread."""
    end = object()

    def following(_: int) -> T | object:
        return next(items, end)

    def forever() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    for item in read_ahead(forever(), following, most):
        if item is end:
            return
        yield item  # type: ignore[misc]
