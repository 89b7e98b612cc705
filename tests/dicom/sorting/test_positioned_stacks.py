"""Which images of one series are one volume, and what their names say."""

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
from napari_medread.dicom.sorting.collinear_positions import split_into_straight_lines
from napari_medread.dicom.sorting.series_splitting import SeriesFrames, split_series

UP = np.array([0.0, 0, 1])


def by_name(volumes):
    """Return the voxels of volumes by the part of their names that sets them apart."""
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
def test_what_varies_within_one_clean_stack_does_not_split_it(tmp_path, change, _):
    datasets = make_series(change=lambda n, ds: change(n, n, ds))
    (volume,) = read(write_series(tmp_path, datasets))
    np.testing.assert_array_equal(volume.data, [stored_slice(n) for n in (3, 2, 1, 0)])
    assert volume.notes == ()


def test_magnitude_and_phase_over_time_are_two_volumes_in_time(tmp_path):
    def change(t, _, ds):
        ds.ImageType = ["ORIGINAL", "PRIMARY", "MP"[t % 2]]
        ds.TemporalPositionIdentifier = t // 2 + 1

    found = by_name(read(write_series(tmp_path, make_sets(6, change))))
    np.testing.assert_array_equal(found["M"], expected_sets(6)[::2])
    np.testing.assert_array_equal(found["P"], expected_sets(6)[1::2])


def test_nested_differences_are_all_named(tmp_path):
    def change(t, _, ds):
        ds.ImageType = ["ORIGINAL", "PRIMARY", "MP"[t % 2]]
        ds.ConvolutionKernel = ["H30", "H60"][t // 2]

    found = by_name(read(write_series(tmp_path, make_sets(4, change))))
    assert sorted(found) == ["M, H30", "M, H60", "P, H30", "P, H60"]


def test_an_image_type_of_some_slices_does_not_tear_sets_apart(tmp_path):
    def change(t, n, ds):
        ds.TemporalPositionIdentifier = t + 1
        ds.ImageType = ["ORIGINAL", "PRIMARY", "NORM" if (t, n) == (1, 2) else "ND"]

    (volume,) = read(write_series(tmp_path, make_sets(3, change)))
    np.testing.assert_array_equal(volume.data, expected_sets(3))


def test_an_acquisition_number_of_every_slice_does_not_tear_a_stack_apart(tmp_path):
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
def test_two_interleaved_stacks_are_told_apart(tmp_path, keyword, values, names):
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


def test_slices_interleaved_at_half_steps_are_one_clean_stack(tmp_path):
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


# --- Lines ----------------------------------------------------------------------------------


def line(count, start, drift=0.0, spacing=5.0):
    """Return positions of an axial stack that drifts along y by so much per mm."""
    steps = np.arange(count)[:, None] * spacing
    return np.array(start) + steps * np.array([0, drift, 1.0])


TILT = np.tan(np.radians(17))
SIDES = {
    "one": [line(20, (0, 0, 0))],
    "one tilted": [line(20, (0, 0, 0), TILT)],
    "side by side": [line(20, (0, 0, 0)), line(20, (90, 0, 0))],
    "side by side and tilted": [line(20, (0, 0, 0), TILT), line(20, (90, 0, 0), TILT)],
    "three": [line(6, (0, 0, 0)), line(6, (90, 0, 0)), line(6, (0, 90, 0))],
    "in planes between": [line(20, (0, 0, 0)), line(20, (90, 0, 2))],
    "one after the other": [line(20, (0, 0, 0)), line(20, (30, 0, 100))],
    "of unequal length": [line(20, (0, 0, 0)), line(7, (90, 0, 15))],
    "single images": [line(1, (0, 0, 0)), line(1, (90, 0, 0))],
    "many single images": [line(1, (30 * n, 0, 0)) for n in range(16)],
    "very many single images": [line(1, (30 * n, 0, 0)) for n in range(90)],
}


@pytest.mark.parametrize("stacks", SIDES.values(), ids=SIDES)
def test_slices_that_do_not_lie_on_one_line_are_several_stacks(stacks):
    positions = np.concatenate(stacks)
    owner = np.repeat(np.arange(len(stacks)), [len(s) for s in stacks])
    order = np.random.default_rng(3).permutation(len(positions))
    found = split_into_straight_lines(positions[order], UP, max_distance=3.0, same_plane_gap=0.01)
    found_owners = sorted(sorted(set(owner[order][members].tolist())) for members in found)
    assert found_owners == [[n] for n in range(len(stacks))]


def test_a_wobble_within_a_pixel_bends_no_line():
    positions = line(50, (0, 0, 0))
    positions[:, :2] += np.random.default_rng(0).uniform(-0.5, 0.5, (50, 2))
    assert len(split_into_straight_lines(positions, UP, max_distance=1.5, same_plane_gap=0.01)) == 1


def test_thousands_of_positions_take_no_second():
    positions = np.concatenate([line(2500, (0, 0, 0), TILT), line(2500, (90, 0, 0), TILT)])
    start = time.perf_counter()
    split_into_straight_lines(positions, UP, max_distance=1.0, same_plane_gap=0.01)
    assert time.perf_counter() - start < 1


def test_stacks_side_by_side_in_one_series_are_two_exact_volumes(tmp_path):
    def aside(_, ds):
        x, y, z = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x + 200, y, z]

    datasets = [*make_series(), *make_series(change=aside)]
    volumes = read(write_series(tmp_path, datasets))
    assert sorted(v.patient_affine[0, 3] for v in volumes) == [-12, 188]
    assert [v.shape for v in volumes] == [(4, 5, 7)] * 2


