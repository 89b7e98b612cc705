"""Slices that are read on demand."""

import dask.array as da
import numpy as np
import pytest
from pydicom.uid import RLELossless

from helpers.builders import (
    ORIENTATIONS,
    SLICES,
    make_image,
    make_series,
    make_sets,
    make_uid,
    save_dataset,
    stored_slice,
    write_series,
)
from napari_medread.api import read
from napari_medread.core.middle_slices import SAMPLED_SLICES
from napari_medread.dicom.headers import header_scan
from napari_medread.dicom.pixels import filled_planes, frame_decoding, stack_assembly
from napari_medread.errors import MedReadError


@pytest.fixture
def reads(monkeypatch):
    """Count the images that are read: their file names, in order."""
    names = []

    def counting(frame):
        names.append(frame.header.path.name)
        return frame_decoding.read_stored_values(frame)

    monkeypatch.setattr(filled_planes, "read_stored_values", counting)
    return names


@pytest.fixture
def headers(monkeypatch):
    """Count the headers that are read."""
    names = []
    original = header_scan.read_header

    def counting(path):
        names.append(path.name)
        return original(path)

    monkeypatch.setattr(header_scan, "read_header", counting)
    return names


def signed(n, ds):
    ds.PixelRepresentation = 1
    ds.PixelData = (stored_slice(n).astype(np.int16) - 500).tobytes()


def fractions(n, ds):
    ds.RescaleSlope, ds.RescaleIntercept = f"{0.1 * (n + 1):.3f}", "-3.5"


def coloured(n, ds):
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 3, "RGB"
    ds.PlanarConfiguration = 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelData = np.random.default_rng(n).integers(0, 256, (5, 7, 3), np.uint8).tobytes() + b"\0"
    ds["PixelData"].VR = "OB"


def hounsfield(_, ds):
    ds.RescaleSlope, ds.RescaleIntercept = "1", "-1024"


def timed(t, _, ds):
    ds.TemporalPositionIdentifier = t + 1


GAP, UNEVEN = [0, 1, 3, 4], [0, 1, 2.5, 3.1, 4.9, 6.3]
CASES = {
    "whole numbers": lambda: make_series(),
    "signed": lambda: make_series(change=signed),
    "Hounsfield": lambda: make_series(change=hounsfield),
    "fractions with slopes of their own": lambda: make_series(change=fractions),
    "padding": lambda: make_series(change=hounsfield, PixelPaddingValue=17),
    "missing slices": lambda: make_series(slices=GAP, change=signed),
    "missing slices with padding": lambda: make_series(slices=GAP, PixelPaddingValue=3),
    "missing slices of fractions": lambda: make_series(slices=GAP, change=fractions),
    "colour": lambda: make_series(change=coloured),
    "missing slices in colour": lambda: make_series(slices=GAP, change=coloured),
    "coronal": lambda: make_series(ORIENTATIONS["coronal"]),
    "sagittal": lambda: make_series(ORIENTATIONS["sagittal"]),
    "sagittal with a gap": lambda: make_series(ORIENTATIONS["sagittal"], slices=GAP),
    "sagittal in colour": lambda: make_series(ORIENTATIONS["sagittal"], change=coloured),
    "over time": lambda: make_sets(3, timed),
    "over time with a gap": lambda: make_sets(3, timed, slices=GAP),
    "over time and uneven": lambda: make_sets(2, timed, slices=UNEVEN),
    "uneven": lambda: make_series(slices=UNEVEN),
    "uneven fractions": lambda: make_series(slices=UNEVEN, change=fractions),
    "uneven colour": lambda: make_series(slices=UNEVEN, change=coloured),
    "one slice": lambda: make_series(slices=[0]),
    "without positions": lambda: make_series(
        change=lambda _, ds: delattr(ds, "ImagePositionPatient")
    ),
}


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_lazy_values_equal_those_read_into_memory(tmp_path, make):
    write_series(tmp_path, make())
    (eager,), (lazy,) = read(tmp_path, lazy=False), read(tmp_path, lazy=True)
    assert isinstance(eager.data, np.ndarray)
    assert isinstance(lazy.data, da.Array)
    np.testing.assert_array_equal(lazy.data.compute(), eager.data)


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_a_lazy_volume_differs_only_in_its_array_type(tmp_path, make):
    write_series(tmp_path, make())
    (eager,), (lazy,) = read(tmp_path, lazy=False), read(tmp_path, lazy=True)
    assert lazy.shape == eager.shape
    assert (lazy.notes, lazy.leading, lazy.source) == (eager.notes, eager.leading, eager.source)
    assert lazy.data.dtype.kind == eager.data.dtype.kind or lazy.data.dtype.kind in "iu"


