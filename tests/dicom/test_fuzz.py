"""Broken files of every kind are read or refused in a sentence; nothing else happens."""

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from helpers.builders import (
    make_enhanced,
    make_image,
    make_plane_position,
    make_series,
    save_dataset,
    stored_slice,
)
from helpers.dicom_objects import make_mosaic, write_dicomdir
from napari_medread.api import read
from napari_medread.errors import MedReadError, UnreadableFile

HEADER = 0.7
"""Share of the broken bytes that lie before the pixels."""


def single(path):
    (ds,) = make_series(slices=[0], WindowCenter="40", WindowWidth="400", SliceThickness="2")
    return save_dataset(ds, path, ImplicitVRLittleEndian)


def many_frames(path):
    return save_dataset(make_enhanced([make_plane_position(p) for p in range(4)]), path)


def compressed(path):
    save_dataset(make_enhanced([make_plane_position(p) for p in range(4)]), path)
    ds = dcmread(path)
    ds.compress(RLELossless, generate_instance_uid=False)
    ds.save_as(path)
    return path


def tiles(path):
    return save_dataset(make_mosaic(4), path)


def medium(path):
    save_dataset(make_image(stored_slice(0)), path.parent / "IM1")
    return write_dicomdir(path.parent, ["IM1", "IM2"], path.name)


def broken(content, random):
    """Return a file's bytes with a few changed, or cut short."""
    found = bytearray(content)
    pixels = max(content.find(b"\xe0\x7f\x10\x00"), 200)
    for _ in range(random.integers(1, 6)):
        stop = pixels if random.random() < HEADER else len(found)
        found[random.integers(132, stop)] = random.choice([0, 1, 0x7F, 0xFF, random.integers(256)])
    if random.random() < 0.3:
        del found[random.integers(100, len(found)) :]
    return bytes(found)


STILL_READ = {single: 0.33, many_frames: 0.4, compressed: 0.35, tiles: 0.48, medium: 0.08}
"""Share of the broken files that must still be read: as many changes hit what no image needs."""


def outcomes(folder, make, seeds):
    """Return of each broken file whether it was read, and all warnings; the rest are refused."""
    was_read, warned = [], []
    for seed in seeds:
        path = make(folder / "FILE")
        path.write_bytes(broken(path.read_bytes(), np.random.default_rng(seed)))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                for volume in read(path):
                    np.asarray(volume.data)  # lazy ones are read when they are used
            except MedReadError:
                was_read.append(False)
            else:
                was_read.append(True)
        warned += [str(each.message) for each in caught]
    return was_read, warned


@pytest.mark.parametrize("make", STILL_READ)
@pytest.mark.parametrize(
    "seeds", [range(60), pytest.param(range(60, 1000), marks=pytest.mark.exhaustive)]
)
def test_broken_files_are_read_or_refused(tmp_path, make, seeds):
    was_read, warned = outcomes(tmp_path, make, seeds)
    assert warned == []
    assert np.mean(was_read) >= STILL_READ[make]
    assert not all(was_read)  # or nothing was broken


SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"


STREAMS = [
    ("JPGExtended.dcm", b"\xff\xc1", {"bits": 4, "rows": 5, "columns": 7, "samples": 9}),
    ("SC_rgb_small_odd_jpeg.dcm", b"\xff\xc0", {"bits": 4, "rows": 5, "columns": 7, "samples": 9}),
    ("JPEG2000.dcm", b"\xff\x4f\xff\x51", {"bits": 42, "rows": 12, "columns": 8, "samples": 40}),
    ("JPEGLSNearLossless_16.dcm", b"\xff\xf7", {"bits": 4, "rows": 5, "columns": 7, "samples": 9}),
]


@pytest.mark.parametrize(
    ("name", "marker", "at"),
    [
        pytest.param(name, marker, at, id=f"{name} {what}")
        for name, marker, places in STREAMS
        for what, at in places.items()
    ],
)
def test_a_jpeg_of_another_image_is_refused_before_it_is_decoded(tmp_path, name, marker, at):
    content = bytearray((SHIPPED / name).read_bytes())
    content[content.find(marker, content.find(b"\xe0\x7f\x10\x00")) + at] = 0x6F
    path = tmp_path / "FILE"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"^FILE: .* the JPEG stream holds "):
        read(path)


@pytest.mark.parametrize(
    "change",
    [
        {"Rows": 65535, "Columns": 65535},
        {"NumberOfFrames": 2**31 - 1},
        {"NumberOfFrames": 2**31 - 1, "Rows": 65535, "Columns": 65535},
        {"SamplesPerPixel": 65535},
    ],
    ids=lambda change: " ".join(change),
)
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_a_short_file_that_promises_much_is_refused(tmp_path, syntax, change):
    path = save_dataset(make_image(stored_slice(0)), tmp_path / "IM1")
    ds = dcmread(path)
    if syntax == RLELossless:
        ds.compress(syntax, generate_instance_uid=False)
    for keyword, value in change.items():
        setattr(ds, keyword, value)
    ds.save_as(path)
    with pytest.raises(UnreadableFile, match=r"^IM1: "):
        read(path)
