"""Files to series, one after the other: the list is the same in whatever order they come."""

import gc

import numpy as np
import pytest

from helpers.builders import (
    ORIENTATIONS,
    make_enhanced,
    make_plane_position,
    make_series,
    make_sets,
    make_uid,
    save_dataset,
)
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.listing.packed_headers import PackedHeaders
from napari_medread.dicom.listing.series_catalogue import INCOMPLETE_SERIES
from napari_medread.dicom.listing.series_collector import SeriesCollector, list_patients
from napari_medread.dicom.read import read_dicom


def write_export(folder):
    """Write series in one folder, over several folders, two in a folder, broken, not positioned.

    Every series has a number of its own, so that the order of the list is known.
    """
    write = 0

    def save(datasets, number, folders):
        nonlocal write
        uid = make_uid()
        for n, ds in enumerate(datasets):
            ds.SeriesNumber, ds.SeriesInstanceUID = number, uid
            write += 1
            save_dataset(ds, folder / folders[n % len(folders)] / f"IM{write:04d}")

    save(make_series(), 1, ["a"])
    save(make_series(slices=range(9)), 2, ["a", "b", "c"])
    save(make_series(ORIENTATIONS["coronal"]) + make_series(), 3, ["d"])
    twice = make_series(slices=range(6))
    save([*twice, twice[2]], 4, ["e", "b"])
    save(make_series(slices=[0, 1, 3, 4]), 5, ["f"])  # one is missing

    def at(t, n, ds):
        ds.TemporalPositionIdentifier, ds.AcquisitionTime = t + 1, f"10000{t}"

    save(make_sets(3, at), 6, ["a", "g"])
    save([make_enhanced([make_plane_position(n) for n in range(4)])], 7, ["h"])
    views = make_series(slices=range(3), Modality="US")
    for ds in views:
        del ds.ImagePositionPatient, ds.ImageOrientationPatient, ds.PixelSpacing
    save(views, 8, ["h", "i"])
    save(make_series(slices=range(2), change=lambda n, ds: setattr(ds, "Rows", 50)), 9, ["j"])
    for n, ds in enumerate(make_series(SeriesNumber=10)):
        del ds.SeriesInstanceUID
        save_dataset(ds, folder / "k" / f"IM{n}")
    (folder / "k" / "notes.txt").write_text("no image")
    (folder / "k" / "broken.dcm").write_bytes(b"no DICOM")
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_export(tmp_path_factory.mktemp("export"))


def all_series(patients):
    return [series for each in patients for study in each.studies for series in study.series]


def all_entries(patients):
    return [entry for series in all_series(patients) for entry in series.entries]


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_in_any_order_the_list_has_the_volumes_that_are_read(files, seed):
    if seed is not None:
        files = [files[n] for n in np.random.default_rng(seed).permutation(len(files))]
    patients, skipped = list_patients(files)
    contents = read_dicom(files, lazy=True)
    volumes, expected_skipped = contents.volumes, contents.skipped
    entries = all_entries(patients)
    assert sorted(skipped) == sorted(expected_skipped)
    assert len(skipped) == 3  # two with the wrong size, and one that is no DICOM
    assert {e.name for e in entries} == {v.name for v in volumes}
    assert [s.name.split()[0] for s in all_series(patients)] == [*"12345678", "10"]
    volumes = {volume.name: volume for volume in volumes}
    for entry in entries:
        found, expected = entry.volume, volumes[entry.name]
        assert (found.shape, found.data.dtype) == (expected.shape, expected.data.dtype)
        assert (found.notes, found.windows) == (expected.notes, expected.windows)
        assert (found.source, found.leading) == (expected.source, expected.leading)
        assert found.contrast_limits == expected.contrast_limits
        assert (found.geometry is None) == (expected.geometry is None)
        if expected.geometry is not None:
            np.testing.assert_array_equal(found.geometry.affine, expected.geometry.affine)
        np.testing.assert_array_equal(found.data, expected.data)
        (read,) = entry.read()
        np.testing.assert_array_equal(read.data, expected.data)