@pytest.mark.parametrize(
    "index",
    [
        np.s_[1],
        np.s_[-1],
        np.s_[1, 2],
        np.s_[1, 2:4, 1],
        np.s_[:, 3],
        np.s_[..., 0],
        np.s_[::2, ::-1, 1:],
        np.s_[[0, 3], 2],
        np.s_[2, 3, 4],
    ],
    ids=str,
)
def test_every_way_of_indexing_gives_the_values(tmp_path, index):
    write_series(tmp_path, make_series())
    (eager,), (lazy,) = read(tmp_path, lazy=False), read(tmp_path, lazy=True)
    np.testing.assert_array_equal(np.asarray(lazy.data[index]), eager.data[index])


@pytest.mark.parametrize(
    ("make", "chunks"),
    [
        (lambda: make_series(), ((1,) * 4, (5,), (7,))),
        (lambda: make_series(ORIENTATIONS["sagittal"]), ((5,), (7,), (1,) * 4)),
        (lambda: make_sets(3, timed), ((1,) * 3, (1,) * 4, (5,), (7,))),
        (lambda: make_series(change=coloured), ((1,) * 4, (5,), (7,), (3,))),
    ],
    ids=["axial", "sagittal", "over time", "colour"],
)
def test_a_chunk_is_a_slice(tmp_path, make, chunks):
    (volume,) = read(write_series(tmp_path, make()), lazy=True)
    assert volume.data.chunks == chunks


# --- What is read when ------------------------------------------------------------------------


WINDOW = {"WindowCenter": "40", "WindowWidth": "400"}


def test_nothing_is_read_until_it_is_displayed(tmp_path, reads):
    read(write_series(tmp_path, make_series(**WINDOW)), lazy=True)
    assert reads == []


def test_displaying_a_slice_reads_that_slice(tmp_path, reads):
    (volume,) = read(write_series(tmp_path, make_series(**WINDOW)), lazy=True)
    np.asarray(volume.data[2])
    assert reads == [volume.source[2].name]


def test_a_missing_slice_is_padded_without_reading(tmp_path, reads):
    datasets = make_series(slices=GAP, PixelPaddingValue=3, **WINDOW)
    (volume,) = read(write_series(tmp_path, datasets), lazy=True)
    assert (np.asarray(volume.data[2]) == 3).all()
    assert reads == []


def test_an_interpolated_plane_reads_its_two_neighbouring_slices(tmp_path, reads):
    (volume,) = read(write_series(tmp_path, make_series(slices=UNEVEN, **WINDOW)), lazy=True)
    np.asarray(volume.data[1])
    assert len(reads) == 2


def test_without_a_window_a_few_slices_are_read_for_the_contrast_limits(tmp_path, reads):
    read(write_series(tmp_path, make_series(slices=range(20))), lazy=True)
    assert len(reads) == SAMPLED_SLICES


def test_of_several_volumes_only_the_largest_is_read_into_memory(tmp_path, reads):
    for number in range(20):
        many = make_series(
            slices=range(6 if number == 7 else 3), SeriesInstanceUID=make_uid(), **WINDOW
        )
        write_series(tmp_path / str(number), many)
    volumes = read(tmp_path)
    assert len(reads) == 6
    assert [isinstance(v.data, np.ndarray) for v in volumes].count(True) == 1


