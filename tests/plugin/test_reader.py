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


def claimed_by_us(path: str) -> bool:
    """Whether npe2 offers our reader for a path."""
    manager = PluginManager.instance()
    found = manager.iter_compatible_readers([path])
    return any(r.command.startswith("napari-medread") for r in found)


@pytest.mark.parametrize(
    "name",
    ["IM0001", "1.2.840.113619.2.1", "I", "a b", "x" * 64, "MR.1.2.3", "s.dcm", "S.DCM", "a.MHD",
     "x.mha", "p.jpg", "p.jpeg", "p.png", "p.bmp", "p.gif", "p.tif", "p.TIFF", "scan.IMA"],
)  # fmt: skip
def test_names_that_are_offered_to_us(name):
    assert claimed_by_us(name)


@pytest.mark.parametrize(
    "name", ["notes.txt", "table.csv", "script.py", "page.html", "a.zarr", "v1.2b", "x.h5", "m.obj"]
)
def test_names_that_are_not_claimed(name):
    assert not claimed_by_us(name)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("C:\\data\\study.1\\IM0001", True),
        ("C:\\data\\1.2.840.1", True),
        ("C:\\data\\scan.dcm", True),
        ("C:\\data\\notes.txt", False),
        ("C:\\data\\script.py", False),
    ],
)
def test_windows_paths_match_as_fnmatch_does_it_there(path, expected):
    # There npe2 matches the whole path, and fnmatch takes both sides through normcase.
    manifest = PluginManager.instance().get_manifest("napari-medread")
    (contribution,) = manifest.contributions.readers
    match = any(
        fnmatch.fnmatchcase(ntpath.normcase(path), ntpath.normcase(pattern))
        for pattern in contribution.filename_patterns
    )
    assert match == expected


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
    def cancelled(items, description):
        raise Cancelled("stopped")

    monkeypatch.setattr(reader, "progress_with_cancel", cancelled)
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
