"""Volumes as images of SimpleITK and nibabel, and back: those libraries say where voxels lie."""

import itertools
import sys

import dask.array as da
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from helpers.file_grids import DIRECTIONS, ORIGIN, ROTATIONS, SPACING, oblique, volume_of
from helpers.metaimages import some_pixels
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.errors import CannotConvert

RIGHT_ANGLED = {name: m for name, m in DIRECTIONS.items() if name != "tilted gantry"}
RANDOM = np.random.default_rng(5)
TIME = Axis("time", "s", 2.5)


def simpleitk_image(pixels, direction, *, is_vector=False):
    image = sitk.GetImageFromArray(pixels, isVector=is_vector)
    n = image.GetDimension()
    image.SetSpacing(SPACING[:n])
    image.SetOrigin(ORIGIN[:n])
    image.SetDirection(np.ravel(direction).tolist())
    return image


def indices_of(size, count=20):
    """Return random indices of an image, and its corners."""
    corners = itertools.product(*[(0, n - 1) for n in size])
    return [*corners, *map(tuple, RANDOM.integers(0, size, (count, len(size))).tolist())]


def value_at(volume, point, leading=()):
    """Return the value of the voxel that lies at a point in LPS mm, which is its centre."""
    index = volume.geometry.to_index(point)
    np.testing.assert_allclose(index, np.rint(index), atol=1e-6)
    value = np.asarray(volume.data)[(*leading, *np.rint(index).astype(int))]
    return value.tolist()


def assert_same_volume(found, expected):
    np.testing.assert_array_equal(np.asarray(found.data), np.asarray(expected.data))
    np.testing.assert_allclose(found.geometry.affine, expected.geometry.affine, atol=1e-6)
    assert (found.shape, found.rgb, found.leading) == (
        expected.shape, expected.rgb, expected.leading
    )  # fmt: skip


@pytest.mark.parametrize("direction", RIGHT_ANGLED.values(), ids=RIGHT_ANGLED)
def test_a_simpleitk_image_has_its_values_at_the_same_points(direction):
    image = simpleitk_image(some_pixels((4, 5, 6), "i2"), direction)
    volume = Volume.from_simpleitk(image, name="scan")
    for index in indices_of(image.GetSize()):
        point = image.TransformIndexToPhysicalPoint(index)
        assert value_at(volume, point) == image[index]
    assert volume.geometry.world_order == (0, 1, 2)
    assert volume.axis_labels == ("SI", "AP", "RL")


@pytest.mark.parametrize("direction", RIGHT_ANGLED.values(), ids=RIGHT_ANGLED)
def test_a_volume_has_its_values_at_the_same_points_in_simpleitk(direction):
    volume = volume_of(some_pixels((4, 5, 6), "i2"), direction)
    image = volume.to_simpleitk()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), volume.data)
    for index in indices_of(image.GetSize()):
        assert value_at(volume, image.TransformIndexToPhysicalPoint(index)) == image[index]
    assert_same_volume(Volume.from_simpleitk(image), volume)


def test_an_image_of_two_dimensions():
    image = simpleitk_image(some_pixels((5, 6), "f4"), [[0, 1], [1, 0]])
    volume = Volume.from_simpleitk(image)
    for index in indices_of(image.GetSize()):
        assert value_at(volume, image.TransformIndexToPhysicalPoint(index)) == image[index]
    back = volume.to_simpleitk()
    for index in indices_of(back.GetSize()):
        at = image.TransformPhysicalPointToIndex(back.TransformIndexToPhysicalPoint(index))
        assert image[at] == back[index]


@pytest.mark.parametrize(
    ("dtype", "components", "rgb"),
    [("u1", 3, True), ("u2", 4, True), ("u1", 2, False), ("f4", 3, False)],
)
def test_vectors_are_colour_or_channels(dtype, components, rgb):
    pixels = some_pixels((4, 5, 6, components), dtype)
    image = simpleitk_image(pixels, oblique(), is_vector=True)
    volume = Volume.from_simpleitk(image)
    assert volume.rgb == rgb
    for index in indices_of(image.GetSize()):
        leading = () if rgb else (slice(None),)
        point = image.TransformIndexToPhysicalPoint(index)
        assert tuple(value_at(volume, point, leading)) == image[index]
    back = volume.to_simpleitk()
    assert back.GetNumberOfComponentsPerPixel() == components
    assert_same_volume(Volume.from_simpleitk(back), volume)


def test_vectors_of_one_component_are_plain_values():
    image = simpleitk_image(some_pixels((4, 5, 6, 1), "u1"), oblique(), is_vector=True)
    volume = Volume.from_simpleitk(image)
    assert (volume.shape, volume.leading, volume.rgb) == ((4, 5, 6), (), False)


