"""Distributing sets of voxels that may overlap over as few label images as possible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.voxel_runs import VoxelRuns

MAX_COMPARED_PAIRS = 200_000
"""Number of pairs of segments up to which all that may overlap are compared with one another."""


def distribute_over_layers(
    segments: Sequence[VoxelRuns], max_layers: int = 64
) -> NDArray[np.int64]:
    """Return the layer of each set of voxels of one grid, such that no two of a layer overlap.

    Parameters
    ----------
    segments : sequence of VoxelRuns
        Of one grid.
    max_layers : int
        Number of layers up to which they are told apart. A set that fits into none of them gets a
        layer of this number or a higher one.

    Returns
    -------
    (n,) array of int
        Layers, counted from 0.
    """
    bounds = [segment.bounds for segment in segments]
    pairs = find_candidate_pairs(
        [low for low, _ in bounds], [high for _, high in bounds], MAX_COMPARED_PAIRS
    )
    if pairs is None:
        return _fit_first(segments, max_layers)
    overlaps = np.zeros((len(segments), len(segments)), bool)
    for n, other in pairs:
        overlaps[n, other] = overlaps[other, n] = segments[n].overlaps(segments[other])
    return assign_layers(overlaps)


def _fit_first(segments: Sequence[VoxelRuns], max_layers: int) -> NDArray[np.int64]:
    """Return the first layer that has room for each set of voxels, the largest sets first."""
    layers = np.full(len(segments), max_layers, np.int64)
    taken: list[NDArray[np.bool_]] = []
    for n in sorted(range(len(segments)), key=lambda n: -segments[n].count):
        pieces = [*segments[n].iterate_indices()]
        for layer in range(max_layers):
            if layer == len(taken):
                taken.append(np.zeros(segments[n].shape, bool))
            flat = taken[layer].reshape(-1)
            if not any(flat[indices].any() for indices in pieces):
                segments[n].write_into(taken[layer], 1)
                layers[n] = layer
                break
    return layers


def assign_layers(overlaps: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the layer of each segment, such that no two of a layer overlap.

    This is a colouring of the graph of overlaps: the segment that has the fewest layers left goes
    first (Brélaz 1979). It needs the fewest layers for nearly all graphs, and one layer where
    nothing overlaps.

    Parameters
    ----------
    overlaps : (n, n) array of bool
        Whether two segments share a voxel; symmetrical.

    Returns
    -------
    (n,) array of int
        Layers, counted from 0.
    """
    count = len(overlaps)
    layers = np.full(count, -1, np.int64)
    neighbours = [np.flatnonzero(row & (np.arange(count) != n)) for n, row in enumerate(overlaps)]
    degrees = np.array([len(each) for each in neighbours], np.int64)
    layers[degrees == 0] = 0
    used: list[set[int]] = [set() for _ in range(count)]
    saturation = np.zeros(count, np.int64)
    waiting = layers < 0
    while waiting.any():
        candidates = np.flatnonzero(waiting)
        # Of equally constrained segments the one with most overlaps, then the first.
        order = np.lexsort((candidates, -degrees[candidates], -saturation[candidates]))
        chosen = int(candidates[order[0]])
        layer = next(n for n in range(count) if n not in used[chosen])
        layers[chosen] = layer
        waiting[chosen] = False
        for neighbour in neighbours[chosen]:
            used[neighbour].add(layer)
            saturation[neighbour] = len(used[neighbour])
    return layers


def find_candidate_pairs(
    lows: Sequence[NDArray[np.int64]], highs: Sequence[NDArray[np.int64]], max_count: int
) -> list[tuple[int, int]] | None:
    """Return the pairs of boxes that share a voxel, which alone can hold overlapping segments.

    Parameters
    ----------
    lows, highs : sequence of (d,) array
        The first index of each box along every axis, and the index after its last one.
    max_count : int
        Most pairs that are listed.

    Returns
    -------
    list of (int, int), or None
        None where there are more pairs.
    """
    low, high = np.array(lows), np.array(highs)
    pairs: list[tuple[int, int]] = []
    for n in range(len(low)):
        meets = (low[n + 1 :] < high[n]).all(axis=1) & (high[n + 1 :] > low[n]).all(axis=1)
        others = np.flatnonzero(meets) + n + 1
        if len(pairs) + len(others) > max_count:
            return None
        pairs += [(n, other) for other in others.tolist()]
    return pairs
