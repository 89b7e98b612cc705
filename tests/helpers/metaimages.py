"""Write MetaImages byte by byte, and compare a volume with what SimpleITK reads."""

import itertools
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_medread.errors import UnreadableFile
from napari_medread.formats.metaimage import metaimage_reader

TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}

SLICES = np.arange(24, dtype="<i2").reshape(2, 3, 4)
"""Two slices of three rows and four columns, every voxel of a value of its own."""


RAW = SLICES.tobytes()


def some_pixels(shape, dtype):
    """Return different values that use all bytes of a type, the sign included."""
    dtype = np.dtype(dtype)
    count = int(np.prod(shape))
    if dtype.kind == "f":
        return (np.linspace(-1000, 3000, count) / 3).astype(dtype).reshape(shape)
    limits = np.iinfo(dtype)
    step = (int(limits.max) - int(limits.min)) // (count + 1)
    values = [int(limits.min) + step * n for n in range(count)]
    return np.array(values, dtype=dtype).reshape(shape)


def lines(**changes):
    """Return the header of ``SLICES``; None leaves a key out, new ones come before the last."""
    keys = {
        "ObjectType": "Image",
        "NDims": 3,
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "DimSize": "4 3 2",
        "ElementType": "MET_SHORT",
    }
    last = changes.pop("ElementDataFile", "image.raw")
    keys |= changes
    keys.setdefault("ElementSpacing", " ".join("1" for _ in keys["DimSize"].split()))
    kept = [f"{key} = {value}" for key, value in keys.items() if value is not None]
    return [*kept, f"ElementDataFile = {last}"]


def write_text(path, header, *, data=RAW, end="\n"):
    """Write header lines; data follow, in ``image.raw`` or behind the line LOCAL."""
    text = (end.join(header) + end).encode()
    local = header[-1].upper().endswith("LOCAL")
    path.write_bytes(text + data if local else text)
    if not local:
        path.with_name("image.raw").write_bytes(data)
    return path


def write(path: Path, pixels, element, *, channels=1, big=False, compressed=False, **changes):
    """Write an array, in ITK's order of axes, with its data local for ``.mha``."""
    size = pixels.shape[: pixels.ndim - (channels > 1)][::-1]
    data = pixels.astype(pixels.dtype.newbyteorder(">" if big else "<")).tobytes()
    data = zlib.compress(data) if compressed else data
    header = lines(
        NDims=len(size),
        DimSize=" ".join(map(str, size)),
        ElementType=element,
        BinaryDataByteOrderMSB=big,
        CompressedData=compressed,
        CompressedDataSize=len(data) if compressed else None,
        ElementNumberOfChannels=channels if channels > 1 else None,
        ElementDataFile="LOCAL" if path.suffix == ".mha" else "image.raw",
        **changes,
    )
    return write_text(path, header, data=data)


def judge(path):
    """Read with SimpleITK."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO("MetaImageIO")
    reader.SetFileName(str(path))
    return reader.Execute()


def itk_affine(image):
    """Return the matrix from the index of ``GetArrayFromImage`` to the physical point."""
    n = image.GetDimension()
    affine = np.eye(n + 1)
    steps = np.reshape(image.GetDirection(), (n, n)) * np.array(image.GetSpacing())
    affine[:n, :n] = steps[:, ::-1]
    affine[:n, n] = image.GetOrigin()
    return affine


def is_as_judged(volume, image):
    """Tell whether values and geometry are ITK's, but for the order of the array axes."""
    array, affine = sitk.GetArrayFromImage(image), itk_affine(image)
    return any(
        np.allclose(affine[:, [*order, 3]], volume.geometry.affine, rtol=1e-9, atol=1e-9)
        and array.transpose(order).shape == volume.data.shape
        and np.array_equal(array.transpose(order), volume.data, equal_nan=array.dtype.kind == "f")
        for order in itertools.permutations(range(3))
    )


def read(path):
    """Return the only volume of a MetaImage."""
    (volume,) = metaimage_reader.read(path)
    return volume


def refusal(path):
    """Return the sentence with which a MetaImage is refused."""
    with pytest.raises(UnreadableFile) as error:
        metaimage_reader.read(path)
    return str(error.value)
