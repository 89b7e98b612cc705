"""What napari says about where a layer is drawn, in numbers and millimetres."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pint
from napari.layers import Layer
from napari.utils.transforms import CompositeAffine
from numpy.typing import NDArray

_SHORT_UNITS = {"second": "s", "millisecond": "ms", "microsecond": "us"}
"""Names of units as napari spells them, and as volumes do."""


def compute_index_to_world(ndim: int, attributes: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the (n + 1, n + 1) matrix from array index to napari's world."""
    own = CompositeAffine(
        scale=attributes.get("scale", (1.0,) * ndim),
        translate=attributes.get("translate", (0.0,) * ndim),
        rotate=attributes.get("rotate"),
        shear=attributes.get("shear"),
        ndim=ndim,
    ).affine_matrix
    affine = attributes.get("affine")
    return np.asarray(own if affine is None else np.asarray(affine) @ own, dtype=float)


def get_mm_per_unit(unit: Any) -> float | None:
    """Return how many mm a unit of length is, None for any other."""
    if str(unit) in ("mm", "millimeter"):
        return 1.0
    try:
        factor = pint.get_application_registry()(str(unit)).to("mm").magnitude  # type: ignore[no-untyped-call]
    except pint.PintError:
        return None
    return float(factor) if math.isfinite(factor) and factor > 0 else None


def shorten_unit(unit: Any) -> str:
    """Return a unit by the name that volumes give it."""
    return _SHORT_UNITS.get(str(unit), str(unit))


def get_displayed_frame(layer: Layer, ndim: int, point: Sequence[float]) -> tuple[int, ...]:
    """Return the index along the axes before space of what the viewer shows of a layer."""
    lead = layer.ndim - ndim
    here = np.zeros(layer.ndim)
    known = np.asarray(point, dtype=float)[-layer.ndim :]
    here[layer.ndim - len(known) :] = known
    index = np.rint(np.asarray(layer.world_to_data(here))[:lead]).astype(int)
    return tuple(np.clip(index, 0, np.array(layer.data.shape[:lead]) - 1).tolist())
