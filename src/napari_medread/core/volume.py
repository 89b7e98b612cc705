"""A volume: one regular grid of voxels with its geometry, which becomes one layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.geometry import PATIENT_LABELS, PLANE_LABELS, Geometry
from napari_medread.core.slice_sources import SliceSources

Window = tuple[float, float, str]
"""Center, width and explanation of a display window, in the volume's value unit."""


NO_PIXEL_SIZE = "The file gives no pixel size: shown in pixels."
"""The note on every image whose units stay pixels."""


@dataclass(frozen=True)
class Axis:
    """An axis that is not one of the grid's: time, echo, b-value, page, channel.

    Attributes
    ----------
    label : str
        What the axis is.
    unit : str
        Unit of its steps; ``pixel`` where steps are only counted.
    step : float
        Size of one step in ``unit``, positive.
    values : tuple
        The real value at each index, where the file gives one.
    """

    label: str
    unit: str = "pixel"
    step: float = 1.0
    values: tuple[Any, ...] = ()


@dataclass(eq=False)
class Volume:
    """Voxels and all a viewer needs to show them truthfully.

    Attributes
    ----------
    data : array
        Shape ``(*leading, *grid)``, with a last axis of 3 or 4 where ``rgb``. The grid's
        axes are in world order. Holds modality values: HU, Bq/ml, plain intensities.
    name : str
        What to call it. Never a patient's name.
    geometry : Geometry or None
        Three axes in patient space, two with spacing alone, None where the file gives
        no spacing.
    leading : tuple of Axis
        The axes before the grid.
    pixel_size : tuple of float
        Without a geometry, how high and how wide a pixel is in pixels: of some images only
        the ratio of the two is known.
    rgb : bool
        Whether the last axis of ``data`` is colour.
    labels : bool
        Whether the values are the numbers of regions, and not to be mixed.
    contrast_limits : tuple of float or None
        Lowest and highest value to show; None for colour.
    inverted : bool
        Whether high values are shown dark (MONOCHROME1). The values are not inverted.
    source : tuple of Path
        The files, in slice order.
    notes : tuple of str
        Sentences about every guess and repair.
    modality, value_unit : str
        As in DICOM's Modality; ``HU``, ``Bq/ml`` and so on, empty where unknown.
    windows : tuple of Window
        All windows of the file.
    header : mapping
        The header's keys by their own names, for formats that have them.
    frames : Frames or None
        Which image of which file of ``source`` each slice is, where that is known.
    """

    data: Any
    name: str
    geometry: Geometry | None = None
    leading: tuple[Axis, ...] = ()
    pixel_size: tuple[float, float] = (1.0, 1.0)
    rgb: bool = False
    labels: bool = False
    contrast_limits: tuple[float, float] | None = None
    inverted: bool = False
    source: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    modality: str = ""
    value_unit: str = ""
    windows: tuple[Window, ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)
    frames: SliceSources | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the voxels, the colour axis left out."""
        shape = tuple(self.data.shape)
        return shape[:-1] if self.rgb else shape

    @property
    def ndim(self) -> int:
        """Number of axes, the colour axis left out."""
        return len(self.shape)

    @property
    def patient_affine(self) -> NDArray[np.float64] | None:
        """(4, 4) matrix from the last three array axes to LPS mm, or None without a position."""
        if self.geometry is None or self.geometry.ndim != 3:
            return None
        return np.array(self.geometry.affine)

    @property
    def axis_labels(self) -> tuple[str, ...]:
        """A label for every axis."""
        patient = self.geometry is not None and self.geometry.ndim == 3
        return (*(a.label for a in self.leading), *(PATIENT_LABELS if patient else PLANE_LABELS))

    @property
    def units(self) -> tuple[str, ...]:
        """A unit for every axis: mm along the grid where its spacing is known."""
        grid = self.ndim - len(self.leading)
        return (
            *(a.unit for a in self.leading),
            *(("pixel" if self.geometry is None else "mm",) * grid),
        )


def to_world_order(
    data: Any, geometry: Geometry, leading: int = 0, *, rgb: bool = False
) -> tuple[Any, Geometry]:
    """Permute an array's grid axes so that each lies closest to its world axis.

    Parameters
    ----------
    data : array
        ``leading`` axes, then the grid's axes, then colour where ``rgb``. Nothing is
        copied or interpolated.
    geometry : Geometry
        Of the grid as it is in ``data``.
    leading : int
        How many axes come before the grid.
    rgb : bool
        Whether a colour axis comes last.

    Returns
    -------
    data, geometry
        The transposed view and its geometry.
    """
    order: Sequence[int] = geometry.world_order
    if list(order) == sorted(order):
        return data, geometry
    axes = [*range(leading), *(leading + n for n in order)]
    if rgb:
        axes.append(data.ndim - 1)
    return data.transpose(axes), geometry.permuted(order)
