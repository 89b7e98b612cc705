"""Writes a volume as DICOM: one image as a file, several as a folder of files."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

from napari_medread.core.atomic_files import WrittenFiles, create_atomic_folder, open_atomic_file
from napari_medread.core.progress import Progress, T, no_progress
from napari_medread.core.volume import Volume
from napari_medread.core.voxel_blocks import read_blocks
from napari_medread.dicom.headers.file_discovery import DICOM_WRITE_SUFFIX
from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom
from napari_medread.dicom.writing.decimal_strings import format_decimals
from napari_medread.dicom.writing.image_kinds import choose_image_kind
from napari_medread.dicom.writing.leading_axis_attributes import (
    AttributeValues,
    make_leading_axis_attributes,
)
from napari_medread.dicom.writing.quantisation import ValueEncoding, choose_encoding
from napari_medread.dicom.writing.shared_attributes import make_shared_attributes
from napari_medread.dicom.writing.slice_layout import SlicedVolume, slice_volume
from napari_medread.dicom.writing.source_header import find_source_encodings, read_source_header
from napari_medread.errors import CannotWrite

Array = NDArray[Any]

COMPRESSED_SYNTAX = JPEG2000Lossless
"""Compresses every kind of image that is written, to about half the size of RLE."""

COMPRESSION_PLUGIN = "pylibjpeg"
"""pydicom's name of the encoder. Without a name, each computer could use another one."""

MIN_COMPRESSED_SIZE = 32
"""Fewest rows and columns that OpenJPEG can compress; smaller images are written plain."""

MAX_IMAGE_SIZE = 0xFFFF
"""Most rows or columns of an image: 16 bits count them."""


def write(
    path: Path,
    volume: Volume,
    *,
    as_folder: bool = False,
    compress: bool = False,
    keep_patient: bool = False,
    progress: Progress = no_progress,
) -> WrittenFiles:
    """Write a volume as a new DICOM series.

    Parameters
    ----------
    path : Path
        The file of a single image; for several images the folder, from whose name a suffix
        ``.dcm`` is removed. The folder must be new or empty.
    volume : Volume
        With up to three leading axes, for which images have attributes. Read slice by slice.
    as_folder : bool
        Whether the path is a folder, whatever its name and however few the images.
    compress : bool
        Whether to compress the pixels without loss (JPEG 2000). Tiny images stay plain.
    keep_patient : bool
        Whether patient and study of the source are written too, so that the new series belongs
        to the same study. Otherwise it belongs to nobody.
    progress : Progress
        Reports progress, and may cancel.

    Returns
    -------
    WrittenFiles
        The file, or the folder, and notes.

    Raises
    ------
    CannotWrite
        Where it cannot be written, or patient data are asked for and cannot be read.
    """
    if 0 in volume.data.shape:
        raise CannotWrite(f"{volume.name}: it is empty, there is nothing to write.")
    sliced = slice_volume(volume)
    row_axis = len(volume.leading) + 1
    if max(sliced.data.shape[row_axis : row_axis + 2]) > MAX_IMAGE_SIZE:
        raise CannotWrite(
            f"{volume.name}: DICOM images have at most {MAX_IMAGE_SIZE} rows and columns. "
            "Write parts of it."
        )
    source = read_source_header(volume, keep_patient=keep_patient)
    kind = choose_image_kind(volume, sliced, source)
    point_attributes, axis_notes = make_leading_axis_attributes(volume, kind)
    count = len(point_attributes) * sliced.slice_count
    is_single = count == 1 and not as_folder
    if not is_single and not as_folder and path.suffix.lower() == DICOM_WRITE_SUFFIX:
        path = path.with_suffix("")
    with open_atomic_file(path) if is_single else create_atomic_folder(path) as target:
        encoding, stored_images = _encode_images(volume, sliced, kind, progress)
        shared, shared_notes = make_shared_attributes(
            volume, sliced, kind, encoding, source, keep_patient=keep_patient
        )
        digits = max(4, len(str(count)))
        indices = progress(range(count), f"Writing {volume.name}")
        for n, pixels in zip(indices, stored_images, strict=True):
            image = _make_image(shared, sliced, point_attributes, n)
            if isinstance(target, Path):
                name = f"slice_{n + 1:0{digits}d}{DICOM_WRITE_SUFFIX}"
                with (target / name).open("wb") as file:
                    _save_image(image, pixels, file, compress=compress)
            else:
                _save_image(image, pixels, target, compress=compress)
    notes = (*axis_notes, *sliced.notes, *encoding.notes, *shared_notes)
    return WrittenFiles((path,), notes)


