"""Multi-frame files: cine films, and nuclear medicine by its vectors (PS3.3 C.8.4)."""

import itertools

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    NuclearMedicineImageStorage,
    UltrasoundMultiFrameImageStorage,
    XRayAngiographicImageStorage,
)

from helpers.builders import (
    COLUMN_SPACING,
    ORIENTATIONS,
    ROW_SPACING,
    find_normal,
    make_image,
    make_uid,
    save_dataset,
    stored_slice,
    stored_slices,
)
from napari_medread.api import read

AXIAL = ORIENTATIONS["axial"]


def make_film(count, **attributes):
    """Return an object with several frames; frame n holds ``stored_slice(n)``."""
    pixels = np.array([stored_slice(n) for n in range(count)])
    given = {"SOPClassUID": XRayAngiographicImageStorage, "Modality": "XA", **attributes}
    ds = make_image(pixels[0], NumberOfFrames=count, **given)
    ds.PixelData = pixels.tobytes()
    return ds


def read_one(tmp_path, ds):
    """Return the only volume of a file."""
    (volume,) = read(save_dataset(ds, tmp_path / "IM1"))
    return volume


# --- Cine -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "label", "unit", "step", "values"),
    [
        ({"FrameTime": "40"}, "time", "s", 0.04, ()),
        ({"FrameTimeVector": [0, 20, 20, 20]}, "time", "s", 0.02, (0, 0.02, 0.04, 0.06)),
        ({"FrameTimeVector": [0, 20, 30, 90]}, "time", "pixel", 1, (0, 0.02, 0.05, 0.14)),
        ({"FrameTimeVector": [0, 20], "FrameTime": "5"}, "time", "s", 0.005, ()),
        ({"FrameTime": "0"}, "frame", "pixel", 1, ()),
        ({}, "frame", "pixel", 1, ()),
    ],
    ids=["FrameTime", "even vector", "uneven vector", "short vector", "zero", "nothing"],
)
def test_the_axis_of_a_film_is_time_where_the_file_gives_it(
    tmp_path, attributes, label, unit, step, values
):
    volume = read_one(tmp_path, make_film(4, **attributes))
    np.testing.assert_array_equal(volume.data, stored_slices(range(4)))
    (axis,) = volume.leading
    assert (axis.label, axis.unit, axis.step) == (label, unit, pytest.approx(step))
    assert axis.values == pytest.approx(values)


def test_a_film_without_positions_keeps_its_pixel_size(tmp_path):
    volume = read_one(tmp_path, make_film(3, ImagerPixelSpacing=[ROW_SPACING, COLUMN_SPACING]))
    assert volume.geometry.spacing == (ROW_SPACING, COLUMN_SPACING)
    assert volume.units == ("pixel", "mm", "mm")


def test_one_position_of_a_whole_film_is_not_used(tmp_path):
    ds = make_film(
        3,
        ImagePositionPatient=[0, 0, 0],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[ROW_SPACING, COLUMN_SPACING],
    )
    volume = read_one(tmp_path, ds)
    assert volume.patient_affine is None
    assert volume.shape == (3, 5, 7)


def test_films_of_one_series_are_separate_volumes(tmp_path):
    for name in "ab":
        save_dataset(make_film(3, FrameTime="40"), tmp_path / name)
    assert [v.shape for v in read(tmp_path)] == [(3, 5, 7)] * 2


def test_a_colour_film_of_ultrasound(tmp_path):
    pixels = np.random.default_rng(2).integers(0, 256, (3, 4, 6, 3), np.uint8)
    ds = make_image(
        pixels[0],
        SOPClassUID=UltrasoundMultiFrameImageStorage,
        Modality="US",
        NumberOfFrames=3,
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="RGB",
        FrameTime="25",
    )
    ds.PixelData = pixels.tobytes()
    volume = read_one(tmp_path, ds)
    np.testing.assert_array_equal(volume.data, pixels)
    assert volume.rgb
    assert [(a.label, a.unit, a.step) for a in volume.leading] == [("time", "s", 0.025)]


def test_a_concatenated_film_is_one_volume_in_order(tmp_path):
    join = make_uid()
    for part, name in enumerate("ba"):
        ds = make_film(2, FrameTime="40", ConcatenationUID=join, InConcatenationNumber=part + 1,
                 InstanceNumber=1)  # fmt: skip
        ds.PixelData = stored_slices([2 * part, 2 * part + 1]).tobytes()
        save_dataset(ds, tmp_path / name)
    (volume,) = read(tmp_path)
    np.testing.assert_array_equal(volume.data, stored_slices(range(4)))


# --- Nuclear medicine -----------------------------------------------------------------------


def make_nuclear(vectors, orientation=AXIAL, spacing="4", **attributes):
    """Return a scan whose frames are numbered by vectors; detector 1 has a position."""
    count = len(next(iter(vectors.values())))
    given = {
        "SOPClassUID": NuclearMedicineImageStorage,
        "Modality": "NM",
        "PixelSpacing": [ROW_SPACING, COLUMN_SPACING],
        "ImageType": ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"],
        "SpacingBetweenSlices": spacing,
        **attributes,
    }
    ds = make_film(count, **vectors, **{k: v for k, v in given.items() if v is not None})
    detector = Dataset()
    detector.ImagePositionPatient = [-12, 34, -56]
    detector.ImageOrientationPatient = [float(x) for pair in orientation for x in pair]
    ds.DetectorInformationSequence = [detector]
    return ds


