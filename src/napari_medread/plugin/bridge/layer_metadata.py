"""What the plugin remembers of a layer for itself, as one record in the layer's metadata.

Other code may rely on the plain keys of ``layer.metadata``, which docs/layer-metadata.md
describes. Everything else is one ``LayerRecord`` under the key ``RECORD_KEY``, which only this
module reads and writes. napari passes metadata on to copies, projections and parts of a layer;
a record is never changed in place, so that layers can share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from napari.layers import Layer

from napari_medread.core.affines import Float
from napari_medread.core.series_names import SeriesReference
from napari_medread.core.slice_sources import SliceSources
from napari_medread.core.volume import Window

RECORD_KEY = "napari_medread"
"""Key of the record in ``layer.metadata``."""


@dataclass(frozen=True, eq=False)
class StraightDrawing:
    """How a layer was drawn before it was drawn in patient space, to draw it so again.

    Attributes
    ----------
    affine : (n + 1, n + 1) float array
        ``layer.affine`` before.
    patient_space_affine : (n + 1, n + 1) float array
        ``layer.affine`` as it was set then. A layer that still has it was not moved since.
    to_patient_space : (4, 4) float array
        From the spatial axes of napari's world as the layer was drawn to those in patient space.
    drawn_affine : (m + 1, m + 1) float array or None
        ``LayerRecord.drawn_affine`` before; None where it was absent.
    """

    affine: Float
    patient_space_affine: Float
    to_patient_space: Float
    drawn_affine: Float | None = None


@dataclass(frozen=True, eq=False)
class LayerRecord:
    """What the plugin remembers of one layer. Every field is None where it is not known.

    Attributes
    ----------
    drawn_affine : (n + 1, n + 1) float array or None
        From the n array indices to napari's world in mm, as the layer was drawn when it was
        opened. Compared with where it is drawn now, it says how the layer was moved since.
    slice_axis : int or None
        Which of the last three array axes the slices were stacked along: 0, 1 or 2.
    slice_sources : Frames or None
        Which frame of which file in ``metadata["source"]`` every slice was read from.
    opened_contrast_limits : (float, float) or None
        The contrast limits that the layer was opened with.
    opened_colormap : str or None
        The name of the colormap that it was opened with.
    proposed_windows : tuple of Window or None
        Windows that were proposed for its values when it was opened.
    series : SeriesReference or None
        Which series of which patient and study it is from, without the patient's data.
    straight : StraightDrawing or None
        How to draw the layer straight again; None unless it is drawn in patient space.

    Raises
    ------
    ValueError
        Where a value is none of these.
    """

    drawn_affine: Float | None = None
    slice_axis: int | None = None
    slice_sources: SliceSources | None = None
    opened_contrast_limits: tuple[float, float] | None = None
    opened_colormap: str | None = None
    proposed_windows: tuple[Window, ...] | None = None
    series: SeriesReference | None = None
    straight: StraightDrawing | None = None

    def __post_init__(self) -> None:
        """Check the values, and keep matrices as arrays that cannot be changed."""
        if self.drawn_affine is not None:
            matrix = np.array(self.drawn_affine, dtype=float)
            if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 3:
                raise ValueError(f"drawn_affine has the shape {matrix.shape}")
            matrix.setflags(write=False)
            object.__setattr__(self, "drawn_affine", matrix)
        if self.slice_axis not in (None, 0, 1, 2):
            raise ValueError(f"slice_axis is {self.slice_axis!r}, not 0, 1 or 2")
        kinds = (
            ("slice_sources", SliceSources),
            ("series", SeriesReference),
            ("straight", StraightDrawing),
        )
        for name, kind in kinds:
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise ValueError(f"{name} is a {type(value).__name__}, not a {kind.__name__}")
        if self.opened_contrast_limits is not None:
            low, high = map(float, self.opened_contrast_limits)
            object.__setattr__(self, "opened_contrast_limits", (low, high))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of the layer."""
        return all(getattr(self, field.name) is None for field in fields(self))


_EMPTY = LayerRecord()


def get_record(source: Layer | Mapping[str, Any]) -> LayerRecord:
    """Return the record of a layer or of a layer's metadata.

    Where there is none, or something else stands under the key, all its fields are None.
    """
    metadata = source if isinstance(source, Mapping) else source.metadata
    found = metadata.get(RECORD_KEY)
    return found if isinstance(found, LayerRecord) else _EMPTY


def with_record(metadata: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a copy of a layer's metadata with some fields of its record changed.

    Parameters
    ----------
    metadata : mapping
        It stays as it is.
    **changes
        Fields of ``LayerRecord``; None forgets a value. A record of which nothing is left is
        left out.

    Raises
    ------
    ValueError
        Where a value does not fit its field.
    """
    record = replace(get_record(metadata), **changes)
    changed = {key: value for key, value in metadata.items() if key != RECORD_KEY}
    if not record.is_empty:
        changed[RECORD_KEY] = record
    return changed
