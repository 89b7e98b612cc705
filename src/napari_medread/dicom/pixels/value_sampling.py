"""A sample of the modality values of a stack, from which contrast limits are estimated."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.contrast_limits import SAMPLED_PLANES, SAMPLED_VOXELS
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.stored_values import find_padding_range

Array = NDArray[Any]


class ValueSampler:
    """Collects modality values from planes all over a stack, without their padding.

    Parameters
    ----------
    plane_count : int
        Number of planes that will be added.
    plane_shape : tuple of int
        Shape of a plane: rows, columns, and colours where there are any.
    """

    def __init__(self, plane_count: int, plane_shape: tuple[int, ...]) -> None:
        self._plane_step = max(1, plane_count // SAMPLED_PLANES)
        sampled_planes = math.ceil(plane_count / self._plane_step)
        voxels = sampled_planes * plane_shape[0] * plane_shape[1]
        self._pixel_step = max(1, math.isqrt(max(1, voxels // SAMPLED_VOXELS)))
        self._samples: list[Array] = []
        self._added_planes = 0

    def add_plane(self, values: Array, stored: Array, frame: Frame) -> None:
        """Sample one plane, given its modality values and its stored values."""
        if self._added_planes % self._plane_step == 0:
            every_nth = (slice(None, None, self._pixel_step),) * 2
            sample, stored_sample = values[every_nth], stored[every_nth]
            padding = find_padding_range(frame)
            if padding is not None:
                sample = sample[(stored_sample < padding[0]) | (stored_sample > padding[1])]
            self._samples.append(sample.ravel())
        self._added_planes += 1

    def values(self) -> Array:
        """Return all sampled values as one row."""
        return np.concatenate(self._samples) if self._samples else np.empty(0)
