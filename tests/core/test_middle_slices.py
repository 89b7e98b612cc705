"""Which slices a sample of an image comes from."""

import dask.array as da
import numpy as np
import pytest

from napari_medread.core.middle_slices import (
    SAMPLED_SLICES,
    SAMPLED_VALUES,
    pick_middle_slices,
    sample_middle_slices,
)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 50, 1000])
def test_the_sampled_slices_are_in_the_middle(count):
    picked = pick_middle_slices(count)
    assert len(picked) == min(count, SAMPLED_SLICES)
    assert np.mean(picked) == pytest.approx((count - 1) / 2, abs=0.5)
    assert count < 20 or (min(picked) > 0.25 * count and max(picked) < 0.75 * count)


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_of_a_lazy_volume_a_few_slices_of_the_middle_time_are_read(slice_axis):
    read = []

    def block(block_info):
        location = block_info[None]["chunk-location"]
        read.append(location)
        return np.full([5 if n != slice_axis else 1 for n in range(-1, 3)][1:], 1)[None]

    chunks = [(1,) * 6, (5,), (5,), (5,)]
    chunks[slice_axis + 1] = (1,) * 30
    data = da.map_blocks(block, chunks=tuple(chunks), dtype=np.int64, meta=np.empty((0,) * 4, int))
    sample_middle_slices(data, slice_axis)
    assert len(read) == SAMPLED_SLICES
    assert {location[0] for location in read} == {3}


def test_the_sample_of_a_large_volume_is_small():
    data = np.broadcast_to(np.int16(5), (512, 512, 512))
    assert sample_middle_slices(data).size <= 3 * SAMPLED_VALUES
