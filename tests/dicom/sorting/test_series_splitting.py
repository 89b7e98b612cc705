"""Which files make one volume, in what order, and under what name."""

import numpy as np
import pytest
from pydicom import DataElement, config

from helpers.builders import (
    ORIENTATIONS,
    SLICE_SPACING,
    make_image,
    make_series,
    make_uid,
    save_dataset,
    stored_slice,
    write_series,
)
from napari_medread.api import read

AXIAL = ORIENTATIONS["axial"]


def notes_of(volumes):
    """Return all notes of some volumes."""
    return [note for volume in volumes for note in volume.notes]


def test_clean_data_has_no_notes(tmp_path):
    assert notes_of(read(write_series(tmp_path, make_series()))) == []


def test_position_decides_and_not_the_instance_number(tmp_path):
    def scramble(n, ds):
        ds.InstanceNumber = [7, 2, 9, 1][n]

    (volume,) = read(write_series(tmp_path, make_series(change=scramble)))
    np.testing.assert_array_equal(volume.data, [stored_slice(n) for n in (3, 2, 1, 0)])


def test_sources_are_in_slice_order(tmp_path):
    paths = [save_dataset(ds, tmp_path / f"s{n}") for n, ds in enumerate(make_series())]
    (volume,) = read(tmp_path)
    assert list(volume.source) == paths[::-1]


def test_every_series_is_a_separate_volume(tmp_path):
    for number in (30, 4):
        other = make_series(SeriesInstanceUID=make_uid(), SeriesNumber=number)
        write_series(tmp_path / "nested" / str(number), other)
    assert [v.name for v in read(tmp_path)] == ["4 Test series", "30 Test series"]


def test_series_in_nested_folders_come_together(tmp_path):
    datasets = make_series()
    for n, ds in enumerate(datasets):
        save_dataset(ds, tmp_path / f"{n}" / "IM1")
    (volume,) = read(tmp_path)
    assert volume.shape[0] == 4


def test_a_list_of_files_is_one_series(tmp_path):
    write_series(tmp_path, make_series())
    (volume,) = read(sorted(tmp_path.iterdir()))
    assert volume.shape[0] == 4


def test_files_without_a_series_uid_are_grouped_by_folder_with_a_note(tmp_path):
    for folder in ("a", "b"):
        write_series(tmp_path / folder, make_series(SeriesInstanceUID=None))
    volumes = read(tmp_path)
    assert [v.shape[0] for v in volumes] == [4, 4]
    assert all("SeriesInstanceUID is missing" in v.notes[0] for v in volumes)


