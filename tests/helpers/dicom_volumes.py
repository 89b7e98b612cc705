"""Volumes to write, with a different value in every voxel."""

import itertools

import numpy as np

from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Volume

SPACING = (5.0, 2.0, 3.0)
SHAPE = (4, 6, 7)
ORIGIN = (-12.25, 34.5, -56.125)

# Directions of the world axes (inferior, posterior, left) in LPS.
WORLD = np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]])

FLIPS = list(itertools.product((1, -1), repeat=3))
"""Each world axis in both directions; half of these grids are mirrored."""


def make_rotation(degrees, axis):
    """Return the matrix of a rotation about a patient axis."""
    a, b = (n for n in range(3) if n != axis)
    matrix = np.eye(3)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix[[a, a, b, b], [a, b, a, b]] = cosine, -sine, sine, cosine
    return matrix


def make_affine(flips=(1, 1, 1), rotation=None, lean=(0.0, 0.0, 0.0), slice_axis=0):
    """Return the affine of a grid in world order; each slice is shifted by ``lean`` mm."""
    columns = (WORLD * np.array(flips)[:, None] * np.array(SPACING)[:, None]).T
    if rotation is not None:
        columns = rotation @ columns
    columns[:, slice_axis] += lean
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = columns, ORIGIN
    return matrix


def make_numbered(shape=SHAPE, dtype=np.int16, first=-1000):
    """Return an array of different integers in random order."""
    return (first + np.random.default_rng(3).permutation(int(np.prod(shape)))).reshape(
        shape
    ).astype(dtype)  # fmt: skip


def make_placed_volume(data=None, matrix=None, slice_axis=0, **attributes):
    """Return a volume in patient space."""
    data = make_numbered() if data is None else data
    lead = len(attributes.get("leading", ()))
    grid = data.shape[lead : lead + 3]
    geometry = Geometry(grid, make_affine() if matrix is None else matrix, slice_axis)
    return Volume(data, "made", geometry, **attributes)


def make_planar_volume(data=None, spacing=(0.5, 0.25), **attributes):
    """Return a two-dimensional image; its pixels have a size in mm unless ``spacing`` is None."""
    data = make_numbered((5, 6)) if data is None else data
    geometry = spacing and Geometry(data.shape[:2], np.diag([*spacing, 1.0])[[1, 0, 2]])
    return Volume(data, "made", geometry, **attributes)


def sample_values(volume, points):
    """Return a volume's values at points in LPS mm, which must be centres of voxels to 1e-6 mm."""
    inverse = np.linalg.inv(volume.patient_affine)
    at = np.rint(points @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
    np.testing.assert_allclose(volume.geometry.to_patient(at), points, atol=1e-6)
    assert ((at >= 0) & (at < volume.shape[-3:])).all()
    return np.asarray(volume.data)[(..., *at.T)]


def assert_same_in_patient_space(found, expected):
    """Compare every voxel of two volumes at its position in patient space, to 1e-6 mm."""
    assert sorted(found.shape) == sorted(expected.shape)
    index = np.indices(expected.shape[-3:]).reshape(3, -1).T
    points = expected.geometry.to_patient(index)
    np.testing.assert_array_equal(
        sample_values(found, points), np.asarray(expected.data)[(..., *index.T)]
    )
