"""What becomes of an NRRD: SimpleITK is the judge where it reads a form rightly."""

import bz2
import gzip

import numpy as np
import pytest
import SimpleITK as sitk

from helpers.file_grids import ROTATIONS, by_simpleitk, in_file_order
from helpers.metaimages import some_pixels
from helpers.nrrd_files import LPS, PIXELS, PLACED, SERIES, TYPES, placed, save
from napari_medread.errors import UnreadableFile
from napari_medread.formats.nrrd import nrrd_reader


def read(path):
    (volume,) = nrrd_reader.read(path)
    return volume


def refusal(path):
    with pytest.raises(UnreadableFile) as error:
        nrrd_reader.read(path)
    return str(error.value)


@pytest.mark.parametrize("dtype", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("encoding", ["raw", "gzip", "gz"])
@pytest.mark.parametrize("big", [False, True])
def test_values_of_every_type(tmp_path, dtype, encoding, big):
    pixels = some_pixels((5, 6, 7), dtype)
    path = placed(tmp_path / "a.nrrd", pixels, encoding=encoding, big=big)
    volume = read(path)
    assert np.array_equal(volume.data, pixels)
    assert volume.data.dtype == np.dtype(dtype)
    assert volume.data.dtype.isnative
    assert in_file_order(volume, *by_simpleitk(path))
    assert volume.notes == ()


@pytest.mark.parametrize("direction", ROTATIONS.values(), ids=ROTATIONS)
@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr"])
def test_files_by_simpleitk(tmp_path, direction, name):
    image = sitk.GetImageFromArray(PIXELS)
    image.SetDirection(direction.ravel())
    image.SetSpacing((1.16, 0.7, 2.5))
    image.SetOrigin((-441, 356, -660))
    sitk.WriteImage(image, tmp_path / name)
    volume = read(tmp_path / name)
    assert in_file_order(volume, *by_simpleitk(tmp_path / name))
    assert np.abs(volume.patient_affine[:3, :3]).argmax(axis=0).tolist() == [2, 1, 0]
    assert volume.notes == ()


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (1, 1, 1)),
        ("LPS", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
        ("RAS", (-1, -1, 1)),
        ("left-anterior-superior", (1, -1, 1)),
        ("las", (1, -1, 1)),
    ],
)
def test_patient_spaces(tmp_path, space, signs):
    path = placed(tmp_path / "a.nrrd", space=space)
    volume = read(path)
    assert np.allclose(volume.patient_affine, np.diag([*signs, 1]) @ LPS)
    assert in_file_order(volume, *by_simpleitk(path))


@pytest.mark.parametrize(
    ("space", "signs"),
    [("LPST", (1, 1, 1)), ("right-anterior-superior-time", (-1, -1, 1)), ("LAST", (1, -1, 1))],
)
def test_patient_spaces_with_time_are_flipped_too(tmp_path, space, signs):
    """SimpleITK leaves these as they are, left as right."""
    volume = read(
        placed(
            tmp_path / "a.nrrd",
            SERIES,
            space=space,
            space_directions="(1.16,0,0,0) (0,0.7,0,0) (0,0,2.5,0) (0,0,0,2.5)",
            space_origin="(-41,56,-60,0)",
            space_units='"mm" "mm" "mm" "s"',
            kinds="domain domain domain time",
        )
    )
    assert np.allclose(volume.patient_affine, np.diag([*signs, 1]) @ LPS)
    assert np.array_equal(volume.data, SERIES)
    assert (volume.axis_labels[0], volume.units[0], volume.leading[0].step) == ("time", "s", 2.5)


@pytest.mark.parametrize(
    ("place", "kind", "label"),
    [("last", "time", "time"), ("last", "list", "frame"), ("first", "list", "frame"),
     ("first", "vector", "channel"), ("last", "vector", "channel"),
     ("first", "covariant-vector", "channel"), ("last", "???", "frame")],
)  # fmt: skip
def test_axes_that_are_not_in_space(tmp_path, place, kind, label):
    first = place == "first"
    pixels = np.moveaxis(SERIES, 0, -1) if first else SERIES
    directions = PLACED["space directions"]
    volume = read(
        placed(
            tmp_path / "a.nrrd",
            np.ascontiguousarray(pixels),
            kinds=f"{kind} domain domain domain" if first else f"domain domain domain {kind}",
            space_directions=f"none {directions}" if first else f"{directions} none",
        )
    )
    assert np.array_equal(volume.data, SERIES)
    assert volume.axis_labels == (label, "SI", "AP", "RL")
    assert np.allclose(volume.patient_affine, LPS)


@pytest.mark.parametrize("unit", ["ms", "msec"])
def test_time_is_in_seconds(tmp_path, unit):
    volume = read(
        save(
            tmp_path / "a.nrrd",
            SERIES,
            spacings="1 1 1 250",
            kinds="space space space time",
            units=f'"mm" "mm" "mm" "{unit}"',
        )
    )
    assert (volume.units[0], volume.leading[0].step) == ("s", 0.25)


