"""A progress bar in napari with a button that cancels, for work in the main thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic
from typing import TypeVar

from napari.utils import cancelable_progress

from napari_medread.errors import Cancelled

T = TypeVar("T")

BAR_DELAY_S = 0.3
"""Seconds that work may take before it shows a progress bar."""

BAR_INTERVAL_S = 0.05
"""Seconds between two updates of the bar: each redraws napari."""


def show_cancelable_progress(items: Sequence[T], description: str) -> Iterator[T]:
    """Yield items, with a progress bar that can be cancelled once they take a while.

    Raises
    ------
    Cancelled
        When the user cancels.
    """
    last_update = monotonic() + BAR_DELAY_S - BAR_INTERVAL_S
    bar = None
    try:
        for done, item in enumerate(items, 1):
            yield item
            if monotonic() - last_update < BAR_INTERVAL_S:
                continue
            last_update = monotonic()
            if bar is None:
                bar = cancelable_progress(desc=description, total=len(items))
            # napari handles events here, a click on the cancel button among them.
            bar.update(done - bar.n)
            if bar.is_canceled:
                raise Cancelled(f"{description}: cancelled.")
    finally:
        if bar is not None:
            bar.close()
