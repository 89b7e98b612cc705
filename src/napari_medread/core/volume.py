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
"""Note on every image whose units stay pixels."""


@dataclass(frozen=True)
class Axis:
    """A leading axis, which is not one of the grid's: time, echo, b-value, page, channel.

    Attributes
    ----------
    label : str
        What changes along the axis.
    unit : str
        Unit of its steps; ``pixel`` where steps are only counted.
    step : float
        Size of one step in ``unit``, positive.
    values : tuple
        The value at each index, if the file gives one.
    """

    label: str
    unit: str = "pixel"
    step: float = 1.0
    values: tuple[Any, ...] = ()


@dataclass(eq=False)
class Volume:
    """Voxels with their geometry, and all that a viewer needs to show them correctly.

    Attributes
    ----------
    data : array
        Shape ``(*leading, *grid)``, with a last axis of 3 or 4 where ``rgb``. The grid's
        axes are in world order. Holds modality values: HU, Bq/ml, plain intensities.
    name : str
        Name to show. Never a patient's name.
    geometry : Geometry or None
        Three axes in patient space, or two axes with spacing alone; None if the file gives no
        spacing.
    leading : tuple of Axis
        The axes before those of the grid.
    pixel_size : tuple of float
        Height and width of a pixel in pixels, used if there is no geometry: some files only
        give the ratio of the two.
    rgb : bool
        Whether the last axis of ``data`` is colour.
    labels : bool
        Whether the values are label numbers, which must not be interpolated.
    contrast_limits : tuple of float or None
        The values shown as black and as white; None for colour.
    inverted : bool
        Whether high values are shown dark (MONOCHROME1). The values are not inverted.
    source : tuple of Path
        The files it was read from, in slice order.
    notes : tuple of str
        Sentences about every guess and repair.
    modality : str
        Modality (0008,0060), empty if unknown.
    value_unit : str
        Unit of the values: ``HU``, ``Bq/ml`` and so on, empty if unknown.
    windows : tuple of Window
        All display windows of the file.
    header : mapping
        Keys and values of the header, for MetaImage, NIfTI and NRRD.
    slice_sources : SliceSources or None
        Which frame of which file of ``source`` each slice was read from, if known.
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
    slice_sources: SliceSources | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the voxels, without the colour axis."""
        shape = tuple(self.data.shape)
        return shape[:-1] if self.rgb else shape

    @property
    def ndim(self) -> int:
        """Number of axes, without the colour axis."""
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
    """Return an array and its geometry with the grid axes permuted into world order.

    Each array axis then is the one closest to its world axis. Nothing is copied or interpolated.

    Parameters
    ----------
    data : array
        ``leading`` axes, then the grid's axes, then colour where ``rgb``.
    geometry : Geometry
        Geometry of the grid as it is in ``data``.
    leading : int
        Number of axes before the grid.
    rgb : bool
        Whether a colour axis comes last.

    Returns
    -------
    data : array
        A transposed view.
    geometry : Geometry
        Its geometry.
    """
    order: Sequence[int] = geometry.world_order
    if list(order) == sorted(order):
        return data, geometry
    axes = [*range(leading), *(leading + n for n in order)]
    if rgb:
        axes.append(data.ndim - 1)
    return data.transpose(axes), geometry.permute_axes(order)
