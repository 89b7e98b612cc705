"""How long work reports what it does, and stops when asked to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Wraps the items of a loop; raises ``Cancelled`` from it when the person stops it."""

    def __call__(self, items: Sequence[T], description: str) -> Iterator[T]:
        """Yield every item, reporting progress under a description."""


def silently(items: Sequence[T], description: str) -> Iterator[T]:
    """Yield every item and report nothing."""
    del description
    return iter(items)
