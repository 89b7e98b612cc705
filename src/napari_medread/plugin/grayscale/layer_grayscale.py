"""Making a grey layer of a colour layer: the conversion, the background task, the command."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

import napari
from napari.layers import Image, Layer
from napari.utils.notifications import show_error, show_info

from napari_medread.core.grayscale_conversion import (
    LUMA_WEIGHTS,
    MEAN,
    find_grayscale_limits,
    to_grayscale,
)
from napari_medread.core.progress import Progress
from napari_medread.plugin.bridge.volume_to_layer import LayerData, to_numpy_or_dask
from napari_medread.plugin.gui.background_task import BackgroundTask, show_progress_bar
from napari_medread.plugin.gui.preferences import get_preference
from napari_medread.plugin.gui.viewer_references import get_open_viewer, unwrap_viewer

_COLOUR_ATTRIBUTES = ("rgb", "colormap", "contrast_limits", "gamma", "iso_threshold")
"""Attributes of a colour layer that do not fit a grey one."""

_CONVERSION_NOTES = {MEAN: "Grey is the mean of red, green and blue."} | {
    name: f"Grey is the luma of {name}: {red / whole:.4g} red, {green / whole:.4g} green, "
    f"{blue / whole:.4g} blue."
    for name, (red, green, blue) in LUMA_WEIGHTS.items()
    if name != MEAN
    for whole in (red + green + blue,)
}


def describe_unsuitable_layer(layer: Layer | None) -> str:
    """Return why a layer cannot be made grey; empty where it can."""
    if layer is None:
        return "Open a colour picture first."
    if not isinstance(layer, Image):
        return f"{layer.name} is not an image layer."
    if not layer.rgb:
        return f"{layer.name} is already grey."
    return ""


def make_grey_layer(source: LayerData, luma: str, progress: Progress) -> LayerData:
    """Return a grey layer in the place of a colour layer, with its metadata and a new note.

    Parameters
    ----------
    source : tuple
        ``(data, attributes, type)``, as from ``Layer.as_layer_data_tuple``.
    luma : str
        One of ``LUMA_WEIGHTS``.
    progress : Progress
        Reports progress, and can cancel.
    """
    data, attributes, kind = source
    if attributes.get("multiscale"):
        grey_data: Any = [
            to_grayscale(to_numpy_or_dask(level), luma, progress=progress) for level in data
        ]
        finest = grey_data[0]
    else:
        grey_data = finest = to_grayscale(to_numpy_or_dask(data), luma, progress=progress)
    kept = {key: value for key, value in attributes.items() if key not in _COLOUR_ATTRIBUTES}
    metadata = dict(attributes.get("metadata") or {})
    metadata["notes"] = [*metadata.get("notes", ()), _CONVERSION_NOTES[luma]]
    kept |= {
        "name": f"{attributes['name']} grey",
        "rgb": False,
        "colormap": "gray",
        "contrast_limits": find_grayscale_limits(finest),
        "metadata": metadata,
    }
    return grey_data, kept, kind


def make_grayscale_task(viewer: Any, layer: Layer, luma: str) -> BackgroundTask:
    """Return a task, not started yet, that adds a grey layer above the colour layer.

    It is cancelled when the viewer is closed.
    """
    task = BackgroundTask(partial(make_grey_layer, layer.as_layer_data_tuple(), luma))
    viewer_ref, source_ref = weakref.ref(viewer), weakref.ref(layer)
    task.progressed.connect(lambda *_: None if get_open_viewer(viewer_ref) else task.cancel())
    task.returned.connect(partial(_add_grey_layer, viewer_ref, source_ref))
    task.refused.connect(show_error)
    return task


def _add_grey_layer(
    viewer_ref: weakref.ref[Any], source_ref: weakref.ref[Layer], made: LayerData
) -> None:
    viewer, source = get_open_viewer(viewer_ref), source_ref()
    if viewer is None:
        return
    layer = Layer.create(*made)
    place = len(viewer.layers)
    if source in viewer.layers:
        place = viewer.layers.index(source) + 1
    viewer.layers.insert(place, layer)
    viewer.layers.selection.active = layer


def convert_to_grey(viewer: napari.Viewer) -> None:
    """Make a grey layer of the active colour layer, by the conversion in the preferences."""
    viewer = unwrap_viewer(viewer)
    layer = viewer.layers.selection.active
    if layer is None:
        show_info("Select a colour layer first.")
        return
    if reason := describe_unsuitable_layer(layer):
        show_info(reason)
        return
    task = make_grayscale_task(viewer, layer, get_preference("grey", "luma"))
    show_progress_bar(task, f"Converting {layer.name} to grey")
    task.start()
