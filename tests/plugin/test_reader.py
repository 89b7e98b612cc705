"""The npe2 reader contribution."""

import fnmatch
import ntpath
from pathlib import Path

import npe2
import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from npe2 import PluginManager

from helpers.builders import make_image, make_series, save_dataset, stored_slice, write_series
from napari_medread.errors import Cancelled, UnreadableFile
from napari_medread.plugin import reader

LENGTHS = (1, 2, 7, 8, 9, 10, 16, 64, 65, 200)
"""Lengths of names on both sides of every limit of the patterns."""

FOLDERS = ("", "/data/study/", "/data/study.1/", "/a.b/c.d/e.f/", "data.v2/")

WINDOWS_FOLDERS = (
    "C:\\",
    "C:\\data\\study\\",
    "C:\\data\\study.1\\",
    "D:/a.b/c.d/",
    "Z:\\1.2.840.1\\",
)


def claimed_by_us(path: str) -> bool:
    """Whether npe2 offers our reader for a path."""
    manager = PluginManager.instance()
    found = manager.iter_compatible_readers([path])
    return any(r.command.startswith("napari-medread") for r in found)


def claimed(path: str) -> bool:
    """Whether npe2 offers our reader for a path on the system that its folder belongs to."""
    if not ntpath.splitdrive(path)[0]:
        return claimed_by_us(path)
    manifest = PluginManager.instance().get_manifest("napari-medread")
    (contribution,) = manifest.contributions.readers
    return matches_on_windows(path, contribution.filename_patterns)


def matches_on_windows(path: str, patterns: list[str]) -> bool:
    """Match as fnmatch does there: npe2 passes the whole path, and both sides are normalized."""
    return any(
        fnmatch.fnmatchcase(ntpath.normcase(path), ntpath.normcase(pattern)) for pattern in patterns
    )


@pytest.mark.parametrize(
    "name",
    [
        *("s.dcm", "S.DCM", "a.MHD", "x.mha", "p.jpg", "p.jpeg", "p.png", "p.bmp", "p.gif"),
        *("p.tif", "p.TIFF", "scan.IMA", "v1.nii.gz"),
        *("IM0001", "I", "a b", "A", "IM1", "IM_0001", "MR.1.2.3", "1.2.840.113619.2.1"),
        *("1.2.840.113619.2.55.3.604688", "1.3.12.2.1107.5.2.30.25712.20230101123456789012"),
        *("x" * n for n in LENGTHS),
        *("1.2." + "3" * n for n in LENGTHS),
    ],
)
def test_names_that_are_offered_to_us(name):
    assert [folder for folder in (*FOLDERS, *WINDOWS_FOLDERS) if not claimed(folder + name)] == []


def test_imageio_s_standard_pictures_are_offered_to_us():
    assert claimed_by_us("imageio:chelsea.png")


@pytest.mark.parametrize(
    "name",
    [
        *("notes.txt", "table.csv", "script.py", "page.html", "a.zarr", "v1.2b", "x.h5", "m.obj"),
        *("notes.markdown", "data.parquet", "a.geojson", "y.yaml", "archive.tar.gz", "z.docx"),
        *("x.c", "x.R", "x.7z", "song.1.mp3", "v1.2.3b", "a.1234567z", ".DS_Store", "read.me"),
        *("a." + "x" * n for n in range(1, 9)),
    ],
)
def test_names_that_are_not_claimed(name):
    assert [folder for folder in (*FOLDERS, *WINDOWS_FOLDERS) if claimed(folder + name)] == []


@pytest.mark.parametrize(
    "name", ["a." + "x" * 9, "p.code-workspace", ".gitignore", "https://example.org/x/a-long-name"]
)
def test_long_last_extensions_are_offered_too(name):
    assert claimed_by_us(name)


def test_no_pattern_can_be_left_out_of_those_for_names_without_extension():
    manifest = PluginManager.instance().get_manifest("napari-medread")
    (contribution,) = manifest.contributions.readers
    patterns = [p for p in contribution.filename_patterns if "[" in p]
    assert len(patterns) == 24
    names = ["x" * n for n in range(1, 10)] + ["1.2." + "3" * n for n in range(1, 9)]
    paths = names + [f"C:\\study\\..\\{'x' * n}" for n in range(1, 8)]
    for left_out in patterns:
        others = [p for p in patterns if p != left_out]
        assert any(not matches_on_windows(path, others) for path in paths), left_out


def test_our_reader_gives_none_for_an_address():
    assert reader.get_reader("https://example.org/x/a-long-name") is None


