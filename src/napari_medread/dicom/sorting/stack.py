"""A stack: the frames of one volume, sorted, and the grid that they lie on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Axis
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.sorting.slice_spacing import SliceGrid


@dataclass(eq=False)
class Stack:
    """The frames of one volume, in their order.

    Attributes
    ----------
    frames : list of list of Frame or None
        For every point of the leading axes, in C order, the frame on each plane; None
        where a slice is missing. Frames without a place are one plane a point.
    leading : tuple of Axis
        The axes before the slices.
    lead_shape : tuple of int
        Their lengths.
    affine : (4, 4) array or None
        From (slice, row, column) to LPS mm, or None where the place is not known.
    grid : Grid or None
        Set where the planes must be interpolated.
    label : str
        What sets it apart from other stacks of its series.
    notes : list of str
        Every guess and repair.
    """

    frames: list[list[Frame | None]]
    leading: tuple[Axis, ...] = ()
    lead_shape: tuple[int, ...] = ()
    affine: NDArray[np.float64] | None = None
    grid: SliceGrid | None = None
    label: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def all_frames(self) -> list[Frame]:
        """Every frame there is, in order."""
        return [frame for planes in self.frames for frame in planes if frame is not None]

    @property
    def size(self) -> int:
        """Number of voxels, without missing slices."""
        frames = self.all_frames
        return len(frames) * frames[0].rows * frames[0].columns
