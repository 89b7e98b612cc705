"""Thumbnails: slice, orientation, aspect ratio and grey levels."""

import itertools

import dask.array as da
import numpy as np
import pytest

from napari_medread.core.geometry import Geometry
from napari_medread.core.thumbnail_image import (
    Thumbnail,
    find_acquisition_plane,
    fit_into_square,
    make_thumbnail,
)
from napari_medread.core.volume import Axis, Volume, to_world_order

# The patient's superior, anterior, right corner in LPS.
CORNER = np.array([-1, -1, 1])

# Files' axes (slice, row, column) in LPS, each also to be flipped.
PLANES = {
    "axial": ([0, 0, 1], [0, 1, 0], [1, 0, 0]),
    "coronal": ([0, 1, 0], [0, 0, 1], [1, 0, 0]),
    "sagittal": ([1, 0, 0], [0, 0, 1], [0, 1, 0]),
}
SPACING = (5.0, 2.0, 3.0)
SHAPE = (3, 8, 10)


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
def test_the_patients_upper_front_right_corner_is_at_the_upper_left(plane, signs):
    axes = np.array(PLANES[plane]).T * signs
    affine = np.eye(4)
    affine[:3, :3] = axes * SPACING
    data = np.zeros(SHAPE)
    # In every slice, the corner that is farthest towards it.
    data[:, *np.where(axes.T @ CORNER > 0, -1, 0)[1:]] = 100
    data[SHAPE[0] // 2] *= 2  # the middle slice is the brightest
    data, geometry = to_world_order(data, Geometry(SHAPE, affine))
    found = make_thumbnail(Volume(data, "corner", geometry, contrast_limits=(0, 200)))
    assert found.pixels[0, 0] == 255
    assert found.pixels.sum() == 255
    assert (found.pixels.shape, found.height, found.width) == ((8, 10), 16.0, 30.0)


def test_only_one_slice_of_a_lazy_series_is_read():
    read = []

    def block(block_info):
        read.append(block_info[None]["chunk-location"])
        return np.full((1, 1, 4, 5), len(read), np.int16)

    data = da.map_blocks(block, chunks=((1,) * 2, (1,) * 7, 4, 5), dtype=np.int16)
    volume = Volume(data, "v", Geometry((7, 4, 5), np.eye(4)), (Axis("time"),))
    read.clear()
    make_thumbnail(volume)
    assert read == [(1, 3, 0, 0)]


def test_grey_levels_are_those_of_the_window():
    values = np.array([[-50.0, 0, 50, 100, 150, np.nan, np.inf]])
    volume = Volume(values, "v", contrast_limits=(0, 100), pixel_size=(2.0, 1.0))
    plain = make_thumbnail(volume)
    assert plain.pixels.tolist() == [[0, 0, 128, 255, 255, 0, 255]]
    assert (plain.height, plain.width) == (2.0, 7.0)
    volume.inverted = True
    assert make_thumbnail(volume).pixels.tolist() == [[255, 255, 128, 0, 0, 255, 0]]


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        (np.array([[[1, 128, 255, 7]]], np.uint8), [1, 128, 255]),
        (np.array([[[0x0100, 0x80FF, 0xFFFF]]], np.uint16), [1, 0x80, 255]),
        (np.array([[[0, 0.5, 1]]], np.float32), [0, 128, 255]),
    ],
)
def test_colours_are_kept(values, drawn):
    assert make_thumbnail(Volume(values, "v", rgb=True)).pixels.tolist() == [[drawn]]


def test_labels_are_visible():
    values = np.array([[0, 1, 2]], np.uint8)
    assert make_thumbnail(Volume(values, "v", labels=True)).pixels.tolist() == [[0, 128, 255]]


def test_planes_without_a_position():
    assert find_acquisition_plane(Volume(np.zeros((4, 5)), "v")) == (0, 1, None)
    pages = Volume(np.zeros((3, 4, 5)), "v", leading=(Axis("page"),))
    assert find_acquisition_plane(pages) == (1, 2, None)


@pytest.mark.parametrize(
    ("size", "pixels"), [((100, 50), (72, 36)), ((1, 10000), (1, 72)), ((9.0, 9.0), (72, 72))]
)
def test_a_thumbnail_keeps_its_aspect_ratio(size, pixels):
    assert fit_into_square(Thumbnail(np.zeros((2, 2), np.uint8), *size), 72) == pixels
