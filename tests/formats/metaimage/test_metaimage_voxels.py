"""Where the pixels of a MetaImage are: one file or many, plain, compressed or as text."""

import gzip
import mmap
import zlib

import numpy as np
import pytest
import SimpleITK as sitk

from helpers.metaimages import (
    RAW,
    SLICES,
    judge,
    lines,
    read,
    refusal,
    some_pixels,
    write,
    write_text,
)
from napari_medread.errors import Cancelled
from napari_medread.formats.metaimage import metaimage_reader

TEXT = " ".join(map(str, range(24))).encode() + b"\n"
PACKED = zlib.compress(RAW)


def bases(array):
    while array is not None:
        yield array
        array = getattr(array, "base", None)


@pytest.mark.parametrize("name", ["image.mha", "image.mhd"])
@pytest.mark.parametrize("matrix", ["1 0 0 0 1 0 0 0 1", "0 1 0 0 0 1 1 0 0"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_plain_data_are_mapped_into_memory(tmp_path, name, matrix, channels):
    pixels = some_pixels((2, 3, 4, channels)[: 3 + (channels > 1)], "u1")
    path = write(tmp_path / name, pixels, "MET_UCHAR", channels=channels, TransformMatrix=matrix)
    assert any(isinstance(base, mmap.mmap) for base in bases(read(path).data))


def test_painting_on_mapped_data_never_reaches_the_file(tmp_path):
    path = write(tmp_path / "image.mha", SLICES, "MET_SHORT")
    before = path.read_bytes()
    read(path).data[:] = 99
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("size", "data"),
    [
        (5, b"12345" + RAW),
        (0, RAW),
        (0, RAW + b"more"),
        (-1, b"any length" + RAW),
        (-1, RAW),
        (-2, RAW),
    ],
)
def test_header_size_skips_bytes_or_counts_from_the_end(tmp_path, size, data):
    path = write_text(tmp_path / "image.mhd", lines(HeaderSize=size), data=data)
    assert np.array_equal(read(path).data, SLICES)
    assert np.array_equal(sitk.GetArrayFromImage(judge(path)), SLICES)


@pytest.mark.parametrize("size", [-1, 0, 159])
def test_header_size_of_local_data_counts_from_the_start_of_the_file(tmp_path, size):
    header = lines(ElementDataFile="LOCAL", HeaderSize=f"{size:03}")
    start = len("\n".join(header)) + 1
    header = lines(ElementDataFile="LOCAL", HeaderSize=f"{start if size > 0 else size:03}")
    path = write_text(tmp_path / "image.mha", header)
    assert np.array_equal(read(path).data, SLICES)
    assert np.array_equal(sitk.GetArrayFromImage(judge(path)), SLICES)


COMPRESSED = {
    "zlib with size": (PACKED, len(PACKED)),
    "zlib without size": (PACKED, None),
    "zlib with size 0": (PACKED, 0),
    "gzip with size": (gzip.compress(RAW), len(gzip.compress(RAW))),
    "gzip without size": (gzip.compress(RAW), None),
    "more than is needed": (zlib.compress(RAW + b"more"), None),
}


@pytest.mark.parametrize(("data", "size"), COMPRESSED.values(), ids=COMPRESSED)
def test_compressed_data_beside_the_header(tmp_path, data, size):
    header = lines(CompressedData="True", CompressedDataSize=size)
    path = write_text(tmp_path / "image.mhd", header, data=data)
    assert np.array_equal(read(path).data, SLICES)
    assert np.array_equal(sitk.GetArrayFromImage(judge(path)), SLICES)


@pytest.mark.parametrize(("data", "size"), COMPRESSED.values(), ids=COMPRESSED)
def test_compressed_data_behind_the_header(tmp_path, data, size):
    # SimpleITK needs the size here: without, it gives uninitialised memory.
    header = lines(CompressedData="True", CompressedDataSize=size, ElementDataFile="LOCAL")
    path = write_text(tmp_path / "image.mha", header, data=data)
    assert np.array_equal(read(path).data, SLICES)


def test_compressed_data_longer_than_one_read(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 1 << 16, (40, 256, 256), dtype=np.uint16)
    path = write(tmp_path / "image.mha", pixels, "MET_USHORT", compressed=True, big=True)
    assert np.array_equal(read(path).data, pixels)


BROKEN_STREAMS = {
    "cut short": (PACKED[:-10], "image.raw decompresses to"),
    "holds too little": (zlib.compress(RAW[:20]), "image.raw decompresses to 20 bytes, but"),
    "no stream": (b"hello" * 9, "the compressed data in image.raw are corrupt"),
    "no stream's header": (PACKED[2:], "the compressed data in image.raw are corrupt"),
    "empty": (b"", "image.raw holds 0 bytes, but the header specifies 48 after decompression"),
}


@pytest.mark.parametrize(("data", "words"), BROKEN_STREAMS.values(), ids=BROKEN_STREAMS)
def test_broken_streams_are_refused(tmp_path, data, words):
    path = write_text(tmp_path / "image.mhd", lines(CompressedData="True"), data=data)
    assert refusal(path).startswith(f"image.mhd: {words}")


def test_a_stream_that_can_never_fill_the_image_is_refused_at_once(tmp_path):
    header = lines(DimSize="99999 99999 99999", CompressedData="True")
    path = write_text(tmp_path / "image.mhd", header, data=PACKED)
    assert refusal(path) == (
        f"image.mhd: image.raw holds {len(PACKED)} bytes, but the header specifies "
        f"{99999**3 * 2} after decompression."
    )


def test_compressed_data_shorter_than_their_stated_size_are_refused(tmp_path):
    header = lines(CompressedData="True", CompressedDataSize=9000)
    path = write_text(tmp_path / "image.mhd", header, data=PACKED)
    assert refusal(path) == (
        f"image.mhd: image.raw holds {len(PACKED)} bytes, but the header specifies 9000 compressed."
    )


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("MET_SHORT", TEXT),
        ("MET_UCHAR", TEXT),
        ("MET_DOUBLE", TEXT),
        ("MET_SHORT", TEXT.replace(b" ", b"\n")),
        ("MET_SHORT", TEXT.replace(b" ", b",")),
        ("MET_FLOAT", b" ".join(b"%.2f" % (n / 4 - 1) for n in range(24)) + b"\n"),
        ("MET_FLOAT", b" ".join(b"%.1e" % (n * 1e9) for n in range(24)) + b"\n"),
    ],
)
@pytest.mark.parametrize("name", ["image.mha", "image.mhd"])
def test_numbers_as_text(tmp_path, element, text, name):
    local = "LOCAL" if name.endswith("a") else "image.raw"
    header = lines(BinaryData="False", ElementType=element, ElementDataFile=local)
    path = write_text(tmp_path / name, header, data=text)
    expected = sitk.GetArrayFromImage(judge(path))
    assert np.array_equal(read(path).data, expected)
    assert read(path).data.dtype == expected.dtype


