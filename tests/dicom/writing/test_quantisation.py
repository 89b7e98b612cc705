"""Values in 16 bits: exact where possible, otherwise in steps that a note gives."""

import numpy as np
import pytest

from helpers.builders import make_image, make_series, save_dataset, write_series
from helpers.dicom_volumes import make_placed_volume, make_planar_volume
from napari_medread import read, write
from napari_medread.errors import CannotWrite


def again(data, folder, **attributes):
    """Write values as an image and read it; return the written files and the volume."""
    volume = (
        make_placed_volume(data[None], **attributes) if attributes else make_planar_volume(data)
    )
    written = write(folder / "out.dcm", volume)
    (found,) = read(folder / "out.dcm")
    return written, found


def notes_on_values(written):
    return [note for note in written.notes if "in the image itself" not in note]


@pytest.mark.parametrize(
    ("low", "high"),
    [(-32768, 32767), (0, 65535), (-1, 65534), (-70000, -4465), (10**9, 10**9 + 65535)],
)
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64])
def test_integers_that_fit_after_a_shift_are_exact(tmp_path, low, high, dtype):
    data = np.linspace(low, high, 30).round().reshape(5, 6).astype(dtype)
    written, found = again(data, tmp_path)
    np.testing.assert_array_equal(found.data, data)
    assert notes_on_values(written) == []


def test_unsigned_integers_above_the_signed_range_are_exact(tmp_path):
    data = np.arange(30, dtype=np.uint64).reshape(5, 6)
    data[0, 0] = 65535
    np.testing.assert_array_equal(again(data, tmp_path)[1].data, data)


def test_integers_that_do_not_fit_stay_integers(tmp_path):
    data = np.array([[0, 5], [131071, 131072]], np.int32)
    written, found = again(data, tmp_path)
    assert found.data.dtype.kind == "i"
    assert np.abs(found.data - data).max() <= 2
    assert found.data[0, 0] == 0
    assert notes_on_values(written) == [
        "The values were rounded to steps of 3: DICOM images hold 16 bits."
    ]


RANGES = {
    "magnitudes": (0.0, 3.7),
    "both signs": (-3.14159, 3.14159),
    "mostly negative": (-1000.5, 12.25),
    "far from zero": (1000.0, 1100.0),
    "below zero": (-7.5, -7.25),
    "tiny": (-2e-30, 3e-30),
    "huge": (-1e38, 3e38),
}


@pytest.mark.parametrize("limits", RANGES.values(), ids=RANGES)
@pytest.mark.parametrize("modality", ["CT", "MR", ""])
def test_floating_point_values_change_by_at_most_half_a_step(tmp_path, limits, modality):
    data = np.random.default_rng(2).uniform(*limits, (40, 50)).astype(np.float32)
    data.flat[:2] = limits
    written, found = again(data, tmp_path, modality=modality, value_unit="HU")
    (note,) = notes_on_values(written)
    step = float(note.split("steps of ")[1].split(" HU")[0])
    assert step < 2.2 * (limits[1] - limits[0]) / 65535
    off = np.abs(found.data[0].astype(float) - data).max()
    assert off <= step * 0.51 + 1e-7 * np.abs(limits).max()
    assert found.value_unit == "HU"


def test_zero_stays_zero(tmp_path):
    data = np.array([[-1.1, 0.0, 0.1, 7.3]], np.float32)
    assert again(data, tmp_path)[1].data[0, 1] == 0


def test_a_constant_value_is_kept(tmp_path):
    data = np.full((5, 6), 0.1, np.float32)
    np.testing.assert_allclose(again(data, tmp_path)[1].data, data, rtol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 0.3])
@pytest.mark.parametrize("low", [-100, 0, 100])
def test_nonfinite_values_become_padding_with_a_note(tmp_path, scale, low):
    data = (np.arange(30.0).reshape(5, 6) + low) * scale
    data[0, 0], data[2, 3] = np.nan, np.inf
    written, found = again(data, tmp_path)
    finite = np.isfinite(data)
    np.testing.assert_allclose(found.data[finite], data[finite], atol=0.01)
    assert found.data[0, 0] == found.data[2, 3] < data[finite].min()
    assert any("2 values are not finite" in note for note in written.notes)


def test_a_volume_without_finite_values_is_refused(tmp_path):
    with pytest.raises(CannotWrite, match=r"^made: it holds no finite value"):
        again(np.full((5, 6), np.nan), tmp_path)


def test_numbers_beyond_single_precision_are_refused(tmp_path):
    with pytest.raises(CannotWrite, match=r"^made: its values reach 1e\+300"):
        again(np.array([[0.5, 1e300]]), tmp_path)


def test_complex_numbers_are_refused(tmp_path):
    with pytest.raises(CannotWrite, match=r"^made: .*complex64"):
        again(np.zeros((5, 6), np.complex64), tmp_path)


def test_values_read_with_a_slope_are_written_with_it(tmp_path):
    made = {"RescaleSlope": "0.3333333", "RescaleIntercept": "-100.7"}
    (volume,) = read(write_series(tmp_path / "in", make_series(**made)))
    assert volume.data.dtype == np.float32
    written = write(tmp_path / "out.dcm", volume)
    (found,) = read(tmp_path / "out")
    np.testing.assert_array_equal(found.data, volume.data)
    assert written.notes == ()


def test_integers_read_with_a_slope_are_written_with_it(tmp_path):
    ds = make_image(np.array([[0, 40000], [3, 65535]], np.uint16), RescaleSlope="5")
    (volume,) = read(save_dataset(ds, tmp_path / "in.dcm"))
    write(tmp_path / "out.dcm", volume)
    (found,) = read(tmp_path / "out.dcm")
    np.testing.assert_array_equal(found.data, volume.data)
    assert found.data.dtype == volume.data.dtype == np.int32
