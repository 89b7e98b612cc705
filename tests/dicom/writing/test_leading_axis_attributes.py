"""Which leading axes can be written as attributes of images, and which are refused."""

import numpy as np
import pydicom
import pytest

from helpers.dicom_volumes import make_numbered, make_placed_volume, make_planar_volume
from napari_medread import read, write
from napari_medread.core.volume import Axis
from napari_medread.errors import CannotWrite

UNTOLD = {
    "unknown": (Axis("energy window"),),
    "channels": (Axis("channel"),),
    "one of two unknown": (Axis("time", "s", 2.0), Axis("component")),
    "echo times that go back": (Axis("echo time", values=(9.2, 4.6)),),
    "no echo times": (Axis("echo time"),),
    "twice the same": (Axis("time", "s", 2.0), Axis("time", "s", 9.0)),
    "instances of what": (Axis("instance", values=(0, 1)), Axis("time", "s", 2.0)),
    "repeated among others": (
        Axis("b-value", values=((0.0,), (0.0,))),
        Axis("time", "s", 2.0),
    ),
    "more than are found again": (
        Axis("time", "s", 2.0),
        Axis("b-value", values=((0.0,), (700.0,))),
        Axis("trigger time", "s", 0.1, (0.0, 0.1)),
        Axis("echo time", values=(4.6, 9.2)),
    ),
    "no b-values": (Axis("b-value"),),
}


@pytest.mark.parametrize("axes", UNTOLD.values(), ids=UNTOLD)
def test_an_axis_without_attributes_is_refused(tmp_path, axes):
    volume = make_placed_volume(make_numbered((*(2,) * len(axes), 4, 6, 7)), leading=axes)
    with pytest.raises(CannotWrite, match=r"^made: .* no attributes .*one by one\.$") as error:
        write(tmp_path / "out.dcm", volume)
    assert all(axis.label in str(error.value) for axis in axes)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("label", ["time", "frame", "page"])
def test_a_film_is_refused(tmp_path, label):
    volume = make_planar_volume(make_numbered((3, 5, 6)), leading=(Axis(label),))
    volume.geometry = None
    with pytest.raises(CannotWrite, match=rf"^made: .* {label}\."):
        write(tmp_path / "out.dcm", volume)


def test_an_axis_of_one_point_needs_no_attributes(tmp_path):
    volume = make_placed_volume(make_numbered((1, 4, 6, 7)), leading=(Axis("energy window"),))
    write(tmp_path / "out.dcm", volume)
    (found,) = read(tmp_path / "out")
    np.testing.assert_array_equal(found.data, volume.data[0])


@pytest.mark.parametrize("values", [(0.0, 5.0, 3.0), (0.0, 50_000.0, 100_000.0)])
def test_a_note_says_that_times_of_more_than_a_day_are_not_written(tmp_path, values):
    volume = make_placed_volume(make_numbered((3, 4, 6, 7)), leading=(Axis("time", values=values),))
    written = write(tmp_path / "out.dcm", volume)
    assert "The times of the images were not written, only their order." in written.notes
    (found,) = read(tmp_path / "out")
    assert [axis.label for axis in found.leading] == ["temporal position"]
    np.testing.assert_array_equal(found.data, volume.data)


def test_no_true_time_of_day_is_written(tmp_path):
    axis = Axis("time", "s", 3600.5, (0.0, 3600.5))
    write(
        tmp_path / "out.dcm",
        make_placed_volume(make_numbered((2, 4, 6, 7)), leading=(axis,), modality="MR"),
    )
    found = [pydicom.dcmread(tmp_path / "out" / f"slice_{n:04d}.dcm") for n in (1, 5)]
    assert [ds.AcquisitionTime for ds in found] == ["000000.000000", "010000.500000"]
    assert [ds.TemporalPositionIdentifier for ds in found] == [1, 2]
    assert {ds.NumberOfTemporalPositions for ds in found} == {2}
    assert {ds.TemporalResolution for ds in found} == {3600500}
