"""A stack: the sorted frames of one volume, and the grid on which they lie."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Axis
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.sorting.slice_grid import SliceGrid


@dataclass(eq=False)
class Stack:
    """The sorted frames of one volume.

    Attributes
    ----------
    frames : list of list of Frame or None
        For every point of the leading axes, in C order, the frame on each plane; None
        where a slice is missing. Without a patient position every point has one frame.
    leading : tuple of Axis
        The axes before the slices.
    leading_shape : tuple of int
        Lengths of the leading axes.
    affine : (4, 4) array or None
        From (slice, row, column) to LPS mm; None where the patient position is not known.
    grid : SliceGrid or None
        The grid to which slices are interpolated; None where they lie on their planes.
    label : str
        What distinguishes this stack from the others of its series, for its name.
    notes : list of str
        Every guess and repair.
    """

    frames: list[list[Frame | None]]
    leading: tuple[Axis, ...] = ()
    leading_shape: tuple[int, ...] = ()
    affine: NDArray[np.float64] | None = None
    grid: SliceGrid | None = None
    label: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def all_frames(self) -> list[Frame]:
        """All frames in order, without the missing ones."""
        return [frame for planes in self.frames for frame in planes if frame is not None]

    @property
    def middle_frame(self) -> Frame:
        """The frame in the middle of the slices, at the middle of the leading axes."""
        point = 0
        for length in self.leading_shape:
            point = point * length + length // 2
        frames = [frame for frame in self.frames[point] if frame is not None] or self.all_frames
        return frames[len(frames) // 2]

    @property
    def plane_count(self) -> int:
        """Number of planes of the volume: those of the grid where slices are interpolated."""
        return len(self.frames[0]) if self.grid is None else self.grid.interpolated_planes

    @property
    def size(self) -> int:
        """Number of voxels, without missing slices."""
        frames = self.all_frames
        return len(frames) * frames[0].rows * frames[0].columns


def join_labels(*labels: str) -> str:
    """Join the labels that distinguish a volume from others, leaving out empty ones."""
    return ", ".join(label for label in labels if label)
