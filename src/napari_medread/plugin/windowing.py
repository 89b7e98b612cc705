"""How layers are looked at: their windows, their colours, and the way back."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image
from napari.utils import Colormap
from napari.utils.colormaps import AVAILABLE_COLORMAPS, ensure_colormap

from napari_medread.core.display import increasing, limits_of, window_limits
from napari_medread.core.progress import Track
from napari_medread.core.volume import Volume, Window
from napari_medread.core.windows import Limits, function_of, presets, window_of
from napari_medread.plugin.exporting import value_range
from napari_medread.plugin.layers import finest

_REVERSED = "_r"
"""Ends the names of reversed colormaps."""

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


def is_grey(layer: Any) -> bool:
    """Tell whether a layer has a window: an image that is no colour picture."""
    return isinstance(layer, Image) and not layer.rgb


def is_whole(layer: Image) -> bool:
    """Tell whether its values are whole numbers."""
    return np.dtype(layer.dtype).kind in "biu"


def opened_look(layer: Image) -> Look | None:
    """Return how a layer was opened from a file by this plugin; None for others."""
    opened = layer.metadata.get("opened_with")
    if not isinstance(opened, Mapping) or opened.get("contrast_limits") is None:
        return None
    low, high = map(float, opened["contrast_limits"])
    return Look((low, high), ensure_colormap(opened["colormap"]))


def windows_in(layer: Image) -> tuple[Window, ...]:
    """Return the windows of a layer's file."""
    return tuple(layer.metadata.get("windows", ()))


def unit_of(layer: Image) -> str:
    """Return the unit of a layer's values, empty where it is not known."""
    return str(layer.metadata.get("value_unit", ""))


def function_of_layer(layer: Image) -> str:
    """Return by which function a layer's limits are a width and a center."""
    opened = opened_look(layer)
    limits = None if opened is None else opened.limits
    return function_of(windows_in(layer), limits, whole=is_whole(layer))


def window_of_layer(layer: Image) -> tuple[float, float]:
    """Return the center and width through which a layer is looked at now."""
    return window_of(layer.contrast_limits, function_of_layer(layer))


def offers(layer: Image) -> tuple[tuple[str, Window], ...]:
    """Return the windows to offer for a layer, the file's first, and how to call them."""
    modality = str(layer.metadata.get("modality", ""))
    own = windows_in(layer)
    named = [
        (f"File: {name or 'window'}{'' if name or len(own) == 1 else f' {n}'}", (at, width, name))
        for n, (at, width, name) in enumerate(own, 1)
    ]
    named += [(window[2], window) for window in presets(modality, unit_of(layer))]
    return tuple(
        (f"{text}   {width:.6g} / {at:.6g}", (at, width, name)) for text, (at, width, name) in named
    )


def set_window(layer: Image, center: float, width: float) -> None:
    """Look at a layer through a window."""
    set_limits(layer, window_limits(center, width, function_of_layer(layer)))


def is_inverted(colormap: Colormap) -> bool:
    """Tell whether a colormap is a reversed one, by its name."""
    return str(colormap.name).endswith(_REVERSED)


def is_dark_above(colormap: Colormap) -> bool:
    """Tell whether higher values are drawn darker."""
    first, last = (np.asarray(colormap.colors)[n, :3].sum() for n in (0, -1))
    return bool(last < first)


def inverted(colormap: Colormap) -> Colormap:
    """Return a colormap with its colours in reverse: ``gray`` and ``gray_r`` are a pair."""
    name = str(colormap.name)
    name = name.removesuffix(_REVERSED) if name.endswith(_REVERSED) else name + _REVERSED
    known = AVAILABLE_COLORMAPS.get(name)
    reverse = Colormap(
        colors=np.asarray(colormap.colors)[::-1],
        name=name,
        controls=1 - np.asarray(colormap.controls)[::-1],
        interpolation=colormap.interpolation,
        nan_color=colormap.nan_color,
        high_color=colormap.low_color,
        low_color=colormap.high_color,
    )
    return known if known is not None and _is_alike(known, reverse) else reverse


def _is_alike(one: Colormap, other: Colormap) -> bool:
    """Tell whether two colormaps are the same, but for the last digits."""
    return one.interpolation == other.interpolation and all(
        np.shape(a) == np.shape(b) and np.allclose(a, b, atol=1e-6)
        for a, b in ((one.colors, other.colors), (one.controls, other.controls))
    )


def linked(layer: Image, selected: Iterable[Any]) -> tuple[list[Image], list[Any]]:
    """Return the layers that a window is for, and the selected ones that it is not.

    It is for the layer and, if it is selected, for all other selected images whose values
    have the same unit.
    """
    selected = list(selected)
    if layer not in selected:
        return [layer], []
    others = [each for each in selected if each is not layer]
    alike = [each for each in others if is_grey(each) and unit_of(each) == unit_of(layer)]
    left = [each for each in others if isinstance(each, Image) and each not in alike]
    return [layer, *alike], left


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


def full_range(layers: Sequence[Image]) -> Callable[[Track], list[Limits | None]]:
    """Return what finds the smallest and largest value of each layer, reading all of it."""
    volumes = [Volume(finest(each), each.name) for each in layers]
    return lambda track: [value_range(each, track) for each in volumes]


def percentiles(layers: Sequence[Image]) -> Callable[[Track], list[Limits | None]]:
    """Return what finds the 1st and 99th percentile of each layer, from a sample of it."""
    found = [finest(each) for each in layers]
    # The last step only asks whether it was cancelled.
    return lambda track: [limits_of(data) for data in track([*found, None], "") if data is not None]
