"""The stored values of one frame: read straight from the file if plain, otherwise decoded."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from napari_medread.core.size_text import format_size
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom
from napari_medread.dicom.pixels.encapsulated_streams import read_compressed_frame
from napari_medread.dicom.pixels.jpeg_headers import (
    StreamHeader,
    read_jpeg2000_header,
    read_jpeg_header,
)
from napari_medread.errors import UnreadableFile

Array = NDArray[Any]

_PLAIN_SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)

_JPEG_SYNTAXES = (
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

_JPEG_2000_SYNTAXES = (JPEG2000, JPEG2000Lossless, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL)

_DECODING_PLUGINS = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pillow",
    JPEGLossless: "gdcm",
    JPEGLosslessSV1: "gdcm",
    JPEGLSLossless: "gdcm",
    JPEGLSNearLossless: "gdcm",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
    HTJ2K: "pylibjpeg",
    RLELossless: "pylibjpeg",
}
"""The only decoder used for each transfer syntax.

pydicom would try all decoders, and GDCM ends the process on some broken streams. GDCM only decodes
what no other can: lossless JPEG and JPEG-LS.
"""

_PIXEL_KEYWORDS = (
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip
"""Attributes that decoding needs (PS3.3 C.7.6.3)."""


def is_rgb(frame: Frame) -> bool:
    """Return whether a frame is in colour."""
    return (
        frame.header.samples_per_pixel >= 3
        or frame.header.photometric_interpretation == "PALETTE COLOR"
    )


def find_rgb_type(frame: Frame) -> type[np.generic]:
    """Return the type of the samples of a colour frame."""
    if frame.header.photometric_interpretation == "PALETTE COLOR":
        # Entries have 16 bits unless the third index of the descriptor is 8 (PS3.3 C.7.6.3.1.5).
        keyword = "RedPaletteColorLookupTableDescriptor"
        descriptor = attributes.get_numbers(frame.dataset, keyword, 3)
        return np.uint8 if descriptor and descriptor[2] <= 8 else np.uint16
    return np.uint8 if frame.header.bits_allocated <= 8 else np.uint16


def read_stored_values(frame: Frame) -> Array:
    """Return the stored values of one frame, (row, column), or its RGB, (row, column, 3).

    Raises
    ------
    UnreadableFile
        Where it cannot be decoded; the message starts with the file's name.
    """
    header = frame.header
    name = header.path.name
    try:
        read = _read_mosaic if frame.tile else _read_image
        stored = read(header, frame.index)
    # Decoders raise many kinds of errors for broken streams; all of them mean "unreadable". Those
    # written in Rust panic, which is not an Exception.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        # The last line is the message of the last decoder that was tried.
        reason = lines[-1].rstrip(".") if lines else type(error).__name__
        if isinstance(error, NotImplementedError) or "missing dependencies" in str(error):
            syntax = header.transfer_syntax
            reason = f"no installed package decodes {syntax.name} ({syntax})"
        raise UnreadableFile(f"{name}: the pixels cannot be decoded: {reason}.") from error
    if stored.shape[:2] != (header.rows, header.columns):
        size = format_size((header.rows, header.columns))
        raise UnreadableFile(f"{name}: the decoded image is not {size} pixels.")
    if is_rgb(frame) and stored.dtype.itemsize > 2:
        bits = stored.dtype.itemsize * 8
        raise UnreadableFile(f"{name}: colour with {bits} bits per sample is not supported.")
    if frame.tile:
        tile = frame.tile
        stored = stored[tile.row : tile.row + tile.rows, tile.column : tile.column + tile.columns]
    if is_rgb(frame) or stored.dtype.kind == "f":
        return stored
    return _extract_stored_bits(np.ascontiguousarray(stored), frame)


def _read_image(header: DicomFileHeader, index: int) -> Array:
    """Return one image as it is stored in the file, or its RGB."""
    return _read_plain(header, index) if is_plain(header) else _decode(header, index)


# All tiles of a mosaic are cut from one image: it is only read once.
_read_mosaic = lru_cache(maxsize=1)(_read_image)


def is_plain(header: DicomFileHeader) -> bool:
    """Return whether pixels are plain numbers in the file that need no decoder."""
    pixels = header.pixels
    return (
        pixels is not None
        and pixels.keyword == "PixelData"
        and pixels.length is not None
        and header.samples_per_pixel == 1
        and header.photometric_interpretation in ("MONOCHROME1", "MONOCHROME2")
        and header.bits_allocated in (1, 8, 16, 32)
        and (
            header.transfer_syntax in _PLAIN_SYNTAXES
            # Big-endian files swap the bytes of words even with 8 bits per sample.
            or (header.transfer_syntax == ExplicitVRBigEndian and header.bits_allocated > 8)
        )
    )


def _read_plain(header: DicomFileHeader, index: int) -> Array:
    """Read a frame of plain numbers, without reading other frames."""
    assert header.pixels is not None  # noqa: S101  (for the type checker)
    if header.bits_allocated == 1:
        return _read_bits(header, index, header.pixels.offset)
    order = ">" if header.transfer_syntax == ExplicitVRBigEndian else "<"
    dtype = np.dtype(f"{order}u{header.bits_allocated // 8}")
    count = header.rows * header.columns
    offset = header.pixels.offset + index * count * dtype.itemsize
    stored = np.fromfile(header.path, dtype, count, offset=offset)
    return stored.reshape(header.rows, header.columns).astype(dtype.newbyteorder("="), copy=False)


def _read_bits(header: DicomFileHeader, index: int, offset: int) -> Array:
    """Read a frame of single bits, which may start within a byte (PS3.5 8.1.1)."""
    count = header.rows * header.columns
    start = index * count
    first_byte, skipped = divmod(start, 8)
    byte_count = -(-(skipped + count) // 8)
    packed = np.fromfile(header.path, np.uint8, byte_count, offset=offset + first_byte)
    bits = np.unpackbits(packed, bitorder="little")[skipped : skipped + count]
    return bits.reshape(header.rows, header.columns)


def _extract_stored_bits(stored: Array, frame: Frame) -> Array:
    """Keep BitsStored bits up to HighBit, signed as PixelRepresentation says (PS3.5 8.1.1).

    The other bits may hold an old overlay.
    """
    allocated = stored.dtype.itemsize * 8
    bits = min(attributes.get_integer(frame.dataset, "BitsStored", allocated), allocated)
    high = min(attributes.get_integer(frame.dataset, "HighBit", bits - 1), allocated - 1)
    is_signed = attributes.get_integer(frame.dataset, "PixelRepresentation", 0) == 1
    if bits < 1 or high + 1 < bits:
        bits, high = allocated, allocated - 1
    dtype = np.dtype(f"{'i' if is_signed else 'u'}{stored.dtype.itemsize}")
    if bits == allocated:
        return stored.view(dtype)
    # Shift up so that the highest bit becomes the sign, then down again, which extends it.
    shifted = stored.view(f"u{stored.dtype.itemsize}") << (allocated - 1 - high)
    return np.asarray(shifted.view(dtype) >> (allocated - bits))


def _decode(header: DicomFileHeader, index: int) -> Array:
    """Decode one frame, without reading other frames where that can be avoided."""
    syntax = header.transfer_syntax
    with tolerant_pydicom:
        stream = read_compressed_frame(header, index)
        if stream is not None and syntax in _JPEG_SYNTAXES:
            _check_stream(header, read_jpeg_header(stream))
        if stream is not None and syntax in _JPEG_2000_SYNTAXES:
            _check_stream(header, read_jpeg2000_header(stream))
        if syntax == JPEGExtended12Bit and header.bits_stored > 8:
            return _decode_with_gdcm(header, index)
        if header.photometric_interpretation == "PALETTE COLOR":
            dataset = _open_dataset(header.path, syntax)
            return apply_color_lut(pixel_array(dataset, index=index), dataset)[..., :3]
        if stream is not None:
            dataset = _make_single_frame_dataset(header, stream)
            plugin = _DECODING_PLUGINS.get(syntax, "")
            return np.asarray(pixel_array(dataset, index=0, decoding_plugin=plugin))
        is_deflated = syntax == DeflatedExplicitVRLittleEndian
        if header.number_of_frames > 1 and header.has_preamble and not is_deflated:
            # Given the path, pydicom reads only the one frame.
            return np.asarray(pixel_array(header.path, index=index))
        return np.asarray(pixel_array(_open_dataset(header.path, syntax), index=index))


def _check_stream(header: DicomFileHeader, stream: StreamHeader | None) -> None:
    """Raise ``ValueError`` if a stream holds another image: some decoders crash on those."""
    if stream is None:
        raise ValueError("the JPEG stream has no frame header")
    size = (stream.rows, stream.columns, stream.components)
    if (
        not 2 <= stream.precision <= header.bits_allocated
        or size != (header.rows, header.columns, header.samples_per_pixel)
    ):  # fmt: skip
        raise ValueError(
            f"the JPEG stream holds {format_size((stream.rows, stream.columns))} pixels with "
            f"{stream.components} samples of {stream.precision} bits, unlike the header"
        )


def _make_single_frame_dataset(header: DicomFileHeader, stream: bytes) -> Dataset:
    """Return a dataset with one compressed frame and the attributes that decoding needs."""
    dataset = Dataset()
    for keyword in _PIXEL_KEYWORDS:
        if keyword in header.dataset:
            dataset[keyword] = header.dataset[keyword]
    dataset.NumberOfFrames = 1
    dataset.PixelData = encapsulate([stream], has_bot=False)
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = header.transfer_syntax
    return dataset


@lru_cache(maxsize=1)
def _open_dataset(path: Path, syntax: UID) -> Dataset:
    """Return a file's dataset, which is cached for the next frame of the same file."""
    dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def _decode_with_gdcm(header: DicomFileHeader, index: int) -> Array:
    """Decode 12-bit JPEG, for which pydicom only offers a decoder under the GPL."""
    count = header.rows * header.columns
    frames = _read_all_frames_with_gdcm(header.path)
    stored = np.frombuffer(frames, np.uint16, count, offset=index * count * 2)
    return stored.reshape(header.rows, header.columns)


@lru_cache(maxsize=1)
def _read_all_frames_with_gdcm(path: Path) -> bytes:
    """Return the bytes of all frames of a file, cached for the next frame of the same file."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        raise ValueError("the JPEG stream is broken")
    return bytes(reader.GetImage().GetBuffer().encode("utf-8", "surrogateescape"))
