"""Sets of voxels on as few layers as their overlaps allow."""

import itertools

import numpy as np
import pytest

from napari_medread.core import label_layers
from napari_medread.core.label_layers import (
    assign_layers,
    distribute_over_layers,
    find_candidate_pairs,
)
from napari_medread.core.voxel_runs import make_runs

SHAPE = (4, 10, 10)


def make_boxes(count, seed=0, size=4):
    """Return random boxes as masks."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, *SHAPE), bool)
    for mask in masks:
        low = rng.integers(0, np.array(SHAPE) - 1)
        high = low + rng.integers(1, size, 3)
        mask[tuple(slice(*ends) for ends in zip(low, high, strict=True))] = True
    return masks


def to_runs(masks):
    return [make_runs(np.flatnonzero(mask), SHAPE) for mask in masks]


@pytest.mark.parametrize("max_pairs", [0, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_no_two_of_a_layer_overlap(monkeypatch, seed, max_pairs):
    monkeypatch.setattr(label_layers, "MAX_COMPARED_PAIRS", max_pairs)
    masks = make_boxes(20, seed)
    layers = distribute_over_layers(to_runs(masks))
    for layer in range(layers.max() + 1):
        assert masks[layers == layer].sum(axis=0).max() == 1
    # A voxel in n sets needs n layers at least.
    assert masks.sum(axis=0).max() <= layers.max() + 1 <= masks.sum(axis=0).max() + 1


@pytest.mark.parametrize("max_pairs", [0, 1000])
def test_what_is_apart_needs_one_layer(monkeypatch, max_pairs):
    monkeypatch.setattr(label_layers, "MAX_COMPARED_PAIRS", max_pairs)
    masks = np.zeros((8, *SHAPE), bool)
    for n, mask in enumerate(masks):
        mask[:, n] = True
    assert not distribute_over_layers(to_runs(masks)).any()


def test_more_than_the_most_layers_are_told_from_the_others(monkeypatch):
    monkeypatch.setattr(label_layers, "MAX_COMPARED_PAIRS", 0)
    masks = np.ones((5, *SHAPE), bool)
    assert sorted(distribute_over_layers(to_runs(masks), 3)) == [0, 1, 2, 3, 3]


@pytest.mark.parametrize(("length", "expected"), [(4, 2), (5, 3), (6, 2), (7, 3)])
def test_a_ring_of_overlaps_needs_two_layers_or_three(length, expected):
    overlaps = np.zeros((length, length), bool)
    for n in range(length):
        overlaps[n, (n + 1) % length] = overlaps[(n + 1) % length, n] = True
    layers = assign_layers(overlaps)
    assert layers.max() + 1 == expected
    assert all(layers[n] != layers[(n + 1) % length] for n in range(length))


def test_candidates_are_the_boxes_that_share_a_voxel():
    masks = make_boxes(30, 9)  # boxes share a voxel where they meet along every axis
    runs = to_runs(masks)
    low, high = zip(*(each.bounds for each in runs), strict=True)
    expected = {
        (a, b) for a, b in itertools.combinations(range(30), 2) if (masks[a] & masks[b]).any()
    }
    assert set(find_candidate_pairs(low, high, len(expected))) == expected
    assert find_candidate_pairs(low, high, len(expected) - 1) is None
