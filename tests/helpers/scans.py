"""Scans whose voxels tell where they lie, by the equation of PS3.3 C.7.6.2.1.1."""

from __future__ import annotations

from typing import NamedTuple

import dask.array as da
import numpy as np
from napari.layers import Image, Layer

from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume, to_world_order
from napari_medread.plugin.bridge.volume_to_layer import to_layer


class Scan(NamedTuple):
    """A stack of slices, given as a DICOM header gives it.

    Attributes
    ----------
    orientation : tuple of float
        ImageOrientationPatient.
    position : tuple of float
        ImagePositionPatient of the first slice.
    spacing : tuple of float
        Between slices, then PixelSpacing (rows, columns), in mm.
    shape : tuple of int
        Slices, rows, columns.
    """

    orientation: tuple[float, ...]
    position: tuple[float, float, float] = (-31.0, -47.5, 88.25)
    spacing: tuple[float, float, float] = (4.0, 1.5, 2.0)
    shape: tuple[int, int, int] = (9, 20, 16)

    @property
    def normal(self) -> np.ndarray:
        return np.cross(self.orientation[:3], self.orientation[3:])

    def place(self, value: int) -> np.ndarray:
        """Return where in LPS a voxel lies, by its value."""
        n, row, column = np.unravel_index(int(value), self.shape)
        across, down = np.array(self.orientation[:3]), np.array(self.orientation[3:])
        between, rows, columns = self.spacing
        return (
            np.array(self.position)
            + across * columns * column
            + down * rows * row
            + self.normal * between * n
        )

    def volume(self, data: np.ndarray | None = None, frames: int = 0) -> Volume:
        """Return it as a volume; with ``frames``, as a lazy one that many times over."""
        affine = np.eye(4)
        between, rows, columns = self.spacing
        affine[:3, 0] = self.normal * between
        affine[:3, 1] = np.array(self.orientation[3:]) * rows
        affine[:3, 2] = np.array(self.orientation[:3]) * columns
        affine[:3, 3] = self.position
        if data is None:
            data = np.arange(np.prod(self.shape), dtype=np.int32).reshape(self.shape)
        data, geometry = to_world_order(data, Geometry(self.shape, affine))
        leading = (Axis("time", "s", 2.5),) if frames else ()
        limits = (0.0, float(data.max()))
        if frames:
            data = da.from_array(np.stack([data] * frames), chunks=(1, 3, -1, -1))
        return Volume(data, "scan", geometry, leading, contrast_limits=limits, value_unit="HU")

    def layer(self, data: np.ndarray | None = None, frames: int = 0) -> Image:
        return Layer.create(*to_layer(self.volume(data, frames)))


def _turned(degrees: float) -> tuple[float, ...]:
    """Return axial slices turned about the x axis, then a little about z."""
    a, b = np.radians(degrees), np.radians(8.0)
    turn = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    return (*(turn @ (1, 0, 0)), *(turn @ (0, np.cos(a), np.sin(a))))


AXIAL = Scan((1, 0, 0, 0, 1, 0))
FROM_HEAD = Scan((-1, 0, 0, 0, 1, 0))
"""Axial with rows towards the patient's right: seen from the head."""
SAGITTAL = Scan((0, 1, 0, 0, 0, -1))
CORONAL = Scan((1, 0, 0, 0, 0, -1))
OBLIQUE = Scan(_turned(30.0))
SCANS = {
    "axial": AXIAL, "from head": FROM_HEAD, "sagittal": SAGITTAL, "coronal": CORONAL,
    "oblique": OBLIQUE,
}  # fmt: skip
