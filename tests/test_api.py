"""Reading without napari."""

import errno
import os
import shutil
from pathlib import Path

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pytest
import SimpleITK as sitk

import napari_medread
from helpers.builders import SLICES, make_series, save_dataset, write_series
from napari_medread.api import is_readable, read, read_volume
from napari_medread.catalogue import browse
from napari_medread.errors import UnreadableFile


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a series, a MetaImage and a picture."""
    write_series(tmp_path / "dicom", make_series())
    sitk.WriteImage(sitk.Image(6, 5, 4, sitk.sitkInt16), tmp_path / "scan.mhd")
    iio.imwrite(tmp_path / "logo.png", np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "notes.txt").write_text("text")
    return tmp_path


def test_the_package_reads():
    assert napari_medread.read is read


def test_a_folder_gives_its_dicom_and_metaimages_and_no_decoration(folder):
    assert [v.name for v in read(folder)] == ["4 Test series", "scan"]


def test_a_folder_of_pictures_alone_gives_them(folder):
    shutil.rmtree(folder / "dicom")
    (folder / "scan.mhd").unlink()
    assert [v.name for v in read(folder)] == ["logo"]


def test_every_format_of_volumes_is_opened_from_a_folder(folder):
    image = sitk.Image(6, 5, 4, sitk.sitkInt16)
    names = ("a.nii", "b.nii.gz", "c.nrrd", "d.nhdr", "e.gipl", "f.GIPL.gz")
    for name in names:
        sitk.WriteImage(image, folder / name.lower())
        (folder / name.lower()).rename(folder / name)
    sitk.WriteImage(image, folder / "g.vtk", imageIO="VTKImageIO")
    found = [v.name for v in read(folder)]
    assert found == ["4 Test series", *"abcdefg", "scan"]


@pytest.mark.parametrize("name", [".nii", "notes.gz", "a.nii.txt", "nii.gz"])
def test_names_that_only_look_like_a_format_are_none(tmp_path, name):
    (tmp_path / name).write_text("text")
    assert not is_readable(tmp_path / name)


def test_several_paths_are_read_together(folder):
    paths = [*sorted((folder / "dicom").iterdir()), folder / "logo.png"]
    assert [(v.name, v.shape) for v in read(paths)] == [
        ("4 Test series", (SLICES, 5, 7)),
        ("logo", (4, 4)),
    ]


def test_content_decides_over_the_suffix(tmp_path):
    (ds,) = make_series(slices=[0])
    (volume,) = read(save_dataset(ds, tmp_path / "image.png"))
    assert volume.modality == "CT"


def test_what_cannot_be_read_is_named_beside_what_can(folder):
    (folder / "broken.mha").write_text("NDims = 3\n")
    volumes = read(folder)
    assert len(volumes) == 2
    assert volumes[0].notes[0].startswith("Skipped broken.mha: ")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.mkdir(), "no readable image was found"),
        (lambda p: None, "there is no such file or folder"),
        (lambda p: p.write_text("text"), "no readable image was found"),
        (lambda p: p.write_bytes(b""), "no readable image was found"),
        (
            lambda p: p.write_bytes(bytes(128) + b"DICM" + b"x" * 99),
            "the file ends inside its header",
        ),
    ],
    ids=["empty folder", "nothing", "text", "empty file", "broken"],
)
def test_nothing_to_read_is_one_clear_sentence(tmp_path, make, message):
    path = tmp_path / "thing"
    make(path)
    with pytest.raises(UnreadableFile, match=rf"^thing: [^\n]*({message})[^\n]*\.$"):
        read(path)


def test_the_only_volume_at_a_path(folder):
    volume = read_volume(folder / "scan.mhd")
    assert (volume.name, volume.shape) == ("scan", (4, 5, 6))
    assert isinstance(read_volume(folder / "dicom", lazy=True).data, da.Array)
    with pytest.raises(UnreadableFile, match=r"^notes\.txt: no readable image was found\.$"):
        read_volume(folder / "notes.txt")


def test_several_volumes_are_refused_with_their_names_and_shapes(folder):
    with pytest.raises(UnreadableFile) as caught:
        read_volume(folder)
    assert str(caught.value) == (
        f"{folder.name}: there are 2 volumes, choose one with read(path)[n]: "
        f"[0] 4 Test series (7 × 5 × {SLICES}), [1] scan (6 × 5 × 4)."
    )
    with pytest.raises(UnreadableFile, match=r"^2 paths: there are 2 volumes"):
        read_volume([folder / "scan.mhd", folder / "logo.png"])


def test_a_long_list_of_volumes_is_cut_short(tmp_path):
    for n in range(12):
        sitk.WriteImage(sitk.Image(2, 3, 4, sitk.sitkUInt8), tmp_path / f"{n:02}.mha")
    with pytest.raises(UnreadableFile, match=r"12 volumes.* \[7\] 07 [^\[]*, and 4 more\.$"):
        read_volume(tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("dicom", True), ("scan.mhd", True), ("logo.png", True), ("notes.txt", False)],
)
def test_what_is_worth_reading(folder, name, expected):
    assert is_readable(folder / name) is expected


def test_a_name_that_no_system_takes_is_one_clear_sentence(tmp_path):
    path = tmp_path / ("x" * 300)
    for function in (napari_medread.read, browse, napari_medread.tags):
        with pytest.raises(UnreadableFile, match="cannot be opened \\(File name too long\\)"):
            function(path)
    assert not is_readable(path)


def test_what_the_system_keeps_closed_is_named(tmp_path, monkeypatch):
    write_series(tmp_path / "in", make_series())
    second = sorted((tmp_path / "in").iterdir())[1]
    closed = tmp_path / "in" / "closed"
    closed.mkdir()
    # Stood in for: tests run by root may open everything.
    scandir, opened = os.scandir, Path.open

    def refuse(function):
        def called(path, *args, **kwargs):
            if Path(path) in (closed, second):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return function(path, *args, **kwargs)

        return called

    monkeypatch.setattr(os, "scandir", refuse(scandir))
    monkeypatch.setattr(Path, "open", refuse(opened))
    expected = {
        f"{second.name}: cannot be opened (Permission denied).",
        "closed: the folder cannot be opened (Permission denied).",
    }
    assert set(browse(tmp_path / "in").skipped) == expected
    (volume, *_) = napari_medread.read(tmp_path / "in")
    assert {f"Skipped {each}" for each in expected} <= set(volume.notes)
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        napari_medread.tags(second)
