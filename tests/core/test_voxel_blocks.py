"""Voxels in the order and the data types of files."""

import dask.array as da
import numpy as np
import pytest

from napari_medread.core.volume import Axis, Volume
from napari_medread.core.voxel_blocks import find_stored_type, read_blocks
from napari_medread.errors import CannotWrite

CHANNEL, TIME = Axis("channel"), Axis("time", "s", 2.0)


def joined(volume, **options):
    """Return all blocks as bytes."""
    dtype, _ = find_stored_type(volume)
    return b"".join(piece.tobytes() for piece in read_blocks(volume, dtype, **options))


@pytest.mark.parametrize(
    ("shape", "leading", "rgb"),
    [
        ((3, 4), (), False),
        ((2, 3, 4), (), False),
        ((5, 2, 3, 4), (TIME,), False),
        ((3, 4, 3), (), True),
        ((2, 3, 4, 4), (), True),
        ((5, 2, 3, 4, 3), (TIME,), True),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_blocks_follow_each_other_in_c_order(shape, leading, rgb, lazy):
    data = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    given = da.from_array(data, chunks=2) if lazy else data
    assert joined(Volume(given, "x", leading=leading, rgb=rgb)) == data.tobytes()


@pytest.mark.parametrize("leading", [(CHANNEL,), (CHANNEL, TIME), (TIME, CHANNEL)])
def test_channels_come_last_or_stay(leading):
    shape = (*range(5, 5 + len(leading)), 2, 3, 4)
    data = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    volume = Volume(data, "x", leading=leading)
    assert joined(volume) == np.moveaxis(data, leading.index(CHANNEL), -1).tobytes()
    assert joined(volume, interleaved=False) == data.tobytes()


def test_a_lazy_volume_is_read_slice_by_slice_and_once():
    seen = []

    def slice_(block_id):
        seen.append(block_id)
        return np.full((1, 3, 4), block_id[0], np.int16)

    data = da.map_blocks(slice_, chunks=((1,) * 6, 3, 4), dtype=np.int16)
    seen.clear()
    volume = Volume(data, "x")
    for n, piece in enumerate(read_blocks(volume, np.dtype("<i2"))):
        assert piece.shape == (1, 3, 4)
        assert (piece == n).all()
        assert len(seen) == n + 1


def test_large_arrays_are_cut():
    volume = Volume(np.zeros((40, 1024, 1024), np.uint8), "x")
    sizes = [piece.nbytes for piece in read_blocks(volume, np.dtype("u1"))]
    assert sum(sizes) == 40 << 20
    assert max(sizes) <= 16 << 20


@pytest.mark.parametrize(
    ("given", "stored"),
    [("?", "u1"), ("f2", "f4"), ("<i8", "<i8"), (">u8", "<u8"), (">i2", "<i2"), ("f8", "<f8")],
)
def test_types(given, stored):
    values = np.array([[0, 1], [1, 0]], dtype=given)
    volume = Volume(values, "x")
    dtype, notes = find_stored_type(volume)
    assert dtype == np.dtype(stored)
    assert joined(volume) == values.astype(stored).tobytes()
    assert len(notes) == (given in ("f2", "<i8", ">u8"))


@pytest.mark.parametrize("dtype", ["c8", "O", "M8[s]", "U1"])
def test_types_that_files_cannot_hold_are_refused(dtype):
    with pytest.raises(CannotWrite, match=r"^x: image files cannot hold values of type"):
        find_stored_type(Volume(np.zeros((2, 2), dtype), "x"))


def test_an_empty_volume_is_refused():
    with pytest.raises(CannotWrite, match=r"^x: it is empty"):
        find_stored_type(Volume(np.zeros((0, 2, 2)), "x"))
