"""Where a NIfTI file says that its voxels lie: qform, sform, and which of them holds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.formats.nifti.nifti_header import Header

Float = NDArray[np.float64]

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Between NIfTI's patient space and ITK's, both ways."""

SCANNER = 1
"""Code of a qform or sform in the scanner's own space."""

_MILLIMETRES = {1: 1000.0, 3: 0.001}
"""Codes of spatial units, metres and microns, to how many mm they are."""

_SPACE_CODES = 7
"""The bits of xyzt_units that say the spatial unit."""

_SAME = 1e-3
"""Part of an image's size by which qform and sform may differ and mean the same: near half a
turn the quaternion's three numbers of single precision say no more."""

_RIGHT = 1e-3
"""Cosine or part of a length up to which an sform is a rotation with the spacing of pixdim."""


class Place(NamedTuple):
    """Where the voxels lie.

    Attributes
    ----------
    affine : array or None
        (4, 4) from the index (x, y, z) to LPS mm, None where the file gives no position.
    notes : tuple of str
        What was doubtful about it.
    """

    affine: Float | None
    notes: tuple[str, ...] = ()


def millimetres(header: Header) -> float:
    """Return how many mm the spatial unit of a file is: 1 where it says none."""
    return _MILLIMETRES.get(int(header["xyzt_units"]) & _SPACE_CODES, 1.0)


def has_unit(header: Header) -> bool:
    """Tell whether a file says its spatial unit."""
    return int(header["xyzt_units"]) & _SPACE_CODES in (1, 2, 3)


def place_of(header: Header) -> Place:
    """Return where the voxels lie, by the rules that SimpleITK follows where it can.

    Of qform and sform the one with a code holds; of two that differ the sform if it is in
    the scanner's space, else the qform. An sform that is sheared, or has other spacings than
    pixdim, holds only where there is no qform.

    Raises
    ------
    UnreadableFile
        Where numbers that matter are not finite, or make no space.
    """
    qform = _qform(header) if int(header["qform_code"]) > 0 else None
    sform = _sform(header) if int(header["sform_code"]) > 0 else None
    if qform is None and sform is None:
        return Place(None)
    if not all(np.isfinite(form).all() for form in (qform, sform) if form is not None):
        raise header.error("the numbers of its qform or sform are not finite.")
    chosen, notes = qform, []
    if sform is not None and qform is None:
        chosen = sform
    elif sform is not None and qform is not None:
        distance = _distance(header, qform, sform)
        rigid = _is_rigid(sform, header.pixdim)
        if rigid and (int(header["sform_code"]) == SCANNER or distance is None):
            chosen = sform
        if distance is not None:
            used, other = ("sform", "qform") if chosen is sform else ("qform", "sform")
            notes.append(
                f"The {other} (code {int(header[f'{other}_code'])}) puts it up to "
                f"{distance * millimetres(header):.3g} mm elsewhere than the {used} (code "
                f"{int(header[f'{used}_code'])}), which was used."
            )
    scale = np.diag([*[millimetres(header)] * 3, 1.0])
    return Place(RAS_TO_LPS @ scale @ np.asarray(chosen), tuple(notes))


def _sform(header: Header) -> Float | None:
    """Return srow_x, srow_y and srow_z as a matrix to RAS; None if it is all zero."""
    with np.errstate(invalid="ignore"):  # some kinds of NaN: they are refused later
        rows = [np.asarray(header[f"srow_{axis}"], dtype=float) for axis in "xyz"]
    return np.array([*rows, [0, 0, 0, 1]]) if np.any(np.array(rows)[:, :3]) else None


def _qform(header: Header) -> Float:
    """Return the matrix to RAS that the quaternion and pixdim make (nifti1.h, method 2)."""
    b, c, d = (float(header[f"quatern_{n}"]) for n in "bcd")
    left = 1.0 - (b * b + c * c + d * d)
    if not np.isfinite(left):
        return np.full((4, 4), np.nan)
    if left < 1e-7:  # half a turn; what is left of a is rounding
        length = np.sqrt(b * b + c * c + d * d)
        a, b, c, d = 0.0, b / length, c / length, d / length
    else:
        a = np.sqrt(left)
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


def quaternion_of(rotation: Float) -> tuple[float, float, float]:
    """Return b, c and d of the unit quaternion of a rotation, with its a not negative.

    Parameters
    ----------
    rotation : array
        (3, 3), orthonormal and of determinant 1.
    """
    # The eigenvector of the largest eigenvalue, of a matrix that is exact for any rotation
    # (Bar-Itzhack 2000).
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


def _is_rigid(affine: Float, spacing: tuple[float, ...]) -> bool:
    """Tell whether a matrix is no more than a rotation or mirroring of a grid of a spacing."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not (np.isfinite(lengths).all() and lengths.all()):
        return False
    axes = affine[:3, :3] / lengths
    return bool(
        np.allclose(lengths, spacing, rtol=_RIGHT, atol=0)
        and np.allclose(axes.T @ axes, np.eye(3), rtol=0, atol=_RIGHT)
    )


def _distance(header: Header, one: Float, other: Float) -> float | None:
    """Return how far two matrices put a corner of the image apart, None if they mean the same."""
    last = np.array(header.size[:3]) - 1
    corners = np.array(np.meshgrid(*[(0, n) for n in last])).reshape(3, -1)
    apart = (one - other)[:3] @ np.vstack([corners, np.ones(corners.shape[1])])
    furthest = float(np.linalg.norm(apart, axis=0).max())
    extent = float(np.linalg.norm(one[:3, :3] @ (last + 1)))
    return None if furthest <= _SAME * extent else furthest
