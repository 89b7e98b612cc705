"""Orientations for grids, volumes that use them, and the judges' view of a file."""

import itertools

import nibabel as nib
import numpy as np
import SimpleITK as sitk

from helpers.metaimages import some_pixels
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Volume, to_world_order


def signed_permutations(n):
    for order in itertools.permutations(range(n)):
        for signs in itertools.product((1, -1), repeat=n):
            yield np.eye(n)[list(order)] * signs


def oblique(*degrees):
    a, b, c = np.radians(degrees or [20, -35, 10])
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return x @ y @ z


ROTATIONS = {
    **{str(m.astype(int).tolist()): m for m in signed_permutations(3)},
    "oblique": oblique(),
    "oblique, axes swapped": oblique()[:, [2, 0, 1]],
    "oblique, mirrored": oblique() * [1, -1, 1],
    "near half a turn": np.diag([-1, -1, 1]) @ oblique(0.01, 0.02, 0),
    "near half a turn about a diagonal": oblique(0.003, 0, 0.001) @ oblique(90, 0, 180),
}
"""Directions at right angles: columns are those of x, y and z."""

DIRECTIONS = {
    **ROTATIONS,
    "tilted gantry": np.array([[1, 0, 0], [0, 1, -0.3], [0, 0, 1]]),
    "rounded": oblique().round(3),
}

ORIGIN, SPACING = (-441.5, 356.25, -660.125), (1.16, 0.7, 2.5)


def volume_of(pixels, direction=None, *, origin=ORIGIN, spacing=SPACING, leading=(), **options):
    """Return a volume of a grid as ITK would describe it, its axes in world order."""
    rgb = options.get("rgb", False)
    shape = pixels.shape[len(leading) : pixels.ndim - rgb]
    n = len(shape)
    axes = np.eye(n) if direction is None else direction
    geometry = Geometry.from_itk(shape[::-1], spacing[:n], origin[:n], np.ravel(axes).tolist())
    data, geometry = to_world_order(pixels, geometry, len(leading), rgb=rgb)
    limits = None if rgb else (float(pixels.min()), float(pixels.max()))
    options.setdefault("contrast_limits", limits)
    return Volume(data, "scan", geometry, tuple(leading), **options)


def scan(dtype="i2", direction=None, shape=(5, 6, 7)):
    """Return a volume whose voxels all differ."""
    return volume_of(some_pixels(shape, dtype), direction)


def by_simpleitk(path):
    """Return what SimpleITK reads: the array, and the matrix from its index to LPS."""
    image = sitk.ReadImage(str(path))
    n = image.GetDimension()
    affine = np.eye(n + 1)
    steps = np.reshape(image.GetDirection(), (n, n)) * np.array(image.GetSpacing())
    affine[:n, :n] = steps[:, ::-1]
    affine[:n, n] = image.GetOrigin()
    return sitk.GetArrayFromImage(image), affine


def by_nibabel(path):
    """Return what nibabel reads, in the order of SimpleITK's arrays and in LPS."""
    image = nib.load(path)
    affine = (np.diag([-1, -1, 1, 1]) @ image.affine)[:, [2, 1, 0, 3]]
    return np.asanyarray(image.dataobj).T, affine


def in_file_order(volume, array, affine):
    """Tell whether a judge's array and matrix are a volume's but for the order of its axes."""
    lead = len(volume.leading)
    return any(
        np.allclose(affine[:, [*order, 3]], volume.geometry.affine, rtol=1e-6, atol=1e-4)
        and np.array_equal(array.transpose([*range(lead), *(lead + n for n in order)]), volume.data)
        for order in itertools.permutations(range(3))
        if array.transpose([*range(lead), *(lead + n for n in order)]).shape == volume.data.shape
    )
