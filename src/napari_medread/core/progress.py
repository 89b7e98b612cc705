"""The progress protocol: how long-running work reports how far it is, and is cancelled.

Every function of this package that may take a while has a ``progress`` parameter with this
protocol. It is called as ``progress(items, description)``, as ``tqdm`` would be, and the function
loops over what it returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Wraps the items of a loop to report progress, and to cancel the work.

    Raise ``Cancelled`` from the iterator to cancel: the work stops before the next item, and
    leaves nothing unfinished behind.
    """

    def __call__(self, items: Sequence[T], description: str) -> Iterator[T]:
        """Yield every item, reporting progress under a description."""


def no_progress(items: Sequence[T], description: str) -> Iterator[T]:
    """Yield every item and report nothing: the default."""
    del description
    return iter(items)