@pytest.mark.parametrize("leading", [[TIME], [Axis("echo"), TIME]], ids=["4D", "5D"])
def test_leading_axes_are_dimensions_after_space(leading):
    lengths = (3, 2)[: len(leading)]
    volume = volume_of(some_pixels((*lengths, 4, 5, 6), "i4"), oblique(), leading=leading)
    image = volume.to_simpleitk()
    assert image.GetSpacing()[3:] == tuple(axis.step for axis in leading[::-1])
    for index in indices_of(image.GetSize()):
        point = image.TransformIndexToPhysicalPoint(index)[:3]
        assert value_at(volume, point, index[3:][::-1]) == image[index]
    assert_same_volume(Volume.from_simpleitk(image, leading=leading), volume)
    if len(leading) == 1:
        assert Volume.from_simpleitk(image).leading == (Axis("frame"),)


def test_labels_and_lazy_data_are_converted():
    pixels = some_pixels((4, 5, 6), "u2")
    volume = volume_of(pixels, oblique(), labels=True)
    volume.data = da.from_array(volume.data, chunks=(1, -1, -1))
    image = volume.to_simpleitk()
    assert image.GetPixelID() == sitk.sitkUInt16
    found = Volume.from_simpleitk(image, labels=True)
    assert_same_volume(found, volume)
    assert (found.labels, found.contrast_limits) == (True, None)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("?", "u1"), ("f2", "f4"), (">i2", "i2"), ("i8", "i8"), ("u8", "u8"), ("f8", "f8")],
)
def test_types(dtype, expected):
    volume = Volume.from_array(np.ones((2, 3, 4), dtype), spacing=1)
    volume.data = np.ones((2, 3, 4), dtype)
    assert sitk.GetArrayFromImage(volume.to_simpleitk()).dtype == expected
    assert volume.to_nibabel().get_data_dtype() == expected


def test_an_image_in_pixels_has_their_ratio_in_simpleitk():
    volume = Volume(np.zeros((4, 5), np.uint8), "film", pixel_size=(1.0, 0.5))
    assert volume.to_simpleitk().GetSpacing() == (0.5, 1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: volume_of(some_pixels((4, 5, 6), "i2"), DIRECTIONS["tilted gantry"]),
         r"^scan: its axes are not at right angles .* Straighten it first"),
        (lambda: Volume(np.zeros((2,) * 6), "scan", Geometry((2, 2, 2), np.eye(4)),
                        (Axis("a"), Axis("b"), Axis("c"))), "has 6 axes"),
        (lambda: Volume(np.zeros((0, 2, 2)), "scan", Geometry((0, 2, 2), np.eye(4))), "is empty"),
        (lambda: Volume(np.zeros((2, 2), "c8"), "scan"), "of the type complex64"),
        (lambda: Volume(np.zeros((2, 2, 2, 3), "u1"), "scan", leading=(Axis("channel"),), rgb=True),
         "a colour image with channels"),
    ],
    ids=["sheared", "six axes", "empty", "complex", "colour with channels"],
)  # fmt: skip
def test_what_simpleitk_does_not_hold_is_one_sentence(make, message):
    with pytest.raises(CannotConvert, match=message):
        make().to_simpleitk()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sitk.Cast(sitk.Image(3, 3, sitk.sitkUInt8), sitk.sitkLabelUInt8), "a label map"),
        (lambda: sitk.Image(3, 3, sitk.sitkComplexFloat32), "complex numbers"),
        (lambda: sitk.Image([2] * 5, sitk.sitkUInt8), "5 dimensions. Say in leading"),
    ],
    ids=["label map", "complex", "five dimensions"],
)
def test_what_a_volume_does_not_hold_is_one_sentence(make, message):
    with pytest.raises(CannotConvert, match=rf"^image: [^\n]*{message}"):
        Volume.from_simpleitk(make())


def test_a_dimension_that_leans_into_space_is_refused():
    image = sitk.Image([2] * 4, sitk.sitkUInt8)
    direction = np.eye(4)
    direction[0, 3] = 0.1
    image.SetDirection(direction.ravel().tolist())
    with pytest.raises(CannotConvert, match="not at right angles"):
        Volume.from_simpleitk(image)


def lps_point(image, index):
    """Return where nibabel says a voxel lies, in LPS."""
    return nib.affines.apply_affine(image.affine, index[:3]) * [-1, -1, 1]


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_a_volume_has_its_values_at_the_same_points_in_nibabel(direction):
    volume = volume_of(some_pixels((4, 5, 6), "i2"), direction)
    image = volume.to_nibabel()
    array = np.asanyarray(image.dataobj)
    for index in indices_of(image.shape):
        assert value_at(volume, lps_point(image, index)) == array[index]
    found = Volume.from_nibabel(image)
    assert found.geometry.world_order == (0, 1, 2)
    assert_same_volume(found, volume)


@pytest.mark.parametrize("direction", ROTATIONS.values(), ids=ROTATIONS)
def test_a_nibabel_image_has_its_values_at_the_same_points(direction):
    affine = np.eye(4)
    affine[:3, :3] = direction * np.array(SPACING)
    affine[:3, 3] = ORIGIN
    for kind in (nib.Nifti1Image, nib.MGHImage):
        image = kind(some_pixels((4, 5, 6), "i2"), affine)
        volume = Volume.from_nibabel(image)
        for index in indices_of(image.shape):
            # MGH keeps its affine in single precision.
            found = volume.geometry.to_index(lps_point(image, index))
            np.testing.assert_allclose(found, np.rint(found), atol=1e-4)
            at = tuple(np.rint(found).astype(int))
            assert volume.data[at] == np.asanyarray(image.dataobj)[index]


