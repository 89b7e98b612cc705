"""The planes of a stack, read one by one; missing slices are filled with one value."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.stored_values import find_padding_range
from napari_medread.dicom.headers.file_discovery import make_missing_file_error
from napari_medread.dicom.pixels.frame_decoding import find_rgb_type, is_rgb, read_stored_values
from napari_medread.dicom.pixels.modality_values import ModalityTransform, find_value_type
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.errors import UnreadableFile

Array = NDArray[Any]


class StackPlanes:
    """The planes of a stack as one row, each of which can be read alone.

    Attributes
    ----------
    grid : SliceGrid or None
        The grid to which the planes must be interpolated, if any.
    frames : list of Frame or None
        One for each plane, through all leading axes in C order; None for a missing slice.
    first_frame : Frame
        The first frame that is not missing.
    is_rgb : bool
        Whether the frames are in colour.
    transforms : dict of int to ModalityTransform
        By ``id`` of the frame.
    leading_shape : tuple of int
        Lengths of the leading axes and of the slice axis.
    plane_shape : tuple of int
        Rows, columns, and 3 colours where there are any.
    dtype : dtype
        The smallest type that holds all values that the headers allow.
    """

    def __init__(self, stack: Stack) -> None:
        self.grid = stack.grid
        self.frames = [frame for planes in stack.frames for frame in planes]
        self.first_frame = stack.all_frames[0]
        self.is_rgb = is_rgb(self.first_frame)
        self.transforms = {
            id(frame): ModalityTransform.from_frame(frame)
            for frame in self.frames
            if frame is not None
        }
        self.leading_shape = (*stack.leading_shape, len(stack.frames[0]))
        colours = (3,) if self.is_rgb else ()
        self.plane_shape = (self.first_frame.rows, self.first_frame.columns, *colours)
        self.dtype = np.dtype(
            find_rgb_type(self.first_frame)
            if self.is_rgb
            else find_value_type(list(self.transforms.values()))
        )

    @property
    def present_frames(self) -> list[tuple[int, Frame]]:
        """Every frame that is not missing, with the index of its plane."""
        return [(n, frame) for n, frame in enumerate(self.frames) if frame is not None]

    @property
    def nbytes(self) -> int:
        """Size of all planes in memory, in bytes."""
        return int(len(self.frames) * math.prod(self.plane_shape) * self.dtype.itemsize)

    def read_frame(self, frame: Frame) -> tuple[Array, Array]:
        """Return the modality values (or RGB) of one frame, and its stored values.

        Raises
        ------
        UnreadableFile
            Where it cannot be decoded, or its file no longer exists.
        """
        path = frame.header.path
        try:
            stored = read_stored_values(frame)
        except UnreadableFile:
            if path.exists():
                raise
            raise make_missing_file_error(path) from None
        return (stored if self.is_rgb else self.transforms[id(frame)].apply(stored)), stored

    def read_plane(self, index: int) -> Any:
        """Return a plane in the final type, or the one value that fills a missing plane."""
        frame = self.frames[index]
        if frame is None:
            return self.lowest_value if self.padding_value is None else self.padding_value
        return self.read_frame(frame)[0].astype(self.dtype, copy=False)

    @cached_property
    def padding_value(self) -> Any:
        """The padding value as a modality value, or None where there is none that fits."""
        padding = None if self.is_rgb else find_padding_range(self.first_frame)
        if padding is None:
            return None
        transform = self.transforms[id(self.first_frame)]
        value = transform.apply(np.array([padding[0]]))[0]
        return value if transform.low <= value <= transform.high else None

    @cached_property
    def lowest_value(self) -> Any:
        """The lowest value of all planes that can be read; this reads them all."""
        lowest = None
        for _, frame in self.present_frames:
            try:
                low = self.read_frame(frame)[0].min()
            except UnreadableFile:
                continue
            lowest = low if lowest is None else min(low, lowest)
        return 0 if lowest is None else lowest
