"""How layers are looked at: the windows that fit them, the one that is set, their colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np
from napari.layers import Image
from napari.utils import Colormap
from napari.utils.colormaps import AVAILABLE_COLORMAPS, ensure_colormap

from napari_medread.core.contrast_limits import limits_of, window_limits
from napari_medread.core.progress import Progress
from napari_medread.core.volume import Volume, Window
from napari_medread.core.voxel_blocks import value_range
from napari_medread.core.window_presets import Limits, function_of, is_assumed, presets, window_of
from napari_medread.plugin.bridge.layer_record import get_record
from napari_medread.plugin.bridge.volume_to_layer import finest
from napari_medread.plugin.window_level.window_history import Look, set_limits

Number = Literal["width", "center", "lower", "upper"]
"""What a window can be set by."""

_SAME = 1e-6
"""Windows that differ by less than this share of their width are the same."""

_REVERSED = "_r"
"""Ends the names of reversed colormaps."""


def is_grey(layer: Any) -> bool:
    """Tell whether a layer has a window: an image that is no colour picture."""
    return isinstance(layer, Image) and not layer.rgb


def is_whole(layer: Image) -> bool:
    """Tell whether its values are whole numbers."""
    return np.dtype(layer.dtype).kind in "biu"


def opened_look(layer: Image) -> Look | None:
    """Return how a layer was opened from a file by this plugin; None for others."""
    record = get_record(layer)
    if record.opened_contrast_limits is None or record.opened_colormap is None:
        return None
    return Look(record.opened_contrast_limits, ensure_colormap(record.opened_colormap))


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


def same_as(layer: Image, offered: Sequence[tuple[str, Window]]) -> list[int]:
    """Return which of the offered windows is the one through which a layer is looked at."""
    center, width = window_of_layer(layer)
    return [
        n
        for n, (_, (at, span, _)) in enumerate(offered)
        if abs(at - center) <= _SAME * width and abs(span - width) <= _SAME * width
    ]


def set_window(layer: Image, center: float, width: float) -> None:
    """Look at a layer through a window."""
    set_limits(layer, window_limits(center, width, function_of_layer(layer)))


def numbers_of(layer: Image) -> dict[Number, float]:
    """Return the numbers of the window through which a layer is looked at."""
    center, width = window_of_layer(layer)
    low, high = map(float, layer.contrast_limits)
    return {"width": width, "center": center, "lower": low, "upper": high}


def setting(layer: Image, number: Number, value: float) -> Callable[[Image], None] | None:
    """Return what gives layers the window of one of them with a number changed.

    None where there is no such window: its lower value must be below its upper one.
    """
    # What was not edited is not rounded to what is shown.
    found = {**numbers_of(layer), number: value}
    if number in ("width", "center"):
        return lambda each: set_window(each, found["center"], found["width"])
    if found["lower"] >= found["upper"]:
        return None
    return lambda each: set_limits(each, (found["lower"], found["upper"]))


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


def said_of(layer: Any, selected: Sequence[Any]) -> str:
    """Say which layers a change of a layer's window is for, and what may be unexpected."""
    if layer is None:
        return "Open an image first."
    if layer.rgb:
        return f"{layer.name}: a colour picture has no window."
    said = []
    targets, left = linked(layer, selected)
    if len(targets) > 1:
        said.append(f"Set for {len(targets)} selected layers.")
    if left:
        names = ", ".join(each.name for each in left)
        said.append(f"Left alone, as its values have another unit: {names}.")
    if is_assumed(str(layer.metadata.get("modality", "")), unit_of(layer)):
        said.append("Nothing says that the values are HU: the CT windows may not fit.")
    return "\n".join(said)


def full_range(layers: Sequence[Image]) -> Callable[[Progress], list[Limits | None]]:
    """Return what finds the smallest and largest value of each layer, reading all of it."""
    volumes = [Volume(finest(each), each.name) for each in layers]
    return lambda progress: [value_range(each, progress) for each in volumes]


def percentiles(layers: Sequence[Image]) -> Callable[[Progress], list[Limits | None]]:
    """Return what finds the 1st and 99th percentile of each layer, from a sample of it."""
    found = [finest(each) for each in layers]
    # The last step only asks whether it was cancelled.
    return lambda progress: [
        limits_of(data) for data in progress([*found, None], "") if data is not None
    ]
