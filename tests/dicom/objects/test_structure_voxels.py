"""Structure sets as labels on the grid of their image, and as contours without it."""

from time import perf_counter

import numpy as np
import pytest

import napari_medread
from helpers.builders import make_uid, save_dataset
from helpers.segmentations import COLUMNS, GRIDS, ROWS, SLICES, make_source_images
from helpers.structure_sets import (
    make_rectangle,
    make_roi,
    save_structure_set,
    to_positions,
)
from napari_medread.catalogue import browse
from napari_medread.errors import UnreadableFile


def write(folder, images, regions, **attributes):
    for n, image in enumerate(images):
        save_dataset(image, folder / f"{n}.dcm")
    return save_structure_set(folder / "rs.dcm", images, regions, **attributes)


def read_labels(folder):
    return [volume for volume in napari_medread.read(folder) if volume.labels]


def make_block(images, planes, rows, columns):
    return [make_rectangle(images[n], rows, columns) for n in planes]


def find_points(volume, value):
    points = volume.geometry.to_patient(np.argwhere(np.asarray(volume.data) == value))
    points = np.round(points, 3) + 0.0
    return points[np.lexsort(points.T)]


@pytest.mark.parametrize("grid", GRIDS)
def test_a_voxel_is_labelled_where_its_centre_lies_inside(tmp_path, grid):
    images = make_source_images(**GRIDS[grid])
    block = make_block(images, (1, 2, 3), (2, 4), (5, 8))
    write(tmp_path, images, [make_roi(4, "Block", block)])
    (labels,) = read_labels(tmp_path)
    expected = np.concatenate(
        [
            to_positions(images[n], [(r, c) for r in range(2, 5) for c in range(5, 9)])
            for n in (1, 2, 3)
        ]
    )
    expected = np.round(expected, 3) + 0.0
    np.testing.assert_allclose(find_points(labels, 4), expected[np.lexsort(expected.T)], atol=2e-3)
    image = next(volume for volume in napari_medread.read(tmp_path) if not volume.labels)
    np.testing.assert_allclose(labels.geometry.affine, image.geometry.affine)
    assert (labels.shape, labels.notes) == (image.shape, ())
    assert labels.modality == "RTSTRUCT"
    assert labels.name == "9 Drawn"


def test_overlapping_regions_need_as_few_layers_as_they_can(tmp_path):
    images = make_source_images()
    regions = [
        make_roi(1, "PTV", make_block(images, range(SLICES), (0, 8), (0, 9))),
        make_roi(2, "CTV", make_block(images, range(1, 5), (1, 7), (1, 8))),
        make_roi(3, "GTV", make_block(images, range(2, 4), (2, 5), (2, 6))),
        make_roi(4, "Apart", make_block(images, range(1, 3), (3, 5), (10, 10))),
    ]
    write(tmp_path, images, regions)
    layers = read_labels(tmp_path)
    assert [layer.name for layer in layers] == [f"9 Drawn ({n} of 3)" for n in (1, 2, 3)]
    assert sorted(s.name for layer in layers for s in layer.segments) == [
        "Apart", "CTV", "GTV", "PTV",
    ]  # fmt: skip
    counts = {s.name: int((v.data == s.value).sum()) for v in layers for s in v.segments}
    assert counts == {"PTV": 6 * 90, "CTV": 4 * 56, "GTV": 2 * 20, "Apart": 2 * 3}
    assert all("Its regions overlap" in layer.notes[0] for layer in layers)


def test_properties_of_regions_are_those_of_segments(tmp_path):
    images = make_source_images()
    block = make_block(images, (1,), (2, 4), (5, 8))
    write(tmp_path, images, [make_roi(300, "Block", block, color=(0, 51, 255))])
    (labels,) = read_labels(tmp_path)
    (segment,) = labels.segments
    assert (segment.value, segment.number, segment.name) == (300, 300, "Block")
    assert segment.color == pytest.approx((0, 0.2, 1))
    assert segment.properties == {"interpreted_type": "ORGAN"}
    assert labels.data.dtype == np.uint16


def test_numbers_that_no_label_can_have_are_replaced(tmp_path):
    images = make_source_images()
    block = make_block(images, (1,), (2, 4), (5, 8))
    regions = [make_roi(n, f"R{n}", [block[0] + [0, 0, 0]]) for n in (1, 70000, 0)]
    write(tmp_path, images, regions)
    segments = [s for layer in read_labels(tmp_path) for s in layer.segments]
    assert sorted((s.number, s.value) for s in segments) == [(0, 2), (1, 1), (70000, 3)]
    assert "2 regions have numbers that no label can have" in read_labels(tmp_path)[0].notes[0]


def test_tiny_empty_and_broken_regions_are_named(tmp_path):
    images = make_source_images()
    block = make_block(images, (1,), (2, 4), (5, 8))
    tiny = to_positions(images[2], [(3.2, 3.2), (3.2, 3.4), (3.4, 3.4)])
    regions = [
        make_roi(1, "Block", block),
        make_roi(2, "Tiny", [tiny]),
        make_roi(3, "Empty", []),
        make_roi(4, "Broken", [block[0][:2]]),
    ]
    write(tmp_path, images, regions)
    (labels,) = read_labels(tmp_path)
    notes = " ".join(labels.notes)
    assert "Tiny: it holds no voxel centre, so that nothing of it is shown." in notes
    assert "Empty: no contours." in notes
    assert "Broken: 1 contour is left out" in notes


