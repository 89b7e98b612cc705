"""Segmentations, judged by highdicom, which wrote them, and by how the test made their voxels."""

import numpy as np
import pytest
from pydicom.uid import RLELossless

import napari_medread
from helpers.builders import save_dataset
from helpers.segmentations import (
    COLUMNS,
    GRIDS,
    ROWS,
    SLICES,
    make_description,
    make_source_images,
    save_segmentation,
)
from napari_medread.catalogue import browse
from napari_medread.errors import UnreadableFile

COLORS = [(255, 0, 0), (10, 200, 30), (40, 60, 250)]
DESCRIPTIONS = [make_description(n + 1, f"Part {n + 1}", COLORS[n]) for n in range(3)]
RNG = np.random.default_rng(7)


def find_points(volume, value):
    """Return the positions in LPS mm of the voxels of a value, sorted."""
    return sort_points(volume.geometry.to_patient(np.argwhere(np.asarray(volume.data) == value)))


def sort_points(points):
    points = np.round(np.asarray(points, float), 4) + 0.0
    return points[np.lexsort(points.T)]


def find_expected_points(images, mask):
    """Return the positions of a mask's voxels by PS3.3 C.7.6.2.1.1."""
    points = []
    for image, plane in zip(images, mask, strict=True):
        row, column = np.reshape(image.ImageOrientationPatient, (2, 3)).astype(float)
        down, across = map(float, image.PixelSpacing)
        for r, c in np.argwhere(plane):
            points.append(np.array(image.ImagePositionPatient, float) + row * across * c
                          + column * down * r)  # fmt: skip
    return sort_points(points)


def make_apart(count=3):
    """Return segment numbers that do not overlap, with an empty slice in the middle and one end."""
    numbers = RNG.integers(0, count + 1, (SLICES, ROWS, COLUMNS)).astype(np.uint8)
    numbers[[2, SLICES - 1]] = 0
    return numbers


def write_images(folder, images):
    for n, image in enumerate(images):
        save_dataset(image, folder / f"{n}.dcm")


@pytest.mark.parametrize("with_images", [True, False])
@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
@pytest.mark.parametrize("grid", GRIDS)
def test_each_voxel_lies_where_its_functional_groups_say(tmp_path, grid, kind, with_images):
    images = make_source_images(**GRIDS[grid])
    numbers = make_apart()
    save_segmentation(tmp_path / "seg.dcm", images, numbers, DESCRIPTIONS, kind)
    if with_images:
        write_images(tmp_path, images)
    volumes = napari_medread.read(tmp_path)
    (labels,) = [v for v in volumes if v.labels]
    for value in (1, 2, 3):
        expected = find_expected_points(images, numbers == value)
        np.testing.assert_allclose(find_points(labels, value), expected, atol=1e-3)
    if with_images:
        (image,) = [v for v in volumes if not v.labels]
        assert labels.shape == image.shape
        np.testing.assert_allclose(labels.patient_affine, image.patient_affine, atol=1e-9)


def test_frames_in_any_order_are_put_in_their_planes(tmp_path):
    images, numbers = make_source_images(), make_apart()
    segmentation = save_segmentation(tmp_path / "seg.dcm", images, numbers, DESCRIPTIONS)
    groups = list(segmentation.PerFrameFunctionalGroupsSequence)
    bits = np.unpackbits(np.frombuffer(segmentation.PixelData, np.uint8), bitorder="little")
    frames = bits[: len(groups) * ROWS * COLUMNS].reshape(len(groups), -1)
    order = RNG.permutation(len(groups))
    segmentation.PerFrameFunctionalGroupsSequence = [groups[n] for n in order]
    packed = np.packbits(frames[order].ravel(), bitorder="little").tobytes()
    segmentation.PixelData = packed + b"\0" * (len(packed) % 2)
    segmentation.save_as(tmp_path / "seg.dcm")
    labels = napari_medread.read_volume(tmp_path)
    for value in (1, 2, 3):
        expected = find_expected_points(images, numbers == value)
        np.testing.assert_allclose(find_points(labels, value), expected, atol=1e-3)


