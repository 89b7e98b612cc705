"""The order of layers: images of the anatomy below, what is drawn over them above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.layers import Image, Labels, Layer

from napari_medread.plugin.bridge.volume_to_layer import SEGMENTATION_MODALITY, LayerData

FUNCTIONAL_MODALITIES = ("PT", "NM")
"""DICOM's Modality of images that are read over a CT or MR: PET, SPECT, other nuclear medicine."""

ANATOMICAL_MODALITIES = ("CT", "MR")
"""DICOM's Modality of images that others are read over."""

DOSE_MODALITY = "RTDOSE"

_METAIMAGE_PREFIX = "MET_MOD_"


def get_modality(metadata: Any) -> str:
    """Return DICOM's word for the modality of a layer, from its metadata; empty where unknown."""
    modality = str(metadata.get("modality") or "").upper().removeprefix(_METAIMAGE_PREFIX)
    return {"MRI": "MR", "PET": "PT"}.get(modality, modality)


def sort_layers(layers: Sequence[LayerData]) -> list[LayerData]:
    """Return layer data from the one that belongs lowest to the one that belongs topmost."""
    return sorted(
        layers, key=lambda each: _rank(each[2] == "image", each[2] == "labels", each[1]["metadata"])
    )


def insert_in_order(layers: Any, arrived: Sequence[Layer]) -> None:
    """Move layers that were just added right above the topmost one that belongs below them.

    Where there is none, they go to the bottom. All others stay in the order that they have.

    Parameters
    ----------
    layers : LayerList
        The layers of the viewer.
    arrived : sequence of Layer
        The new ones, from the lowest to the topmost.
    """
    first = len(layers) - len(arrived)
    if {layers[n] for n in range(first, len(layers))} != {*arrived}:  # others came in between
        for layer in arrived:
            layers.move(layers.index(layer), len(layers))
    for index, layer in enumerate(arrived, first):
        if layers[index] is not layer:
            layers.move(layers.index(layer), index)
    for index, layer in enumerate(arrived, first):
        rank = _rank_layer(layer)
        place = next((n for n in range(index, 0, -1) if _rank_layer(layers[n - 1]) <= rank), 0)
        if place != index:
            layers.move(index, place)


def _rank_layer(layer: Layer) -> int:
    return _rank(isinstance(layer, Image), isinstance(layer, Labels), layer.metadata)


def _rank(is_image: bool, is_labels: bool, metadata: Any) -> int:
    """Return the place of a kind of layer in the order, from 0 for the lowest."""
    if is_image:
        modality = get_modality(metadata)
        if modality in FUNCTIONAL_MODALITIES:
            return 1
        return 2 if modality in (DOSE_MODALITY, SEGMENTATION_MODALITY) else 0
    return 3 if is_labels else 4  # points, shapes and others are drawn over all images
