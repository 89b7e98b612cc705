"""Images read by SimpleITK, with its errors turned into one sentence each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from napari_medread.formats.shared.stored_voxels import make_unreadable_error


class SimpleITKImage(NamedTuple):
    """An image as SimpleITK has read it.

    Attributes
    ----------
    array : array
        The voxels as ``sitk.GetArrayFromImage`` returns them, channels last.
    channels : int
        Number of values of one voxel.
    size, spacing, origin, direction : tuple
        In ITK's order: x first.
    """

    array: NDArray[Any]
    channels: int
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


def read_with_simpleitk(path: Path, image_io: str) -> SimpleITKImage:
    """Read a file that is known to be complete.

    Parameters
    ----------
    path : Path
        The file.
    image_io : str
        Name of the ITK reader to use, as ``NrrdImageIO``.

    Raises
    ------
    UnreadableFile
        If SimpleITK cannot read the file, or its values are complex.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:  # SimpleITK would end the process
        raise make_unreadable_error(
            path, "its path has characters that are not UTF-8. Rename it."
        ) from error
    reader = sitk.ImageFileReader()
    reader.SetImageIO(image_io)
    reader.SetFileName(str(path))
    try:
        image = reader.Execute()
    except MemoryError as error:
        raise make_unreadable_error(path, "there is not enough memory to read it.") from error
    except RuntimeError as error:
        raise make_unreadable_error(
            path, f"SimpleITK cannot read it ({_describe_itk_error(error)})."
        ) from error
    array = sitk.GetArrayFromImage(image)
    if np.iscomplexobj(array):
        raise make_unreadable_error(path, "its values are complex numbers, which cannot be shown.")
    return SimpleITKImage(
        array,
        image.GetNumberOfComponentsPerPixel(),
        image.GetSize(),
        image.GetSpacing(),
        image.GetOrigin(),
        image.GetDirection(),
    )


def _describe_itk_error(error: Exception) -> str:
    """Return the line of an ITK error that states the problem, without the place in ITK's code."""
    last_line = str(error).strip().splitlines()[-1].strip().rstrip(".")
    place = r"^ITK ERROR: (\w+\(0x[0-9a-f]+\): )?|^\[nrrd\] \w+: |\(0x[0-9a-f]+\)"
    return re.sub(place, "", last_line)