def test_overlapping_segments_need_as_few_layers_as_they_can(tmp_path):
    """1 meets 2 and 2 meets 3, but 1 and 3 fit into one layer."""
    images = make_source_images()
    masks = np.zeros((SLICES, ROWS, COLUMNS, 3), np.uint8)
    masks[1:3, 2:5, 2:5, 0] = 1
    masks[2:4, 3:8, 3:8, 1] = 1
    masks[3:5, 6:9, 6:9, 2] = 1
    save_segmentation(tmp_path / "seg.dcm", images, masks, DESCRIPTIONS)
    volumes = napari_medread.read(tmp_path)
    assert [{s.value for s in v.segments} for v in volumes] == [{2}, {1, 3}] or [
        {s.value for s in v.segments} for v in volumes
    ] == [{1, 3}, {2}]
    for volume in volumes:
        assert any("overlap" in note and "2 layers" in note for note in volume.notes)
        for segment in volume.segments:
            expected = find_expected_points(images, masks[..., segment.value - 1])
            np.testing.assert_allclose(find_points(volume, segment.value), expected, atol=1e-3)


def test_fractions_become_images_of_0_to_1(tmp_path):
    images = make_source_images()
    fractions = RNG.integers(0, 256, (SLICES, ROWS, COLUMNS, 2)) / 255
    save_segmentation(
        tmp_path / "seg.dcm", images, fractions, DESCRIPTIONS[:2], "FRACTIONAL",
        max_fractional_value=255,
    )  # fmt: skip
    write_images(tmp_path, images)
    volumes = {v.name: v for v in napari_medread.read(tmp_path) if v.modality == "SEG"}
    assert len(volumes) == 2
    for n in range(2):
        (volume,) = [v for name, v in volumes.items() if f"Part {n + 1}" in name]
        assert not volume.labels
        assert volume.contrast_limits == (0.0, 1.0)
        # Slices are sorted from superior to inferior; these go up.
        np.testing.assert_allclose(volume.data, fractions[::-1, ..., n], atol=1e-6)


def test_segments_are_described_with_their_colours(tmp_path):
    images = make_source_images()
    save_segmentation(tmp_path / "seg.dcm", images, make_apart(), DESCRIPTIONS)
    labels = napari_medread.read_volume(tmp_path)
    assert [(s.value, s.number, s.name) for s in labels.segments] == [
        (n, n, f"Part {n}") for n in (1, 2, 3)
    ]
    for segment, color, description in zip(labels.segments, COLORS, DESCRIPTIONS, strict=True):
        np.testing.assert_allclose(segment.color, np.array(color) / 255, atol=0.005)
        assert segment.properties == {
            "category": "Organ",
            "type": "Liver",
            "algorithm_type": "MANUAL",
            "algorithm_name": "",
            "tracking_id": description.TrackingID,
            "tracking_uid": description.TrackingUID,
        }


def test_compressed_label_maps(tmp_path):
    images, numbers = make_source_images(), make_apart()
    segmentation = save_segmentation(
        tmp_path / "seg.dcm", images, numbers, DESCRIPTIONS, "LABELMAP"
    )
    segmentation.compress(RLELossless, encoding_plugin="pylibjpeg")
    segmentation.save_as(tmp_path / "seg.dcm")
    labels = napari_medread.read_volume(tmp_path)
    np.testing.assert_allclose(find_points(labels, 2), find_expected_points(images, numbers == 2))


def test_a_number_that_no_segment_describes_is_kept_and_named(tmp_path):
    images, numbers = make_source_images(), make_apart()
    segmentation = save_segmentation(tmp_path / "seg.dcm", images, numbers, DESCRIPTIONS)
    del segmentation.SegmentSequence[1]
    segmentation.save_as(tmp_path / "seg.dcm")
    labels = napari_medread.read_volume(tmp_path)
    assert [s.name for s in labels.segments] == ["Part 1", "Segment 2 (not described)", "Part 3"]
    assert (np.asarray(labels.data) == 2).sum() == (numbers == 2).sum()


def test_fewer_functional_groups_than_frames(tmp_path):
    images, numbers = make_source_images(), make_apart(1)
    segmentation = save_segmentation(tmp_path / "seg.dcm", images, numbers, DESCRIPTIONS[:1])
    groups = list(segmentation.PerFrameFunctionalGroupsSequence)
    segmentation.PerFrameFunctionalGroupsSequence = groups[:-1]
    segmentation.save_as(tmp_path / "seg.dcm")
    labels = napari_medread.read_volume(tmp_path)
    assert any(f"{len(groups) - 1} of its {len(groups)} frames" in note for note in labels.notes)
    heights = [g.PlanePositionSequence[0].ImagePositionPatient[2] for g in groups[:-1]]
    kept = [float(image.ImagePositionPatient[2]) in map(float, heights) for image in images]
    described = (numbers == 1) & np.array(kept)[:, None, None]
    assert described.sum() < (numbers == 1).sum()
    np.testing.assert_allclose(find_points(labels, 1), find_expected_points(images, described))


