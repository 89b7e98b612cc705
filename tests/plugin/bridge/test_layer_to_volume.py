"""Layers as volumes: where they are drawn, and what that is in the patient."""

import numpy as np
import pytest
from napari.layers import Image, Labels, Points

from helpers.builders import ORIENTATIONS, make_series, write_series
from napari_medread import read
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.errors import CannotWrite
from napari_medread.plugin.bridge.layer_position import POSITION_FROM_IMAGES
from napari_medread.plugin.bridge.layer_to_volume import UNIT_ASSUMED_MM, volume_from_layer_data
from napari_medread.plugin.bridge.volume_to_layer import to_layer

TURNED = ((0.8, 0.6, 0.0), (-0.36, 0.48, 0.8))
TILTED = np.array([[0, 0, 0.7, -41], [1, 1.16, 0, 56], [-2.5, 0, 0, 12], [0, 0, 0, 1]])


def layer(volume):
    """Return the tuple that napari gives back for a layer of a volume."""
    data, arguments, kind = to_layer(volume)
    assert kind == "image"
    return Image(data, **arguments).as_layer_data_tuple()


def volume(affine, shape=(2, 3, 4), slice_axis=0, **options):
    data = np.zeros((*(2 for _ in options.get("leading", ())), *shape), np.int16)
    options.setdefault("contrast_limits", (0, 1))
    return Volume(data, "x", Geometry(shape, affine, slice_axis), **options)


@pytest.mark.parametrize("orientation", [*ORIENTATIONS.values(), TURNED])
def test_a_layer_is_the_volume_it_was_opened_from(tmp_path, orientation):
    write_series(tmp_path, make_series(orientation, WindowCenter="40", WindowWidth="400"))
    (opened,) = read(tmp_path)
    shown = volume_from_layer_data(layer(opened))
    assert shown.remarks == ()
    assert shown.has_patient_position
    found = shown.volume
    assert np.array_equal(found.geometry.affine, opened.geometry.affine)
    assert found.geometry.slice_axis == opened.geometry.slice_axis
    for name in ("name", "source", "notes", "modality", "value_unit", "windows", "leading",
                 "contrast_limits", "rgb", "inverted"):  # fmt: skip
        assert getattr(found, name) == getattr(opened, name)


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_shear_stays_with_a_layer_that_is_moved(slice_axis):
    opened = volume(TILTED, slice_axis=slice_axis)
    data, attributes, kind = layer(opened)
    attributes["translate"] = np.add(attributes["translate"], attributes["scale"])
    found = volume_from_layer_data((data, attributes, kind)).volume.geometry
    expected = TILTED @ np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1]])
    np.testing.assert_allclose(found.affine, expected, atol=1e-9)
    assert found.slice_axis == slice_axis


def test_a_layer_with_nothing_but_its_affine_is_where_that_says():
    affine = np.array([[0, 0, 0.7, -41], [0, 1.16, 0, 56], [-2.5, 0, 0, 12], [0, 0, 0, 1]])
    place = Geometry((2, 3, 4), affine).world_transform()
    made = Image(
        np.zeros((2, 3, 4)),
        scale=place.scale,
        translate=place.translate,
        affine=np.diag([*place.flips, 1]),
        metadata={"patient_affine": affine},
    )
    assert np.array_equal(
        volume_from_layer_data(made.as_layer_data_tuple()).volume.geometry.affine, affine
    )


def test_leading_axes_keep_label_step_unit_and_values():
    leading = (Axis("time", "s", 2.5), Axis("b-value", values=(0, 1000)))
    found = volume_from_layer_data(layer(volume(np.eye(4)[[2, 1, 0, 3]], leading=leading))).volume
    assert found.leading == leading