def _encode_images(
    volume: Volume, sliced: SlicedVolume, kind: str, progress: Progress
) -> tuple[ValueEncoding, Iterator[Array]]:
    """Return how values are stored, and the stored pixels of one image after another.

    Values are read piece by piece: once to choose the encoding where their type does not say
    enough, and once as the iterator is used.
    """
    in_slice_order = replace(volume, data=sliced.data, leading=())
    dtype = np.dtype(volume.data.dtype)
    image_shape = sliced.data.shape[len(volume.leading) + 1 :]

    def read_pieces(progress: Progress = no_progress) -> Iterator[Array]:
        return read_blocks(in_slice_order, dtype, progress)

    def read_images() -> Iterator[Array]:
        return itertools.chain.from_iterable(
            piece.reshape(-1, *image_shape) for piece in read_pieces()
        )

    if volume.rgb:
        encoding, encode_colours = _choose_colour_encoding(volume)
        return encoding, map(encode_colours, read_images())

    def measuring_progress(items: Sequence[T], description: str) -> Iterable[T]:
        del description  # "Writing", which is not true yet
        return progress(items, f"Measuring {volume.name}")

    encoding = choose_encoding(
        volume.name,
        dtype,
        lambda: read_pieces(measuring_progress),
        unit=volume.value_unit,
        source_encodings=find_source_encodings(volume),
        min_bits=8 if kind == "SC" else 16,
        allow_intercept=kind != "PT",
    )
    return encoding, map(encoding.encode, read_images())


def _choose_colour_encoding(volume: Volume) -> tuple[ValueEncoding, Callable[[Array], Array]]:
    """Return the encoding of a colour image, and what makes its pixels 8-bit red, green, blue.

    Raises
    ------
    CannotWrite
        Where its colours are not unsigned integers of 8 or 16 bits.
    """
    dtype = np.dtype(volume.data.dtype)
    if dtype.kind != "u" or dtype.itemsize > 2:
        raise CannotWrite(
            f"{volume.name}: DICOM colour images hold integers from 0 to 255, not {dtype}. "
            "Convert it first."
        )
    notes = []
    if volume.data.shape[-1] > 3:
        notes.append("The transparency was not written.")
    if dtype.itemsize == 1:
        return ValueEncoding(dtype, notes=tuple(notes)), lambda pixels: pixels[..., :3]
    notes.append("The 16-bit colours were written with 8 bits.")

    def narrow(pixels: Array) -> Array:
        return np.asarray(np.rint(pixels[..., :3] / 257), dtype=np.uint8)

    return ValueEncoding(np.dtype(np.uint8), notes=tuple(notes)), narrow


def _make_image(
    shared: Dataset, sliced: SlicedVolume, point_attributes: Sequence[AttributeValues], index: int
) -> Dataset:
    """Return one image without its pixels.

    Images are numbered through the slices of every point of the leading axes.
    """
    point, slice_index = divmod(index, sliced.slice_count)
    image = deepcopy(shared)
    image.SOPInstanceUID = generate_uid(prefix=None)
    image.InstanceNumber = index + 1
    if "NumberOfSlices" in shared:
        image.ImageIndex = index + 1  # PS3.3 C.8.9.4.1.9
    if sliced.geometry is not None:
        image.ImagePositionPatient = format_decimals(sliced.geometry.positions[slice_index])
    for keyword, value in point_attributes[point].items():
        setattr(image, keyword, value)
    return image


def _save_image(image: Dataset, pixels: Array, file: BinaryIO, *, compress: bool) -> None:
    """Write an image with its pixels."""
    image.Rows, image.Columns = pixels.shape[:2]
    data = pixels.tobytes()
    image.PixelData = data + b"\0" * (len(data) % 2)  # PS3.5 8.1.1
    image["PixelData"].VR = "OB" if image.BitsAllocated == 8 else "OW"
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # Attributes copied from the source may be malformed.
    with tolerant_pydicom:
        if compress and min(pixels.shape[:2]) >= MIN_COMPRESSED_SIZE:
            image.compress(
                COMPRESSED_SYNTAX, encoding_plugin=COMPRESSION_PLUGIN, generate_instance_uid=False
            )
        dcmwrite(file, image, enforce_file_format=True)
