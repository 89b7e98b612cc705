"""Files that end early, or hold something else: one sentence each, and never a picture."""

import gzip
import re
import sys

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from helpers.file_grids import scan
from napari_medread.api import read, write
from napari_medread.errors import UnreadableFile

# Noise, which no packing makes shorter.
PIXELS = np.random.default_rng(0).integers(-3000, 3000, (20, 30, 40), dtype=np.int16)
NAMES = ("a.nii", "a.nii.gz", "a.nrrd", "packed.nrrd", "a.mgh", "a.mgz", "a.gipl", "a.gipl.gz",
         "a.vtk")  # fmt: skip


@pytest.fixture(params=NAMES)
def whole(request, tmp_path):
    """Return a file that is whole."""
    path = tmp_path / request.param
    image = sitk.GetImageFromArray(PIXELS)
    if path.suffix in (".mgh", ".mgz"):
        nib.save(nib.MGHImage(PIXELS.T, np.eye(4)), path)
    elif path.name == "a.vtk":
        sitk.WriteImage(image, path, imageIO="VTKImageIO")
    else:
        sitk.WriteImage(image, path, useCompression=path.name == "packed.nrrd")
    return path


def refusal_of(path):
    with pytest.raises(UnreadableFile) as error:
        read(path)
    return str(error.value)


def refusal(path):
    words = refusal_of(path)
    assert re.fullmatch(rf"{re.escape(path.name)}: [^\n]+\.", words)
    assert str(path.parent) not in words
    return words


def test_whole_files_are_read(whole):
    (volume,) = read(whole)
    assert np.array_equal(volume.data, PIXELS)


@pytest.mark.parametrize("kept", [0, 1, 4, 100, 300, 352, 600, 0.3, 0.9, 0.999])
def test_files_that_end_early_are_refused(whole, kept):
    content = whole.read_bytes()
    whole.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    refusal(whole)


@pytest.mark.parametrize("lost", [1, 2, 8, 40])
def test_files_that_lack_the_last_bytes_are_refused_or_whole(whole, lost):
    whole.write_bytes(whole.read_bytes()[:-lost])
    packed = whole.read_bytes()[:2] == b"\x1f\x8b" or "packed" in whole.name
    # MGH ends with words on the scan; the last 8 bytes of gzip are its checksum.
    if lost <= 8 and (packed or whole.suffix == ".mgh"):
        assert np.array_equal(read(whole)[0].data, PIXELS)
    else:
        refusal(whole)


@pytest.mark.parametrize("content", [b"hello", bytes(1000), b"NRRD0004\nx", b"<html></html>" * 99])
def test_files_that_are_something_else_are_refused(whole, content):
    whole.write_bytes(content)
    refusal(whole)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.mgz", "packed.nrrd"])
@pytest.mark.parametrize("at", [0.3, 0.6, 0.9])
def test_damaged_streams_are_refused(tmp_path, name, at):
    path = tmp_path / name
    if name == "a.mgz":
        nib.save(nib.MGHImage(PIXELS.T, np.eye(4)), path)
    else:
        sitk.WriteImage(sitk.GetImageFromArray(PIXELS), path, useCompression=True)
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 0x10  # often no error of the stream, but of its checksum
    path.write_bytes(content)
    words = refusal(path)
    assert words.endswith("are corrupt.") or "decompresses to" in words


def test_streams_one_after_the_other_are_one_file(tmp_path):
    path = tmp_path / "a.nii"
    write(path, scan())
    content = path.read_bytes()
    parts = [gzip.compress(content[n : n + 100]) for n in range(0, len(content), 100)]
    (tmp_path / "b.nii.gz").write_bytes(b"".join(parts))
    assert np.array_equal(read(tmp_path / "b.nii.gz")[0].data, scan().data)


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / "a.nii").mkdir()
    assert refusal(tmp_path / "a.nii") == "a.nii: no readable image was found."
    assert refusal(tmp_path / "b.nii").startswith("b.nii: there is no ")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_names_that_are_no_utf8_end_no_process(whole):
    path = whole.rename(whole.with_name("\udce9" + whole.name))
    if whole.suffix == ".vtk":
        assert refusal_of(path) == "?a.vtk: its path has characters that are not UTF-8. Rename it."
    else:
        assert np.array_equal(read(path)[0].data, PIXELS)
