"""Converting an image layer to labels, in its place."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

from napari.layers import Image, Labels
from napari.utils.notifications import show_error

from napari_medread.core.label_detection import LABELS_SUGGESTED
from napari_medread.core.progress import Progress
from napari_medread.errors import CannotConvert
from napari_medread.plugin.bridge.layer_metadata import with_record
from napari_medread.plugin.bridge.volume_to_layer import get_finest_data, to_whole_numbers
from napari_medread.plugin.gui.background_task import BackgroundTask, cancel_when_removed
from napari_medread.plugin.gui.viewer_references import get_open_viewer

_KEPT_ATTRIBUTES = (
    "name", "scale", "translate", "rotate", "shear", "affine", "units", "axis_labels", "visible",
)  # fmt: skip
"""Attributes that the labels take over unchanged; opacity and colours are those of labels."""


def make_conversion_task(viewer: Any, layer: Image) -> BackgroundTask:
    """Return a task, not started yet, that puts labels in the place of an image.

    Name, position and metadata stay. It is cancelled when the layer is removed.
    """
    task = BackgroundTask(partial(_to_label_numbers, layer.name, get_finest_data(layer)))
    cancel_when_removed(task, viewer, [layer])
    task.returned.connect(partial(_replace_layer, weakref.ref(viewer), weakref.ref(layer)))
    task.refused.connect(show_error)
    return task


def _to_label_numbers(name: str, data: Any, progress: Progress) -> Any:
    """Return values as integers; integers as they are.

    Raises
    ------
    CannotConvert
        If a value is no whole number.
    """
    numbers = to_whole_numbers(data, progress)
    if numbers is None:
        raise CannotConvert(f"{name}: its values are not all whole numbers, as labels are.")
    return numbers


def _replace_layer(
    viewer_ref: weakref.ref[Any], layer_ref: weakref.ref[Image], numbers: Any
) -> None:
    viewer, layer = get_open_viewer(viewer_ref), layer_ref()
    if viewer is None or layer is None or layer not in viewer.layers:
        return
    attributes = layer.as_layer_data_tuple()[1]
    metadata = with_record(
        layer.metadata, opened_contrast_limits=None, opened_colormap=None, proposed_windows=None
    )
    metadata["notes"] = [note for note in metadata.get("notes", ()) if note != LABELS_SUGGESTED]
    kept = {key: attributes[key] for key in _KEPT_ATTRIBUTES if key in attributes}
    index, is_active = viewer.layers.index(layer), viewer.layers.selection.active is layer
    viewer.layers.remove(layer)  # first, as napari would change the name of a second one
    labels = Labels(numbers, metadata=metadata, **kept)
    viewer.layers.insert(index, labels)
    if is_active:
        viewer.layers.selection.active = labels