@pytest.mark.parametrize(("lazy", "count"), [(False, 3 * SLICES), (True, 0), (None, SLICES)])
def test_the_lazy_parameter_decides_which_volumes_are_read(tmp_path, reads, lazy, count):
    for number in range(3):
        many = make_series(SeriesInstanceUID=make_uid(), **WINDOW)
        write_series(tmp_path / str(number), many)
    read(tmp_path, lazy=lazy)
    assert len(reads) == count


def test_headers_are_read_once(tmp_path, headers):
    write_series(tmp_path, make_series())
    volumes = read(tmp_path, lazy=True)
    volumes[0].data.compute()
    assert sorted(headers) == sorted(p.name for p in tmp_path.iterdir())


def test_a_stack_over_its_share_of_the_memory_is_lazy(tmp_path, monkeypatch):
    write_series(tmp_path, make_series())
    monkeypatch.setattr(stack_assembly, "LAZY_ABOVE_MEMORY_SHARE", 0.0)
    (volume,) = read(tmp_path)
    assert isinstance(volume.data, da.Array)


def test_a_stack_under_its_share_of_the_memory_is_not(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series()))
    assert isinstance(volume.data, np.ndarray)


def test_the_size_above_which_slices_are_read_on_demand_can_be_set(tmp_path, monkeypatch):
    write_series(tmp_path, make_series())
    (eager,) = read(tmp_path, lazy=False)
    size = eager.data.nbytes
    kinds = {
        above: type(read(tmp_path, lazy_above=above)[0].data) for above in (0, size - 1, size, None)
    }
    assert kinds == {0: da.Array, size - 1: da.Array, size: np.ndarray, None: np.ndarray}
    assert isinstance(read(tmp_path, lazy=False, lazy_above=0)[0].data, np.ndarray)
    monkeypatch.setattr(stack_assembly, "MAX_MEMORY_SHARE", 0.0)  # no memory is free
    assert isinstance(read(tmp_path, lazy_above=size)[0].data, da.Array)


# --- When it cannot be read -------------------------------------------------------------------


def test_an_error_names_a_deleted_file_when_its_slice_is_displayed(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series(**WINDOW)), lazy=True)
    gone = volume.source[1]
    gone.unlink()
    np.asarray(volume.data[0])
    with pytest.raises(MedReadError, match=f"^{gone.name}: the file has been moved or deleted"):
        np.asarray(volume.data[1])


def compressed(folder):
    """Write a series of RLE images, whose pixel length is not known from the header."""
    paths = []
    for n, ds in enumerate(make_series(slices=range(8))):
        ds.Rows = ds.Columns = 32
        ds.PixelData = stored_slice(n, 32, 32).tobytes()
        path = save_dataset(ds, folder / f"IM{n}")
        ds.compress(RLELossless, generate_instance_uid=False)
        ds.save_as(path)
        paths.append(path)
    return paths


def test_one_broken_image_does_not_prevent_the_others_from_being_displayed(tmp_path):
    paths = compressed(tmp_path)
    for path in paths[2::2]:
        path.write_bytes(path.read_bytes()[:-400] + bytes(400))
    (volume,) = read(tmp_path, lazy=True)
    np.testing.assert_array_equal(np.asarray(volume.data[-1]), stored_slice(0, 32, 32))
    low, high = volume.contrast_limits
    assert low < high


def test_a_series_without_readable_images_raises_an_error_with_the_reason(tmp_path):
    for path in compressed(tmp_path):
        path.write_bytes(path.read_bytes()[:-400] + bytes(400))
    with pytest.raises(MedReadError, match=r"IM\d: the pixels cannot be decoded"):
        read(tmp_path, lazy=True)


def test_a_lazy_array_has_a_type_that_holds_what_headers_allow(tmp_path):
    ds = make_image(np.zeros((5, 7), np.uint16), BitsStored=12, HighBit=11, RescaleSlope="1",
               RescaleIntercept="-1024")  # fmt: skip
    (volume,) = read(write_series(tmp_path, [ds]), lazy=True)
    assert volume.data.dtype == np.int16
