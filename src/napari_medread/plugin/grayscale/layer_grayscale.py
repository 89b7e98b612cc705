"""A colour layer as a grey one: the work, and the layer that comes of it."""

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
"""What a grey layer does not take over."""

_CONVERSION_NOTES = {MEAN: "Grey is the mean of red, green and blue."} | {
    name: f"Grey is the luma of {name}: {red / whole:.4g} red, {green / whole:.4g} green, "
    f"{blue / whole:.4g} blue."
    for name, (red, green, blue) in LUMA_WEIGHTS.items()
    if name != MEAN
    for whole in (red + green + blue,)
}


def describe_unsuitable_layer(layer: Layer | None) -> str:
    """Return why a layer cannot become grey, empty where it can."""
    if layer is None:
        return "Open a colour picture first."
    if not isinstance(layer, Image):
        return f"{layer.name} is no image."
    if not layer.rgb:
        return f"{layer.name} is grey already."
    return ""


def make_grey_layer(source: LayerData, luma: str, progress: Progress) -> LayerData:
    """Return the grey layer of a colour one, where that is drawn and with all it carries.

    Parameters
    ----------
    source : tuple
        ``(data, attributes, type)``, as napari gives it.
    luma : str
        One of ``LUMA_WEIGHTS``.
    progress : Progress
        Reports progress, and stops.
    """
    data, attributes, kind = source
    if attributes.get("multiscale"):
        made: Any = [to_grayscale(to_numpy_or_dask(each), luma, progress=progress) for each in data]
        finest = made[0]
    else:
        made = finest = to_grayscale(to_numpy_or_dask(data), luma, progress=progress)
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
    return made, kept, kind


def make_grayscale_task(viewer: Any, layer: Layer, luma: str) -> BackgroundTask:
    """Return the work to start; its layer is added above the colour, if the viewer is open."""
    work = BackgroundTask(partial(make_grey_layer, layer.as_layer_data_tuple(), luma))
    viewer_of, source_of = weakref.ref(viewer), weakref.ref(layer)
    work.progressed.connect(lambda *_: None if get_open_viewer(viewer_of) else work.cancel())
    work.returned.connect(partial(_add_grey_layer, viewer_of, source_of))
    work.refused.connect(show_error)
    return work


def _add_grey_layer(
    viewer_of: weakref.ref[Any], source_of: weakref.ref[Layer], made: LayerData
) -> None:
    viewer, source = get_open_viewer(viewer_of), source_of()
    if viewer is None:
        return
    layer = Layer.create(*made)
    place = len(viewer.layers)
    if source in viewer.layers:
        place = viewer.layers.index(source) + 1
    viewer.layers.insert(place, layer)
    viewer.layers.selection.active = layer


def convert_to_grey(viewer: napari.Viewer) -> None:
    """Make a grey layer of the active colour layer, as the preferences say."""
    viewer = unwrap_viewer(viewer)
    layer = viewer.layers.selection.active
    if layer is None:
        show_info("Select a colour layer first.")
        return
    if why := describe_unsuitable_layer(layer):
        show_info(why)
        return
    work = make_grayscale_task(viewer, layer, get_preference("grey", "luma"))
    show_progress_bar(work, f"{layer.name} to grey")
    work.start()
