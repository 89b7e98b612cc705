"""The header of a file or a slice, from Python."""

import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

import napari_medread
from helpers.builders import (
    make_enhanced,
    make_image,
    make_plane_position,
    make_series,
    make_sets,
    save_dataset,
    stored_slice,
    write_series,
)
from helpers.dicom_objects import make_mosaic
from napari_medread import read, tags
from napari_medread.errors import UnreadableFile
from napari_medread.processing.volume_resampling import resample


def marked(n, ds):
    """Mark an image by the values of its pixels, which ``stored_slice`` makes unique."""
    ds.SliceLocation = n * 1000


def slice_of(plane):
    """Return the number of the slice that stored values are of."""
    return int(plane[0, 0]) // 256


def assert_headers_belong_to_their_pixels(volume):
    """Check every slice: its header names the slice that its voxels are of."""
    data = np.asarray(volume.data)
    for at in np.ndindex(*data.shape[: data.ndim - 2]):
        assert float(tags(volume, at)["SliceLocation"].value) == slice_of(data[at]) * 1000


def test_the_header_of_a_slice_is_that_of_its_pixels(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series(change=marked)))
    assert_headers_belong_to_their_pixels(volume)
    assert list(tags(volume, 1)) == list(tags(volume, (1,)))
    for wrong in (4, -1, (0, 0)):
        with pytest.raises(UnreadableFile, match="there is no slice"):
            tags(volume, wrong)
    with pytest.raises(UnreadableFile, match=r"4 files. Give the index of a slice"):
        tags(volume)


def test_sets_of_slices(tmp_path):
    def change(t, n, ds):
        ds.AcquisitionTime = f"10000{t}"
        ds.TemporalPositionIdentifier = t + 1
        marked(n + t * 4, ds)

    (volume,) = read(write_series(tmp_path, make_sets(3, change)))
    assert volume.data.shape[:2] == (3, 4)
    assert_headers_belong_to_their_pixels(volume)


def test_a_missing_slice_has_no_header(tmp_path):
    places = [0, 1, 2, 4, 5, 6]
    (volume,) = read(write_series(tmp_path, make_series(slices=places, change=marked)))
    assert volume.data.shape[0] == 7
    for n in (0, 1, 2, 4, 5, 6):
        wanted = slice_of(np.asarray(volume.data)[n]) * 1000
        assert float(tags(volume, n)["SliceLocation"].value) == wanted
    with pytest.raises(UnreadableFile, match="filled or interpolated"):
        tags(volume, 3)


def test_uneven_slices_were_interpolated(tmp_path):
    places = [0, 1, 2.3, 3, 4.4, 5, 6]
    (volume,) = read(write_series(tmp_path, make_series(slices=places, change=marked)))
    assert volume.slice_sources.is_interpolated
    last = volume.data.shape[0] - 1
    found = {float(tags(volume, n)["SliceLocation"].value) for n in (0, last)}
    assert found == {0, 6000}
    with pytest.raises(UnreadableFile, match="filled or interpolated"):
        tags(volume, 2)


def test_frames_of_one_file(tmp_path):
    order = [2, 0, 3, 1]  # frame n lies at order[n]
    path = save_dataset(make_enhanced([make_plane_position(n) for n in order]), tmp_path / "a.dcm")
    (volume,) = read(path)
    data = np.asarray(volume.data)
    for n in range(4):
        (position,) = tags(volume, n).find("Image Position (Patient)")
        frame = slice_of(data[n])
        wanted = make_plane_position(order[frame])["PlanePositionSequence"]["ImagePositionPatient"]
        assert position.numbers == pytest.approx(wanted)
        (same,) = tags(path, frame).find("Image Position (Patient)")
        assert same == position
    assert len(tags(path).find("Image Position (Patient)")) == 4
    with pytest.raises(UnreadableFile, match="there is no frame 4 among 4"):
        tags(path, 4)


def test_a_mosaic_is_one_image_for_all_its_slices(tmp_path):
    for t in range(2):
        save_dataset(make_mosaic(5, first=t * 5, AcquisitionTime=f"10000{t}", InstanceNumber=t + 1,
                    SliceLocation=t), tmp_path / f"{t}")  # fmt: skip
    (volume,) = read(tmp_path)
    assert volume.data.shape[:2] == (2, 5)
    for t, n in np.ndindex(2, 5):
        assert float(tags(volume, (t, n))["SliceLocation"].value) == t


def test_planes_without_a_place(tmp_path):
    def change(n, ds):
        del ds.ImagePositionPatient
        ds.SliceLocation = n * 1000

    (volume,) = read(write_series(tmp_path, make_series(change=change)))
    assert volume.geometry is None or volume.geometry.ndim == 2
    assert_headers_belong_to_their_pixels(volume)


def test_what_was_resampled_does_not_know_its_files(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series(change=marked)))
    with pytest.raises(UnreadableFile, match="not known"):
        tags(resample(volume), 0)


def test_keys_of_other_formats(tmp_path):
    picture = sitk.GetImageFromArray(np.zeros((3, 4, 5), np.int16))
    picture.SetSpacing((0.5, 0.5, 2))
    for name in ("a.mhd", "a.nrrd", "a.nii.gz"):
        sitk.WriteImage(picture, tmp_path / name)
    assert tags(tmp_path / "a.mhd")["DimSize"].value == "5 4 3"
    assert tags(tmp_path / "a.mhd").find("spacing")[0].numbers == (0.5, 0.5, 2)
    assert tags(tmp_path / "a.nrrd")["sizes"].value == "5 4 3"
    header = nib.load(tmp_path / "a.nii.gz").header
    found = tags(tmp_path / "a.nii.gz")
    assert found["dim[3]"].value == str(header["dim"][3])
    assert float(found["pixdim[3]"].value) == header["pixdim"][3]
    (volume,) = read(tmp_path / "a.mhd")
    assert tags(volume)["DimSize"].value == "5 4 3"


def test_what_has_no_header_is_said(tmp_path):
    (tmp_path / "a.txt").write_text("nothing" * 100)
    for path, said in (
        (tmp_path, "this is a folder. Give one of its files"),
        (tmp_path / "b", "there is no such file"),
        (tmp_path / "a.txt", "this is not a DICOM file"),
    ):
        with pytest.raises(UnreadableFile, match=said):
            tags(path)
    path = save_dataset(make_image(stored_slice(0)), tmp_path / "one")
    (volume,) = read(path)
    path.unlink()
    with pytest.raises(UnreadableFile, match=r"^one: "):
        tags(volume)


def test_it_needs_neither_napari_nor_qt():
    code = (
        "import sys; from napari_medread import tags;"
        "print(*{'napari', 'qtpy', 'magicgui', 'dask', 'SimpleITK'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    assert "tags" in napari_medread.__all__
