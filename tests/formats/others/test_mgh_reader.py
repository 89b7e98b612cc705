"""FreeSurfer's MGH: nibabel is the judge."""

import nibabel as nib
import numpy as np
import pytest

from helpers.file_grids import ROTATIONS, by_nibabel, in_file_order
from helpers.metaimages import some_pixels
from napari_medread.api import read
from napari_medread.errors import UnreadableFile


def save(path, pixels, affine=None, **fields):
    image = nib.MGHImage(pixels.T, np.eye(4) if affine is None else affine)
    for name, value in fields.items():
        image.header[name] = value
    nib.save(image, path)
    return path


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4"])
@pytest.mark.parametrize("name", ["a.mgh", "a.mgz", "a.MGZ"])
def test_values_of_every_type(tmp_path, dtype, name):
    pixels = some_pixels((5, 6, 7), dtype)
    path = save(tmp_path / name.lower(), pixels).rename(tmp_path / name)
    (volume,) = read(path)
    assert np.array_equal(volume.data, pixels)
    assert volume.data.dtype == np.dtype(dtype)
    assert volume.data.dtype.isnative
    assert (volume.name, volume.notes) == ("a", ())


@pytest.mark.parametrize("direction", ROTATIONS.values(), ids=ROTATIONS)
def test_voxels_lie_where_nibabel_puts_them(tmp_path, direction):
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = direction * [1.16, 0.7, 2.5], (-141, 56, -60)
    path = save(tmp_path / "a.mgz", some_pixels((5, 6, 7), "i2"), affine)
    (volume,) = read(path)
    assert in_file_order(volume, *by_nibabel(path))


def test_frames_lead(tmp_path):
    pixels = some_pixels((4, 5, 6, 7), "f4")
    (volume,) = read(save(tmp_path / "a.mgh", pixels))
    assert np.array_equal(volume.data, pixels)
    assert volume.axis_labels == ("frame", "SI", "AP", "RL")


@pytest.mark.parametrize(("intent", "labels"), [(0, False), (1, True), (2, False)])
@pytest.mark.parametrize("has_position", [True, False])
def test_the_intent_in_the_version_marks_labels(tmp_path, intent, labels, has_position):
    """FreeSurfer writes ``(intent & 0xff) << 8 | 1``; 1 is a label image, 2 a shape."""
    pixels = some_pixels((5, 6, 7), "i4")
    path = save(tmp_path / "a.mgh", pixels)
    content = bytearray(path.read_bytes())
    content[:4] = np.array(intent << 8 | 1, ">i4").tobytes()
    content[28:30] = np.array(has_position, ">i2").tobytes()
    path.write_bytes(content)
    (volume,) = read(path)
    assert volume.labels is labels
    assert np.array_equal(volume.data, pixels)


def test_a_place_that_is_not_good_is_none(tmp_path):
    pixels = some_pixels((5, 6, 7), "i2")
    path = save(tmp_path / "a.mgh", pixels)
    content = bytearray(path.read_bytes())
    content[28:30] = bytes(2)  # goodRASFlag
    path.write_bytes(content)
    (volume,) = read(path)
    assert volume.patient_affine is None
    assert volume.axis_labels == ("slice", "row", "column")
    assert np.array_equal(volume.data, pixels)
    assert volume.notes[0].startswith("The file gives no patient position")


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [(0, 7, "this is not an MGH file."), (4, -1, "this is not an MGH file."),
     (20, 5, "its type 5 cannot be read."),
     (30, 0x7FC00000, "the numbers of its geometry are not finite.")],
)  # fmt: skip
def test_headers_that_are_refused(tmp_path, at, value, reason):
    path = save(tmp_path / "a.mgh", some_pixels((5, 6, 7), "i2"))
    content = bytearray(path.read_bytes())
    content[at : at + 4] = np.array(value, ">i4").tobytes()
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as error:
        read(path)
    assert str(error.value) == f"a.mgh: {reason}"