@pytest.mark.parametrize(
    "change",
    [
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"},
        {"PixelSpacing": [2.0, 3.01]},
        {"ImageOrientationPatient": [1, 0, 0, 0, 0.8, 0.6]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_images_of_another_kind_are_a_separate_volume(tmp_path, change):
    def other(n, ds):
        if n == 3:
            for keyword, value in change.items():
                setattr(ds, keyword, value)

    volumes = read(write_series(tmp_path, make_series(change=other)))
    assert sorted(v.shape[0] for v in volumes if v.ndim == 3 and v.shape[0] in (1, 3)) != []
    assert sum(v.data.size for v in volumes) == 4 * 5 * 7


def test_images_of_another_size_are_a_separate_volume(tmp_path):
    write_series(tmp_path, make_series(slices=range(3)))
    save_dataset(make_image(stored_slice(0, 6, 7), ImagePositionPatient=[0, 0, 0],
               ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[1, 1]),
         tmp_path / "other")  # fmt: skip
    assert sorted(v.shape for v in read(tmp_path)) == [(1, 6, 7), (3, 5, 7)]


def test_directions_that_differ_by_rounding_are_one_orientation(tmp_path):
    def rounding(n, ds):
        ds.ImageOrientationPatient = [1, 0.00004 * n, 0, -0.00004 * n, 1, 0]

    (volume,) = read(write_series(tmp_path, make_series(slices=range(3), change=rounding)))
    assert volume.shape[0] == 3


def test_spacing_is_measured_and_not_read(tmp_path):
    (volume,) = read(
        write_series(tmp_path, make_series(SliceThickness="9", SpacingBetweenSlices="-7"))
    )
    assert volume.geometry.spacing[0] == pytest.approx(SLICE_SPACING)


@pytest.mark.parametrize(
    ("attributes", "spacing", "keyword"),
    [
        ({"SpacingBetweenSlices": "-7", "SliceThickness": "9"}, 7, "SpacingBetweenSlices"),
        ({"SliceThickness": "9"}, 9, "SliceThickness"),
        ({"SliceThickness": "0"}, 1, "unknown thickness"),
        ({}, 1, "unknown thickness"),
    ],
)
def test_the_spacing_of_a_single_slice_is_a_guess_with_a_note(
    tmp_path, attributes, spacing, keyword
):
    (volume,) = read(write_series(tmp_path, make_series(slices=[0], **attributes)))
    assert volume.geometry.spacing[0] == pytest.approx(spacing)
    assert keyword in volume.notes[0]


def test_without_positions_slice_location_sorts_and_spaces(tmp_path):
    def locate(n, ds):
        del ds.ImagePositionPatient
        ds.SliceLocation = str([10, 4, 7, 1][n])

    (volume,) = read(write_series(tmp_path, make_series(change=locate)))
    np.testing.assert_array_equal(volume.data, [stored_slice(n) for n in (0, 2, 1, 3)])
    assert volume.patient_affine is None
    assert volume.leading[0].step == pytest.approx(3)
    assert "no patient position" in volume.notes[0]


def test_without_any_position_the_instance_number_sorts(tmp_path):
    def number(n, ds):
        del ds.ImagePositionPatient
        ds.InstanceNumber = [4, 2, 3, 1][n]

    (volume,) = read(write_series(tmp_path, make_series(change=number)))
    np.testing.assert_array_equal(volume.data, [stored_slice(n) for n in (3, 1, 2, 0)])
    assert volume.patient_affine is None
    assert "InstanceNumber" in volume.notes[0]


@pytest.mark.parametrize("position", [["NaN", "0", "0"], ["0", "0"], []])
def test_positions_that_are_not_numbers_are_ignored(tmp_path, position):
    def spoil(n, ds):
        with config.disable_value_validation():
            ds["ImagePositionPatient"] = DataElement(0x00200032, "LO", position)
            ds["ImagePositionPatient"].VR = "DS"

    (volume,) = read(write_series(tmp_path, make_series(change=spoil)))
    assert volume.patient_affine is None
    assert "no patient position" in volume.notes[0]


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({}, "4 Test series"),
        ({"SeriesDescription": None}, "4 CT series"),
        ({"SeriesNumber": None}, "Test series"),
        ({"SeriesNumber": None, "SeriesDescription": None}, "scan"),
        (
            {"SeriesNumber": None, "SeriesDescription": None, "PatientName": "Scan^Jane"},
            "CT series",
        ),
        ({"SeriesDescription": "Jane abdomen", "PatientName": "Doe^Jane"}, "4 CT series"),
    ],
)
def test_names_describe_the_series_and_never_the_patient(tmp_path, attributes, name):
    (volume,) = read(write_series(tmp_path / "scan", make_series(**attributes)))
    assert volume.name == name


def test_only_paths_may_identify_the_patient(tmp_path):
    secrets = {"PatientName": "Roe^Richard", "PatientID": "77-1234", "PatientBirthDate": "19610203"}
    (volume,) = read(write_series(tmp_path, make_series(slices=[0], **secrets)))
    told = repr((volume.name, volume.notes, volume.header, volume.modality, volume.windows))
    assert not [s for s in ("Roe", "Richard", "77-1234", "1961") if s in told]
