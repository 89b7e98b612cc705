"""The plane of one image in patient space, as Image Plane attributes give it (PS3.3 C.7.6.2)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes

Float = NDArray[np.float64]


class ImagePlane(NamedTuple):
    """Where an image lies.

    Attributes
    ----------
    position : (3,) array
        Centre of the first pixel in LPS mm.
    orientation : (2, 3) array
        Unit vectors along a row and down a column.
    pixel_spacing : tuple of float
        In mm, between rows and between columns.
    """

    position: Float
    orientation: Float
    pixel_spacing: tuple[float, float]


def get_image_plane(frame: Frame) -> ImagePlane:
    """Return the plane of a frame that has position, orientation and pixel spacing.

    Raises
    ------
    AssertionError
        Where one of them is missing: see ``Frame.is_positioned``.
    """
    position, orientation = frame.image_position, frame.image_orientation
    if position is None or orientation is None or frame.pixel_spacing is None:
        raise AssertionError("frames without a position are stacked in unpositioned_stacks")
    return ImagePlane(position, orientation, frame.pixel_spacing)


def find_stacking_normal(frame: Frame) -> Float:
    """Return the slice normal, row x column, turned to grow along its world axis.

    With it axial stacks start superior, coronal ones anterior and sagittal ones right.
    """
    row, column = get_image_plane(frame).orientation
    normal = np.cross(row, column)
    return turn_towards_world_axis(normal / np.linalg.norm(normal))


def turn_towards_world_axis(normal: Float) -> Float:
    """Return a direction or its opposite, whichever grows along the closest world axis."""
    world = np.array([normal[0], normal[1], -normal[2]])  # growth along RL, AP, SI
    return normal if world[np.argmax(np.abs(world))] >= 0 else -normal


def guess_slice_spacing(frame: Frame) -> tuple[float | None, list[str]]:
    """Return the slice spacing in mm that one image gives, and a note that it was not measured.

    Returns
    -------
    spacing : float or None
        SpacingBetweenSlices, else SliceThickness, else None.
    notes : list of str
        Which attribute it is.
    """
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        value = abs(attributes.get_number(frame.dataset, keyword) or 0.0)
        if value:
            return value, [f"The slice spacing of {value:g} mm is {keyword}."]
    return None, []
