"""Volumes made in Python from arrays."""

import dask.array as da
import numpy as np
import pytest
import SimpleITK as sitk

from helpers.file_grids import ROTATIONS
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.errors import NotAVolume

PIXELS = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def assert_lies_at(volume, value, position):
    """Check where the voxel with a value lies, by the geometry of the volume."""
    (index,) = np.argwhere(np.asarray(volume.data) == value)
    np.testing.assert_allclose(volume.geometry.to_patient(index), position, atol=1e-9)


@pytest.mark.parametrize("direction", ROTATIONS.values(), ids=ROTATIONS)
def test_voxels_lie_at_origin_plus_steps_along_the_directions(direction):
    spacing, origin = (3.0, 1.5, 2.0), (-10.0, 20.0, -300.0)
    volume = Volume.from_array(PIXELS, spacing=spacing, origin=origin, direction=direction)
    for index in [(0, 0, 0), (3, 4, 5), (1, 3, 2)]:
        steps = np.multiply(index, spacing)
        assert_lies_at(volume, PIXELS[index], np.array(origin) + np.asarray(direction) @ steps)


@pytest.mark.parametrize("shape", [(4, 5, 6), (5, 6)])
def test_without_directions_the_axes_are_those_of_simpleitk(shape):
    pixels = PIXELS.ravel()[: np.prod(shape)].reshape(shape)
    image = sitk.GetImageFromArray(pixels)
    image.SetSpacing((0.5, 1.5, 2.5)[: len(shape)])
    volume = Volume.from_array(pixels, spacing=image.GetSpacing()[::-1])
    for index in [(0,) * len(shape), (2, 3, 4)[-len(shape) :]]:
        point = image.TransformIndexToPhysicalPoint(index[::-1])
        assert_lies_at(volume, pixels[index], point)


def test_the_axes_are_permuted_to_world_order_without_a_copy():
    sagittal = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]  # slices to the left, rows to the feet
    volume = Volume.from_array(PIXELS, spacing=(4, 1, 2), direction=sagittal, slice_axis=0)
    assert volume.axis_labels == ("SI", "AP", "RL")
    assert volume.shape == (5, 6, 4)
    assert volume.geometry.spacing == (1, 2, 4)
    assert volume.geometry.slice_axis == 2
    assert np.shares_memory(volume.data, PIXELS)


def test_a_mask_takes_the_geometry_of_its_volume():
    ct = Volume.from_array(PIXELS, spacing=2.0, origin=(1, 2, 3))
    mask = Volume.from_array(ct.data > 50, geometry=ct.geometry, labels=True)
    assert mask.geometry is ct.geometry
    assert (mask.data.dtype, mask.contrast_limits, mask.labels) == (np.uint8, None, True)


def test_leading_axes_and_colour_stand_around_the_grid():
    times = Axis("time", "s", 2.5)
    volume = Volume.from_array(np.zeros((7, 4, 5, 6)), spacing=1, leading=[times])
    assert (volume.shape, volume.leading) == ((7, 4, 5, 6), (times,))
    assert volume.units == ("s", "mm", "mm", "mm")
    colour = Volume.from_array(np.zeros((5, 6, 3), np.uint8), rgb=True)
    assert (colour.shape, colour.geometry, colour.contrast_limits) == ((5, 6), None, None)


def test_a_lazy_array_stays_lazy():
    volume = Volume.from_array(da.from_array(PIXELS, chunks=(1, -1, -1)), spacing=1)
    assert isinstance(volume.data, da.Array)
    low, high = volume.contrast_limits
    assert PIXELS.min() <= low < high <= PIXELS.max()


def test_lists_are_arrays():
    assert Volume.from_array([[1, 2], [3, 4]]).shape == (2, 2)


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (PIXELS, {}, r"^volume: the array has 3 axes after 0 leading axes\. Give their spacing"),
        (PIXELS, {"leading": [Axis("time")] * 2}, "has 1 axes after 2"),
        (PIXELS, {"spacing": (1, 2)}, "needs 3 spacings"),
        (PIXELS, {"spacing": 0}, "not above 0 mm"),
        (PIXELS, {"origin": (0, 0, 0)}, "an origin or direction needs a spacing"),
        (PIXELS, {"spacing": 1, "direction": 2 * np.eye(3)}, "not a unit vector"),
        (PIXELS, {"geometry": Geometry((4, 5, 5), np.eye(4))}, r"the shape \(4, 5, 5\)"),
        (PIXELS, {"geometry": Geometry((4, 5, 6), np.eye(4)), "spacing": 1}, "none of them"),
        (PIXELS + 1j, {"spacing": 1}, "the type complex128"),
        (PIXELS, {"rgb": True}, "a length of 3 or 4"),
    ],
)  # fmt: skip
def test_what_makes_no_volume_is_one_sentence(array, options, message):
    with pytest.raises(NotAVolume, match=message):
        Volume.from_array(array, **options)
