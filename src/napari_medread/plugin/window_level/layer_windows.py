"""Display windows of layers: which ones to offer, which one is set, and how to set another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import ensure_colormap

from napari_medread.core.contrast_limits import estimate_limits, limits_from_window
from napari_medread.core.progress import Progress
from napari_medread.core.volume import Volume, Window
from napari_medread.core.voxel_blocks import find_value_range
from napari_medread.core.window_presets import (
    Limits,
    find_voi_lut_function,
    find_window_presets,
    is_unknown_scale,
    window_from_limits,
)
from napari_medread.plugin.bridge.layer_metadata import get_record
from napari_medread.plugin.bridge.volume_to_layer import get_finest_data
from napari_medread.plugin.window_level.window_history import WindowState, set_contrast_limits

WindowNumber = Literal["width", "center", "lower", "upper"]
"""The numbers by which a window can be set: width and center, or its lower and upper value."""

_SAME_WINDOW_TOLERANCE = 1e-6
"""Windows that differ by less than this fraction of their width are the same."""


def has_display_window(layer: Any) -> bool:
    """Return whether a layer has a window: an image that is not a colour picture."""
    return isinstance(layer, Image) and not layer.rgb


def has_integer_values(layer: Image) -> bool:
    """Return whether the values of a layer are integers, by their type."""
    return np.dtype(layer.dtype).kind in "biu"


def get_opened_state(layer: Image) -> WindowState | None:
    """Return the limits and colormap with which this plugin opened a layer; None for others."""
    record = get_record(layer)
    if record.opened_contrast_limits is None or record.opened_colormap is None:
        return None
    return WindowState(record.opened_contrast_limits, ensure_colormap(record.opened_colormap))


def get_file_windows(layer: Image) -> tuple[Window, ...]:
    """Return the windows that a layer's file gave."""
    return tuple(layer.metadata.get("windows", ()))


def get_value_unit(layer: Image) -> str:
    """Return the unit of a layer's values, empty where it is not known."""
    return str(layer.metadata.get("value_unit", ""))


def find_window_function(layer: Image) -> str:
    """Return the VOI LUT function that turns a layer's width and center into limits.

    ``LINEAR`` or ``LINEAR_EXACT`` (PS3.3 C.11.2.1.2 and C.11.2.1.3).
    """
    opened = get_opened_state(layer)
    limits = None if opened is None else opened.limits
    return find_voi_lut_function(
        get_file_windows(layer), limits, is_integer=has_integer_values(layer)
    )


def read_layer_window(layer: Image) -> tuple[float, float]:
    """Return the center and width of the window that a layer has now."""
    return window_from_limits(layer.contrast_limits, find_window_function(layer))


def list_offered_windows(layer: Image) -> tuple[tuple[str, Window], ...]:
    """Return the windows to offer for a layer with their labels.

    Those of the file come first, then those proposed for its values when it was opened, then the
    usual ones. A label has the name, the width and the center: ``Bone   1000 / 400``.
    """
    modality = str(layer.metadata.get("modality", ""))
    file_windows = get_file_windows(layer)
    named: list[tuple[str, Window]] = []
    for n, (center, width, name) in enumerate(file_windows, 1):
        number = "" if name or len(file_windows) == 1 else f" {n}"
        named.append((f"File: {name or 'window'}{number}", (center, width, name)))
    proposed = get_record(layer).proposed_windows or ()
    taken = {window[:2] for window in proposed}
    presets = find_window_presets(modality, get_value_unit(layer))
    named += [(window[2], window) for window in proposed]
    named += [(window[2], window) for window in presets if window[:2] not in taken]
    return tuple(
        (f"{label}   {width:.6g} / {center:.6g}", (center, width, name))
        for label, (center, width, name) in named
    )


def find_current_windows(layer: Image, offered: Sequence[tuple[str, Window]]) -> list[int]:
    """Return the indices of the offered windows that equal the one a layer has now."""
    center, width = read_layer_window(layer)
    tolerance = _SAME_WINDOW_TOLERANCE * width
    return [
        n
        for n, (_, (offered_center, offered_width, _)) in enumerate(offered)
        if abs(offered_center - center) <= tolerance and abs(offered_width - width) <= tolerance
    ]


def set_layer_window(layer: Image, center: float, width: float) -> None:
    """Set the contrast limits of a layer to a window."""
    set_contrast_limits(layer, limits_from_window(center, width, find_window_function(layer)))


def read_window_numbers(layer: Image) -> dict[WindowNumber, float]:
    """Return width, center, lower and upper value of the window that a layer has now."""
    center, width = read_layer_window(layer)
    low, high = map(float, layer.contrast_limits)
    return {"width": width, "center": center, "lower": low, "upper": high}


def make_window_setter(
    layer: Image, edited: WindowNumber, value: float
) -> Callable[[Image], None] | None:
    """Return a function that sets layers to the window of one layer with one number changed.

    None where there is no such window: its lower value must be below its upper one.
    """
    # The numbers that were not edited keep the digits that are not displayed.
    numbers = {**read_window_numbers(layer), edited: value}
    if edited in ("width", "center"):
        return lambda target: set_layer_window(target, numbers["center"], numbers["width"])
    if numbers["lower"] >= numbers["upper"]:
        return None
    return lambda target: set_contrast_limits(target, (numbers["lower"], numbers["upper"]))


def find_window_targets(layer: Image, selected: Iterable[Any]) -> tuple[list[Image], list[Image]]:
    """Return the layers that a change of a window is for, and the selected images it is not for.

    It is for the layer itself and, if this is selected, for all other selected images whose
    values have the same unit.
    """
    selected = list(selected)
    if layer not in selected:
        return [layer], []
    others = [other for other in selected if other is not layer]
    unit = get_value_unit(layer)
    targets = [
        other for other in others if has_display_window(other) and get_value_unit(other) == unit
    ]
    excluded = [other for other in others if isinstance(other, Image) and other not in targets]
    return [layer, *targets], excluded


def describe_window_targets(layer: Any, selected: Sequence[Any]) -> str:
    """Return sentences on which layers a change is for, and on what the user may not expect."""
    if layer is None:
        return "Open an image first."
    if layer.rgb:
        return f"{layer.name}: a colour picture has no window."
    sentences = []
    targets, excluded = find_window_targets(layer, selected)
    if len(targets) > 1:
        sentences.append(f"Applies to {len(targets)} selected layers.")
    if excluded:
        names = ", ".join(other.name for other in excluded)
        sentences.append(f"Does not apply to {names}: the values have another unit.")
    if is_unknown_scale(str(layer.metadata.get("modality", "")), get_value_unit(layer)):
        sentences.append("The unit of the values is not known: the CT windows may not fit.")
    return "\n".join(sentences)


def make_full_range_finder(
    layers: Sequence[Image],
) -> Callable[[Progress], list[Limits | None]]:
    """Return a task that finds the lowest and highest value of each layer, reading all of it."""
    volumes = [Volume(get_finest_data(layer), layer.name) for layer in layers]
    return lambda progress: [find_value_range(volume, progress) for volume in volumes]


def make_percentile_finder(
    layers: Sequence[Image],
) -> Callable[[Progress], list[Limits | None]]:
    """Return a task that finds the 1st and 99th percentile of each layer, from a sample."""
    arrays = [get_finest_data(layer) for layer in layers]
    # The additional last step only checks whether the task was cancelled.
    return lambda progress: [
        estimate_limits(data) for data in progress([*arrays, None], "") if data is not None
    ]