def test_a_turned_plain_layer_keeps_its_directions():
    angle = np.radians(30)
    turn = [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    made = Image(np.zeros((2, 3, 4)), scale=(2, 1, 1), rotate=turn, units="mm")
    shown = volume_from_layer_data(made.as_layer_data_tuple())
    assert not shown.has_patient_position
    found = shown.volume.geometry
    assert found.spacing == pytest.approx((2, 1, 1))
    # numpy's (0, row, column) is (x, y) = (column, row).
    np.testing.assert_allclose(found.affine[:3, 2], [np.cos(angle), -np.sin(angle), 0], atol=1e-12)


def test_planes_without_scale_stay_pixels():
    shown = volume_from_layer_data(Image(np.zeros((3, 4))).as_layer_data_tuple())
    assert shown.volume.geometry is None
    assert shown.remarks == ()


def test_planes_with_a_scale_and_no_unit_are_taken_for_millimetres():
    shown = volume_from_layer_data(Image(np.zeros((3, 4)), scale=(0.5, 0.25)).as_layer_data_tuple())
    assert shown.volume.geometry.spacing == (0.5, 0.25)
    assert shown.remarks == (UNIT_ASSUMED_MM,)


def test_a_picture_of_long_pixels_stays_in_pixels():
    opened = Volume(np.zeros((3, 4)), "x", pixel_size=(4 / 3, 1.0), contrast_limits=(0, 1))
    found = volume_from_layer_data(layer(opened)).volume
    assert found.geometry is None
    assert found.pixel_size == (4 / 3, 1.0)


def test_of_a_pyramid_the_finest_level_is_taken():
    levels = [np.zeros((8, 8)), np.zeros((4, 4))]
    shown = volume_from_layer_data(Image(levels, multiscale=True).as_layer_data_tuple())
    assert shown.volume.shape == (8, 8)
    assert shown.remarks == ("Only the finest of its resolutions was used.",)


def test_points_have_no_voxels():
    with pytest.raises(CannotWrite, match=r"^dots: a points layer has no voxels\."):
        volume_from_layer_data(Points([[0, 0]], name="dots").as_layer_data_tuple())


def test_a_transform_that_mixes_time_and_space_is_refused():
    affine = np.eye(5)
    affine[0, 1] = 0.5
    made = Image(np.zeros((2, 2, 3, 4)), affine=affine, name="mixed")
    with pytest.raises(CannotWrite, match=r"^mixed: its transform mixes spatial axes"):
        volume_from_layer_data(made.as_layer_data_tuple())


def oblique(tmp_path, orientation=TURNED, name="a"):
    write_series(tmp_path / name, make_series(orientation))
    (opened,) = read(tmp_path / name)
    return opened


def labels(beside, start=(0, 0, 0), **options):
    """Return labels drawn on part of a layer's grid, that bring no position themselves."""
    _, attributes, _ = beside
    made = Labels(
        np.zeros((2, 2, 2), np.uint8),
        scale=attributes["scale"],
        translate=np.add(attributes["translate"], np.multiply(attributes["scale"], start)),
        affine=attributes["affine"],
        **options,
    )
    return made.as_layer_data_tuple()


@pytest.mark.parametrize(
    ("options", "remarks"),
    [
        ({"units": "mm", "axis_labels": ("SI", "AP", "RL")}, ()),
        ({"units": "mm"}, (POSITION_FROM_IMAGES,)),
        ({}, (POSITION_FROM_IMAGES,)),
    ],
)
def test_labels_lie_in_the_space_of_the_image_beside_them(tmp_path, options, remarks):
    opened = oblique(tmp_path)
    image = layer(opened)
    shown = volume_from_layer_data(labels(image, (1, 2, 3), **options), [image])
    expected = opened.patient_affine.copy()
    expected[:3, 3] = opened.geometry.to_patient((1, 2, 3))
    np.testing.assert_allclose(shown.volume.geometry.affine, expected, atol=1e-9)
    assert shown.remarks == remarks


def test_an_array_beside_an_image_that_fits_no_grid_is_plain(tmp_path):
    image = layer(oblique(tmp_path))
    made = Image(np.zeros((2, 3, 4)), scale=(2, 1, 1)).as_layer_data_tuple()
    shown = volume_from_layer_data(made, [image])
    assert not shown.has_patient_position
    assert shown.volume.geometry.affine.tolist() == [
        [0, 0, 1, 0], [0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 1]
    ]  # fmt: skip


def test_of_several_orientations_the_one_whose_grid_fits_is_taken(tmp_path):
    axial, opened = oblique(tmp_path, ORIENTATIONS["axial"]), oblique(tmp_path, name="b")
    beside = [layer(axial), layer(opened)]
    options = {"units": "mm", "axis_labels": ("SI", "AP", "RL")}
    for each, image in zip((axial, opened), beside, strict=True):
        found = volume_from_layer_data(labels(image, (0, 1, 1), **options), beside).volume.geometry
        np.testing.assert_allclose(found.affine[:3, :3], each.geometry.affine[:3, :3], atol=1e-9)


def test_where_no_grid_fits_and_orientations_differ_it_is_refused(tmp_path):
    axial, opened = oblique(tmp_path, ORIENTATIONS["axial"]), oblique(tmp_path, name="b")
    made = Labels(
        np.zeros((2, 2, 2), np.uint8), scale=(0.3, 0.3, 0.3), units="mm",
        axis_labels=("SI", "AP", "RL"), name="drawn",
    )  # fmt: skip
    with pytest.raises(CannotWrite, match=r"^drawn: images of different orientations are open"):
        volume_from_layer_data(made.as_layer_data_tuple(), [layer(axial), layer(opened)])
