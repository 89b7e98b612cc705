"""One frame's stored values: plain numbers straight from the file, the rest through decoders."""

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

from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom
from napari_medread.dicom.pixels.encapsulated_streams import read_compressed_frame
from napari_medread.dicom.pixels.jpeg_headers import read_jpeg2000_header, read_jpeg_header
from napari_medread.errors import UnreadableFile

Array = NDArray[Any]

_NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)

_JPEG = (
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

_JPEG_2000 = (JPEG2000, JPEG2000Lossless, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL)

_PLUGINS = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pillow",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
    HTJ2K: "pylibjpeg",
    RLELossless: "pylibjpeg",
}
"""The one decoder used. pydicom would try all, and GDCM ends the process on some broken streams;
it is left what no other decodes: JPEG without loss, and JPEG-LS."""

_PIXEL_KEYWORDS = (
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip
"""What decoding takes from the header (PS3.3 C.7.6.3)."""


def is_rgb(frame: Frame) -> bool:
    """Tell whether a frame is in colour."""
    return (
        frame.header.samples_per_pixel >= 3
        or frame.header.photometric_interpretation == "PALETTE COLOR"
    )


def find_rgb_type(frame: Frame) -> type[np.generic]:
    """Return the type of a colour frame's samples."""
    if frame.header.photometric_interpretation == "PALETTE COLOR":
        # Entries of 16 bits, unless the third number of the descriptor is 8 (PS3.3 C.7.6.3.1.5).
        found = attributes.get_numbers(frame.dataset, "RedPaletteColorLookupTableDescriptor", 3)
        return np.uint8 if found and found[2] <= 8 else np.uint16
    return np.uint8 if frame.header.bits_allocated <= 8 else np.uint16


def read_stored_values(frame: Frame) -> Array:
    """Read one frame's stored values, or its RGB.

    Raises
    ------
    UnreadableFile
        Where it cannot be decoded; the message starts with the file's name.
    """
    header = frame.header
    name = header.path.name
    try:
        read = _image_of_tiles if frame.tile else _image
        stored = read(header, frame.index)
    # Decoders raise many kinds for broken streams; all of them mean "unreadable". Those
    # written in Rust panic, which is no Exception.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        # The last line says what the last decoder that tried had to say.
        reason = lines[-1].rstrip(".") if lines else type(error).__name__
        if isinstance(error, NotImplementedError) or "missing dependencies" in str(error):
            syntax = header.transfer_syntax
            reason = f"no installed package decodes {syntax.name} ({syntax})"
        raise UnreadableFile(f"{name}: the pixels cannot be decoded: {reason}.") from error
    if stored.shape[:2] != (header.rows, header.columns):
        raise UnreadableFile(f"{name}: the pixels are not {header.rows} x {header.columns}.")
    if is_rgb(frame) and stored.dtype.itemsize > 2:
        raise UnreadableFile(f"{name}: colour of {stored.dtype.itemsize * 8} bits can't be shown.")
    if frame.tile:
        at = frame.tile
        stored = stored[at.row : at.row + at.rows, at.column : at.column + at.columns]
    if is_rgb(frame) or stored.dtype.kind == "f":
        return stored
    return _stored_bits(np.ascontiguousarray(stored), frame)


def _image(header: DicomFileHeader, number: int) -> Array:
    """Return one stored image as it is in the file, or its RGB."""
    return _read_plain(header, number) if _is_plain(header) else _decode(header, number)


# All tiles of a mosaic are cut from one image.
_image_of_tiles = lru_cache(maxsize=1)(_image)


def _is_plain(header: DicomFileHeader) -> bool:
    """Tell whether pixels are plain numbers in the file, to be read without a decoder."""
    pixels = header.pixels
    return (
        pixels is not None
        and pixels.keyword == "PixelData"
        and pixels.length is not None
        and header.samples_per_pixel == 1
        and header.photometric_interpretation in ("MONOCHROME1", "MONOCHROME2")
        and header.bits_allocated in (1, 8, 16, 32)
        and (
            header.transfer_syntax in _NATIVE
            # Words of big-endian files hold their bytes swapped even at 8 bits.
            or (header.transfer_syntax == ExplicitVRBigEndian and header.bits_allocated > 8)
        )
    )


def _read_plain(header: DicomFileHeader, number: int) -> Array:
    assert header.pixels is not None  # noqa: S101  (for the type checker)
    if header.bits_allocated == 1:
        return _read_bits(header, number, header.pixels.offset)
    order = ">" if header.transfer_syntax == ExplicitVRBigEndian else "<"
    dtype = np.dtype(f"{order}u{header.bits_allocated // 8}")
    count = header.rows * header.columns
    found = np.fromfile(
        header.path, dtype, count, offset=header.pixels.offset + number * count * dtype.itemsize
    )
    return found.reshape(header.rows, header.columns).astype(dtype.newbyteorder("="), copy=False)


def _read_bits(header: DicomFileHeader, number: int, offset: int) -> Array:
    """Read a frame of single bits; frames follow without a gap, within a byte too (PS3.5 8.1.1)."""
    count = header.rows * header.columns
    start = number * count
    first, skipped = divmod(start, 8)
    packed = np.fromfile(header.path, np.uint8, -(-(skipped + count) // 8), offset=offset + first)
    bits = np.unpackbits(packed, bitorder="little")[skipped : skipped + count]
    return bits.reshape(header.rows, header.columns)


def _stored_bits(stored: Array, frame: Frame) -> Array:
    """Keep BitsStored bits up to HighBit, with the sign PixelRepresentation gives (PS3.5 8.1.1).

    What lies in the other bits may be an old overlay.
    """
    allocated = stored.dtype.itemsize * 8
    bits = min(attributes.get_integer(frame.dataset, "BitsStored", allocated), allocated)
    high = min(attributes.get_integer(frame.dataset, "HighBit", bits - 1), allocated - 1)
    signed = attributes.get_integer(frame.dataset, "PixelRepresentation", 0) == 1
    if bits < 1 or high + 1 < bits:
        bits, high = allocated, allocated - 1
    kind = np.dtype(f"{'i' if signed else 'u'}{stored.dtype.itemsize}")
    if bits == allocated:
        return stored.view(kind)
    # Shifted up so that the highest bit is the sign, then down again with it.
    up = stored.view(f"u{stored.dtype.itemsize}") << (allocated - 1 - high)
    return np.asarray(up.view(kind) >> (allocated - bits))


def _decode(header: DicomFileHeader, number: int) -> Array:
    with tolerant_pydicom:
        stream = read_compressed_frame(header, number)
        if stream is not None and header.transfer_syntax in _JPEG:
            _check_jpeg(header, read_jpeg_header(stream))
        if stream is not None and header.transfer_syntax in _JPEG_2000:
            _check_jpeg(header, read_jpeg2000_header(stream))
        if header.transfer_syntax == JPEGExtended12Bit and header.bits_stored > 8:
            return _decode_with_gdcm(header, number)
        if header.photometric_interpretation == "PALETTE COLOR":
            dataset = _opened(header.path, header.transfer_syntax)
            return apply_color_lut(pixel_array(dataset, index=number), dataset)[..., :3]
        if stream is not None:
            plugin = _PLUGINS.get(header.transfer_syntax, "")
            return np.asarray(pixel_array(_alone(header, stream), index=0, decoding_plugin=plugin))
        deflated = header.transfer_syntax == DeflatedExplicitVRLittleEndian
        if header.number_of_frames > 1 and header.has_preamble and not deflated:
            # From the path, pydicom reads the one frame and not the whole file.
            return np.asarray(pixel_array(header.path, index=number))
        return np.asarray(pixel_array(_opened(header.path, header.transfer_syntax), index=number))


def _check_jpeg(header: DicomFileHeader, found: tuple[int, int, int, int] | None) -> None:
    """Raise ``ValueError`` for a stream of another image, on which some decoders crash."""
    if found is None:
        raise ValueError("the JPEG stream has no frame header")
    precision, rows, columns, components = found
    if not (
        2 <= precision <= header.bits_allocated
        and (rows, columns, components) == (header.rows, header.columns, header.samples_per_pixel)
    ):
        raise ValueError(
            f"the JPEG stream is of {rows} x {columns} pixels, {components} samples and "
            f"{precision} bits"
        )


def _alone(header: DicomFileHeader, stream: bytes) -> Dataset:
    """Return a dataset that holds one compressed frame, and all that decoding it needs."""
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
def _opened(path: Path, syntax: UID) -> Dataset:
    """Return a file's dataset; the last one stays open for its next frame."""
    dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def _decode_with_gdcm(header: DicomFileHeader, number: int) -> Array:
    """Decode JPEG of 12 bits, which pydicom leaves to a decoder that is not free to ship."""
    count = header.rows * header.columns
    found = np.frombuffer(_by_gdcm(header.path), np.uint16, count, offset=number * count * 2)
    return found.reshape(header.rows, header.columns)


@lru_cache(maxsize=1)
def _by_gdcm(path: Path) -> bytes:
    """Return all frames of a file; the last one stays for its next frame."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        raise ValueError("the JPEG stream is broken")
    return bytes(reader.GetImage().GetBuffer().encode("utf-8", "surrogateescape"))