@pytest.mark.parametrize(
    ("kind", "dtype", "channels", "rgb"),
    [
        ("RGB-color", "u1", 3, True),
        ("RGBA-color", "u2", 4, True),
        ("vector", "u1", 3, True),
        ("RGB-color", "f4", 3, False),
        ("vector", "u1", 2, False),
        ("list", "u1", 3, False),
        ("HSV-color", "u1", 3, False),
    ],
)
@pytest.mark.parametrize("at", [0, 3])
def test_colour_and_channels(tmp_path, kind, dtype, channels, rgb, at):
    pixels = some_pixels((5, 6, 7, channels), dtype)
    kinds, directions = ["domain"] * 3, PLACED["space directions"].split()
    kinds.insert(at, kind)
    directions.insert(at, "none")
    path = placed(
        tmp_path / "a.nrrd",
        np.ascontiguousarray(np.moveaxis(pixels, -1, 3 - at)),
        kinds=" ".join(kinds),
        space_directions=" ".join(directions),
    )
    volume = read(path)
    assert volume.rgb == rgb
    assert np.array_equal(volume.data, pixels if rgb else np.moveaxis(pixels, -1, 0))
    assert np.array_equal(by_simpleitk(path)[0], pixels)


def test_without_a_space_there_is_no_place(tmp_path):
    volume = read(save(tmp_path / "a.nrrd", spacings="1.16 0.7 2.5"))
    assert volume.patient_affine is None
    assert volume.axis_labels == ("slice", "row", "column")
    assert (volume.leading[0].step, *volume.geometry.spacing) == (2.5, 0.7, 1.16)
    assert volume.units == ("mm", "mm", "mm")
    assert volume.notes == (
        "The file gives no patient position (no space): left and right are not known.",
    )


@pytest.mark.parametrize("field", [{"space": "scanner-xyz"}, {"space": None, "space_dimension": 3}])
def test_a_space_that_is_no_patients_gives_no_place(tmp_path, field):
    fields = {key.replace(" ", "_"): value for key, value in PLACED.items()} | field
    volume = read(save(tmp_path / "a.nrrd", **fields))
    assert volume.patient_affine is None
    assert (volume.leading[0].step, *volume.geometry.spacing) == (2.5, 0.7, 1.16)
    assert len(volume.notes) == 1


@pytest.mark.parametrize("spacings", [None, "NaN NaN NaN"])
def test_without_spacings_there_are_pixels(tmp_path, spacings):
    volume = read(save(tmp_path / "a.nrrd", spacings=spacings))
    assert volume.units == ("pixel", "pixel", "pixel")
    assert "The file gives no pixel size: shown in pixels." in volume.notes


@pytest.mark.parametrize(
    ("units", "scale", "notes"),
    [('"m" "m" "m"', 1000, 0), ('"um" "um" "um"', 0.001, 0), ('"mm" "mm" "mm"', 1, 0),
     ('"ells" "ells" "ells"', 1, 1)],
)  # fmt: skip
def test_lengths_are_scaled_to_millimetres(tmp_path, units, scale, notes):
    volume = read(placed(tmp_path / "a.nrrd", space_units=units))
    assert np.allclose(volume.patient_affine, np.diag([scale, scale, scale, 1]) @ LPS)
    assert len(volume.notes) == notes


def test_two_dimensions(tmp_path):
    path = save(
        tmp_path / "a.nrrd",
        PIXELS[0],
        space_dimension=2,
        space_directions="(0,2) (3,0)",
        space_origin="(1,2)",
    )
    volume = read(path)
    array, affine = by_simpleitk(path)
    assert np.array_equal(volume.data, array.T)
    assert np.allclose(volume.geometry.affine, affine[:, [1, 0, 2]])
    assert volume.notes == ()


def test_sheared_axes_are_said_and_kept(tmp_path):
    path = placed(tmp_path / "a.nrrd", space_directions="(1.16,0,0) (0.2,0.7,0) (0,0,2.5)")
    volume = read(path)
    assert in_file_order(volume, *by_simpleitk(path))
    assert volume.notes[0].startswith("The axes are not at right angles")


def test_segmentations_of_3d_slicer_are_labels(tmp_path):
    volume = read(placed(tmp_path / "a.seg.nrrd", PIXELS, "Segment0_ID:=Segment_1"))
    assert volume.labels
    assert volume.contrast_limits is None


def test_keys_and_fields_are_kept_but_for_the_patients(tmp_path):
    keys = ("modality:=CT", "DICOM.PatientName:=Doe", "0010|0020:=17", "note:=a\\nb")
    volume = read(placed(tmp_path / "a.nrrd", PIXELS, *keys))
    assert volume.header["modality"] == "CT"
    assert volume.header["note"] == "a\nb"
    assert volume.header["space"] == "left-posterior-superior"
    assert "Doe" not in str(volume.header)
    assert "0010|0020" not in volume.header
    assert sitk.ReadImage(tmp_path / "a.nrrd").GetMetaData("note") == "a\nb"


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("skip", [0, 5])
def test_data_in_a_file_of_their_own(tmp_path, encoding, skip):
    raw = bytes(skip) + PIXELS.tobytes()
    path = placed(
        tmp_path / "a.nhdr",
        data=gzip.compress(raw) if encoding == "gzip" else raw,
        name="voxels",
        encoding=encoding,
        data_file="voxels",
        byte_skip=skip,
    )
    assert np.array_equal(read(path).data, PIXELS)
    assert np.array_equal(by_simpleitk(path)[0], PIXELS)