def test_our_name_sorts_before_the_builtins():
    manifests = {m.name: m.display_name for m in PluginManager.instance().iter_manifests()}
    assert manifests["napari-medread"] < manifests["napari"]


def test_folders_without_anything_of_ours_are_refused(tmp_path):
    assert reader.get_reader(str(tmp_path)) is None
    for n in range(2000):
        (tmp_path / f"{n}.txt").write_text("text")
    assert reader.get_reader(str(tmp_path)) is None


@pytest.mark.parametrize("path", ["nowhere", "", "\0", []])
def test_get_reader_never_raises(path):
    assert reader.get_reader(path) is None


def test_a_file_without_an_extension_that_is_no_dicom_is_refused(tmp_path):
    (tmp_path / "Makefile").write_text("all:\n")
    assert reader.get_reader(str(tmp_path / "Makefile")) is None


def test_only_as_many_files_are_opened_as_needed(tmp_path, monkeypatch):
    for n in range(50):
        (tmp_path / f"{n:03d}").write_text("text")
    write_series(tmp_path / "000_first", make_series())
    opened = []
    original = Path.open

    def counted(self, *args, **kwargs):
        opened.append(self)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", counted)
    for n in range(1000):
        (tmp_path / "000_first" / f"t{n}").touch()
    assert reader.get_reader(str(tmp_path)) is not None
    assert len(opened) < 100


def test_a_layer_carries_what_the_design_says(tmp_path):
    attributes = {
        "WindowCenter": ["40", "-600"],
        "WindowWidth": ["400", "1500"],
        "WindowCenterWidthExplanation": ["SOFT", "LUNG"],
        "RescaleType": "HU",
        "RescaleSlope": "1",
        "RescaleIntercept": "-1024",
    }
    write_series(tmp_path, make_series(**attributes))
    ((data, keywords, kind),) = npe2.read(
        [str(tmp_path)], stack=False, plugin_name="napari-medread"
    )
    assert kind == "image"
    assert data.dtype == np.int16
    assert keywords["name"] == "4 Test series"
    assert keywords["colormap"] == "gray"
    assert keywords["contrast_limits"] == (-160, 239)
    assert keywords["units"] == ("mm", "mm", "mm")
    metadata = keywords["metadata"]
    assert metadata["patient_affine"].shape == (4, 4)
    assert metadata["patient_affine"].dtype == np.float64
    assert [Path(p).parent for p in metadata["source"]] == [tmp_path] * 4
    assert metadata["windows"] == [(40, 400, "SOFT"), (-600, 1500, "LUNG")]
    assert (metadata["modality"], metadata["value_unit"]) == ("CT", "HU")
    assert metadata["notes"] == []


def test_monochrome1_is_drawn_inverted(tmp_path):
    save_dataset(
        make_image(stored_slice(0), PhotometricInterpretation="MONOCHROME1"), tmp_path / "IM1"
    )
    ((_, keywords, _),) = reader.read_layers(str(tmp_path))
    assert keywords["colormap"] == "gray_r"


def test_of_several_volumes_the_largest_is_visible(tmp_path):
    write_series(tmp_path / "small", make_series(slices=[0, 1], SeriesNumber=1))
    write_series(tmp_path / "large", make_series(SeriesInstanceUID="1.2.3", SeriesNumber=2))
    visible = {k["name"]: k["visible"] for _, k, _ in reader.read_layers(str(tmp_path))}
    assert visible == {"1 Test series": False, "2 Test series": True}


def test_a_cancelled_opening_adds_nothing(tmp_path, monkeypatch):
    def cancelled(function, description):
        raise Cancelled("stopped")

    monkeypatch.setattr(reader, "call_responsively", cancelled)
    write_series(tmp_path, make_series())
    assert reader.read_layers(str(tmp_path)) == reader.NO_LAYERS


def test_what_cannot_be_read_is_one_sentence(tmp_path):
    (tmp_path / "x.mhd").write_text("NDims = 3\n")
    with pytest.raises(UnreadableFile, match=r"^x\.mhd: [^\n]*\.$"):
        reader.read_layers(str(tmp_path / "x.mhd"))


def test_one_note_on_many_volumes_is_said_once(tmp_path):
    for number in (1, 2, 3):
        other = make_series(slices=[0], SeriesInstanceUID=f"1.2.{number}", SeriesNumber=number)
        write_series(tmp_path / str(number), other)
    notification_manager.records.clear()
    reader.read_layers(str(tmp_path))
    (record,) = notification_manager.records
    assert record.message.startswith("1 Test series and 2 more: ")
    assert "\n" not in record.message
