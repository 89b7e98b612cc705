"""How layers look that are drawn over others: PET over a CT or MR, and dose."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from napari.layers import Image, Layer
from napari.utils import Colormap
from napari.utils.colormaps import AVAILABLE_COLORMAPS

from napari_medread.plugin.arrival.layer_order import (
    ANATOMICAL_MODALITIES,
    DOSE_MODALITY,
    FUNCTIONAL_MODALITIES,
    get_modality,
)
from napari_medread.plugin.bridge.layer_metadata import get_record, with_record

FUSION_COLORMAP = Colormap(
    colors=[[0, 0, 0, 1], [1, 0, 0, 1], [1, 0.5, 0, 1], [1, 1, 1, 1]],
    controls=[0, 0.5, 0.75, 1],
    name="hot iron",
)
"""The palette Hot Iron of PS3.6 B.1.1: black, and so without effect, where there is no activity."""

DOSE_OPACITY = 0.5

_UNTOUCHED_BLENDING = ("translucent", "translucent_no_depth", "opaque")
"""The blending of layers that were only opened."""

_OPAQUE_DOSE = 0.1
"""Fraction of the displayed range above which the colours of dose hide nothing any more."""


def update_fusion(layers: Iterable[Layer], arrived: Iterable[Layer]) -> None:
    """Draw PET in colour where there is a CT or MR, and dose with no colour where there is none.

    Layers whose colormap or blending was changed since they were opened stay as they are.

    Parameters
    ----------
    layers : iterable of Layer
        All layers of the viewer: a CT may arrive after the PET.
    arrived : iterable of Layer
        Those that were just added.
    """
    layers = list(layers)
    if any(_has_modality(layer, ANATOMICAL_MODALITIES) for layer in layers):
        for layer in layers:
            if _has_modality(layer, FUNCTIONAL_MODALITIES) and _looks_as_opened(layer):
                _set_colormap(layer, FUSION_COLORMAP)
                layer.blending = "additive"
    for layer in arrived:
        if _has_modality(layer, (DOSE_MODALITY,)) and _looks_as_opened(layer):
            _set_colormap(layer, make_dose_colormap())
            layer.blending, layer.opacity = "translucent_no_depth", DOSE_OPACITY


def make_dose_colormap() -> Colormap:
    """Return a colormap from blue to red, which is transparent at its lower end."""
    colors = np.array(AVAILABLE_COLORMAPS["turbo"].colors, dtype=float)
    colors[:, 3] = np.clip(np.linspace(0, 1 / _OPAQUE_DOSE, len(colors)), 0, 1)
    return Colormap(colors=colors, name="dose")


def _has_modality(layer: Layer, modalities: tuple[str, ...]) -> bool:
    """Return whether a layer is a grey image of one of some modalities, with a position."""
    return (
        isinstance(layer, Image)
        and not layer.rgb
        and "patient_affine" in layer.metadata
        and get_modality(layer.metadata) in modalities
    )


def _looks_as_opened(layer: Layer) -> bool:
    opened = get_record(layer).opened_colormap
    return str(layer.colormap.name) == opened and str(layer.blending) in _UNTOUCHED_BLENDING


def _set_colormap(layer: Layer, colormap: Colormap) -> None:
    layer.colormap = colormap
    # "As opened" means the colours of the fusion from now on.
    layer.metadata = with_record(layer.metadata, opened_colormap=str(colormap.name))