def test_a_name_with_the_patient_is_a_number_and_a_note(tmp_path):
    images = make_source_images()
    block = make_block(images, (1,), (2, 4), (5, 8))
    write(tmp_path, images, [make_roi(2, "Muster liver", block)], PatientName="Muster^Erika")
    (labels,) = read_labels(tmp_path)
    assert labels.segments[0].name == "ROI 2"
    assert labels.notes == ("1 name holds the patient's name or ID: a number is shown instead.",)


def test_without_its_image_a_structure_set_is_refused_with_what_to_open(tmp_path):
    images = make_source_images()
    block = make_block(images, (1,), (2, 4), (5, 8))
    path = save_structure_set(tmp_path / "rs.dcm", images, [make_roi(1, "A", block)])
    with pytest.raises(UnreadableFile, match=r"^rs\.dcm: the contours were drawn on the CT series"):
        napari_medread.read(path)


def test_beside_an_image_of_another_frame_of_reference_it_is_skipped(tmp_path):
    images, others = make_source_images(), make_source_images()
    block = make_block(images, (1,), (2, 4), (5, 8))
    for n, image in enumerate(others):
        save_dataset(image, tmp_path / f"{n}.dcm")
    save_structure_set(tmp_path / "rs.dcm", images, [make_roi(1, "A", block)])
    (volume,) = napari_medread.read(tmp_path)
    assert not volume.labels
    assert "rs.dcm: the contours were drawn on the CT series of 6 images" in volume.notes[0]


def test_the_series_referred_to_comes_before_one_that_holds_more_contours(tmp_path):
    images = make_source_images()
    block = make_block(images, range(len(images)), (2, 4), (5, 8))
    save_structure_set(tmp_path / "rs.dcm", images, [make_roi(1, "A", block)])
    for n, image in enumerate(images[:4]):
        save_dataset(image, tmp_path / f"{n}.dcm")
    series = make_uid()
    for n, image in enumerate(images):
        image.SeriesInstanceUID, image.SOPInstanceUID = series, make_uid()
        save_dataset(image, tmp_path / f"other {n}.dcm")
    (labels,) = read_labels(tmp_path)
    assert labels.shape[0] == 4
    assert (labels.data == 1).sum() == 4 * 12


def test_an_image_of_the_same_frame_of_reference_is_good_enough(tmp_path):
    images = make_source_images()
    block = make_block(images, (1,), (2, 4), (5, 8))
    save_structure_set(tmp_path / "rs.dcm", images, [make_roi(1, "A", block)])
    series = make_uid()
    for n, image in enumerate(images):
        image.SeriesInstanceUID = series
        save_dataset(image, tmp_path / f"{n}.dcm")
    (labels,) = read_labels(tmp_path)
    assert (labels.data == 1).sum() == 12


@pytest.mark.parametrize("with_images", [True, False])
def test_contours_are_read_as_they_were_drawn(tmp_path, with_images):
    images = make_source_images()
    block = make_block(images, (1, 2), (2, 4), (5, 8))
    regions = [
        make_roi(1, "Block", block),
        make_roi(2, "Seed", [block[0][:1], block[1][:1]], "POINT"),
        make_roi(3, "Wire", [block[0]], "OPEN_PLANAR"),
    ]
    path = write(tmp_path, images, regions)
    found = napari_medread.read_contours(tmp_path if with_images else path)
    assert [each.kind for each in found] == ["closed", "points", "open"]
    closed, points, lines = found
    np.testing.assert_allclose(closed.contours, block, atol=1e-3)
    np.testing.assert_allclose(
        np.concatenate(points.contours), [block[0][0], block[1][0]], atol=1e-3
    )
    assert [each.name for each in closed.structures] == ["Block", "Block"]
    assert [each.name for each in lines.structures] == ["Wire"]
    assert all((each.geometry is not None) == with_images for each in found)
    if with_images:
        assert closed.geometry.shape == (SLICES, ROWS, COLUMNS)


def test_no_structure_set_has_no_contours(tmp_path):
    save_dataset(make_source_images()[0], tmp_path / "0.dcm")
    with pytest.raises(UnreadableFile, match="there is no structure set"):
        napari_medread.read_contours(tmp_path)


def test_points_beside_labels_are_named_in_python(tmp_path):
    images = make_source_images()
    block = make_block(images, (1,), (2, 4), (5, 8))
    regions = [make_roi(1, "Block", block), make_roi(2, "Seed", [block[0][:1]], "POINT")]
    write(tmp_path, images, regions)
    notes = [note for volume in napari_medread.read(tmp_path) for note in volume.notes]
    assert notes == ["Skipped rs.dcm: its points are no volume; read_contours() returns them."]


def test_the_series_browser_lists_images_alone(tmp_path):
    images = make_source_images()
    write(tmp_path, images, [make_roi(1, "A", make_block(images, (1,), (2, 4), (5, 8)))])
    catalogue = browse(tmp_path)
    series = [s.modality for p in catalogue.patients for study in p.studies for s in study.series]
    assert series == ["CT"]
    assert "RT Structure Set Storage is not an image" in catalogue.skipped[0]


def test_ten_times_as_many_regions_take_about_ten_times_as_long(tmp_path):
    """Comparing all pairs would take a hundred times as long."""
    images = make_source_images()
    square = make_rectangle(images[1], (2, 4), (5, 8))

    def measure(count):
        folder = tmp_path / str(count)
        write(folder, images, [make_roi(n + 1, f"R{n}", [square]) for n in range(count)])
        start = perf_counter()
        layers = read_labels(folder)
        return perf_counter() - start, layers

    few, _ = measure(300)
    many, layers = measure(3000)
    assert many < 30 * few
    assert len(layers) == 64
    assert "and 2933 more: left out, as more than 64 regions overlap there." in layers[0].notes[1]