def test_it_is_the_image_that_nibabel_loads_of_the_file(tmp_path):
    from napari_medread import write

    volume = volume_of(some_pixels((3, 4, 5, 6), "i2"), oblique(), leading=[TIME])
    write(tmp_path / "a.nii", volume)
    loaded, image = nib.load(tmp_path / "a.nii"), volume.to_nibabel()
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), np.asanyarray(loaded.dataobj))
    np.testing.assert_allclose(image.affine, loaded.affine, atol=1e-4)
    np.testing.assert_allclose(image.header.get_zooms(), loaded.header.get_zooms(), rtol=1e-6)
    assert image.header.get_xyzt_units() == loaded.header.get_xyzt_units() == ("mm", "sec")


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((3, 4, 5, 6), {"leading": [TIME]}),
        ((3, 4, 5, 6), {"leading": [Axis("frequency", "Hz", 3.0)]}),
        ((2, 4, 5, 6), {"leading": [Axis("channel")]}),
        ((2, 3, 4, 5, 6), {"leading": [Axis("channel"), TIME]}),
        ((4, 5, 6, 3), {"rgb": True}),
        ((4, 5, 6, 4), {"rgb": True}),
        ((3, 4, 5, 6, 3), {"rgb": True, "leading": [TIME]}),
        ((4, 5, 6), {"labels": True}),
    ],
)
def test_what_nibabel_holds_besides_space_comes_back(shape, options):
    for dtype in ("u1", "u2"):
        volume = volume_of(some_pixels(shape, dtype), oblique(), **options)
        found = Volume.from_nibabel(volume.to_nibabel())
        assert_same_volume(found, volume)
        assert found.labels == volume.labels


def test_the_file_of_a_converted_image_is_read_as_the_volume(tmp_path):
    from napari_medread import read_volume

    volume = volume_of(some_pixels((3, 4, 5, 6), "i2"), oblique(), leading=[TIME])
    nib.save(volume.to_nibabel(), tmp_path / "a.nii.gz")
    assert_same_volume(read_volume(tmp_path / "a.nii.gz"), volume)
    sitk.WriteImage(volume.to_simpleitk(), tmp_path / "a.mha")
    found = read_volume(tmp_path / "a.mha")
    np.testing.assert_array_equal(found.data, volume.data)
    np.testing.assert_allclose(found.geometry.affine, volume.geometry.affine, atol=1e-4)


def test_scaling_of_a_nibabel_image_is_applied(tmp_path):
    image = nib.Nifti1Image(np.array([[[1, 2]]], np.int16), np.eye(4))
    image.header.set_slope_inter(2, -10)
    nib.save(image, tmp_path / "a.nii")
    found = Volume.from_nibabel(nib.load(tmp_path / "a.nii"))
    expected = nib.load(tmp_path / "a.nii").get_fdata()
    assert sorted(np.ravel(found.data)) == sorted(expected.ravel())


def test_images_of_two_dimensions_in_nibabel():
    plane = Volume.from_array(some_pixels((4, 5), "i2"), spacing=(2, 0.5), origin=(3, 4))
    assert_same_volume(Volume.from_nibabel(plane.to_nibabel()), plane)
    in_pixels = Volume.from_array(some_pixels((4, 5, 3), "u1"), rgb=True)
    found = Volume.from_nibabel(in_pixels.to_nibabel())
    assert (found.geometry, found.rgb) == (None, True)
    np.testing.assert_array_equal(found.data, in_pixels.data)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: volume_of(np.zeros((2, 2, 3, 4, 5)), leading=[Axis("echo"), TIME]), "echo, time"),
        (lambda: Volume(np.zeros((2, 3, 4)), "scan", leading=(Axis("page"),)), "no position"),
        (lambda: Volume(np.zeros((3, 4, 3), "u2"), "scan", rgb=True), "of 8 bits, not of 16"),
        (lambda: Volume(np.zeros((0, 2, 2)), "scan", Geometry((0, 2, 2), np.eye(4))), "is empty"),
    ],
    ids=["two axes", "pages", "deep colour", "empty"],
)
def test_what_nibabel_does_not_hold_is_one_sentence(make, message):
    with pytest.raises(CannotConvert, match=rf"^scan: [^\n]*{message}"):
        make().to_nibabel()


def test_a_nifti_without_a_position_is_refused():
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.int16), None)
    with pytest.raises(CannotConvert, match="neither its qform nor its sform"):
        Volume.from_nibabel(image)


def test_a_missing_nibabel_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(CannotConvert, match="pip install nibabel"):
        Volume.from_array(np.zeros((2, 3)), name="scan").to_nibabel()
