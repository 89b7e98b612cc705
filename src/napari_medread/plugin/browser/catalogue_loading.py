"""What is loaded from a catalogue becomes layers, and is known again."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Layer

from napari_medread.core.progress import Progress
from napari_medread.plugin.bridge.volume_to_layer import LayerData, to_layers
from napari_medread.plugin.browser.catalogue_rows import CatalogueEntry
from napari_medread.plugin.gui.notifications import show_notes
from napari_medread.plugin.gui.viewer_references import get_open_viewer


class EntryLayers(NamedTuple):
    """What was read of an entry: data of layers, and the notes on each."""

    entry: CatalogueEntry
    layers: list[LayerData]
    notes: list[tuple[str, ...]]


def read_entry(entry: CatalogueEntry, lazy_above: int | None, progress: Progress) -> EntryLayers:
    """Read an entry, and make all that can be made of it beside the window.

    Raises
    ------
    UnreadableFile
        Where it cannot be read.
    """
    volumes = entry.read(progress, lazy_above)
    return EntryLayers(entry, to_layers(volumes), [volume.notes for volume in volumes])


class LoadedLayers:
    """The layers of one viewer that show entries of a catalogue.

    Parameters
    ----------
    viewer : Viewer
        Neither it nor its layers are kept alive.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._entry_of: weakref.WeakKeyDictionary[Layer, Any] = weakref.WeakKeyDictionary()
        self._together: list[weakref.ref[Layer]] = []
        self._noted: list[tuple[str, tuple[str, ...]]] = []

    def begin(self) -> None:
        """Take what is added from now on as loaded together."""
        self._together, self._noted = [], []

    def end(self) -> None:
        """Show the notes on all that was loaded together, as one notification."""
        noted, self._noted = self._noted, []
        show_notes(noted)

    def layer_of(self, entry: CatalogueEntry) -> Layer | None:
        """Return the layer that shows an entry, even if it was renamed or opened otherwise."""
        viewer = get_open_viewer(self._viewer_ref)
        for layer in () if viewer is None else viewer.layers:
            if self._entry_of.get(layer) == _key(entry) or _is_of(layer, entry):
                return layer
        return None

    def select(self, layer: Layer) -> None:
        """Show a layer and make it the active one."""
        viewer = get_open_viewer(self._viewer_ref)
        if viewer is not None:
            layer.visible = True
            viewer.layers.selection.active = layer

    def add(self, found: EntryLayers) -> None:
        """Add what was read of an entry, as the reader would."""
        viewer = get_open_viewer(self._viewer_ref)
        if viewer is None:
            return
        for data, notes in zip(found.layers, found.notes, strict=True):
            layer = viewer.add_layer(Layer.create(*data))
            self._entry_of[layer] = _key(found.entry)
            self._noted.append((str(layer.name), notes))
            self._show(viewer, layer)

    def _show(self, viewer: Any, layer: Layer) -> None:
        """Show a layer; of those in patient space loaded together, only the largest."""
        if "patient_affine" in layer.metadata:
            others = [each for ref in self._together if (each := ref()) is not None]
            self._together.append(weakref.ref(layer))
            largest = max([*others, layer], key=lambda each: float(np.prod(each.data.shape)))
            for each in (*others, layer):
                each.visible = each is largest
        if not layer.visible:
            return
        low, high = layer.extent.world + np.array([[-0.5], [0.5]]) * layer.scale
        first = viewer.dims.ndim - layer.ndim
        point = np.asarray(viewer.dims.point)[first:]
        sliced = [n - first for n in viewer.dims.not_displayed if n >= first]
        if any(not low[n] <= point[n] <= high[n] for n in sliced):
            # It lies elsewhere than what was looked at.
            viewer.dims.set_point(range(first, viewer.dims.ndim), (low + high) / 2)
            viewer.reset_view()


def _key(entry: CatalogueEntry) -> tuple[Any, ...]:
    return entry.name, entry.source


def _is_of(layer: Layer, entry: CatalogueEntry) -> bool:
    """Tell whether a layer is what the reader makes of an entry."""
    source = layer.metadata.get("source")
    return (
        layer.name == entry.name
        and isinstance(source, list | tuple)
        and [*map(str, source)] == [*map(str, entry.source)]
    )
