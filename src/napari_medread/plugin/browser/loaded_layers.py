"""The layers of a viewer that show entries of a catalogue: added, found again, selected."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Layer

from napari_medread.core.progress import Progress
from napari_medread.plugin.arrival.viewer_follower import announce_layers
from napari_medread.plugin.bridge.layer_metadata import get_record
from napari_medread.plugin.bridge.layer_names import name_arriving_layers
from napari_medread.plugin.bridge.volume_to_layer import LayerData, shows_patient, to_layers
from napari_medread.plugin.browser.catalogue_rows import CatalogueEntry
from napari_medread.plugin.gui.viewer_references import get_open_viewer
from napari_medread.plugin.labels.label_offer import show_notes_and_offers


class EntryLayers(NamedTuple):
    """The layers of an entry that was read.

    Attributes
    ----------
    entry : DicomEntry or FileEntry
    layers : list of tuple
        Layer data, as napari takes it.
    notes : list of tuple of str
        The notes on each layer.
    """

    entry: CatalogueEntry
    layers: list[LayerData]
    notes: list[tuple[str, ...]]


def read_entry(entry: CatalogueEntry, lazy_above: int | None, progress: Progress) -> EntryLayers:
    """Read an entry and make the data of its layers. Runs in the background.

    Parameters
    ----------
    entry : DicomEntry or FileEntry
    lazy_above : int or None
        The size in bytes above which slices are loaded on demand.
    progress : Progress

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
        self._entry_keys: weakref.WeakKeyDictionary[Layer, Any] = weakref.WeakKeyDictionary()
        self._group_refs: list[weakref.ref[Layer]] = []
        self._group_notes: list[tuple[str, tuple[str, ...], tuple[Path, ...]]] = []

    def begin_group(self) -> None:
        """Start a group: the layers added from now on are loaded together."""
        self._group_refs, self._group_notes = [], []

    def end_group(self) -> None:
        """Show the notes on the layers of the group as one notification."""
        notes, self._group_notes = self._group_notes, []
        show_notes_and_offers(notes)

    def find_layer(self, entry: CatalogueEntry) -> Layer | None:
        """Return the layer that shows an entry, even if it was renamed, or opened by the reader."""
        viewer = get_open_viewer(self._viewer_ref)
        for layer in () if viewer is None else viewer.layers:
            if self._entry_keys.get(layer) == _make_key(entry) or _is_opened_from(layer, entry):
                return layer
        return None

    def select(self, layer: Layer) -> None:
        """Make a layer visible and active."""
        viewer = get_open_viewer(self._viewer_ref)
        if viewer is not None:
            layer.visible = True
            viewer.layers.selection.active = layer

    def add(self, entry_layers: EntryLayers) -> None:
        """Add the layers of an entry to the viewer, as the reader would."""
        viewer = get_open_viewer(self._viewer_ref)
        if viewer is None:
            return
        name_arriving_layers(viewer, entry_layers.layers)
        notes = {
            get_record(data[1]["metadata"]): each
            for data, each in zip(entry_layers.layers, entry_layers.notes, strict=True)
        }
        for data in announce_layers(entry_layers.layers, viewer):
            layer = viewer.add_layer(Layer.create(*data))
            self._entry_keys[layer] = _make_key(entry_layers.entry)
            source = tuple(map(Path, layer.metadata["source"]))
            self._group_notes.append((str(layer.name), notes[get_record(layer)], source))
            self._choose_visible(viewer, layer)

    def _choose_visible(self, viewer: Any, layer: Layer) -> None:
        """Show only the largest layer of the group, of those that are in patient space."""
        if "patient_affine" not in layer.metadata:
            return
        others = [other for layer_ref in self._group_refs if (other := layer_ref()) is not None]
        self._group_refs.append(weakref.ref(layer))
        largest = max([*others, layer], key=_rank_visible)
        for each in (*others, layer):
            each.visible = each is largest
        if largest in viewer.layers:
            viewer.layers.selection.active = largest


def _rank_visible(layer: Layer) -> tuple[bool, float]:
    """Return what is larger for the layer of a group that is to be shown."""
    return shows_patient(layer), float(np.prod(layer.data.shape))


def _make_key(entry: CatalogueEntry) -> tuple[Any, ...]:
    return entry.name, entry.source


def _is_opened_from(layer: Layer, entry: CatalogueEntry) -> bool:
    """Return whether a layer is what the reader makes of an entry."""
    source, series = layer.metadata.get("source"), get_record(layer).series
    volume = getattr(entry, "volume", None)  # only DICOM has one without reading
    return (
        (layer.name == entry.name if volume is None else series == volume.series)
        and isinstance(source, list | tuple)
        and [*map(str, source)] == [*map(str, entry.source)]
    )
