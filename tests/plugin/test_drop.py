"""Real drag-enter and drop events on a real viewer."""

import contextlib
import threading

import imageio.v3 as iio
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from napari.layers import Labels, Shapes
from qtpy.QtCore import QTimer

from helpers.builders import (
    SLICES,
    make_image,
    make_series,
    save_dataset,
    stored_slice,
    write_series,
)
from helpers.dicom_objects import write_dicomdir
from helpers.idle import wait_until_idle
from helpers.segmentations import make_description, make_source_images, save_segmentation
from helpers.structure_sets import make_rectangle, make_roi, save_structure_set, to_positions
from napari_medread import api


def names(viewer):
    """Return the names of a viewer's layers."""
    return [layer.name for layer in viewer.layers]


def test_a_folder_of_dicom_comes_up_as_its_volume(viewer, drop, tmp_path):
    drop([write_series(tmp_path / "scan", make_series())])
    assert names(viewer) == ["4 Test series"]
    assert viewer.layers[0].data.shape == (SLICES, 5, 7)
    assert viewer.dims.axis_labels == ("SI", "AP", "RL")


def test_a_metaimage_comes_up_to_scale(viewer, drop, tmp_path):
    picture = sitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    picture.SetSpacing((1.5, 2.5, 3.5))
    sitk.WriteImage(picture, tmp_path / "scan.mhd")
    drop([tmp_path / "scan.mhd"])
    assert tuple(viewer.layers[0].scale) == (3.5, 2.5, 1.5)


def test_a_nifti_of_labels_comes_up_to_scale_as_labels(viewer, drop, tmp_path):
    header = nib.Nifti1Header()
    header.set_intent("label")
    regions = np.arange(60, dtype=np.uint8).reshape(5, 4, 3)
    nib.save(nib.Nifti1Image(regions, np.diag([1.5, 2.5, 3.5, 1]), header), tmp_path / "a.nii.gz")
    drop([tmp_path / "a.nii.gz"])
    (layer,) = viewer.layers
    assert isinstance(layer, Labels)
    assert layer.name == "a"
    assert tuple(layer.scale) == (3.5, 2.5, 1.5)
    assert np.array_equal(layer.data, regions.T)


def test_three_pictures_are_three_layers(viewer, drop, tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / name for name in ("a.png", "b.bmp", "c.tif")]
    for path in paths:
        iio.imwrite(path, rng.integers(0, 255, (20, 30, 3), dtype=np.uint8))
    drop(paths)
    assert names(viewer) == ["a", "b", "c"]
    assert all(layer.rgb and layer.visible for layer in viewer.layers)


@pytest.mark.parametrize("name", ["slice.dcm", "IM0001", "1.2.840.113619.2.1"])
def test_a_single_slice_comes_up_whatever_its_name(viewer, drop, tmp_path, name):
    (ds,) = make_series(slices=[0])
    drop([save_dataset(ds, tmp_path / name)])
    assert viewer.layers[0].data.shape == (1, 5, 7)


@pytest.mark.parametrize("suffix", ["", ".dcm"])
def test_all_files_of_a_series_dropped_at_once_give_one_volume_once(viewer, drop, tmp_path, suffix):
    paths = [save_dataset(ds, tmp_path / f"IM{n}{suffix}") for n, ds in enumerate(make_series())]
    drop(paths)
    assert names(viewer) == ["4 Test series"]
    assert viewer.layers[0].data.shape == (SLICES, 5, 7)


def test_a_dicomdir_comes_up_as_what_it_references(viewer, drop, tmp_path):
    for n, ds in enumerate(make_series()):
        save_dataset(ds, tmp_path / "images" / f"im{n}")
    references = [["IMAGES", f"IM{n}"] for n in range(SLICES)]
    drop([write_dicomdir(tmp_path, references)])
    assert names(viewer) == ["4 Test series"]
    assert viewer.layers[0].data.shape == (SLICES, 5, 7)


def test_the_same_files_can_be_dropped_again(viewer, drop, tmp_path):
    paths = [save_dataset(ds, tmp_path / f"IM{n}.dcm") for n, ds in enumerate(make_series())]
    drop(paths)
    drop(paths)
    assert len(viewer.layers) == 2


def test_a_stack_of_files_gives_one_volume(viewer, tmp_path):
    paths = [str(save_dataset(ds, tmp_path / f"IM{n}.dcm")) for n, ds in enumerate(make_series())]
    viewer.open(paths, stack=True, plugin="napari-medread")
    assert [layer.data.shape for layer in viewer.layers] == [(SLICES, 5, 7)]


def test_files_of_two_series_dropped_at_once_give_two_volumes(viewer, drop, tmp_path):
    datasets = [*make_series(), *make_series(SeriesInstanceUID="1.2.3", SeriesNumber=5)]
    drop([save_dataset(ds, tmp_path / f"IM{n}.dcm") for n, ds in enumerate(datasets)])
    assert names(viewer) == ["4 Test series", "5 Test series"]


