"""Images at repeated positions: which attribute makes the leading axis, and its values."""

import numpy as np
import pytest

from helpers.builders import (
    ORIENTATIONS,
    SLICES,
    expected_sets,
    make_series,
    make_sets,
    stored_slice,
    write_series,
)
from napari_medread.api import read

B0, BX, BY = [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]


def clock(seconds):
    """Return seconds since midnight as DICOM writes a time of day."""
    minutes, seconds = divmod(seconds, 60)
    return f"{int(minutes // 60) % 24:02d}{int(minutes % 60):02d}{seconds:09.6f}"


def each(**attributes):
    """Return a change that sets each attribute to its value for the set."""

    def change(t, _, ds):
        for keyword, values in attributes.items():
            setattr(ds, keyword, values[t])

    return change


def axis_of(volume):
    """Return label, unit, step and values of the one leading axis."""
    (axis,) = volume.leading
    return axis.label, axis.unit, pytest.approx(axis.step), pytest.approx(list(axis.values))


ONE = {
    "temporal position": (
        each(TemporalPositionIdentifier=[1, 2, 3]),
        ("temporal position", "pixel", 1, [1, 2, 3]),
    ),
    "temporal position and clock": (
        each(
            TemporalPositionIdentifier=[1, 2, 3],
            AcquisitionTime=[clock(36000), clock(36002.5), clock(36005)],
        ),
        ("time", "s", 2.5, [0, 2.5, 5]),
    ),
    "temporal position and uneven clock": (
        each(
            TemporalPositionIdentifier=[1, 2, 3],
            AcquisitionTime=[clock(36000), clock(36010), clock(36060)],
        ),
        ("time", "pixel", 1, [0, 10, 60]),
    ),
    "temporal position and clock at midnight": (
        each(
            TemporalPositionIdentifier=[1, 2, 3],
            AcquisitionTime=[clock(86395), clock(86400), clock(86405)],
        ),
        ("time", "s", 5, [0, 5, 10]),
    ),
    "temporal position and a clock that stands still": (
        each(TemporalPositionIdentifier=[1, 2, 3], AcquisitionTime=["100000"] * 3),
        ("temporal position", "pixel", 1, [1, 2, 3]),
    ),
    "temporal position before echo": (
        each(TemporalPositionIdentifier=[1, 2, 3], EchoTime=["30", "20", "10"]),
        ("temporal position", "pixel", 1, [1, 2, 3]),
    ),
    "trigger time": (
        each(TriggerTime=["0", "40", "80"]),
        ("trigger time", "s", 0.04, [0, 0.04, 0.08]),
    ),
    "trigger time before echo": (
        each(TriggerTime=["0", "40", "80"], EchoTime=["30", "20", "10"]),
        ("trigger time", "s", 0.04, [0, 0.04, 0.08]),
    ),
    "echo": (
        each(EchoTime=["4.6", "9.2", "13.8"], EchoNumbers=["1", "2", "3"]),
        ("echo time", "ms", 4.6, [4.6, 9.2, 13.8]),
    ),
    "uneven echo": (
        each(EchoTime=["5", "10", "80"]),
        ("echo time", "pixel", 1, [5, 10, 80]),
    ),
    "echo before clock": (
        each(EchoTime=["5", "10", "15"], AcquisitionTime=["100002", "100001", "100000"]),
        ("echo time", "ms", 5, [5, 10, 15]),
    ),
    "frame reference time": (
        each(FrameReferenceTime=["5000", "15000", "25000"]),
        ("time", "s", 10, [0, 10, 20]),
    ),
    "acquisition time": (
        each(AcquisitionTime=["100000", "100001.5", "100003"], AcquisitionNumber=[3, 2, 1]),
        ("time", "s", 1.5, [0, 1.5, 3]),
    ),
    "content time": (
        each(ContentTime=["100000", "100001.5", "100003"]),
        ("time", "s", 1.5, [0, 1.5, 3]),
    ),
    "acquisition time across midnight": (
        each(AcquisitionTime=[clock(86398), clock(86400), clock(86402)]),
        ("time", "s", 2, [0, 2, 4]),
    ),
    "acquisition number": (
        each(AcquisitionNumber=[3, 5, 9]),
        ("acquisition", "pixel", 1, [3, 5, 9]),
    ),
    "nothing but InstanceNumber": (each(), ("instance", "pixel", 1, [0, 1, 2])),
}


