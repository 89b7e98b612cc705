"""Which images of one series make one volume, and how the volumes are named."""

import time

import numpy as np
import pytest

from helpers.builders import (
    ORIENTATIONS,
    SLICES,
    expected_sets,
    make_image,
    make_series,
    make_sets,
    save_dataset,
    stored_slice,
    write_series,
)
from napari_medread.api import read
from napari_medread.dicom.frames.multiframe_objects import make_frames
from napari_medread.dicom.headers.header_scan import read_header
from napari_medread.dicom.sorting.series_splitting import SeriesFrames, split_series


def by_name(volumes):
    """Return the voxels of volumes by the part of their names that differs."""
    return {v.name.removeprefix("4 Test series").strip(" ()"): np.asarray(v.data) for v in volumes}


def differing(keyword, *values):
    """Return a change that gives every set its value of an attribute."""
    return lambda t, _, ds: setattr(ds, keyword, values[t % len(values)])


# --- Images at one position ------------------------------------------------------------------

KINDS = {
    "image type": (
        differing("ImageType", ["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]),
        ["M", "P"],
    ),
    "image type of several values": (
        differing("ImageType", ["DERIVED", "PRIMARY", "ADC"], ["ORIGINAL", "PRIMARY", "TRACE"]),
        ["DERIVED ADC", "ORIGINAL TRACE"],
    ),
    "component": (
        differing("ComplexImageComponent", "MAGNITUDE", "PHASE"),
        ["MAGNITUDE", "PHASE"],
    ),
    "kernel": (differing("ConvolutionKernel", "B30f", "B70f"), ["B30f", "B70f"]),
    "stack": (differing("StackID", "1", "2"), ["stack 1", "stack 2"]),
    "sequence": (differing("SequenceName", "*fl2d1", "*tse2d1"), ["*fl2d1", "*tse2d1"]),
    "echo number": (differing("EchoNumbers", "1", "2"), ["echo 1", "echo 2"]),
}


@pytest.mark.parametrize(("change", "names"), KINDS.values(), ids=KINDS)
def test_images_of_two_kinds_at_one_position_are_two_volumes(tmp_path, change, names):
    found = by_name(read(write_series(tmp_path, make_sets(2, change))))
    assert sorted(found) == names
    for name, voxels in zip(names, expected_sets(2), strict=True):
        np.testing.assert_array_equal(found[name], voxels)


@pytest.mark.parametrize(("change", "_"), KINDS.values(), ids=KINDS)
def test_an_attribute_that_varies_within_an_even_stack_does_not_split_it(tmp_path, change, _):
    datasets = make_series(change=lambda n, ds: change(n, n, ds))
    (volume,) = read(write_series(tmp_path, datasets))
    np.testing.assert_array_equal(volume.data, [stored_slice(n) for n in (3, 2, 1, 0)])
    assert volume.notes == ()


def test_magnitude_and_phase_over_time_are_two_volumes_with_a_time_axis(tmp_path):
    def change(t, _, ds):
        ds.ImageType = ["ORIGINAL", "PRIMARY", "MP"[t % 2]]
        ds.TemporalPositionIdentifier = t // 2 + 1

    found = by_name(read(write_series(tmp_path, make_sets(6, change))))
    np.testing.assert_array_equal(found["M"], expected_sets(6)[::2])
    np.testing.assert_array_equal(found["P"], expected_sets(6)[1::2])


def test_nested_differences_are_all_in_the_name(tmp_path):
    def change(t, _, ds):
        ds.ImageType = ["ORIGINAL", "PRIMARY", "MP"[t % 2]]
        ds.ConvolutionKernel = ["H30", "H60"][t // 2]

    found = by_name(read(write_series(tmp_path, make_sets(4, change))))
    assert sorted(found) == ["M, H30", "M, H60", "P, H30", "P, H60"]


def test_an_image_type_of_some_slices_does_not_split_sets(tmp_path):
    def change(t, n, ds):
        ds.TemporalPositionIdentifier = t + 1
        ds.ImageType = ["ORIGINAL", "PRIMARY", "NORM" if (t, n) == (1, 2) else "ND"]

    (volume,) = read(write_series(tmp_path, make_sets(3, change)))
    np.testing.assert_array_equal(volume.data, expected_sets(3))


def test_an_acquisition_number_for_every_slice_does_not_split_a_stack(tmp_path):
    datasets = make_sets(2, lambda t, n, ds: setattr(ds, "AcquisitionNumber", 1 + n + 7 * t))
    (volume,) = read(write_series(tmp_path, datasets))
    np.testing.assert_array_equal(volume.data, expected_sets(2))


def test_many_sequence_names_are_points_of_an_axis(tmp_path):
    change = differing("SequenceName", *(f"*ep_b1000#{n}" for n in range(12)))
    (volume,) = read(write_series(tmp_path, make_sets(12, change)))
    np.testing.assert_array_equal(volume.data, expected_sets(12))


def test_acquisitions_that_overlap_are_two_volumes(tmp_path):
    def change(n, ds):
        ds.AcquisitionNumber = 1 + n // 5

    volumes = read(
        write_series(tmp_path, make_series(slices=[0, 1, 2, 3, 4, 3, 4, 5, 6], change=change))
    )
    found = by_name(volumes)
    assert {name: len(data) for name, data in found.items()} == {
        "acquisition 1": 5,
        "acquisition 2": 4,
    }


# --- Uneven positions -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "values", "names"),
    [
        ("AcquisitionNumber", [1, 2], ["acquisition 1", "acquisition 2"]),
        ("ImageType", [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]], ["M", "P"]),
        ("EchoTime", ["5", "9.5"], ["echo time 5 ms", "echo time 9.5 ms"]),
    ],
)
def test_two_interleaved_stacks_are_two_volumes(tmp_path, keyword, values, names):
    def change(n, ds):
        setattr(ds, keyword, values[n % 2])

    places = [0, 0.3, 1, 1.3, 2, 2.3, 3, 3.3]
    volumes = read(write_series(tmp_path, make_series(slices=places, change=change)))
    found = by_name(volumes)
    assert sorted(found) == names
    for n, name in enumerate(names):
        expected = [stored_slice(k) for k in range(6 + n, -1, -2)]
        np.testing.assert_array_equal(found[name], expected)
    assert [v.notes for v in volumes] == [(), ()]


def test_slices_interleaved_at_half_steps_are_one_even_stack(tmp_path):
    def change(n, ds):
        ds.AcquisitionNumber = 1 + n % 2

    (volume,) = read(write_series(tmp_path, make_series(slices=range(8), change=change)))
    assert (volume.shape[0], volume.notes) == (8, ())


def test_two_parts_of_the_body_in_two_acquisitions_are_not_filled_between(tmp_path):
    def change(n, ds):
        ds.AcquisitionNumber = 1 + n // 4

    places = [0, 1, 2, 3, 6, 7, 8, 9]
    volumes = read(write_series(tmp_path, make_series(slices=places, change=change)))
    assert [v.shape[0] for v in volumes] == [4, 4]


# --- Localizers and odd ones ----------------------------------------------------------------


def test_a_localizer_is_a_separate_volume_with_localizer_in_its_name(tmp_path):
    def change(n, ds):
        ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER" if n == 0 else "AXIAL"]

    found = by_name(read(write_series(tmp_path, make_series(change=change))))
    np.testing.assert_array_equal(found["localizer"], [stored_slice(0)])
    assert len(found) == 2


def test_a_single_image_of_another_plane_is_a_separate_volume_with_the_plane_in_its_name(tmp_path):
    odd = make_series(ORIENTATIONS["sagittal"], slices=[2])
    found = by_name(read(write_series(tmp_path, [*make_series(), *odd])))
    assert {name: data.shape for name, data in found.items()} == {
        "axial": (4, 5, 7),
        "sagittal": (5, 7, 1),
    }


def test_three_planes_of_a_scout_are_three_volumes_with_names(tmp_path):
    datasets = [ds for plane in ORIENTATIONS.values() for ds in make_series(plane)]
    volumes = read(write_series(tmp_path, datasets))
    assert sorted(v.name for v in volumes) == [
        f"4 Test series ({plane})" for plane in ("axial", "coronal", "sagittal")
    ]


def test_volumes_of_two_image_sizes_have_them_in_their_names(tmp_path):
    write_series(tmp_path, make_series())
    other = make_image(
        stored_slice(0, 8, 9),
        ImagePositionPatient=[0, 0, 0],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[2, 3],
    )
    save_dataset(other, tmp_path / "other")
    assert sorted(by_name(read(tmp_path))) == ["7 × 5", "9 × 8"]


def kinds(*differences):
    """Return one image for every set of differences, each on another plane."""
    found = []
    for n, (name, plane, rows) in enumerate(differences):
        (ds,) = make_series(ORIENTATIONS[plane], slices=[n])
        ds.ImageType = ["ORIGINAL", "PRIMARY", name]
        ds.Rows, ds.PixelData = rows, stored_slice(n, rows).tobytes()
        found.append(ds)
    return found


@pytest.mark.parametrize(
    ("differences", "names"),
    [
        ([("LOCALIZER", "coronal", 9), ("AXIAL", "axial", 5)], ["", "localizer"]),
        (
            [("LOCALIZER", "coronal", 9), ("LOCALIZER", "sagittal", 9), ("AXIAL", "axial", 5)],
            ["axial", "coronal", "sagittal"],
        ),
        (
            [("LOCALIZER", "coronal", 9), ("LOCALIZER", "axial", 9), ("AXIAL", "axial", 5)],
            ["axial", "localizer, axial", "localizer, coronal"],
        ),
        ([("AXIAL", "axial", 5), ("AXIAL", "axial", 9)], ["7 × 5", "7 × 9"]),
    ],
)
def test_names_have_as_few_differences_as_possible(tmp_path, differences, names):
    assert sorted(by_name(read(write_series(tmp_path, kinds(*differences))))) == names


def test_volumes_without_a_difference_are_numbered(tmp_path):
    tilted = ((1, 0, 0), (0, 0.8, 0.6))
    volumes = read(write_series(tmp_path, [*make_series(), *make_series(tilted)]))
    assert sorted(v.name for v in volumes) == ["4 Test series [1]", "4 Test series [2]"]


@pytest.mark.parametrize(
    ("spacings", "volumes"),
    [(("0.48835", "0.488349"), 1), (("0.97656", "0.9765625"), 1), (("0.97656", "0.98"), 2)],
)
def test_pixel_spacings_that_differ_by_rounding_are_equal(tmp_path, spacings, volumes):
    def change(n, ds):
        ds.PixelSpacing = [spacings[n // 2]] * 2

    assert len(read(write_series(tmp_path, make_series(change=change)))) == volumes


# --- Duplicates -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("copies", "note"),
    [(1, "1 duplicate file was left out."), (3, "3 duplicate files were left out.")],
)
def test_duplicate_files_are_left_out_with_a_note(tmp_path, copies, note):
    datasets = make_series()
    write_series(tmp_path, datasets)
    for n in range(copies):
        save_dataset(datasets[n], tmp_path / "copy" / f"IM{n}")
    (volume,) = read(tmp_path)
    assert volume.shape[0] == SLICES
    assert volume.notes == (note,)


def test_another_image_at_the_same_position_is_kept(tmp_path):
    datasets = make_sets(2, lambda *_: None)
    (volume,) = read(write_series(tmp_path, datasets))
    np.testing.assert_array_equal(volume.data, expected_sets(2))


def test_an_additional_image_at_a_position_is_a_separate_volume(tmp_path):
    (again,) = make_series(slices=[2])
    again.PixelData = stored_slice(9).tobytes()
    again.InstanceNumber = 99
    volumes = read(write_series(tmp_path, [*make_series(), again]))
    assert sorted(v.shape[0] for v in volumes) == [1, 4]


# --- Order ----------------------------------------------------------------------------------


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("spacing", ["-5", "5"])
def test_neither_a_negative_spacing_nor_reversed_numbers_reverse_a_stack(
    tmp_path, descending, spacing
):
    def change(n, ds):
        ds.InstanceNumber = SLICES - n if descending else n + 1
        ds.SpacingBetweenSlices = spacing

    (volume,) = read(write_series(tmp_path, make_series(change=change)))
    np.testing.assert_array_equal(volume.data, [stored_slice(n) for n in (3, 2, 1, 0)])
    np.testing.assert_allclose(volume.geometry.to_patient([0, 0, 0]), [-12, 34, -41])


def test_slice_location_is_ignored_where_there_are_positions(tmp_path):
    def change(n, ds):
        ds.SliceLocation = str([5, -3, 88, 0][n])

    (volume,) = read(write_series(tmp_path, make_series(change=change)))
    np.testing.assert_array_equal(volume.data, [stored_slice(n) for n in (3, 2, 1, 0)])


def test_slices_without_a_position_are_stacked_separately(tmp_path):
    def change(n, ds):
        if n >= 4:
            del ds.ImagePositionPatient

    placed, pile = read(write_series(tmp_path, make_series(slices=range(6), change=change)))
    if placed.patient_affine is None:
        placed, pile = pile, placed
    np.testing.assert_array_equal(placed.data, [stored_slice(n) for n in (3, 2, 1, 0)])
    np.testing.assert_array_equal(pile.data, [stored_slice(4), stored_slice(5)])
    assert "no patient position: stacked by InstanceNumber" in pile.notes[0]


def test_a_thousand_images_are_sorted_in_less_than_a_second(tmp_path):
    header = read_header(save_dataset(make_series()[0], tmp_path / "IM1"))
    frames = [frame for _ in range(1000) for frame in make_frames(header)]
    for n, frame in enumerate(frames):
        frame.computed_position = np.array([0.0, 0.0, 0.5 * n])
    start = time.perf_counter()
    split_series(SeriesFrames(frames))
    assert time.perf_counter() - start < 1