@pytest.mark.parametrize("name", ORIENTATIONS)
@pytest.mark.parametrize("spacing", ["4", "-4"])
def test_reconstructed_slices_lie_along_the_normal_of_the_detectors_position(
    tmp_path, name, spacing
):
    ds = make_nuclear({"SliceVector": [1, 2, 3]}, ORIENTATIONS[name], spacing)
    volume = read_one(tmp_path, ds)
    for n in range(3):
        position = np.array([-12, 34, -56]) + float(spacing) * n * find_normal(ORIENTATIONS[name])
        index = np.linalg.solve(volume.patient_affine, [*position, 1])[:3]
        np.testing.assert_allclose(index, np.rint(index), atol=1e-6)
        assert volume.data[tuple(np.rint(index).astype(int))] == stored_slice(n)[0, 0]


def test_slices_are_in_the_order_of_the_slice_vector(tmp_path):
    volume = read_one(tmp_path, make_nuclear({"SliceVector": [3, 1, 2]}))
    np.testing.assert_array_equal(volume.data, stored_slices([0, 2, 1]))


@pytest.mark.parametrize(
    ("keyword", "label"),
    [
        ("TimeSlotVector", "time slot"),
        ("PhaseVector", "phase"),
        ("RRIntervalVector", "R-R interval"),
        ("EnergyWindowVector", "energy window"),
    ],
)
def test_repeated_slices_are_a_leading_axis(tmp_path, keyword, label):
    ds = make_nuclear({keyword: [2, 2, 2, 1, 1, 1], "SliceVector": [1, 2, 3, 1, 2, 3]})
    volume = read_one(tmp_path, ds)
    np.testing.assert_array_equal(volume.data, stored_slices([[5, 4, 3], [2, 1, 0]]))
    assert [(a.label, a.values) for a in volume.leading] == [(label, (1, 2))]


def test_gated_slices_have_two_leading_axes(tmp_path):
    numbers = list(itertools.product((1, 2), (1, 2, 3), (1, 2, 3, 4)))
    window, slot, slice_ = map(list, zip(*numbers, strict=True))
    ds = make_nuclear({"EnergyWindowVector": window, "TimeSlotVector": slot, "SliceVector": slice_})
    volume = read_one(tmp_path, ds)
    order = np.arange(24).reshape(2, 3, 4)[..., ::-1]
    np.testing.assert_array_equal(volume.data, stored_slices(order))
    assert [a.label for a in volume.leading] == ["energy window", "time slot"]


PLANAR = {"ImageType": ["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"], "SpacingBetweenSlices": None}


def test_planar_images_have_energy_windows_and_detectors_as_axes(tmp_path):
    vectors = {"EnergyWindowVector": [1, 1, 2, 2], "DetectorVector": [1, 2, 1, 2]}
    volume = read_one(tmp_path, make_nuclear(vectors, **PLANAR))
    np.testing.assert_array_equal(volume.data, stored_slices([[0, 1], [2, 3]]))
    assert [a.label for a in volume.leading] == ["energy window", "detector"]
    assert volume.patient_affine is None
    assert volume.geometry.spacing == (ROW_SPACING, COLUMN_SPACING)


def test_the_two_sides_of_a_whole_body_scan_are_an_axis(tmp_path):
    whole = {**PLANAR, "ImageType": ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]}
    vectors = {"EnergyWindowVector": [1, 1], "DetectorVector": [1, 2]}
    volume = read_one(tmp_path, make_nuclear(vectors, **whole))
    np.testing.assert_array_equal(volume.data, stored_slices([0, 1]))
    assert [(a.label, a.values) for a in volume.leading] == [("detector", (1, 2))]


def test_three_numbers_of_planar_images_are_three_axes(tmp_path):
    numbers = list(itertools.product((1, 2), (1, 2), (1, 2, 3)))
    window, detector, phase = map(list, zip(*numbers, strict=True))
    vectors = {"EnergyWindowVector": window, "DetectorVector": detector, "PhaseVector": phase}
    volume = read_one(tmp_path, make_nuclear(vectors, **PLANAR))
    order = np.arange(12).reshape(2, 2, 3)
    np.testing.assert_array_equal(volume.data, stored_slices(order))
    assert [a.label for a in volume.leading] == ["energy window", "detector", "phase"]


@pytest.mark.parametrize(
    "change",
    [{"SliceVector": [1, 2]}, {"SpacingBetweenSlices": None}, {"DetectorInformationSequence": []}],
    ids=["short vector", "no spacing", "no detector"],
)
def test_slices_whose_position_is_not_known_are_still_read(tmp_path, change):
    ds = make_nuclear({"SliceVector": [1, 2, 3]})
    for keyword, value in change.items():
        setattr(ds, keyword, value)
    volume = read_one(tmp_path, ds)
    np.testing.assert_array_equal(volume.data, stored_slices(range(3)))
    assert volume.patient_affine is None
