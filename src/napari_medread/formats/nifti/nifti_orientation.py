"""The position of a NIfTI file in patient space: qform, sform, and which of them is used."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.formats.nifti.nifti_header import NiftiHeader

FloatArray = NDArray[np.float64]

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Transform between NIfTI's patient space (RAS) and ITK's (LPS), in both directions."""

SCANNER_CODE = 1
"""``qform_code`` or ``sform_code`` of the scanner's space."""

_MM_PER_UNIT_CODE = {1: 1000.0, 3: 0.001}
"""Code of a spatial unit, metre or micron, to its length in mm."""

_SPATIAL_UNIT_MASK = 7
"""The bits of xyzt_units that hold the spatial unit."""

_MAX_RELATIVE_DISTANCE = 1e-3
"""Distance, as a fraction of the image's extent, up to which qform and sform are the same.

Near a rotation by 180 degrees, the three single-precision numbers of the quaternion are no more
exact than this.
"""

_RIGID_TOLERANCE = 1e-3
"""Largest cosine between axes, and relative error of a spacing, of an sform without shear."""


class NiftiPosition(NamedTuple):
    """The position of the voxels in patient space.

    Attributes
    ----------
    affine : array or None
        (4, 4) matrix from the index (x, y, z) to LPS in mm; None if the file gives no position.
    notes : tuple of str
        Sentences about contradictions in the file.
    """

    affine: FloatArray | None
    notes: tuple[str, ...] = ()


def mm_per_unit(header: NiftiHeader) -> float:
    """Return the length of the spatial unit of a file in mm; 1 if it gives none."""
    return _MM_PER_UNIT_CODE.get(int(header["xyzt_units"]) & _SPATIAL_UNIT_MASK, 1.0)


def has_spatial_unit(header: NiftiHeader) -> bool:
    """Return whether a file gives its spatial unit."""
    return int(header["xyzt_units"]) & _SPATIAL_UNIT_MASK in (1, 2, 3)


def find_nifti_position(header: NiftiHeader) -> NiftiPosition:
    """Return the position of the voxels, by the rules of SimpleITK as far as it has them.

    The qform or sform with a code above 0 is used. If both have one and differ, the sform is used
    if it is in the scanner's space, else the qform. An sform that is sheared, or whose spacing is
    not that of pixdim, is used only if there is no qform.

    Raises
    ------
    UnreadableFile
        If the numbers of a qform or sform in use are not finite.
    """
    qform = _qform_affine(header) if int(header["qform_code"]) > 0 else None
    sform = _sform_affine(header) if int(header["sform_code"]) > 0 else None
    if qform is None and sform is None:
        return NiftiPosition(None)
    if not all(np.isfinite(form).all() for form in (qform, sform) if form is not None):
        raise header.error("the numbers of its qform or sform are not finite.")
    used_form, notes = qform, []
    if sform is not None and qform is None:
        used_form = sform
    elif sform is not None and qform is not None:
        distance = _measure_distance(header, qform, sform)
        is_rigid = _is_rigid(sform, header.pixdim)
        if is_rigid and (int(header["sform_code"]) == SCANNER_CODE or distance is None):
            used_form = sform
        if distance is not None:
            used, other = ("sform", "qform") if used_form is sform else ("qform", "sform")
            notes.append(
                f"The {other} (code {int(header[f'{other}_code'])}) puts it up to "
                f"{distance * mm_per_unit(header):.3g} mm elsewhere than the {used} (code "
                f"{int(header[f'{used}_code'])}), which was used."
            )
    scale = np.diag([*[mm_per_unit(header)] * 3, 1.0])
    return NiftiPosition(RAS_TO_LPS @ scale @ np.asarray(used_form), tuple(notes))


def _sform_affine(header: NiftiHeader) -> FloatArray | None:
    """Return the (4, 4) matrix to RAS of srow_x, srow_y and srow_z; None if it is all zero."""
    with np.errstate(invalid="ignore"):  # signalling NaN, which is refused later
        rows = [np.asarray(header[f"srow_{axis}"], dtype=float) for axis in "xyz"]
    return np.array([*rows, [0, 0, 0, 1]]) if np.any(np.array(rows)[:, :3]) else None


def _qform_affine(header: NiftiHeader) -> FloatArray:
    """Return the (4, 4) matrix to RAS of the quaternion and pixdim (nifti1.h, method 2)."""
    b, c, d = (float(header[f"quatern_{n}"]) for n in "bcd")
    a_squared = 1.0 - (b * b + c * c + d * d)
    if not np.isfinite(a_squared):
        return np.full((4, 4), np.nan)
    if a_squared < 1e-7:  # a rotation by 180 degrees; the rest is rounding
        length = np.sqrt(b * b + c * c + d * d)
        a, b, c, d = 0.0, b / length, c / length, d / length
    else:
        a = np.sqrt(a_squared)
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    flip = -1.0 if float(header["pixdim"][0]) < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = rotation * header.pixdim * [1.0, 1.0, flip]
    affine[:3, 3] = [float(header[f"qoffset_{axis}"]) for axis in "xyz"]
    return affine


def quaternion_from_rotation(rotation: FloatArray) -> tuple[float, float, float]:
    """Return b, c and d of the unit quaternion of a rotation, whose a is not negative.

    Parameters
    ----------
    rotation : array
        (3, 3) orthonormal matrix with determinant 1.
    """
    # The quaternion is the eigenvector of the largest eigenvalue of this matrix, which is
    # numerically stable for every rotation (Bar-Itzhack 2000).
    r = rotation
    k = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0, 0, 0],
            [r[0, 1] + r[1, 0], r[1, 1] - r[0, 0] - r[2, 2], 0, 0],
            [r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], r[2, 2] - r[0, 0] - r[1, 1], 0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], np.trace(r)],
        ]
    )
    _, vectors = np.linalg.eigh(k / 3, "L")
    b, c, d, a = (float(n) for n in vectors[:, -1])
    sign = -1.0 if a < 0 else 1.0
    return sign * b + 0.0, sign * c + 0.0, sign * d + 0.0


def _is_rigid(affine: FloatArray, spacing: tuple[float, ...]) -> bool:
    """Return whether an affine is a rotation or reflection of a grid with a spacing."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not (np.isfinite(lengths).all() and lengths.all()):
        return False
    axes = affine[:3, :3] / lengths
    return bool(
        np.allclose(lengths, spacing, rtol=_RIGID_TOLERANCE, atol=0)
        and np.allclose(axes.T @ axes, np.eye(3), rtol=0, atol=_RIGID_TOLERANCE)
    )


def _measure_distance(header: NiftiHeader, one: FloatArray, other: FloatArray) -> float | None:
    """Return the largest distance between the corners of the image under two affines.

    None if it is within the tolerance. The distance is in the unit of the file.
    """
    last_index = np.array(header.size[:3]) - 1
    corners = np.array(np.meshgrid(*[(0, n) for n in last_index])).reshape(3, -1)
    offsets = (one - other)[:3] @ np.vstack([corners, np.ones(corners.shape[1])])
    largest = float(np.linalg.norm(offsets, axis=0).max())
    extent = float(np.linalg.norm(one[:3, :3] @ (last_index + 1)))
    return None if largest <= _MAX_RELATIVE_DISTANCE * extent else largest