def test_a_folder_can_be_dropped_while_another_is_being_read(viewer, drop, tmp_path, monkeypatch):
    first = write_series(tmp_path / "first", make_series())
    second = write_series(tmp_path / "second", make_series(SeriesNumber=5))
    was_second_dropped, read = threading.Event(), api.read_with_lines

    def read_slowly(paths, **options):
        assert paths == [str(second)] or was_second_dropped.wait(10)
        return read(paths, **options)

    def drop_second():
        drop([second])
        was_second_dropped.set()

    monkeypatch.setattr(api, "read_with_lines", read_slowly)
    started = QTimer()
    started.setSingleShot(True)
    started.timeout.connect(drop_second)
    started.start(200)
    drop([first])
    assert names(viewer) == ["5 Test series", "4 Test series"]


def test_a_broken_file_is_named_and_the_rest_opens(viewer, drop, messages, tmp_path):
    folder = write_series(tmp_path / "scan", make_series())
    (folder / "broken").write_bytes((folder / "IM0000").read_bytes()[:700])
    (folder / "notes.txt").write_text("nothing to see")
    (folder / "DICOMDIR").write_bytes(b"nothing either")
    drop([folder])
    assert viewer.layers[0].data.shape == (SLICES, 5, 7)
    (message,) = messages()
    assert message.startswith("Skipped broken: ")  # and not with the name of a layer
    assert "notes.txt" not in message


@pytest.mark.parametrize("content", [None, "text"], ids=["empty folder", "folder of text"])
def test_a_folder_with_nothing_in_it_gets_a_sentence(viewer, drop, messages, tmp_path, content):
    folder = tmp_path / "stuff"
    folder.mkdir()
    if content:
        (folder / "notes.txt").write_text(content)
    with contextlib.suppress(ValueError):  # napari's own complaint, after our sentence
        drop([folder])
    assert messages()[0] == "stuff: no readable image was found."
    assert len(viewer.layers) == 0


def test_a_picture_without_millimetres_opens_in_pixels(viewer, drop, tmp_path):
    drop([save_dataset(make_image(stored_slice(0)), tmp_path / "IM1.dcm")])
    assert [str(unit) for unit in viewer.layers[0].units] == ["pixel", "pixel"]


def test_a_segmentation_and_a_structure_set_lie_on_the_image_they_are_dropped_with(
    viewer, drop, tmp_path
):
    images = make_source_images()
    for n, image in enumerate(images):
        save_dataset(image, tmp_path / "scan" / f"{n}.dcm")
    mask = np.zeros((6, 9, 11), np.uint8)
    mask[2, 3:5, 4:9] = 1
    descriptions = [make_description(1, "Liver", (255, 0, 0))]
    save_segmentation(tmp_path / "scan" / "seg.dcm", images, mask, descriptions)
    regions = [
        make_roi(3, "Lesion", [make_rectangle(images[2], (3, 4), (4, 8))], color=(0, 255, 0)),
        make_roi(5, "Seed", [to_positions(images[1], [(2, 7)])], "POINT"),
    ]
    save_structure_set(tmp_path / "scan" / "rs.dcm", images, regions)
    drop([tmp_path / "scan"])
    assert names(viewer) == ["4 Test series", "7 Drawn", "9 Drawn", "9 Drawn (points)"]
    image, drawn, contoured, points = viewer.layers
    assert [layer.visible for layer in viewer.layers] == [True, False, False, False]
    for layer, value, name, color in (
        (drawn, 1, "Liver", (1, 0, 0, 1)),
        (contoured, 3, "Lesion", (0, 1, 0, 1)),
    ):
        assert isinstance(layer, Labels)
        np.testing.assert_array_equal(layer.scale, image.scale)
        np.testing.assert_array_equal(layer.translate, image.translate)
        np.testing.assert_array_equal(layer.affine.affine_matrix, image.affine.affine_matrix)
        # Slices from superior to inferior, and the files from inferior to superior.
        np.testing.assert_array_equal(layer.data, mask[::-1] * value)
        assert layer.features["name"].tolist() == ["background", name]
        np.testing.assert_allclose(layer.get_color(value), color, atol=0.01)
    np.testing.assert_allclose(points.data, [[4, 2, 7]], atol=1e-4)
    drawn.visible = True
    wait_until_idle()
    viewer.dims.set_point(0, float(drawn.data_to_world((3, 3, 5))[0]))
    viewer.cursor.position = tuple(drawn.data_to_world((3, 3, 5)))
    assert "name: Liver" in drawn.get_status(viewer.cursor.position, world=True)["value"]


def test_a_structure_set_dropped_alone_comes_up_as_contours_and_says_what_to_open(
    viewer, drop, tmp_path
):
    images = make_source_images()
    contour = make_rectangle(images[2], (3, 4), (4, 8))
    drop([save_structure_set(tmp_path / "rs.dcm", images, [make_roi(3, "Lesion", [contour])])])
    (layer,) = viewer.layers
    assert isinstance(layer, Shapes)
    assert layer.name == "9 Drawn (contours)"
    assert layer.visible
    sentence = "Its contours were drawn on the CT series of 6 images, which is not here"
    assert layer.metadata["notes"][0].startswith(sentence)
    z, y, x = np.transpose([layer.data_to_world(point) for point in layer.data[0][:-1]])
    np.testing.assert_allclose(np.transpose([x, y, -z]), contour, atol=1e-3)