WRONG_TEXT = {
    "too few": (TEXT[:-4], {}, "image.raw holds 23 numbers, but the header specifies 24."),
    "too short": (b"1 2", {}, "image.raw holds 3 bytes, but the header specifies 48 as text."),
    "words": (TEXT.replace(b"7", b"x"), {}, "image.raw holds text that is not a number."),
    "too large": (
        TEXT.replace(b"7", b"300"),
        {"ElementType": "MET_UCHAR"},
        "image.raw holds numbers that its ElementType cannot hold.",
    ),
    "not a number": (
        TEXT.replace(b" 7 ", b" nan "),
        {},
        "image.raw holds numbers that its ElementType cannot hold.",
    ),
    "byte order": (
        TEXT,
        {"BinaryDataByteOrderMSB": "True"},
        "numbers as text have no byte order: BinaryDataByteOrderMSB is True.",
    ),
}


@pytest.mark.parametrize(("text", "keys", "words"), WRONG_TEXT.values(), ids=WRONG_TEXT)
def test_wrong_text_is_refused(tmp_path, text, keys, words):
    path = write_text(tmp_path / "image.mhd", lines(BinaryData="False", **keys), data=text)
    assert refusal(path) == f"image.mhd: {words}"


@pytest.mark.parametrize("data", [RAW[:-1], RAW[:5], b""])
def test_short_raw_data_are_refused_with_both_sizes(tmp_path, data):
    path = write_text(tmp_path / "image.mhd", lines(), data=data)
    assert refusal(path) == (
        f"image.mhd: image.raw holds {len(data)} bytes, but the header specifies 48."
    )


@pytest.mark.parametrize("size", ["99999 99999 99999", "99999999999 3 2", "4294967300 3 2"])
def test_sizes_beyond_the_file_are_refused_before_memory_is_taken(tmp_path, size):
    promised = 2 * np.prod([int(n) for n in size.split()], dtype=object)
    path = write_text(tmp_path / "image.mha", lines(DimSize=size, ElementDataFile="LOCAL"))
    assert refusal(path) == (
        f"image.mha: image.mha holds 48 bytes, but the header specifies {promised}."
    )


def test_header_size_beyond_the_file_is_refused(tmp_path):
    path = write_text(tmp_path / "image.mhd", lines(HeaderSize=4000))
    assert refusal(path) == "image.mhd: image.raw holds 0 bytes, but the header specifies 48."


@pytest.mark.parametrize("keys", [{"CompressedData": "True"}, {"BinaryData": "False"}])
def test_counting_from_the_end_needs_plain_data(tmp_path, keys):
    path = write_text(tmp_path / "image.mhd", lines(HeaderSize=-1, **keys), data=PACKED)
    assert refusal(path) == (
        "image.mhd: HeaderSize -1 needs data that are neither compressed nor text."
    )


def test_unpacking_reports_progress_and_can_be_stopped(tmp_path):
    picture = sitk.Image(300, 200, 100, sitk.sitkInt16)
    sitk.WriteImage(picture, tmp_path / "big.mha", useCompression=True)

    def stopping(items, description):
        yield items[0]
        if description.startswith("Decompressing"):
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        metaimage_reader.read(tmp_path / "big.mha", stopping)
