"""Progress in napari, with a button that cancels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic
from typing import TypeVar

from napari.utils import cancelable_progress

from napari_medread.errors import Cancelled

T = TypeVar("T")

PATIENCE = 0.3
"""Seconds that work may take before it shows a progress bar."""

STEP = 0.05
"""Seconds between two movements of the bar: moving it redraws napari."""


def progress_with_cancel(items: Sequence[T], description: str) -> Iterator[T]:
    """Yield items, with a bar that can be cancelled once they take a while.

    Raises
    ------
    Cancelled
        When the person cancels.
    """
    shown = monotonic() + PATIENCE - STEP
    bar = None
    try:
        for done, item in enumerate(items, 1):
            yield item
            if monotonic() - shown < STEP:
                continue
            shown = monotonic()
            if bar is None:
                bar = cancelable_progress(desc=description, total=len(items))
            # Lets napari handle events too, a click on the cancel button among them.
            bar.update(done - bar.n)
            if bar.is_canceled:
                raise Cancelled(f"{description}: cancelled.")
    finally:
        if bar is not None:
            bar.close()