def test_headers_are_forgotten_once_a_series_is_described(tmp_path):
    files = [
        save_dataset(ds, tmp_path / f"{number}" / f"{n}")
        for number in range(6)
        for n, ds in enumerate(
            make_series(slices=range(20), SeriesInstanceUID=f"1.2.{number}", SeriesNumber=number)
        )
    ]
    gc.collect()
    before = count_headers()
    patients, _ = list_patients(files)
    gc.collect()
    # One for each series, from which the others differ, and those of the series described last.
    assert count_headers() - before <= 6 + 20 + 1
    assert [entry.volume.shape[0] for entry in all_entries(patients)] == [20] * 6


def count_headers():
    return sum(isinstance(each, DicomFileHeader) for each in gc.get_objects())


def test_a_series_is_described_when_its_folder_ends_and_anew_when_more_of_it_comes(tmp_path):
    datasets = make_series(slices=range(6))
    first = [save_dataset(ds, tmp_path / "a" / f"{n}") for n, ds in enumerate(datasets[:4])]
    rest = [save_dataset(ds, tmp_path / "b" / f"{n}") for n, ds in enumerate(datasets[4:])]
    collector = SeriesCollector()
    for path in first:
        assert collector.take_finished(path.parent) == []
        collector.add(path)
    (series,) = all_series(collector.list_so_far())
    assert (series.entries, series.file_count, series.modality) == ([], 4, "CT")
    (finished,) = collector.take_finished(rest[0].parent)
    collector.describe(finished)
    (entry,) = all_entries(collector.list_so_far())
    # What is read of it now says that there may be more.
    assert entry.read()[0].data.shape[0] == 4
    assert entry.read()[0].notes == (INCOMPLETE_SERIES,)
    collector.add(rest[0])
    (series,) = all_series(collector.list_so_far())
    assert (series.entries, series.file_count) == ([], 5)
    assert collector.waiting_count == 5
    assert entry.read()[0].data.shape[0] == 4  # it is still what it was
    collector.add(rest[1])
    # Its folders do not tell when it is complete.
    assert collector.take_finished(tmp_path) == []
    (waiting,) = collector.waiting
    collector.describe(waiting)
    assert collector.waiting_count == 0
    patients, _ = collector.finish()
    (entry,) = all_entries(patients)
    assert entry.read()[0].data.shape[0] == 6
    assert entry.read()[0].notes == ()


def test_files_that_are_gone_are_reported_when_they_are_read(tmp_path):
    files = [save_dataset(ds, tmp_path / f"{n}") for n, ds in enumerate(make_series())]
    patients, _ = list_patients(files)
    (entry,) = all_entries(patients)
    for path in files:
        path.unlink()
    with pytest.raises(Exception, match="the file has been moved or deleted"):
        entry.read()


def test_frames_are_made_once_for_all_slices_of_a_volume(tmp_path, monkeypatch):
    for name, number in (("a", 1), ("b", 2)):  # the second is described last
        for n, ds in enumerate(make_series(SeriesInstanceUID=f"1.2.{number}", SeriesNumber=number)):
            save_dataset(ds, tmp_path / name / f"{n}")
    patients, _ = list_patients(sorted(tmp_path.rglob("*/*")))
    first, second = all_entries(patients)
    unpacked = []
    unpack = PackedHeaders.unpack

    def counted(headers, count=None):
        unpacked.append(headers)
        return unpack(headers, count)

    monkeypatch.setattr(PackedHeaders, "unpack", counted)
    voxels = np.asarray(first.volume.data)
    np.testing.assert_array_equal(first.read()[0].data, voxels)
    assert len(unpacked) == 1
    np.testing.assert_array_equal(second.volume.data, voxels)
    assert len(unpacked) == 2