def test_a_frame_without_a_place_is_refused(tmp_path):
    segmentation = save_segmentation(
        tmp_path / "seg.dcm", make_source_images(), make_apart(), DESCRIPTIONS
    )
    del segmentation.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence
    segmentation.save_as(tmp_path / "seg.dcm")
    with pytest.raises(UnreadableFile, match=r"seg\.dcm: .* \(ImagePositionPatient\)"):
        napari_medread.read(tmp_path)


def test_a_whole_slide_is_refused_in_one_sentence(tmp_path):
    segmentation = save_segmentation(
        tmp_path / "seg.dcm", make_source_images(), make_apart(), DESCRIPTIONS
    )
    segmentation.TotalPixelMatrixColumns = segmentation.TotalPixelMatrixRows = 1000
    segmentation.save_as(tmp_path / "seg.dcm")
    with pytest.raises(
        UnreadableFile, match=r"seg\.dcm: this is the segmentation of a whole slide"
    ):
        napari_medread.read(tmp_path)


def test_more_functional_groups_than_frames_are_named(tmp_path):
    segmentation = save_segmentation(
        tmp_path / "seg.dcm", make_source_images(), make_apart(), DESCRIPTIONS
    )
    groups = segmentation.PerFrameFunctionalGroupsSequence
    count = len(groups)
    groups.append(groups[-1])
    segmentation.save_as(tmp_path / "seg.dcm")
    (labels,) = napari_medread.read(tmp_path)
    assert labels.notes == (
        f"The file describes {count + 1} frames and holds {count}: the first of the descriptions "
        "are used.",
    )


def test_an_empty_segmentation_is_named(tmp_path):
    segmentation = save_segmentation(
        tmp_path / "seg.dcm", make_source_images(), make_apart(), DESCRIPTIONS
    )
    segmentation.PixelData = bytes(len(segmentation.PixelData))
    segmentation.save_as(tmp_path / "seg.dcm")
    (labels,) = napari_medread.read(tmp_path)
    assert not labels.data.any()
    assert labels.notes == ("It is empty: no voxel belongs to a segment.",)
    assert [segment.name for segment in labels.segments] == ["Part 1", "Part 2", "Part 3"]


def test_a_label_with_the_patient_is_a_number_and_a_note(tmp_path):
    images = make_source_images()
    for image in images:
        image.PatientName = "Muster^Erika"
    descriptions = [
        make_description(1, "Liver of\x07 Muster", COLORS[0]),
        make_description(2, "Left  kidney", COLORS[1]),
        make_description(3, "Part 3", COLORS[2]),
    ]
    save_segmentation(tmp_path / "seg.dcm", images, make_apart(), descriptions)
    (labels,) = napari_medread.read(tmp_path)
    assert [segment.name for segment in labels.segments] == ["Segment 1", "Left kidney", "Part 3"]
    assert labels.notes == ("1 name holds the patient's name or ID: a number is shown instead.",)


def test_the_series_browser_lists_a_segmentation_once_and_loads_its_labels(tmp_path):
    images = make_source_images()
    masks = RNG.random((SLICES, ROWS, COLUMNS, 3)) < 0.5
    save_segmentation(tmp_path / "seg.dcm", images, masks.astype(np.uint8), DESCRIPTIONS)
    write_images(tmp_path, images)
    (patient,) = browse(tmp_path).patients
    entries = {
        series.modality: series.entries for study in patient.studies for series in study.series
    }
    assert [len(each) for each in entries.values()] == [1, 1]
    (entry,) = entries["SEG"]
    assert (entry.name, entry.volume.labels) == ("7 Drawn", True)
    layers = entry.read()
    assert [layer.name for layer in layers] == [f"7 Drawn ({n} of 3)" for n in (1, 2, 3)]
    for n in range(3):
        (layer,) = [each for each in layers if (np.asarray(each.data) == n + 1).any()]
        np.testing.assert_allclose(
            find_points(layer, n + 1), find_expected_points(images, masks[..., n])
        )
