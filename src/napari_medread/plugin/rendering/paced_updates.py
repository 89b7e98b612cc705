"""Updates of a picture at the pace at which the window can draw it.

A drag sends dozens of changes a second. Where drawing takes longer than that, as without a GPU,
drawing each of them would make the window follow the hand by minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from napari_medread.plugin.gui.timers import make_timer

SLOW_S = 0.1
"""Seconds of drawing from which on changes are skipped."""

COARSE_SPEEDUP = 2.0
"""How many times quicker a coarse drawing is at most."""

_PROBE_MS = 30
"""Time after an update at which a window that draws quickly is idle again."""

_REST_MS = 150
"""Time without changes after which the hand is assumed to rest."""

_FREE_SHARE = 2.0
"""How many times longer than a drawing the window stays free of drawing, while changes go on."""


class PacedUpdates:
    """Applies the latest of many changes, as often as the window can draw them.

    Where drawing is slow, or nobody knows yet, the updates before the last are made coarsely.

    Parameters
    ----------
    apply : callable
        Makes the latest change, which the window then draws; called with whether it is coarse.
    refine : callable
        Draws the picture finely again; called after the last of the coarse updates.
    is_held : callable
        Returns whether the user holds what is being changed, so that more changes are to come.
    """

    def __init__(
        self,
        apply: Callable[[bool], None],
        refine: Callable[[], None],
        is_held: Callable[[], bool],
    ) -> None:
        self._apply, self._refine, self._is_held = apply, refine, is_held
        self._is_pending = self._is_coarse = False
        self._is_fine_slow = True  # until a drawing was quick
        self._updated_at = self._drawn_at = self._drawing_s = 0.0
        self._probe_timer = make_timer(_PROBE_MS, self._on_drawn)
        self._rest_timer = make_timer(_REST_MS, self._on_rest)

    @property
    def is_pending(self) -> bool:
        """Whether the latest change was not applied yet."""
        return self._is_pending

    def request(self) -> None:
        """Apply a change now, or soon, unless a later one comes before."""
        self._is_pending = True
        self._rest_timer.start()
        if not self._probe_timer.isActive():
            self._update_if_free()

    def finish(self) -> None:
        """Apply the latest change, and draw it finely."""
        self._rest_timer.stop()
        if self._is_pending:
            self._update(is_coarse=False)
        elif self._is_coarse:
            self._is_coarse = False
            self._refine()
            self._watch_drawing()

    def _update_if_free(self) -> None:
        is_slow = self._drawing_s > SLOW_S
        if not is_slow or perf_counter() - self._drawn_at > _FREE_SHARE * self._drawing_s:
            self._update(is_coarse=self._is_fine_slow)

    def _update(self, *, is_coarse: bool) -> None:
        self._is_pending = False
        if self._is_coarse and not is_coarse:
            self._refine()
        self._is_coarse = is_coarse
        self._apply(is_coarse)
        self._watch_drawing()

    def _watch_drawing(self) -> None:
        self._updated_at = perf_counter()
        self._probe_timer.start()

    def _on_drawn(self) -> None:
        """Note how long the window has drawn: as long as this timer was late."""
        self._drawn_at = perf_counter()
        self._drawing_s = max(self._drawn_at - self._updated_at - _PROBE_MS / 1000, 0.0)
        fine_s = self._drawing_s * (COARSE_SPEEDUP if self._is_coarse else 1.0)
        self._is_fine_slow = fine_s > SLOW_S
        if self._is_pending:
            self._update_if_free()

    def _on_rest(self) -> None:
        if not self._is_held():
            self.finish()
        elif self._is_pending:
            self._update(is_coarse=self._is_fine_slow)