@pytest.mark.parametrize(("change", "axis"), ONE.values(), ids=ONE)
def test_the_leading_axis(tmp_path, change, axis):
    (volume,) = read(write_series(tmp_path, make_sets(3, change)))
    assert axis_of(volume) == axis


@pytest.mark.parametrize(("change", "_"), ONE.values(), ids=ONE)
def test_every_set_holds_its_own_images(tmp_path, change, _):
    (volume,) = read(write_series(tmp_path, make_sets(3, change)))
    np.testing.assert_array_equal(volume.data, expected_sets(3))
    assert volume.notes == ()


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("TemporalPositionIdentifier", [3, 1, 2]),
        ("TriggerTime", ["900", "20", "30"]),
        ("EchoTime", ["100", "9", "20"]),
        ("FrameReferenceTime", ["1000000", "9000", "20000"]),
        ("AcquisitionTime", ["120000", "090000", "100000"]),
        ("AcquisitionNumber", [100, 9, 20]),
        ("InstanceNumber", [100, 9, 20]),
    ],
)
def test_sets_are_sorted_by_number_and_not_by_text(tmp_path, keyword, values):
    (volume,) = read(write_series(tmp_path, make_sets(3, each(**{keyword: values}))))
    np.testing.assert_array_equal(volume.data, expected_sets(3)[[1, 2, 0]])


@pytest.mark.parametrize(
    "order",
    [
        lambda t, n: 10 * t + n,  # set by set
        lambda t, n: 3 * n + t,  # slice by slice
        lambda t, n: 10 * t - n,  # downwards
        lambda t, n: 10 * t + n * 7 % 4,  # interleaved
    ],
)
def test_instance_numbers_in_any_order_sort_sets(tmp_path, order):
    datasets = make_sets(3, lambda t, n, ds: setattr(ds, "InstanceNumber", 50 + order(t, n)))
    (volume,) = read(write_series(tmp_path, datasets))
    np.testing.assert_array_equal(volume.data, expected_sets(3))


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("TriggerTime", lambda t, n: str(40 * t + 3 * n)),
        ("AcquisitionTime", lambda t, n: clock(36000 + 2 * t + 0.5 * n)),
        ("EchoTime", lambda t, n: str(5 + t + 10 * n)),
        ("TemporalPositionIdentifier", lambda t, _: 1 + t // 2),
        ("EchoTime", lambda t, n: "5" if n else str(t)),
    ],
    ids=["trigger", "clock", "echo", "not unique", "only in one slice"],
)
def test_an_attribute_that_differs_between_positions_is_not_the_axis(tmp_path, keyword, value):
    datasets = make_sets(3, lambda t, n, ds: setattr(ds, keyword, value(t, n)))
    (volume,) = read(write_series(tmp_path, datasets))
    assert volume.leading[0].label == "instance"
    np.testing.assert_array_equal(volume.data, expected_sets(3))


def test_a_set_of_slices_acquired_one_by_one_has_the_time_of_the_first(tmp_path):
    def change(t, n, ds):
        ds.TemporalPositionIdentifier = t + 1
        ds.AcquisitionTime = clock(86390 + 8 * t + 2 * n)

    (volume,) = read(write_series(tmp_path, make_sets(3, change)))
    assert axis_of(volume) == ("time", "s", 8, [0, 8, 16])


# --- Diffusion -----------------------------------------------------------------------------


def diffusion(*pairs):
    """Return a change that gives every set its b-value and direction."""

    def change(t, _, ds):
        b_value, direction = pairs[t]
        ds.DiffusionBValue = b_value
        if b_value:
            ds.DiffusionGradientOrientation = direction

    return change


