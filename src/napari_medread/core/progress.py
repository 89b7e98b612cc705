"""The progress protocol: how long-running work reports how far it is, and is cancelled.

Every public function that may take a while has a ``progress`` parameter with this protocol. It
calls ``progress(items, description)`` and loops over what that returns; one call may do so several
times, one loop after the other or inside another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Wraps the items of a loop, to report progress and to cancel the work.

    ``tqdm.tqdm`` is one. To cancel, raise ``napari_medread.Cancelled`` from the iterator: the work
    stops before the next item, and leaves nothing unfinished behind. The exception reaches the
    caller.
    """

    def __call__(self, items: Sequence[T], description: str, /) -> Iterable[T]:
        """Yield every item in order.

        Parameters
        ----------
        items : sequence
            Its length is the number of steps.
        description : str
            What is being done, for people: ``Reading headers``.
        """


def no_progress(items: Sequence[T], description: str) -> Iterator[T]:
    """Yield every item and report nothing: the default."""
    del description
    return iter(items)
