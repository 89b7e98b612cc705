"""What becomes of a MetaImage: SimpleITK is the judge of its values and its geometry."""

import numpy as np
import pytest
import SimpleITK as sitk

from helpers.file_grids import DIRECTIONS, signed_permutations
from helpers.metaimages import SLICES, TYPES, judge, read, some_pixels, write
from helpers.scanned_head import make_head
from napari_medread.core.opening_window import HU_ASSUMED

CONTAINERS = [
    ("image.mha", False, False),
    ("image.mha", False, True),
    ("image.mha", True, False),
    ("image.mhd", True, True),
    ("image.mhd", False, False),
]


@pytest.mark.parametrize("element", TYPES)
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)], ids=["2D", "3D"])
@pytest.mark.parametrize(("name", "big", "compressed"), CONTAINERS)
def test_values_of_every_type(tmp_path, element, shape, name, big, compressed):
    pixels = some_pixels(shape, TYPES[element])
    path = write(tmp_path / name, pixels, element, big=big, compressed=compressed)
    data = read(path).data
    assert np.array_equal(data, pixels)
    assert np.array_equal(data, sitk.GetArrayFromImage(judge(path)))
    assert data.dtype == pixels.dtype
    assert data.dtype.isnative


@pytest.mark.parametrize("element", TYPES)
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("big", [False, True])
def test_two_channels_are_a_leading_axis(tmp_path, element, compressed, big):
    pixels = some_pixels((2, 3, 4, 2), TYPES[element])
    path = write(
        tmp_path / "image.mha",
        pixels,
        f"{element}_ARRAY",
        channels=2,
        big=big,
        compressed=compressed,
    )
    volume = read(path)
    assert np.array_equal(volume.data, np.moveaxis(sitk.GetArrayFromImage(judge(path)), -1, 0))
    assert np.array_equal(volume.data, np.moveaxis(pixels, -1, 0))
    assert volume.axis_labels == ("channel", "SI", "AP", "RL")
    assert volume.units == ("pixel", "mm", "mm", "mm")


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)], ids=["2D", "3D"])
@pytest.mark.parametrize(
    ("element", "channels", "rgb"),
    [
        ("MET_UCHAR", 3, True),
        ("MET_UCHAR", 4, True),
        ("MET_USHORT_ARRAY", 3, True),
        ("MET_USHORT", 4, True),
        ("MET_UCHAR", 2, False),
        ("MET_UCHAR", 5, False),
        ("MET_CHAR", 3, False),
        ("MET_SHORT", 3, False),
        ("MET_UINT", 3, False),
        ("MET_FLOAT_ARRAY", 3, False),
    ],
)
def test_three_or_four_small_unsigned_channels_are_colour(tmp_path, shape, element, channels, rgb):
    pixels = some_pixels((*shape, channels), TYPES[element.removesuffix("_ARRAY")])
    volume = read(write(tmp_path / "image.mha", pixels, element, channels=channels))
    assert volume.rgb == rgb
    assert np.array_equal(volume.data, pixels if rgb else np.moveaxis(pixels, -1, 0))
    assert volume.shape == (shape if rgb else (channels, *shape))
    assert (volume.contrast_limits is None) == rgb


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_voxels_lie_where_itk_puts_them(tmp_path, direction):
    pixels = some_pixels((5, 6, 7), "i2")
    matrix = " ".join(map(repr, direction.T.ravel().tolist()))
    path = write(
        tmp_path / "image.mhd",
        pixels,
        "MET_SHORT",
        TransformMatrix=matrix,
        Offset="-41.5 56.25 -6e1",
        ElementSpacing="1.16 0.7 2.5",
    )
    volume, image = read(path), judge(path)
    for index in np.random.default_rng(0).integers(0, volume.data.shape, (20, 3)):
        point = volume.geometry.to_patient(index)
        there = image.TransformPhysicalPointToIndex(point.tolist())
        assert np.allclose(image.TransformIndexToPhysicalPoint(there), point, atol=1e-6, rtol=0)
        assert image.GetPixel(there) == volume.data[tuple(index)]


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_array_axes_lie_closest_to_their_world_axes(tmp_path, direction):
    matrix = " ".join(map(repr, direction.T.ravel().tolist()))
    path = write(tmp_path / "image.mha", SLICES, "MET_SHORT", TransformMatrix=matrix)
    along = np.abs(read(path).patient_affine[:3, :3])
    assert along.argmax(axis=0).tolist() == [2, 1, 0]  # z, y, x


@pytest.mark.parametrize("direction", list(signed_permutations(2)), ids=str)
def test_pixels_of_two_dimensions_lie_where_itk_puts_them(tmp_path, direction):
    pixels = some_pixels((5, 6), "u2")
    path = write(
        tmp_path / "image.mha",
        pixels,
        "MET_USHORT",
        TransformMatrix=" ".join(map(str, direction.T.ravel())),
        Offset="10 -20",
        ElementSpacing="0.5 0.25",
    )
    volume, image = read(path), judge(path)
    for index in np.ndindex(*volume.data.shape):
        point = volume.geometry.to_patient(index)
        there = image.TransformPhysicalPointToIndex(point.tolist())
        assert np.allclose(image.TransformIndexToPhysicalPoint(there), point, atol=1e-6, rtol=0)
        assert image.GetPixel(there) == volume.data[index]