def test_b_values_and_directions_make_an_axis(tmp_path):
    change = diffusion((1000.0, BY), (0.0, B0), (1000.0, BX))
    (volume,) = read(write_series(tmp_path, make_sets(3, change)))
    (axis,) = volume.leading
    assert (axis.label, axis.unit) == ("b-value", "pixel")
    assert axis.values == ((1000.0, 0.0, 1.0, 0.0), (0.0,), (1000.0, 1.0, 0.0, 0.0))
    np.testing.assert_array_equal(volume.data, expected_sets(3))


def test_repeated_b0_images_stay_in_their_order_with_their_b_values(tmp_path):
    change = diffusion((0.0, B0), (800.0, BX), (0.0, B0), (800.0, BY), (0.0, B0))
    (volume,) = read(write_series(tmp_path, make_sets(5, change)))
    (axis,) = volume.leading
    assert axis.label == "b-value"
    assert [value[0] for value in axis.values] == [0, 800, 0, 800, 0]
    np.testing.assert_array_equal(volume.data, expected_sets(5))


def test_a_constant_b_value_is_not_an_axis(tmp_path):
    (volume,) = read(write_series(tmp_path, make_sets(3, diffusion(*[(0.0, B0)] * 3))))
    assert volume.leading[0].label == "instance"


