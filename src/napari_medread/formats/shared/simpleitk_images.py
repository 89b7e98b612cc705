"""What SimpleITK reads, with its errors in sentences."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from napari_medread.formats.shared.stored_voxels import unreadable


class Image(NamedTuple):
    """An image as SimpleITK reads it.

    Attributes
    ----------
    array : array
        The voxels as ``sitk.GetArrayFromImage`` gives them: several numbers of a voxel last.
    channels : int
        How many numbers a voxel has.
    size, spacing, origin, direction : tuple
        In ITK's order.
    """

    array: NDArray[Any]
    channels: int
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


def read_image(path: Path, image_io: str) -> Image:
    """Read a file that is known to be whole.

    Parameters
    ----------
    path : Path
        The file.
    image_io : str
        The one of ITK's readers to use.

    Raises
    ------
    UnreadableFile
        Where it does not read it.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:  # SimpleITK would end the process
        raise unreadable(path, "the path has letters that are not UTF-8: rename it.") from error
    reader = sitk.ImageFileReader()
    reader.SetImageIO(image_io)
    reader.SetFileName(str(path))
    try:
        image = reader.Execute()
    except MemoryError as error:
        raise unreadable(path, "there is not enough memory to read it.") from error
    except RuntimeError as error:
        raise unreadable(path, f"SimpleITK does not read it ({_why(error)}).") from error
    array = sitk.GetArrayFromImage(image)
    if np.iscomplexobj(array):
        raise unreadable(path, "its values are complex numbers, which cannot be shown.")
    return Image(
        array,
        image.GetNumberOfComponentsPerPixel(),
        image.GetSize(),
        image.GetSpacing(),
        image.GetOrigin(),
        image.GetDirection(),
    )


def _why(error: Exception) -> str:
    """Return the line of an ITK error that says what is wrong, without where in its code."""
    last = str(error).strip().splitlines()[-1].strip().rstrip(".")
    return re.sub(r"^ITK ERROR: (\w+\(0x[0-9a-f]+\): )?|^\[nrrd\] \w+: |\(0x[0-9a-f]+\)", "", last)