def test_colour_keeps_its_channels_last_where_axes_are_swapped(tmp_path):
    pixels = some_pixels((2, 3, 4, 3), "u1")
    path = write(
        tmp_path / "image.mha", pixels, "MET_UCHAR", channels=3, TransformMatrix="0 1 0 0 0 1 1 0 0"
    )
    assert np.array_equal(read(path).data, pixels.transpose(1, 2, 0, 3))


@pytest.mark.parametrize(("shape", "present"), [((3, 4), False), ((2, 3, 4), True)])
def test_patient_affine_is_there_in_3d_only(tmp_path, shape, present):
    path = write(tmp_path / "image.mha", some_pixels(shape, "i2"), "MET_SHORT")
    assert (read(path).patient_affine is not None) == present


@pytest.mark.parametrize("fourth", ["0.5", "-1", "3000"])
def test_fourth_dimension_is_frames_and_not_millimetres(tmp_path, fourth):
    pixels = some_pixels((5, 2, 3, 4), "f4")
    path = write(
        tmp_path / "image.mha",
        pixels,
        "MET_FLOAT",
        ElementSpacing=f"1 2 3 {fourth}",
        Offset="7 8 9 1",
    )
    volume = read(path)
    assert np.array_equal(volume.data, sitk.GetArrayFromImage(judge(path)))
    assert volume.axis_labels == ("frame", "SI", "AP", "RL")
    assert volume.units == ("pixel", "mm", "mm", "mm")
    assert volume.leading[0].step == 1
    assert volume.geometry.spacing == (3, 2, 1)
    assert volume.patient_affine[:3, 3].tolist() == [7, 8, 9]


def test_channels_come_before_frames(tmp_path):
    pixels = some_pixels((5, 2, 3, 4, 2), "i2")
    volume = read(write(tmp_path / "image.mha", pixels, "MET_SHORT", channels=2))
    assert volume.axis_labels[:2] == ("channel", "frame")
    assert np.array_equal(volume.data, np.moveaxis(pixels, -1, 0))


def test_layer_carries_name_source_modality_and_every_key(tmp_path):
    path = write(
        tmp_path / "my head.mha", SLICES, "MET_SHORT",
        Modality="MET_MOD_CT", AnatomicalOrientation="LPS", ElementToIntensityFunctionSlope="2",
        Scanner="made up",
    )  # fmt: skip
    volume = read(path)
    assert (volume.name, volume.source, volume.modality) == ("my head", (path,), "CT")
    assert volume.header["AnatomicalOrientation"] == "LPS"
    assert volume.header["Scanner"] == "made up"
    assert volume.notes == ()


def test_missing_spacing_is_pixels_in_2d(tmp_path):
    path = write(
        tmp_path / "image.mha", some_pixels((3, 4), "i2"), "MET_SHORT", ElementSpacing=None
    )
    volume = read(path)
    assert volume.units == ("pixel", "pixel")
    assert volume.notes == ("The header gives no ElementSpacing: sizes are in pixels.",)


def test_missing_spacing_is_that_of_simpleitk_in_3d(tmp_path):
    volume = read(write(tmp_path / "image.mha", SLICES, "MET_SHORT", ElementSpacing=None))
    assert volume.geometry.spacing == (1, 1, 1)
    assert volume.notes == (
        "The header gives no ElementSpacing: 1 mm is assumed, as SimpleITK does.",
    )


def test_slope_and_anatomical_orientation_change_nothing(tmp_path):
    path = write(
        tmp_path / "image.mha", SLICES, "MET_SHORT",
        ElementToIntensityFunctionSlope="2", ElementToIntensityFunctionOffset="5",
        AnatomicalOrientation="RAI", CenterOfRotation="1 2 3",
    )  # fmt: skip
    volume, image = read(path), judge(path)
    assert np.array_equal(volume.data, sitk.GetArrayFromImage(image))
    assert volume.patient_affine.tolist() == [
        [0, 0, 1, 0],
        [0, 1, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 1],
    ]


@pytest.mark.parametrize("values", [[np.nan] * 24, [np.inf] * 24, [-1e308, 1e308] * 12])
def test_contrast_limits_are_finite_and_increasing(tmp_path, values):
    low, high = read(
        write(tmp_path / "image.mha", np.reshape(values, (2, 3, 4)), "MET_DOUBLE")
    ).contrast_limits
    assert np.isfinite([low, high]).all()
    assert low < high


@pytest.mark.parametrize("keys", [{}, {"Modality": "MET_MOD_CT"}])
def test_a_ct_opens_for_soft_tissue_and_says_that_its_unit_is_assumed(tmp_path, keys):
    body = make_head() > 0
    hu = (np.where(body, 40, -1000) + np.random.default_rng(6).normal(0, 10, body.shape)).astype(
        "i2"
    )
    volume = read(write(tmp_path / "image.mha", hu, "MET_SHORT", **keys))
    assert volume.contrast_limits == (-160, 239)
    assert volume.notes == (HU_ASSUMED,)
    assert volume.value_unit == ""