def test_data_at_the_end_of_a_file(tmp_path):
    path = placed(
        tmp_path / "a.nhdr", data=b"odd" + PIXELS.tobytes(), name="voxels", data_file="voxels",
        byteskip=-1,
    )  # fmt: skip
    assert np.array_equal(read(path).data, PIXELS)
    assert np.array_equal(by_simpleitk(path)[0], PIXELS)


def test_numbers_as_text(tmp_path):
    text = " ".join(map(str, PIXELS.ravel())).encode()
    path = placed(tmp_path / "a.nrrd", data=text, encoding="ascii")
    assert np.array_equal(read(path).data, PIXELS)


@pytest.mark.parametrize("form", ["LIST", "pattern"])
@pytest.mark.parametrize("big", [False, True])
def test_a_file_for_every_slice(tmp_path, form, big):
    for n, part in enumerate(PIXELS):
        (tmp_path / f"s{n}.raw").write_bytes(part.astype(">i2" if big else "<i2").tobytes())
    names = "\n".join(f"s{n}.raw" for n in range(5))
    target = f"LIST\n{names}" if form == "LIST" else "s%d.raw 0 4 1"
    path = placed(tmp_path / "a.nhdr", data=b"", name="none", data_file=target, big=big)
    assert np.array_equal(read(path).data, PIXELS)


def test_colour_as_text_goes_through_simpleitk(tmp_path):
    pixels = some_pixels((5, 6, 7, 3), "u1")
    moved = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    path = placed(
        tmp_path / "a.nrrd",
        moved,
        data=" ".join(map(str, moved.ravel())).encode(),
        encoding="ascii",
        kinds="domain domain domain RGB-color",
        space_directions=f"{PLACED['space directions']} none",
    )
    assert np.array_equal(read(path).data, pixels)


def test_a_plain_file_is_mapped_and_never_changed(tmp_path):
    path = placed(tmp_path / "a.nrrd")
    before = path.read_bytes()
    data = read(path).data
    data[0, 0, 0] += 1
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": "block"}, "its type block is unknown."),
        ({"sizes": None}, "this is not a complete NRRD header: sizes is missing."),
        ({"sizes": "7 6"}, "its sizes '7 6' do not fit 3 axes."),
        ({"sizes": "7 6 -5"}, "its sizes must be positive whole numbers, not '7 6 -5'."),
        ({"endian": None}, "it does not say the byte order (endian)."),
        ({"kinds": "domain domain"}, "its kinds 'domain domain' do not fit 3 axes."),
        ({"space": "upside-down"}, "its space 'upside-down' is unknown."),
        ({"space_directions": "(1,0,0) (0,1,0)"},
         "its space directions are not one for each of 3 axes."),
        ({"space_directions": "(1,0) (0,1) (1,1)"},
         "its directions and origin do not fit the dimension of its space."),
        ({"space_directions": "(1,0,0) (0,1,0) (0,0,inf)"},
         "its directions and origin hold numbers that are not finite."),
        ({"space_directions": "(1,0,0) (0,1,0) (1,1,0)"},
         "the axes of the geometry do not span a volume."),
        ({"kinds": "domain vector vector"},
         "it has more than one axis of channels."),
        ({"kinds": "domain time vector"}, "1 of its axes are spatial, but at least 2 are needed."),
        ({"data_file": "gone.raw"}, "its data file 'gone.raw' is missing."),
        ({"byte_skip": "many"}, "its byte skip is not a whole number."),
        ({"sizes": "9999 9999 9999"},
         "a.nrrd holds 420 bytes of data, but the header specifies 1999400059998."),
    ],
)  # fmt: skip
def test_headers_that_are_refused(tmp_path, fields, reason):
    fields = {key.replace(" ", "_"): value for key, value in PLACED.items()} | fields
    assert refusal(save(tmp_path / "a.nrrd", **fields)) == f"a.nrrd: {reason}"


def test_an_encoding_that_nobody_reads_is_refused(tmp_path):
    path = placed(tmp_path / "a.nrrd", data=bz2.compress(PIXELS.tobytes()), encoding="bzip2")
    assert refusal(path).startswith("a.nrrd: SimpleITK cannot read it (")


@pytest.mark.parametrize("there", [0, 100, 419])
def test_data_files_that_are_too_short_are_refused(tmp_path, there):
    path = placed(tmp_path / "a.nhdr", data=bytes(there), name="voxels", data_file="voxels")
    assert refusal(path) == (
        f"a.nhdr: voxels holds {there} bytes of data, but the header specifies 420."
    )
