"""A sample of the modality values of a stack, from which its opening window is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.middle_slices import find_sampling_step, pick_middle_slices
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.stored_values import find_padding_range

Array = NDArray[Any]


def pick_sampled_planes(leading_shape: Sequence[int], present: Sequence[int]) -> list[int]:
    """Return the planes to sample: around the middle of the stack at the middle of other axes.

    Parameters
    ----------
    leading_shape : sequence of int
        Lengths of the leading axes and of the slice axis.
    present : sequence of int
        The planes that are not missing, through all axes in C order; at least one.
    """
    *leading, slices = leading_shape
    if slices == 1 and leading:  # images over time: several of them instead of several slices
        slices = leading.pop()
    first = 0
    for length in leading:
        first = first * length + length // 2
    first *= slices
    candidates = [n for n in present if first <= n < first + slices] or list(present)
    return [candidates[n] for n in pick_middle_slices(len(candidates))]


class ValueSampler:
    """Collects modality values from planes, without their padding.

    Parameters
    ----------
    plane_count : int
        Number of planes that will be added.
    plane_shape : tuple of int
        Shape of a plane: rows, columns, and colours where there are any.
    """

    def __init__(self, plane_count: int, plane_shape: tuple[int, ...]) -> None:
        self._step = find_sampling_step(plane_shape, plane_count)
        self._samples: list[Array] = []

    def add_plane(self, values: Array, stored: Array, frame: Frame) -> None:
        """Sample one plane, given its modality values and its stored values."""
        every_nth = (slice(None, None, self._step),) * 2
        sample, stored_sample = values[every_nth], stored[every_nth]
        padding = find_padding_range(frame)
        if padding is not None:
            sample = sample[(stored_sample < padding[0]) | (stored_sample > padding[1])]
        self._samples.append(sample.ravel())

    @property
    def is_empty(self) -> bool:
        """Whether no plane was added."""
        return not self._samples

    def values(self) -> Array:
        """Return all sampled values as one row."""
        return np.concatenate(self._samples) if self._samples else np.empty(0)
