"""Reading without napari."""

import errno
import os
import shutil
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import SimpleITK as sitk

import napari_medread
from helpers.builders import SLICES, save, series, write_series
from napari_medread.api import is_readable, read
from napari_medread.catalogue import browse
from napari_medread.errors import MedReadError, UnreadableFile


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a series, a MetaImage and a picture."""
    write_series(tmp_path / "dicom", series())
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
    (ds,) = series(slices=[0])
    (volume,) = read(save(ds, tmp_path / "image.png"))
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


def test_errors_are_no_value_errors():
    assert not issubclass(MedReadError, ValueError)


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
    write_series(tmp_path / "in", series())
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
