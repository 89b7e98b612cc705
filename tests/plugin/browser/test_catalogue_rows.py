"""The rows of the series browser."""

import numpy as np
import pytest
import SimpleITK as sitk

from helpers.builders import ORIENTATIONS, make_series, make_sets, write_series
from napari_medread.catalogue import browse
from napari_medread.core.volume import NO_PIXEL_SIZE, Axis, Volume
from napari_medread.plugin.browser import catalogue_rows, entry_preview
from napari_medread.plugin.browser.catalogue_rows import describe_volumes, filter_rows, make_rows


def all_rows(rows):
    return [each for row in rows for each in (row, *all_rows(row.children))]


@pytest.fixture
def rows(tmp_path):
    """Return the rows of a series of two volumes, one over time, and of a file."""
    write_series(tmp_path / "axial", make_series())
    write_series(tmp_path / "sagittal", make_series(ORIENTATIONS["sagittal"]))

    def at(t, n, ds):
        ds.TemporalPositionIdentifier, ds.SeriesNumber = t + 1, 9
        ds.SeriesInstanceUID += ".9"

    write_series(tmp_path / "perfusion", make_sets(3, at))
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((2, 3, 4))), tmp_path / "mask.nrrd")
    return make_rows(browse(tmp_path), names=True)


def test_a_series_of_several_volumes_has_a_row_for_each(rows):
    patient, files = rows
    assert patient.title == "Patient without a name"
    (study,) = patient.children
    assert study.title == "Study without a date"
    two, perfusion = study.children
    assert (two.title, two.details) == ("4 Test series", ("CT · 2 volumes",))
    assert [row.title for row in two.children] == [
        "4 Test series (axial)",
        "4 Test series (sagittal)",
    ]
    # Across, down, slices, as each plane is read.
    assert [row.details[0] for row in two.children] == ["CT · 7 × 5 × 4 voxels"] * 2
    assert [row.details[1] for row in two.children] == ["3 × 2 × 5 mm"] * 2
    assert perfusion.details[2].startswith("3 × ")
    assert len(list(patient.entries)) == 3
    assert [row.title for row in files.children] == ["mask.nrrd"]


def test_pictures_say_that_their_size_is_not_known():
    picture = Volume(
        np.zeros((2, 3, 4, 3)),
        "p",
        leading=(Axis("page"),),
        rgb=True,
        notes=(NO_PIXEL_SIZE,),
    )
    assert describe_volumes([picture]) == (
        ("4 × 3 pixels · colour", "spacing unknown", "2 × page", "1 note"),
        NO_PIXEL_SIZE,
    )
    assert describe_volumes([picture, picture])[0][0].startswith("2 volumes · ")


@pytest.mark.parametrize(
    ("words", "count"),
    [("", 8), ("SAGITTAL", 4), ("test 3", 6), ("perfusion", 0), ("2 volumes", 5), ("mask", 2)],
)
def test_the_filter_keeps_what_is_above_and_below(rows, words, count):
    shown = filter_rows(rows, words)
    assert len([row for row in all_rows(rows) if row in shown]) == count


def test_large_files_are_not_read_for_a_picture(rows, monkeypatch):
    row = rows[1].children[0]

    def progress(items, description):
        return iter(items)

    details = entry_preview.make_preview(row, progress).details
    assert details == ("4 × 3 × 2 voxels", "1 × 1 × 1 mm", "1 note")
    monkeypatch.setattr(catalogue_rows, "MAX_PREVIEW_BYTES", 100)
    assert entry_preview.make_preview(row, progress) == (row.entry, row.details, row.tooltip, None)


def test_what_cannot_be_read_says_why(rows):
    row = rows[1].children[0]
    row.entry.path.write_bytes(b"NRRD0004\n")
    look = entry_preview.make_preview(row, lambda items, _: iter(items))
    assert look.thumbnail is None
    assert look.tooltip.startswith("mask.nrrd: ")
