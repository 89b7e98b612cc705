"""Undo and redo of changes to the contrast limits and colormaps of layers."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from napari.layers import Image
from napari.utils import Colormap

from napari_medread.core.contrast_limits import make_drawable_limits
from napari_medread.core.window_presets import Limits

_MAX_UNDO_STEPS = 100
"""Maximum number of changes that can be undone."""


class WindowState(NamedTuple):
    """What a display window and its inversion change in a layer."""

    limits: Limits
    colormap: Colormap


WindowStates = list[tuple["weakref.ref[Image]", WindowState]]
"""The states of several layers; the layers are not kept alive."""


def read_window_state(layer: Image) -> WindowState:
    """Return the contrast limits and the colormap that a layer has now."""
    low, high = layer.contrast_limits
    return WindowState((float(low), float(high)), layer.colormap)


def read_window_states(layers: Iterable[Image]) -> WindowStates:
    """Return the contrast limits and colormaps that layers have now."""
    return [(weakref.ref(layer), read_window_state(layer)) for layer in layers]


def iterate_existing_layers(states: WindowStates) -> Iterator[tuple[Image, WindowState]]:
    """Yield the layers that still exist, each with its recorded state."""
    for layer_ref, state in states:
        layer = layer_ref()
        if layer is not None:
            yield layer, state


def apply_window_state(layer: Image, state: WindowState) -> None:
    """Set a layer's contrast limits and colormap, unless it has them already."""
    set_contrast_limits(layer, state.limits)
    if layer.colormap != state.colormap:
        layer.colormap = state.colormap


def set_contrast_limits(layer: Image, limits: Sequence[float]) -> None:
    """Set a layer's contrast limits, and stop napari from changing them at the next slice."""
    if layer.auto_contrast:
        layer.auto_contrast = False
    limits = make_drawable_limits(limits[0], limits[1])
    if tuple(layer.contrast_limits) != limits:
        layer.contrast_limits = limits


class WindowHistory:
    """Undo and redo steps, each with the states that layers had before a change.

    Parameters
    ----------
    on_change : callable
        Called after every change, undo and redo.
    is_in_viewer : callable
        Returns whether a layer is still in its viewer; others are left out.
    """

    def __init__(
        self, on_change: Callable[[], None], is_in_viewer: Callable[[Image], bool] = lambda _: True
    ) -> None:
        self._undo_steps: list[WindowStates] = []
        self._redo_steps: list[WindowStates] = []
        self._on_change, self._is_in_viewer = on_change, is_in_viewer

    @property
    def can_undo(self) -> bool:
        """Whether ``undo`` would change anything."""
        return self._would_change(self._undo_steps)

    @property
    def can_redo(self) -> bool:
        """Whether ``redo`` would change anything."""
        return self._would_change(self._redo_steps)

    def record(self, before: WindowStates) -> None:
        """Record the states from before a change as one undo step, if anything did change."""
        if self._would_change([before]):
            self._undo_steps = [*self._undo_steps, before][-_MAX_UNDO_STEPS:]
            self._redo_steps.clear()
        self._on_change()

    def undo(self) -> None:
        """Undo the last change."""
        self._restore_last(self._undo_steps, self._redo_steps)

    def redo(self) -> None:
        """Make the change again that was undone last."""
        self._restore_last(self._redo_steps, self._undo_steps)

    def _restore_last(self, steps: list[WindowStates], opposite_steps: list[WindowStates]) -> None:
        while steps:
            states = steps.pop()
            # Skip steps whose layers no longer exist, and steps that would change nothing.
            if not self._would_change([states]):
                continue
            layers = self._find_layers(states)
            # The present states include what was changed outside this history.
            opposite_steps.append(read_window_states(layer for layer, _ in layers))
            for layer, state in layers:
                apply_window_state(layer, state)
            break
        self._on_change()

    def _would_change(self, steps: list[WindowStates]) -> bool:
        layers = (pair for states in steps for pair in self._find_layers(states))
        return any(state != read_window_state(layer) for layer, state in layers)

    def _find_layers(self, states: WindowStates) -> list[tuple[Image, WindowState]]:
        return [
            (layer, state)
            for layer, state in iterate_existing_layers(states)
            if self._is_in_viewer(layer)
        ]
