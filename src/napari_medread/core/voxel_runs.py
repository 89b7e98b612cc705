"""Sets of voxels as runs along the last axis of a grid, and contours filled into such runs.

A segment of thousands of voxels has a few runs in every row. Runs can be intersected and written
into a label image without an array of the size of the image for every segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Float = NDArray[np.float64]

MAX_VOXELS_PER_PIECE = 1 << 20
"""Number of voxels whose indices ``VoxelRuns.iterate_indices`` makes at once."""

LONG_RUN_VOXELS = 24
"""From this mean length on, runs are written one by one, which is faster than by their indices."""

INDEX_DECIMALS = 6
"""Contour points are rounded to this many decimals of an index, which removes the rounding of the
matrix product but nothing that a file can state."""


@dataclass(frozen=True, eq=False)
class VoxelRuns:
    """A set of voxels, as ranges of indices into the flattened array of a grid.

    Attributes
    ----------
    shape : tuple of int
        Shape of the grid.
    starts, stops : (n,) array
        The first index of every run, and the index after its last one. Sorted; runs do not overlap.
    """

    shape: tuple[int, ...]
    starts: Integers
    stops: Integers

    @property
    def count(self) -> int:
        """Number of voxels."""
        return int((self.stops - self.starts).sum())

    @property
    def bounds(self) -> tuple[Integers, Integers]:
        """The lowest index along every axis, and the index after the highest; zeros if empty."""
        if not self.starts.size:
            return np.zeros(len(self.shape), np.int64), np.zeros(len(self.shape), np.int64)
        first = np.stack(np.unravel_index(self.starts, self.shape))
        last = np.stack(np.unravel_index(self.stops - 1, self.shape))
        return first.min(axis=1), last.max(axis=1) + 1

    def overlaps(self, other: VoxelRuns) -> bool:
        """Return whether two sets of the same grid share a voxel."""
        few, many = sorted((self, other), key=lambda runs: runs.starts.size)
        if not few.starts.size:
            return False
        # The first run of the other set that ends after the start of a run of this one.
        following = np.searchsorted(many.stops, few.starts, side="right")
        inside = following < many.starts.size
        return bool((many.starts[following[inside]] < few.stops[inside]).any())

    def iterate_indices(self) -> Iterator[Integers]:
        """Yield the indices of all voxels, in pieces of about ``MAX_VOXELS_PER_PIECE``."""
        lengths = self.stops - self.starts
        if lengths.sum() <= MAX_VOXELS_PER_PIECE:
            before = np.cumsum(lengths) - lengths
            yield np.arange(int(lengths.sum())) + np.repeat(self.starts - before, lengths)
            return
        pieces = np.cumsum(lengths) // MAX_VOXELS_PER_PIECE
        edges = np.flatnonzero(np.diff(pieces)) + 1
        for starts, counts in zip(
            np.split(self.starts, edges), np.split(lengths, edges), strict=True
        ):
            before = np.cumsum(counts) - counts
            yield np.arange(int(counts.sum())) + np.repeat(starts - before, counts)

    def write_into(self, array: NDArray[np.generic], value: int) -> None:
        """Set all voxels of a C-contiguous array of this shape to a value."""
        flat = array.reshape(-1)
        if self.count > LONG_RUN_VOXELS * self.starts.size:
            for start, stop in zip(self.starts.tolist(), self.stops.tolist(), strict=True):
                flat[start:stop] = value
            return
        for indices in self.iterate_indices():
            flat[indices] = value


def make_runs(indices: Integers, shape: tuple[int, ...]) -> VoxelRuns:
    """Return a set of voxels of their indices into the flattened grid, in any order."""
    ordered = np.sort(indices)
    ends = np.flatnonzero(np.diff(ordered) > 1)
    if not ordered.size:
        return VoxelRuns(shape, ordered, ordered)
    starts = ordered[np.concatenate([[0], ends + 1])]
    return VoxelRuns(shape, starts, ordered[np.concatenate([ends, [-1]])] + 1)


def fill_contours(
    contours: Sequence[Float], planes: Sequence[int], shape: tuple[int, int, int]
) -> VoxelRuns:
    """Return the voxels whose centres lie inside closed contours, by the even-odd rule.

    A point belongs to the set if an odd number of the contours of its plane surround it: a contour
    within another one is a hole (PS3.3 C.8.8.6.3), and a keyhole works without further ado. A
    centre on an edge belongs to the area that follows it along its axis, so that areas that share
    an edge never share a voxel.

    Parameters
    ----------
    contours : sequence of (n, 2) array
        Their points as continuous (row, column) indices; the last is joined to the first.
    planes : sequence of int
        The plane of each contour: the index along the first axis.
    shape : tuple of int
        Shape (plane, row, column) of the grid. What lies outside is left out.
    """
    _, rows, columns = shape
    kept = [(c, p) for c, p in zip(contours, planes, strict=True) if len(c) and 0 <= p < shape[0]]
    if not kept:
        return VoxelRuns(shape, np.empty(0, np.int64), np.empty(0, np.int64))
    start = np.round(np.concatenate([contour for contour, _ in kept]), INDEX_DECIMALS)
    end = np.round(
        np.concatenate([np.roll(contour, -1, axis=0) for contour, _ in kept]), INDEX_DECIMALS
    )
    plane = np.repeat([p for _, p in kept], [len(contour) for contour, _ in kept])
    first_row = np.ceil(np.minimum(start[:, 0], end[:, 0])).clip(0, rows).astype(np.int64)
    last_row = np.ceil(np.maximum(start[:, 0], end[:, 0])).clip(0, rows).astype(np.int64)
    crossed = last_row - first_row
    edge = np.repeat(np.arange(len(crossed)), crossed)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(crossed) - crossed - first_row, crossed)
    height = end[edge, 0] - start[edge, 0]
    share = (row - start[edge, 0]) / height
    column = start[edge, 1] + share * (end[edge, 1] - start[edge, 1])
    first_column = np.ceil(np.round(column, INDEX_DECIMALS)).clip(0, columns).astype(np.int64)
    # One more column than the grid has keeps crossings behind its end in their row.
    crossing = (plane[edge] * rows + row) * (columns + 1) + first_column
    crossing.sort()
    line, column_index = np.divmod(crossing, columns + 1)
    flat = line * columns + column_index
    starts, stops = flat[0::2], flat[1::2]
    filled = starts < stops
    return VoxelRuns(shape, starts[filled], stops[filled])
