"""How layers look, and the way back to how they looked before."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from napari.layers import Image
from napari.utils import Colormap

from napari_medread.core.contrast_limits import increasing
from napari_medread.core.window_presets import Limits

_STEPS = 100
"""So many steps can be taken back."""


class Look(NamedTuple):
    """What a window and an inversion change of a layer."""

    limits: Limits
    colormap: Colormap


Looks = list[tuple["weakref.ref[Image]", Look]]
"""Several layers' looks; the layers are not kept alive."""


def look_of(layer: Image) -> Look:
    """Return how a layer looks now."""
    low, high = layer.contrast_limits
    return Look((float(low), float(high)), layer.colormap)


def looks_of(layers: Iterable[Image]) -> Looks:
    """Return how layers look now."""
    return [(weakref.ref(each), look_of(each)) for each in layers]


def alive(looks: Looks) -> Iterator[tuple[Image, Look]]:
    """Yield the layers that are still there, and the looks that they had."""
    for ref, look in looks:
        layer = ref()
        if layer is not None:
            yield layer, look


def show(layer: Image, look: Look) -> None:
    """Give a layer a look; what it has already is left alone."""
    set_limits(layer, look.limits)
    if layer.colormap != look.colormap:
        layer.colormap = look.colormap


def set_limits(layer: Image, limits: Sequence[float]) -> None:
    """Set a layer's contrast limits, and keep napari from setting others at the next slice."""
    if layer.auto_contrast:
        layer.auto_contrast = False
    limits = increasing(limits[0], limits[1])
    if tuple(layer.contrast_limits) != limits:
        layer.contrast_limits = limits


class History:
    """The looks that layers had, to go back to them and forward again.

    Parameters
    ----------
    on_change : callable
        Called after every step.
    is_there : callable
        Tells whether a layer is still in its viewer.
    """

    def __init__(
        self, on_change: Callable[[], None], is_there: Callable[[Image], bool] = lambda _: True
    ) -> None:
        self._behind: list[Looks] = []
        self._ahead: list[Looks] = []
        self._on_change, self._is_there = on_change, is_there

    def record(self, before: Looks) -> None:
        """Remember how layers looked before what was done, unless nothing was changed."""
        if self._leads_on([before]):
            self._behind = [*self._behind, before][-_STEPS:]
            self._ahead.clear()
        self._on_change()

    def back(self) -> None:
        """Take the last step back."""
        self._go(self._behind, self._ahead)

    def forward(self) -> None:
        """Take the step again that was taken back last."""
        self._go(self._ahead, self._behind)

    def can_go(self) -> tuple[bool, bool]:
        """Tell whether there is a way back, and one forward."""
        return self._leads_on(self._behind), self._leads_on(self._ahead)

    def _go(self, there: list[Looks], here: list[Looks]) -> None:
        while there:
            looks = there.pop()
            # Steps of layers that are gone, or that lead to what is there, are left out.
            if not self._leads_on([looks]):
                continue
            layers = self._known(looks)
            # What was set elsewhere since is what the way back leads to.
            here.append(looks_of(layer for layer, _ in layers))
            for layer, look in layers:
                show(layer, look)
            break
        self._on_change()

    def _leads_on(self, steps: list[Looks]) -> bool:
        known = (each for looks in steps for each in self._known(looks))
        return any(look != look_of(layer) for layer, look in known)

    def _known(self, looks: Looks) -> list[tuple[Image, Look]]:
        return [(layer, look) for layer, look in alive(looks) if self._is_there(layer)]