# --- Two at once ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outer", "inner", "axes"),
    [
        (
            ("TemporalPositionIdentifier", [1, 2, 3]),
            ("EchoTime", ["4", "8"]),
            [("temporal position", [1, 2, 3]), ("echo time", [4, 8])],
        ),
        (
            ("DiffusionBValue", [0.0, 500.0, 1000.0]),
            ("EchoTime", ["60", "90"]),
            [("b-value", [(0.0,), (500.0,), (1000.0,)]), ("echo time", [60, 90])],
        ),
        (
            ("EchoTime", ["4", "8", "12"]),
            ("AcquisitionNumber", [1, 2]),
            [("echo time", [4, 8, 12]), ("acquisition", [1, 2])],
        ),
        (
            ("TriggerTime", ["0", "50", "100"]),
            ("FrameReferenceTime", ["1000", "3000"]),
            [("trigger time", [0, 0.05, 0.1]), ("time", [0, 2])],
        ),
    ],
    ids=lambda case: case[0] if isinstance(case, tuple) else "",
)
def test_two_attributes_make_two_axes(tmp_path, outer, inner, axes):
    def change(t, _, ds):
        setattr(ds, outer[0], outer[1][t // 2])
        setattr(ds, inner[0], inner[1][t % 2])

    (volume,) = read(write_series(tmp_path, make_sets(6, change)))
    assert [(axis.label, list(axis.values)) for axis in volume.leading] == axes
    expected = expected_sets(6).reshape(3, 2, SLICES, 5, 7)
    np.testing.assert_array_equal(volume.data, expected)


def test_of_two_axes_the_time_comes_from_the_acquisition_time(tmp_path):
    def change(t, _, ds):
        ds.TemporalPositionIdentifier = t // 2 + 1
        ds.EchoTime = ["4", "8"][t % 2]
        ds.AcquisitionTime = clock(36000 + 3 * (t // 2) + 0.01 * (t % 2))

    (volume,) = read(write_series(tmp_path, make_sets(6, change)))
    time = volume.leading[0]
    assert (time.label, time.unit, time.step) == ("time", "s", pytest.approx(3))


# --- Incomplete runs -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        each(TemporalPositionIdentifier=[1, 2, 3]),
        each(AcquisitionTime=["100000", "100001", "100002"]),
        each(AcquisitionNumber=[1, 2, 3]),
        each(),
    ],
    ids=["temporal position", "clock", "acquisition", "instance"],
)
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_an_incomplete_last_set_is_left_out_with_a_note(tmp_path, change, lost):
    (volume,) = read(write_series(tmp_path, make_sets(3, change)[:-lost]))
    np.testing.assert_array_equal(volume.data, expected_sets(2))
    assert volume.notes == (
        f"The acquisition is incomplete: kept 2 full sets, left out {SLICES - lost} "
        f"{'image' if lost == SLICES - 1 else 'images'}.",
    )


LOST = (5, 19, 30)
"""Images that are missing: one of the second, the fifth and the eighth set."""


def test_sets_that_lost_an_image_are_left_out(tmp_path):
    datasets = make_sets(10, each(TemporalPositionIdentifier=range(1, 11)))
    kept = [ds for n, ds in enumerate(datasets) if n not in LOST]
    (volume,) = read(write_series(tmp_path, kept))
    np.testing.assert_array_equal(volume.data, np.delete(expected_sets(10), [1, 4, 7], axis=0))
    assert volume.notes == ("The acquisition is incomplete: kept 7 full sets, left out 9 images.",)


def test_counting_does_not_mix_sets_after_a_lost_image(tmp_path):
    kept = [ds for n, ds in enumerate(make_sets(4, each())) if n != LOST[0]]
    volumes = read(write_series(tmp_path, kept))
    assert all("nothing in the headers says why" in v.notes[0] for v in volumes)


def test_the_files_of_a_set_that_was_left_out_are_not_in_the_source(tmp_path):
    change = each(TemporalPositionIdentifier=[1, 2, 3])
    (volume,) = read(write_series(tmp_path, make_sets(3, change)[:-1]))
    assert len(volume.source) == 2 * SLICES


def test_a_full_set_and_a_partial_one_are_two_volumes(tmp_path):
    volumes = read(write_series(tmp_path, make_sets(2, each())[:-2]))
    assert sorted(v.shape[0] for v in volumes) == [2, SLICES]


def test_instance_numbers_that_repeat_make_volumes(tmp_path):
    datasets = make_sets(2, lambda _, n, ds: setattr(ds, "InstanceNumber", n))
    volumes = read(write_series(tmp_path, datasets))
    assert [v.name for v in volumes] == ["4 Test series (set 1)", "4 Test series (set 2)"]
    assert all("nothing in the headers says why" in v.notes[0] for v in volumes)


def test_positions_that_jitter_between_sets_are_the_same(tmp_path):
    def change(t, n, ds):
        ds.TemporalPositionIdentifier = t + 1
        x, y, z = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x, y, z + 1e-5 * np.sin(3 * t + n)]

    (volume,) = read(write_series(tmp_path, make_sets(3, change)))
    np.testing.assert_array_equal(volume.data, expected_sets(3))


def test_one_slice_over_time_is_an_axis_too(tmp_path):
    change = each(TemporalPositionIdentifier=[1, 2, 3])
    (volume,) = read(write_series(tmp_path, make_sets(3, change, slices=[0], SliceThickness="6")))
    np.testing.assert_array_equal(volume.data, expected_sets(3, 1))
    assert volume.geometry.spacing[0] == pytest.approx(6)


@pytest.mark.parametrize("plane", ["coronal", "sagittal"])
def test_a_leading_axis_stays_first_in_every_plane(tmp_path, plane):
    datasets = make_sets(2, each(AcquisitionNumber=[1, 2]), orientation=ORIENTATIONS[plane])
    (volume,) = read(write_series(tmp_path, datasets))
    assert volume.data.shape[0] == 2
    assert volume.axis_labels == ("acquisition", "SI", "AP", "RL")
    assert volume.data.max() == stored_slice(2 * SLICES - 1).max()


def test_the_time_of_day_is_not_kept(tmp_path):
    (volume,) = read(
        write_series(tmp_path, make_sets(2, each(AcquisitionTime=["101112", "101114"])))
    )
    assert volume.leading[0].values == (0, 2)


def test_without_repeats_there_is_no_axis(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series(TemporalPositionIdentifier=1)))
    assert volume.leading == ()


def test_a_value_that_jitters_from_slice_to_slice_loses_no_image(tmp_path):
    def cine(t, n, ds):
        ds.TriggerTime = str(40 * t + (n == 2 and t == 4))  # one image a millisecond late

    (volume,) = read(write_series(tmp_path, make_sets(8, cine)))
    np.testing.assert_array_equal(volume.data, expected_sets(8))
    assert volume.notes == ()
