"""Legacy VTK: SimpleITK reads it, once it is found to be whole."""

import numpy as np
import pytest
import SimpleITK as sitk

from helpers.file_grids import by_simpleitk, in_file_order
from helpers.metaimages import some_pixels
from napari_medread.api import read
from napari_medread.errors import UnreadableFile

TEXT = b"""# vtk DataFile Version 3.0
made by hand
ASCII
DATASET STRUCTURED_POINTS
DIMENSIONS 3 2 2
SPACING 1.5 2.5 3.5
ORIGIN -1 2 -3
POINT_DATA 12
SCALARS values short 1
LOOKUP_TABLE default
"""


def save(path, pixels, channels=False):
    image = sitk.GetImageFromArray(pixels, isVector=channels)
    n = image.GetDimension()
    image.SetSpacing((1.16, 0.7, 2.5)[:n])
    image.SetOrigin((-41, 56, -60)[:n])
    sitk.WriteImage(image, path, imageIO="VTKImageIO")
    return path


def refusal(path, content):
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as error:
        read(path)
    return str(error.value)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
def test_files_by_simpleitk(tmp_path, dtype):
    path = save(tmp_path / "a.vtk", some_pixels((5, 6, 7), dtype))
    (volume,) = read(path)
    assert in_file_order(volume, *by_simpleitk(path))
    assert volume.data.dtype == np.dtype(dtype)
    assert volume.notes[0].startswith("The format gives no directions")


def test_two_dimensions_have_no_place(tmp_path):
    (volume,) = read(save(tmp_path / "a.vtk", some_pixels((6, 7), "i2")))
    assert volume.geometry.spacing == (0.7, 1.16)
    assert volume.patient_affine is None
    assert volume.notes == ()


@pytest.mark.parametrize(("dtype", "count", "rgb"), [("u1", 3, True), ("f4", 3, False)])
def test_colour_and_vectors(tmp_path, dtype, count, rgb):
    pixels = some_pixels((5, 6, 7, count), dtype)
    (volume,) = read(save(tmp_path / "a.vtk", pixels, channels=True))
    assert volume.rgb == rgb
    assert np.array_equal(volume.data, pixels if rgb else np.moveaxis(pixels, -1, 0))


def test_numbers_as_text(tmp_path):
    path = tmp_path / "a.vtk"
    path.write_bytes(TEXT + b"0 1 2 3 4 5\n6 7 8 9 10 11\n")
    (volume,) = read(path)
    assert np.array_equal(volume.data, np.arange(12).reshape(2, 2, 3))
    assert volume.geometry.spacing == (3.5, 2.5, 1.5)
    assert refusal(path, TEXT + b"0 1 2 3 4 5\n6 7") == (
        "a.vtk: it holds 8 numbers, but the header specifies 12."
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"STRUCTURED_POINTS", b"POLYDATA",
         "it holds no image on a regular grid (DATASET POLYDATA)."),
        (b"DIMENSIONS 3 2 2", b"DIMENSIONS 0 2 2",
         "it holds 0 numbers, but the header specifies 0."),
        (b"SPACING 1.5", b"SPACING nan", "its spacing or origin is not a finite number."),
        (b"short", b"string", "its type string is unknown."),
        (b"SCALARS", b"NORMALS", "its header is not complete (DIMENSIONS, SCALARS)."),
    ],
)  # fmt: skip
def test_headers_that_are_refused(tmp_path, old, new, reason):
    assert refusal(tmp_path / "a.vtk", TEXT.replace(old, new) + b"1 " * 12) == f"a.vtk: {reason}"