# --- Localizers and odd ones ----------------------------------------------------------------


def test_a_localizer_is_a_volume_of_its_own_and_named_so(tmp_path):
    def change(n, ds):
        ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER" if n == 0 else "AXIAL"]

    found = by_name(read(write_series(tmp_path, make_series(change=change))))
    np.testing.assert_array_equal(found["localizer"], [stored_slice(0)])
    assert len(found) == 2


def test_a_lone_image_of_another_plane_is_a_volume_of_its_own_and_named_so(tmp_path):
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


def test_images_of_two_sizes_are_named_by_them(tmp_path):
    write_series(tmp_path, make_series())
    other = make_image(
        stored_slice(0, 8, 9),
        ImagePositionPatient=[0, 0, 0],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[2, 3],
    )
    save_dataset(other, tmp_path / "other")
    assert sorted(by_name(read(tmp_path))) == ["7 x 5", "9 x 8"]


def kinds(*differences):
    """Return one image for every set of differences, on a plane of its own."""
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
        ([("AXIAL", "axial", 5), ("AXIAL", "axial", 9)], ["7 x 5", "7 x 9"]),
    ],
)
def test_names_say_no_more_than_it_takes(tmp_path, differences, names):
    assert sorted(by_name(read(write_series(tmp_path, kinds(*differences))))) == names


def test_volumes_that_nothing_tells_apart_are_numbered(tmp_path):
    tilted = ((1, 0, 0), (0, 0.8, 0.6))
    volumes = read(write_series(tmp_path, [*make_series(), *make_series(tilted)]))
    assert sorted(v.name for v in volumes) == ["4 Test series [1]", "4 Test series [2]"]


@pytest.mark.parametrize(
    ("spacings", "volumes"),
    [(("0.48835", "0.488349"), 1), (("0.97656", "0.9765625"), 1), (("0.97656", "0.98"), 2)],
)
def test_pixel_spacings_that_differ_by_rounding_are_one(tmp_path, spacings, volumes):
    def change(n, ds):
        ds.PixelSpacing = [spacings[n // 2]] * 2

    assert len(read(write_series(tmp_path, make_series(change=change)))) == volumes


# --- Duplicates -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("copies", "note"),
    [(1, "1 duplicate file was left out."), (3, "3 duplicate files were left out.")],
)
def test_copies_of_an_image_are_left_out_and_told(tmp_path, copies, note):
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


def test_one_image_more_at_a_position_is_a_volume_of_its_own(tmp_path):
    (again,) = make_series(slices=[2])
    again.PixelData = stored_slice(9).tobytes()
    again.InstanceNumber = 99
    volumes = read(write_series(tmp_path, [*make_series(), again]))
    assert sorted(v.shape[0] for v in volumes) == [1, 4]


# --- Order ----------------------------------------------------------------------------------


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("spacing", ["-5", "5"])
def test_neither_a_negative_spacing_nor_reversed_numbers_turn_a_stack(
    tmp_path, descending, spacing
):
    def change(n, ds):
        ds.InstanceNumber = SLICES - n if descending else n + 1
        ds.SpacingBetweenSlices = spacing

    (volume,) = read(write_series(tmp_path, make_series(change=change)))
    np.testing.assert_array_equal(volume.data, [stored_slice(n) for n in (3, 2, 1, 0)])
    np.testing.assert_allclose(volume.geometry.to_patient([0, 0, 0]), [-12, 34, -41])


def test_slice_location_does_not_matter_where_positions_are(tmp_path):
    def change(n, ds):
        ds.SliceLocation = str([5, -3, 88, 0][n])

    (volume,) = read(write_series(tmp_path, make_series(change=change)))
    np.testing.assert_array_equal(volume.data, [stored_slice(n) for n in (3, 2, 1, 0)])


def test_slices_without_a_position_are_piled_apart_from_those_with_one(tmp_path):
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
