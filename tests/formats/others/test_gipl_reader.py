"""GIPL: SimpleITK is the judge."""

import numpy as np
import pytest
import SimpleITK as sitk

from helpers.file_grids import by_simpleitk, in_file_order
from helpers.metaimages import some_pixels
from napari_medread.api import read
from napari_medread.errors import UnreadableFile


def save(path, pixels):
    image = sitk.GetImageFromArray(pixels, isVector=False)
    image.SetSpacing((1.16, 0.7, 2.5, 3)[: pixels.ndim])
    image.SetOrigin((-41, 56, -60, 0)[: pixels.ndim])
    sitk.WriteImage(image, path, imageIO="GiplImageIO")
    return path


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "f4", "f8"])
@pytest.mark.parametrize("name", ["a.gipl", "a.gipl.gz"])
@pytest.mark.parametrize("shape", [(5, 6, 7), (1, 6, 7)], ids=str)
def test_files_by_simpleitk(tmp_path, dtype, name, shape):
    path = save(tmp_path / name, some_pixels(shape, dtype))
    (volume,) = read(path)
    assert in_file_order(volume, *by_simpleitk(path))
    assert volume.data.dtype == np.dtype(dtype)
    assert volume.data.dtype.isnative
    assert volume.name == "a"
    assert len(volume.notes) == 1
    assert volume.notes[0].startswith("The format gives no directions")


def test_a_fourth_dimension_leads(tmp_path):
    pixels = some_pixels((4, 5, 6, 7), "i2")
    (volume,) = read(save(tmp_path / "a.gipl", pixels))
    assert np.array_equal(volume.data, pixels)
    assert volume.axis_labels == ("frame", "SI", "AP", "RL")


def test_nothing_of_the_text_that_may_name_the_patient_is_kept(tmp_path):
    path = save(tmp_path / "a.gipl", some_pixels((5, 6, 7), "i2"))
    content = bytearray(path.read_bytes())
    content[26:34] = b"Doe^Jane"
    path.write_bytes(content)
    assert "Doe" not in str(read(path)[0])


def test_an_unknown_type_is_refused(tmp_path):
    path = save(tmp_path / "a.gipl", some_pixels((5, 6, 7), "i2"))
    content = bytearray(path.read_bytes())
    content[8:10] = (1).to_bytes(2, "big")
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as error:
        read(path)
    assert str(error.value) == "a.gipl: its type 1 cannot be read."
