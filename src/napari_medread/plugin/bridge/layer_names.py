"""Names of the layers in a viewer, which tell patients and studies apart."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from napari_medread.core.series_names import (
    PatientNumbers,
    compose_names,
    number_equal_names,
    replace_composed_name,
)
from napari_medread.plugin.bridge.layer_metadata import get_record
from napari_medread.plugin.bridge.volume_to_layer import LayerData

_PATIENT_NUMBERS: weakref.WeakKeyDictionary[Any, PatientNumbers] = weakref.WeakKeyDictionary()
"""The numbers of the patients that were opened in each viewer."""


def name_arriving_layers(viewer: Any, arriving: Sequence[LayerData]) -> None:
    """Name layers that are about to be added to a viewer, and rename those that are there.

    A patient has the same number in a viewer as long as it is open, even if the patient's layers
    were removed meanwhile. Names that the user gave stay, and so do those of layers that are not
    from DICOM files.

    Parameters
    ----------
    viewer : Viewer or None
        The viewer, not behind napari's proxy; None where there is none.
    arriving : sequence of tuple
        Layer data, whose names are changed in place.
    """
    numbers = PatientNumbers()
    open_layers = []
    if viewer is not None:
        numbers = _PATIENT_NUMBERS.setdefault(viewer, numbers)
        open_layers = [
            (layer, series) for layer in viewer.layers if (series := get_record(layer).series)
        ]
    new_layers = [
        (attributes, series)
        for _, attributes, _ in arriving
        if (series := get_record(attributes.get("metadata", {})).series)
    ]
    names = compose_names([series for _, series in (*open_layers, *new_layers)], numbers)
    for (layer, series), name in zip(open_layers, names, strict=False):
        new_name = replace_composed_name(layer.name, series, name)
        if new_name != layer.name:
            layer.name = new_name
    new_names = number_equal_names(names[len(open_layers) :])
    for (attributes, _), name in zip(new_layers, new_names, strict=True):
        attributes["name"] = name
