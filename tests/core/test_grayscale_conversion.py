"""Colour to grey, compared with numpy's mean and the weights of the standards."""

import dask.array as da
import numpy as np
import pytest

from napari_medread.core.grayscale_conversion import (
    LUMA_WEIGHTS,
    MEAN,
    REC_601,
    REC_709,
    find_grayscale_limits,
    to_grayscale,
)


def exact(color, luma):
    """Return the grey in double precision, by numpy."""
    if luma == MEAN:
        return np.mean(color[..., :3], axis=-1, dtype=np.float64)
    # ITU-R BT.601-7 and BT.709-6.
    shares = {REC_601: (0.299, 0.587, 0.114), REC_709: (0.2126, 0.7152, 0.0722)}[luma]
    return color[..., :3].astype(np.float64) @ shares


@pytest.mark.parametrize("luma", LUMA_WEIGHTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7, 4), (4, 5, 7, 3), (2, 3, 4, 5, 4)])
def test_grey_is_the_weighted_mean_within_rounding(luma, dtype, shape):
    random = np.random.default_rng(1)
    info = None if dtype is np.float32 else np.iinfo(dtype)
    color = (
        random.random(shape, np.float32)
        if info is None
        else random.integers(info.min, info.max, shape, dtype, endpoint=True)
    )
    color[..., 3:] = 0 if info is None else info.min  # alpha counts for nothing
    found = to_grayscale(color, luma)
    assert found.dtype == dtype
    assert found.shape == shape[:-1]
    off = np.abs(found - exact(color, luma))
    assert off.max() <= (1e-6 if info is None else 0.5 + 1e-9)


@pytest.mark.parametrize("luma", LUMA_WEIGHTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_stays_the_same(luma, dtype):
    every = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(256, -1)
    np.testing.assert_array_equal(to_grayscale(np.stack([every] * 3, axis=-1), luma), every)


@pytest.mark.parametrize("luma", LUMA_WEIGHTS)
def test_every_mean_of_three_bytes(luma):
    steps = np.arange(0, 256, 5, dtype=np.uint8)
    color = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, len(steps), 3)
    assert np.abs(to_grayscale(color, luma) - exact(color, luma)).max() <= 0.5 + 1e-9
    if luma == MEAN:
        np.testing.assert_array_equal(to_grayscale(color, luma), np.rint(np.mean(color, axis=-1)))


@pytest.mark.parametrize("luma", LUMA_WEIGHTS)
def test_lazy_stays_lazy_and_has_the_same_values(luma):
    color = np.random.default_rng(2).integers(0, 256, (4, 6, 8, 3), np.uint8)
    read = []

    def block(values):
        read.append(values.shape)
        return values

    # In chunks that divide the colours too.
    lazy = da.from_array(color, chunks=(1, 3, 8, 2)).map_blocks(block, dtype=np.uint8, meta=color)
    found = to_grayscale(lazy, luma)
    assert isinstance(found, da.Array)
    assert found.shape == color.shape[:-1]
    assert found.dtype == np.uint8
    assert found.chunks == ((1,) * 4, (3, 3), (8,))
    assert read == []
    np.testing.assert_array_equal(found.compute(), to_grayscale(color, luma))


def test_large_images_are_converted_in_blocks():
    color = np.random.default_rng(3).integers(0, 256, (9000, 1000, 3), np.uint8)
    pieces = []

    def progress(items, description):
        pieces.extend(items)
        return iter(items)

    np.testing.assert_array_equal(
        to_grayscale(color, progress=progress), np.rint(exact(color, MEAN))
    )
    assert len(pieces) == 2


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 7]], np.uint8), (0, 255)),
        (np.array([[0, 4000]], np.uint16), (0, 4095)),
        (np.array([[0, 4096]], np.uint16), (0, 8191)),
        (np.array([[0, 65535]], np.uint16), (0, 65535)),
        (np.zeros((1, 2), np.uint16), (0, 255)),
        (np.zeros((0, 2), np.uint16), (0, 65535)),
        (da.zeros((1, 2), dtype=np.uint16), (0, 65535)),
        (np.zeros((1, 2), np.float32), (0, 1)),
    ],
)
def test_limits_are_those_of_the_type_in_use(values, expected):
    assert find_grayscale_limits(values) == expected
