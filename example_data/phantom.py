"""An invented chest, given as formulas of the patient coordinates.

All positions are DICOM patient coordinates in millimetres: x grows to the patient's left,
y to the back, z to the head. Only ``+ - * /``, square roots and comparisons are applied to
arrays, because those give the same bits on every processor; sines and exponentials do not.
"""

import math
from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import pairwise

import numpy as np

Point = tuple[float, float, float]
Knots = Sequence[tuple[float, float]]


class Tissue(IntEnum):
    """What a point of the phantom is made of."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    LUNG = 4
    VESSEL = 5  # vessels inside the lungs
    BLOOD = 6  # arteries and heart chambers, with contrast medium
    VEIN = 7
    HEART = 8  # heart muscle
    LIVER = 9
    SPLEEN = 10
    KIDNEY = 11
    GUT = 12  # stomach wall, oesophagus, airway wall
    FLUID = 13  # stomach contents
    CORTEX = 14
    MARROW = 15
    CARTILAGE = 16
    DISC = 17
    CSF = 18
    CORD = 19
    THYROID = 20


#: Hounsfield units of each tissue, in the order of `Tissue`.
HU = (
    -1000,
    40,
    -95,
    52,
    -862,
    75,
    150,
    115,
    92,
    64,
    72,
    110,
    38,
    12,
    760,
    230,
    110,
    85,
    14,
    42,
    140,
)

#: Signal of each tissue in a T1-weighted spin echo, arbitrary units, in the order of `Tissue`.
T1 = (
    4,
    420,
    880,
    330,
    40,
    60,
    70,
    80,
    310,
    430,
    300,
    320,
    280,
    110,
    45,
    610,
    260,
    270,
    110,
    400,
    360,
)

# Outlines at heights z (mm, measured from the middle of the chest), ascending.
_BODY_HALF = (
    *((-200, 150), (-120, 152), (-40, 155), (30, 159), (70, 165), (88, 163), (100, 147)),
    *((112, 112), (122, 84), (132, 67), (145, 59), (170, 57)),
)
_BODY_FRONT = (
    *((-200, -106), (-80, -104), (0, -103), (50, -94), (80, -80), (100, -62), (118, -48)),
    *((135, -44), (170, -48)),
)
_BODY_BACK = (
    (-200, 94),
    (-100, 99),
    (-20, 108),
    (50, 108),
    (90, 97),
    (115, 82),
    (140, 70),
    (170, 64),
)
_CAGE_HALF = (
    *((-200, 126), (-150, 131), (-100, 135), (-50, 132), (0, 123), (40, 107), (70, 87)),
    *((88, 66), (100, 46), (108, 28), (113, 4)),
)
_CAGE_FRONT = (
    *((-200, -84), (-120, -87), (-50, -86), (0, -79), (40, -66), (70, -50), (88, -32)),
    *((100, -12), (108, 6), (113, 24)),
)
_CAGE_BACK = (
    *((-200, 74), (-120, 82), (-50, 88), (0, 87), (40, 82), (70, 74), (88, 66), (100, 58)),
    *((108, 46), (113, 30)),
)
_SPINE_Y = ((-210, 38), (-100, 50), (-20, 57), (40, 55), (80, 47), (120, 34), (175, 26))

# Middle heights (mm) of the twelve thoracic vertebrae, which also carry the ribs.
_THORACIC = [105 - 20 * i - 0.27 * i * i for i in range(12)]
_VERTEBRAE = [169, 153.5, 138.5, 122.5, *_THORACIC, -178, -206]
# Per rib: fall per mm from back to front, height of the sternal end, foremost y of the bone.
_RIBS = (
    *((0.24, 79, -200), (0.40, 50, -200), (0.43, 28, -200), (0.45, 7, -200)),
    *((0.47, -13, -200), (0.49, -31, -200), (0.50, -47, -200), (0.50, -62, -200)),
    *((0.49, -80, -200), (0.47, -104, -200), (0.46, 0, -12), (0.42, 0, 36)),
)


class Grid:
    """A regular block of sample points in the patient.

    Parameters
    ----------
    origin : tuple of float
        Position of the first sample (mm).
    steps : sequence of three tuples of float
        Displacement from one sample to the next along each array axis (mm).
    shape : tuple of int
        Number of samples along each array axis.
    """

    def __init__(self, origin: Point, steps: Sequence[Point], shape: tuple[int, int, int]):
        self.origin = origin
        self.steps = steps
        self.shape = shape
        (a, b, c), (d, e, f), (g, h, i) = steps
        det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
        # Rows give the array index from a position: the inverse of the matrix of steps.
        self._inverse = [
            [(e * i - f * h) / det, (f * g - d * i) / det, (d * h - e * g) / det],
            [(c * h - b * i) / det, (a * i - c * g) / det, (b * g - a * h) / det],
            [(b * f - c * e) / det, (c * d - a * f) / det, (a * e - b * d) / det],
        ]

    def block(self, low: Point, high: Point) -> tuple[slice, slice, slice] | None:
        """Return the index block that holds every sample between two corners (mm)."""
        middle = [(p + q) / 2 - o for p, q, o in zip(low, high, self.origin, strict=True)]
        half = [(q - p) / 2 for p, q in zip(low, high, strict=True)]
        found = []
        for row, size in zip(self._inverse, self.shape, strict=True):
            centre = sum(r * m for r, m in zip(row, middle, strict=True))
            reach = sum(abs(r) * h for r, h in zip(row, half, strict=True))
            start = max(0, math.floor(centre - reach))
            stop = min(size, math.ceil(centre + reach) + 1)
            if start >= stop:
                return None
            found.append(slice(start, stop))
        return found[0], found[1], found[2]

    def points(self, block: tuple[slice, slice, slice]) -> list[np.ndarray]:
        """Return x, y and z (mm) in a block, as arrays that broadcast against each other.

        An axis along which a coordinate does not change keeps length one, so that a formula
        of z alone costs nothing in an axial stack.
        """
        found = []
        for axis in range(3):
            value = np.full((1, 1, 1), float(self.origin[axis]))
            for along in range(3):
                step = self.steps[along][axis]
                if step:
                    shape = [1, 1, 1]
                    shape[along] = -1
                    index = np.arange(block[along].start, block[along].stop, dtype=float)
                    value = value + index.reshape(shape) * step
            found.append(value.astype(np.float32))
        return found


def profile(z: np.ndarray, knots: Knots) -> np.ndarray:
    """Interpolate linearly between knots; constant beyond the ends.

    ``np.interp`` would do, but its compiled loop may fuse multiply and add.
    """
    value = z * 0 + knots[0][1]
    for (z0, v0), (z1, v1) in pairwise(knots):
        value = value + np.minimum(np.maximum((z - z0) / (z1 - z0), 0), 1) * (v1 - v0)
    return value


def _rounded(z: np.ndarray, knots: Knots) -> np.ndarray:
    """Interpolate between knots and round the corners over some 24 mm."""
    near = profile(z - 4, knots) + profile(z + 4, knots)
    return (near + profile(z - 12, knots) + profile(z + 12, knots)) / 4


def _section(x: np.ndarray, y: np.ndarray, half_x: np.ndarray, half_y: np.ndarray) -> np.ndarray:
    """Return the rough distance (mm) to an oval between an ellipse and a rounded box."""
    u = (x / half_x) * (x / half_x)
    v = (y / half_y) * (y / half_y)
    ring = 0.5 * (np.sqrt(u + v) + np.sqrt(np.sqrt(u * u + v * v)))
    return (ring - 1) * (u * half_x + v * half_y) / (u + v + 1e-6)


def _trunk(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, half: Knots, front: Knots, back: Knots
) -> np.ndarray:
    """Return the rough distance (mm) to a trunk given by its outlines over z."""
    y0, y1 = _rounded(z, front), _rounded(z, back)
    width = _rounded(z, half)
    slope = (_rounded(z + 4, half) - _rounded(z - 4, half)) / 8
    # Where the outline leans, the horizontal distance is longer than the true one.
    lean = np.sqrt(1 + 0.7 * slope * slope)
    return _section(x, y - (y0 + y1) / 2, width, (y1 - y0) / 2) / lean


def body(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the rough distance (mm) to the skin, negative inside."""
    return _trunk(x, y, z, _BODY_HALF, _BODY_FRONT, _BODY_BACK)


def cage(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the rough distance (mm) to the inner face of the rib cage, negative inside."""
    inside = _trunk(x, y, z, _CAGE_HALF, _CAGE_FRONT, _CAGE_BACK)
    return np.maximum(inside, z - 112)


def diaphragm(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the height (mm) of the diaphragm; the right dome is the higher one."""
    depth = y + 22
    fall = 70 * depth * depth / np.where(depth > 0, 96.0 * 96.0, 125.0 * 125.0)
    domes = []
    for middle, top, outwards in ((-64.0, -70.0, -1.0), (62.0, -84.0, 1.0)):
        away = (x - middle) * outwards
        domes.append(top - 66 * away * away / np.where(away > 0, 70.0 * 70.0, 125.0 * 125.0))
    return np.maximum(domes[0], domes[1]) - fall


def lung(x: np.ndarray, y: np.ndarray, z: np.ndarray, wall: np.ndarray) -> np.ndarray:
    """Return the rough distance (mm) to the lungs, negative inside.

    Parameters
    ----------
    x, y, z : numpy.ndarray
        Positions (mm).
    wall : numpy.ndarray
        Distance to the rib cage there (mm), see `cage`.
    """
    # The space between the lungs: narrow behind the breastbone, wider around the windpipe
    # and the spine.
    middle = profile(y, ((-80, 5), (-45, 9), (-20, 24), (15, 26), (35, 20), (60, 22), (86, 27)))
    middle = middle + profile(
        z, ((-90, 6), (-60, 0), (-20, -3), (15, 2), (40, -2), (62, 1), (85, 7), (112, 0))
    )
    floor = (diaphragm(x, y) + 2.5 - z) * 0.75
    return np.maximum(np.maximum(wall + 1.5, floor), middle - np.abs(x))


class Painter:
    """Paint tissues one over the other on a grid of samples.

    Parameters
    ----------
    grid : Grid
        Where to sample (mm).
    table : sequence of int
        Value of each tissue, `HU` or `T1`.
    edge : float
        Width (mm) over which one tissue passes into the next, as in a sampled voxel.
    """

    def __init__(self, grid: Grid, table: Sequence[int], edge: float):
        self.grid = grid
        self.table = table
        self.edge = edge
        self.all = tuple(slice(0, size) for size in grid.shape)
        self.value = np.full(grid.shape, table[Tissue.AIR], dtype=np.float32)
        self.label = np.zeros(grid.shape, dtype=np.uint8)
        self.wall = np.broadcast_to(cage(*grid.points(self.all)), grid.shape)

    def put(self, tissue: Tissue, block: tuple[slice, slice, slice], distance: np.ndarray) -> None:
        """Paint a tissue where a distance (mm) is negative, with a soft edge."""
        cover = np.minimum(np.maximum(0.5 - distance / self.edge, 0), 1)
        view = self.value[block]
        view += (self.table[tissue] - view) * cover
        self.label[block][np.broadcast_to(distance < 0, view.shape)] = tissue

    def layers(
        self,
        layers: Iterable[tuple[Tissue, float]],
        block: tuple[slice, slice, slice],
        distance: np.ndarray,
    ) -> None:
        """Paint nested tissues, each a given depth (mm) below the surface."""
        for tissue, depth in layers:
            self.put(tissue, block, distance + depth)

    def tube(
        self, layers: Sequence[tuple[Tissue, float]], path: Sequence[Point], radii: Sequence[float]
    ) -> None:
        """Paint nested tissues along a path of points (mm) with a radius (mm) at each."""
        pieces = []
        for a, b, ra, rb in zip(path, path[1:], radii, radii[1:], strict=False):
            grow = max(ra, rb) + self.edge
            low = tuple(min(p, q) - grow for p, q in zip(a, b, strict=True))
            high = tuple(max(p, q) + grow for p, q in zip(a, b, strict=True))
            block = self.grid.block(low, high)
            if block is not None:
                pieces.append((block, _capsule(self.grid.points(block), a, b, ra, rb)))
        # Layer by layer along the whole path: a joint must not close the hollow of its
        # neighbour.
        for tissue, depth in layers:
            for block, distance in pieces:
                self.put(tissue, block, distance + depth)

    def blob(
        self,
        layers: Sequence[tuple[Tissue, float]],
        centre: Point,
        half: Point,
        axes: Sequence[Point] = ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        cut: Point | None = None,
    ) -> None:
        """Paint an ellipsoid.

        Parameters
        ----------
        layers : sequence of (Tissue, float)
            Nested tissues and their depth (mm) below the surface.
        centre, half : tuple of float
            Middle and half lengths (mm).
        axes : sequence of tuple of float
            Unit vectors of the three half lengths.
        cut : tuple of float, optional
            Keep only the part inside the rib cage and below the diaphragm by these margins
            (mm); the third number is the largest y.
        """
        reach = max(half) + self.edge
        low = tuple(c - reach for c in centre)
        block = self.grid.block(low, tuple(c + reach for c in centre))
        if block is None:
            return
        points = self.grid.points(block)
        offset = [p - c for p, c in zip(points, centre, strict=True)]
        first = second = 0
        for axis, length in zip(axes, half, strict=True):
            along = offset[0] * axis[0] + offset[1] * axis[1] + offset[2] * axis[2]
            first = first + (along / length) * (along / length)
            second = second + (along / length / length) * (along / length / length)
        first = np.sqrt(first)
        distance = first * (first - 1) / (np.sqrt(second) + 1e-6)
        if cut is not None:
            x, y, z = points
            distance = np.maximum(distance, self.wall[block] + cut[0])
            distance = np.maximum(distance, (z - diaphragm(x, y) + cut[1]) * 0.75)
            distance = np.maximum(distance, y - cut[2])
        self.layers(layers, block, distance)


def _capsule(points: Sequence[np.ndarray], a: Point, b: Point, ra: float, rb: float) -> np.ndarray:
    """Return the distance (mm) to a rod with round ends between two points."""
    run = [q - p for p, q in zip(a, b, strict=True)]
    length = sum(r * r for r in run) + 1e-9
    offset = [p - c for p, c in zip(points, a, strict=True)]
    along = (offset[0] * run[0] + offset[1] * run[1] + offset[2] * run[2]) / length
    along = np.minimum(np.maximum(along, 0), 1)
    square = 0
    for o, r in zip(offset, run, strict=True):
        gap = o - along * r
        square = square + gap * gap
    return np.sqrt(square) - (ra + (rb - ra) * along)


BONE = ((Tissue.CORTEX, 0.0), (Tissue.MARROW, 1.8))


def paint_chest(painter: Painter, vessels: Sequence[tuple[Point, Point, float, float]]) -> None:
    """Paint the whole phantom, from the skin inwards.

    Parameters
    ----------
    painter : Painter
        What to paint on.
    vessels : sequence of (start, end, radius, radius)
        Vessels of the lungs (mm), see `grow_vessels`.
    """
    _paint_wall(painter)
    _paint_abdomen(painter)
    x, y, z = painter.grid.points(painter.all)
    painter.put(Tissue.LUNG, painter.all, lung(x, y, z, painter.wall))
    for start, end, r0, r1 in vessels:
        painter.tube([(Tissue.VESSEL, 0)], [start, end], [r0, r1])
    _paint_heart(painter)
    _paint_airways(painter)
    _paint_spine(painter)
    _paint_ribs(painter)
    _paint_shoulders(painter)


def _paint_wall(painter: Painter) -> None:
    x, y, z = painter.grid.points(painter.all)
    skin = body(x, y, z)
    # Less fat on the back and over the shoulders than on the flanks and the belly.
    depth = 10 + profile(y, ((-100, 4), (-40, 0), (60, 0), (100, -3)))
    depth = depth + profile(z, ((-200, 4), (-40, 0), (60, -2), (120, -4)))
    painter.layers([(Tissue.SKIN, 0), (Tissue.FAT, 2.2)], painter.all, skin)
    painter.put(Tissue.MUSCLE, painter.all, skin + depth)
    # A film of fat between the outer muscles and the ribs, and the fat of the armpits.
    painter.put(
        Tissue.FAT, painter.all, np.maximum(np.abs(painter.wall - 11) - 1.2, skin + depth + 3)
    )
    for side in (-1, 1):
        painter.blob([(Tissue.FAT, 0)], (side * 122, -6, 42), (17, 34, 40))
        painter.blob([(Tissue.FAT, 0)], (side * 30, 30, 128), (14, 16, 22))
        muscle = [(Tissue.FAT, -1.5), (Tissue.MUSCLE, 0)]
        painter.tube(
            muscle,
            [(side * 22, 72, -200), (side * 22, 84, -20), (side * 18, 62, 120)],
            [18, 14, 12],
        )
    painter.put(Tissue.MUSCLE, painter.all, painter.wall - 8)
    painter.put(Tissue.FAT, painter.all, painter.wall)


def _paint_abdomen(painter: Painter) -> None:
    x, y, z = painter.grid.points(painter.all)
    dome = diaphragm(x, y)
    sheet = np.maximum(np.abs(z - dome) * 0.75 - 2.2, painter.wall)
    painter.put(Tissue.MUSCLE, painter.all, sheet)
    # The liver fills the right dome and thins out to the left behind the front wall.
    # A rounded corner joins its left, its lower and its rear border.
    left = np.maximum((x + 0.75 * (y + 30) - 34 + (z + 100) * 0.3) * 0.75 + 30, 0)
    low = np.maximum((-186 + 0.42 * (x + 130) + 0.3 * (y + 40) - z) * 0.85 + 30, 0)
    back = np.maximum(y - 62 + 0.25 * np.maximum(x + 100, 0) + 30, 0)
    edge = np.sqrt(left * left + low * low + back * back) - 30
    liver = np.maximum(np.maximum(painter.wall + 4, (z - dome + 2) * 0.75), edge)
    painter.put(Tissue.LIVER, painter.all, liver)
    inside = [(Tissue.VEIN, 0)]
    painter.tube(inside, [(-22, 14, -104), (-58, 8, -112), (-92, 14, -122)], [5, 3.5, 1.5])
    painter.tube(inside, [(-22, 10, -102), (-50, -26, -106), (-72, -52, -112)], [4.5, 3, 1.5])
    painter.tube(inside, [(-20, 6, -102), (-8, -34, -108), (6, -58, -114)], [4, 3, 1.2])
    painter.tube(inside, [(-16, -2, -150), (-48, -8, -142), (-86, -16, -140)], [5.5, 4, 1.8])
    painter.tube(inside, [(-48, -8, -142), (-64, 30, -138), (-80, 48, -136)], [3.5, 2.5, 1.2])
    painter.blob([(Tissue.SPLEEN, 0)], (92, 38, -124), (34, 46, 40), cut=(4, 3, 90))
    painter.blob(
        [(Tissue.GUT, 0), (Tissue.FLUID, 3.5)], (56, -20, -124), (40, 42, 44), cut=(5, 4, 90)
    )
    # The patient lies on the back: the air in the stomach rises to the front, to a level.
    painter.blob([(Tissue.AIR, 3.5)], (56, -20, -124), (40, 42, 44), cut=(5, 4, -24))
    for side in (-1, 1):
        painter.blob([(Tissue.KIDNEY, 0)], (side * 52, 46, -190), (24, 22, 42))
    painter.tube([(Tissue.GUT, 0)], [(12, 4, -152), (44, 16, -146), (74, 30, -138)], [10, 9, 7])
    gut = [(Tissue.GUT, 0), (Tissue.FLUID, 2.5)]
    colon = [(96, 2, -196), (100, -10, -172), (84, -38, -172), (52, -58, -184), (8, -64, -194)]
    painter.tube(gut, colon, [15, 15, 14, 15, 15])
    painter.tube(gut, [(30, -20, -186), (52, -8, -190), (40, 6, -200)], [12, 12, 12])
    painter.tube([(Tissue.AIR, 0)], [(84, -42, -171), (52, -62, -183), (8, -68, -193)], [6, 8, 8])


def _paint_heart(painter: Painter) -> None:
    # The long axis points to the left, to the front and down.
    axis = (0.7276, -0.4366, -0.5287)
    across = (0.5145, 0.8575, 0.0)
    upright = (0.4534, -0.2720, 0.8488)
    axes = (axis, across, upright)
    # Fat around the great vessels where they border on the lungs; it goes first, so that it
    # does not ring them inside the heart.
    fat = [(Tissue.FAT, 0)]
    painter.tube(fat, [(-26, -14, 72), (-24, -14, 20)], [12, 12])
    painter.tube(fat, [(-10, -22, 34), (5, 0, 57), (16, 15, 57), (28, 36, 34)], [18, 17, 16, 16])
    painter.tube(fat, [(28, 36, 34), (27, 40, 0), (25, 40, -50), (17, 37, -100)], [15, 14, 14, 13])
    painter.tube(fat, [(23, -18, 20), (36, 0, 22), (46, 12, 14)], [14, 13, 9])
    painter.tube(fat, [(4, -4, 13), (-24, -1, 10), (-40, 4, 4)], [13, 12, 9])
    painter.blob(fat, (6, 10, -16), (33, 19, 24))
    sac = [(Tissue.FAT, -3.5), (Tissue.HEART, 0)]
    painter.blob(sac, (24, -30, -40), (62, 46, 45), axes)
    painter.blob(sac, (-16, -22, -34), (30, 34, 42))
    painter.blob([(Tissue.BLOOD, 0)], (39, -25, -47), (40, 21, 22), axes)
    painter.blob([(Tissue.VEIN, 0)], (12, -55, -44), (41, 15, 30), axes)
    painter.blob([(Tissue.VEIN, 0)], (-22, -22, -36), (20, 25, 32))
    painter.blob([(Tissue.HEART, 0)], (6, 10, -16), (31, 17, 22))
    painter.blob([(Tissue.BLOOD, 2.5)], (6, 10, -16), (31, 17, 22))
    vessel = [(Tissue.HEART, 0), (Tissue.BLOOD, 1.5)]
    vein = [(Tissue.VEIN, 0)]
    for side, z in ((-1, -12), (-1, -26), (1, -10), (1, -24)):
        painter.tube(
            [(Tissue.BLOOD, 0)], [(6 + side * 24, 12, z + 4), (6 + side * 42, 20, z)], [6, 4.5]
        )
    painter.tube(vein, [(-22, -16, 72), (-26, -14, 34), (-23, -18, -14)], [7.5, 8.5, 9.5])
    painter.tube(
        vein, [(-16, 6, -200), (-18, 12, -130), (-20, 6, -92), (-22, -10, -60)], [10, 11, 12, 12]
    )
    painter.tube(
        vein, [(-22, -16, 72), (2, -24, 74), (22, -16, 84), (32, -8, 110)], [7, 6.5, 6, 5.5]
    )
    painter.tube(
        vein, [(-22, -16, 72), (-26, -8, 92), (-32, -4, 120), (-34, 0, 170)], [6.5, 6, 6, 7]
    )
    painter.tube(vein, [(32, -8, 110), (34, -2, 140), (34, 0, 170)], [5.5, 6, 6.5])
    painter.tube(vein, [(-26, -8, 92), (-60, -22, 90), (-100, -8, 78), (-135, 4, 66)], [5, 5, 5, 4])
    painter.tube(vein, [(26, -12, 92), (60, -22, 90), (100, -8, 78), (135, 4, 66)], [5, 5, 5, 4])
    trunk = [(14, -46, -14), (20, -36, 8), (23, -18, 20)]
    painter.tube(vessel, trunk, [13, 13.5, 13])
    painter.tube(
        vessel, [(23, -16, 20), (4, -4, 13), (-24, -1, 10), (-42, 4, 4)], [11, 10, 9.5, 7.5]
    )
    painter.tube(vessel, [(23, -18, 20), (36, 0, 22), (48, 14, 12)], [11, 10, 7.5])
    arch = [(2, -18, -12), (-8, -24, 12), (-10, -22, 34), (-5, -14, 49), (5, 0, 57), (16, 15, 57)]
    arch += [(25, 28, 49), (28, 36, 34), (27, 40, 0), (25, 40, -50), (17, 37, -100)]
    arch += [(8, 30, -140), (5, 22, -200)]
    painter.tube(vessel, arch, [16, 15.5, 15, 14.5, 14, 13.5, 13, 12.5, 12, 11.5, 11, 10.5, 10])
    branch = [(Tissue.BLOOD, 0)]
    painter.tube(
        branch, [(-3, -10, 60), (-14, -6, 84), (-24, -2, 110), (-24, 4, 170)], [6.5, 6, 4.5, 4]
    )
    painter.tube(branch, [(6, 1, 66), (15, -2, 90), (22, 0, 120), (24, 4, 170)], [4.5, 4, 4, 4])
    painter.tube(
        branch,
        [(15, 13, 66), (24, 12, 92), (42, 2, 104), (80, -6, 92), (130, 8, 74)],
        [5, 5, 5, 4, 3.5],
    )
    painter.tube(
        branch, [(-14, -6, 84), (-38, 0, 103), (-80, -6, 92), (-130, 8, 74)], [5, 5, 4, 3.5]
    )


def _paint_airways(painter: Painter) -> None:
    painter.tube(
        [(Tissue.GUT, 0)],
        [(3, 20, 170), (5, 30, 100), (6, 38, 20), (4, 30, -60), (22, 8, -108)],
        [6] * 5,
    )
    wall = [(Tissue.GUT, -1.6), (Tissue.AIR, 0)]
    right = [(0, 22, 30), (-22, 19, 11), (-40, 17, -6), (-52, 24, -28), (-60, 34, -52)]
    left = [(0, 22, 30), (26, 22, 14), (47, 24, 2), (58, 32, -20), (66, 40, -44)]
    for path, radii in (
        ([(0, 8, 170), (0, 14, 110), (-1, 20, 60), (0, 22, 30)], [8, 8.5, 8.5, 8.5]),
        (right, [7.5, 7, 5.5, 3.5, 2]),
        (left, [6.5, 6, 5, 3.2, 1.8]),
        ([(-26, 19, 8), (-44, 12, 22), (-56, 10, 42)], [4.5, 3.2, 1.8]),
        ([(46, 24, 3), (58, 14, 16), (66, 8, 34)], [4, 3, 1.6]),
        ([(-42, 17, -8), (-56, -8, -24), (-66, -30, -36)], [3.6, 2.6, 1.4]),
    ):
        painter.tube(wall, path, radii)
    for side in (-1, 1):
        painter.blob([(Tissue.THYROID, 0)], (side * 15, 2, 132), (7, 10, 18))


def _spine_y(z: float) -> float:
    return float(profile(np.array(float(z)), _SPINE_Y))


def _paint_spine(painter: Painter) -> None:
    block = painter.grid.block((-60, 5, -230), (60, 115, 190))
    if block is None:
        return
    x, y, z = painter.grid.points(block)
    deep = y - profile(z, _SPINE_Y)
    wide = profile(z, ((-200, 22), (-120, 19), (0, 16), (100, 14), (170, 11)))
    column = _section(x, deep, wide, wide * 0.78)
    painter.put(Tissue.DISC, block, column)
    canal = np.sqrt(x * x + (deep - wide * 0.78 - 9) * (deep - wide * 0.78 - 9))
    heights = _VERTEBRAE
    shells, cores, arches = [], [], []
    for i, height in enumerate(heights):
        gap = (heights[i - 1] - height) if i else 15.5
        below = (height - heights[i + 1]) if i + 1 < len(heights) else 27
        half = (gap + below) / 4 - 2.3
        # Vertebral bodies are waisted: narrower at half height than at their end plates.
        waist = (z - height) / half
        side = column + 2.0 * np.maximum(1 - waist * waist, 0)
        shells.append(np.maximum(side, np.abs(z - height) - half))
        cores.append(np.maximum(side + 1.6, np.abs(z - height) - half + 1.4))
        arches.append(np.maximum(np.abs(canal - 10.5) - 2.6, np.abs(z - height + 3) - half * 0.72))
    for tissue, parts in ((Tissue.CORTEX, arches), (Tissue.CORTEX, shells), (Tissue.MARROW, cores)):
        whole = parts[0]
        for part in parts[1:]:
            whole = np.minimum(whole, part)
        painter.put(tissue, block, whole)
    for height in heights:
        y0 = _spine_y(height)
        thoracic = -165 < height < 115
        drop = 17 if thoracic else 5
        painter.tube(BONE, [(0, y0 + 31, height - 3), (0, y0 + 41, height - 3 - drop)], [4.2, 3.6])
        for side in (-1, 1):
            tip = (side * (32 if thoracic else 26), y0 + (34 if thoracic else 22), height + 3)
            painter.tube(BONE, [(side * 11, y0 + 22, height), tip], [4.5, 3.8])
            painter.tube(
                BONE, [(side * 10, y0 + 8, height + 2), (side * 10, y0 + 24, height)], [4, 4.2]
            )
    painter.put(Tissue.CSF, block, canal - 7.8)
    painter.put(Tissue.CORD, block, np.maximum(canal - 4.6, -155 - z))


def _paint_ribs(painter: Painter) -> None:
    for number, (fall, sternal, foremost) in enumerate(_RIBS):
        top = _THORACIC[number]
        start = float(profile(np.array(top), _CAGE_BACK)) + 3
        block = painter.grid.block(
            (-160, -110, min(top - 0.62 * 200, sternal) - 12), (160, 110, top + 12)
        )
        if block is None:
            continue
        x, y, z = painter.grid.points(block)
        away = np.abs(x)
        # A rib rises a little from the spine, then falls steadily to the front.
        line = top + 1 - fall * (start - y) + 4 * np.maximum(1 - np.abs(away - 50) / 30, 0)
        near = 74.0 if number > 1 else 44.0
        front = profile(y, ((-45, 1), (-15, 0))) if number else profile(y, ((-5, 1), (20, 0)))
        turn = np.minimum(np.maximum((near - away) / (near - 20), 0), 1) * front
        line = line + (sternal - line) * turn
        tall = 6.4 - 1.2 * turn
        shell = painter.wall[block] - 3.9
        lift = (z - line) * (0.9 - 0.12 * turn)
        ring = np.sqrt((shell / 3.9) * (shell / 3.9) + (lift / tall) * (lift / tall))
        rib = (ring - 1) * 4.3
        # The ring is open at the back, where the spine is, and floating ribs end early.
        rib = np.maximum(
            rib, np.maximum((26 if number > 1 else 20) - away - 100 * (y < 0), foremost - y)
        )
        if number > 6:
            rib = np.maximum(rib, (8 + 9 * (number - 6)) - away)
        painter.layers(((Tissue.CORTEX, 0), (Tissue.MARROW, 1.7)), block, rib)
        painter.put(Tissue.CARTILAGE, block, np.maximum(rib, (0.02 - turn) * 40))
        y0 = _spine_y(top)
        for side in (-1, 1):
            neck = [(side * 17, y0 + 6, top + 3), (side * 25, y0 + 20, top + 3)]
            neck.append((side * 33, min(start + 1, y0 + 32), top + 2))
            painter.tube(BONE, neck, [4.8, 4.2, 4.6])


def _paint_shoulders(painter: Painter) -> None:
    block = painter.grid.block((-45, -110, -85), (45, 0, 96))
    if block is not None:
        x, y, z = painter.grid.points(block)
        half = profile(
            z, ((-76, 3), (-54, 8), (-46, 18), (-20, 19), (30, 14), (47, 15), (72, 27), (88, 21))
        )
        # A plate with round borders.
        side = np.maximum(np.abs(x) - np.maximum(half - 5.5, 0), 0)
        front = y - profile(z, _CAGE_FRONT) + 7.5
        end = np.maximum(np.maximum(z - 83, -70 - z), 0)
        plate = np.sqrt(side * side + front * front + end * end) - 5.5
        # The joint between the handle and the body of the breastbone.
        painter.layers(BONE, block, np.maximum(plate, 1.3 - np.abs(z - 48)))
    for side in (-1, 1):
        collar = [
            (18, -45, 87),
            (42, -52, 90),
            (72, -42, 95),
            (104, -12, 97),
            (128, 14, 94),
            (142, 26, 90),
        ]
        painter.tube(BONE, [(side * x, y, z) for x, y, z in collar], [7.5, 6, 5.2, 5.2, 5.8, 5])
        _paint_blade(painter, side)


def _paint_blade(painter: Painter, side: int) -> None:
    """Paint the shoulder blade of one side: a thin triangle with thick borders."""
    inner, tip, socket = (side * 70, 90, 74), (side * 92, 84, -38), (side * 140, 34, 66)
    u = [q - p for p, q in zip(inner, tip, strict=True)]
    v = [q - p for p, q in zip(inner, socket, strict=True)]
    normal = _cross(u, v)
    size = math.sqrt(sum(n * n for n in normal))
    normal = [n / size for n in normal]
    block = painter.grid.block(
        (min(side * 60, side * 150), 25, -50), (max(side * 60, side * 150), 110, 90)
    )
    if block is not None:
        points = painter.grid.points(block)
        inside = np.full((1, 1, 1), -99.0)
        for a, b, c in ((inner, tip, socket), (tip, socket, inner), (socket, inner, tip)):
            out = _cross([q - p for p, q in zip(a, b, strict=True)], normal)
            size = math.sqrt(sum(n * n for n in out))
            # The normal of an edge must point away from the corner across from it.
            if sum((r - p) * n for p, r, n in zip(a, c, out, strict=True)) > 0:
                size = -size
            inside = np.maximum(
                inside, sum((p - q) * (n / size) for p, q, n in zip(points, a, out, strict=True))
            )
        above = np.abs(sum((p - c) * n for p, c, n in zip(points, inner, normal, strict=True)))
        # In its middle the plate is as thin as paper, too thin to fill a voxel.
        half = profile(inside, ((-16, 0.6), (-3, 1.7)))
        painter.put(Tissue.CORTEX, block, np.maximum(above - half, inside))
    painter.tube(BONE, [tip, socket], [4, 5.5])
    painter.tube(BONE, [inner, tip], [2.6, 3])
    painter.tube(BONE, [inner, socket], [1.8, 3.5])
    # The spine of the blade stands out to the back and ends above the socket.
    spine = [(74, 91, 44), (96, 86, 57), (122, 70, 74), (146, 44, 87)]
    painter.tube(BONE, [(side * x, y, z) for x, y, z in spine], [2.5, 4, 4.5, 5.5])
    painter.tube(
        BONE, [(side * 138, 30, 76), (side * 126, 6, 82), (side * 122, -6, 74)], [5.5, 5, 4.5]
    )
    painter.blob(BONE, (side * 142, 30, 66), (7, 13, 17))


def _cross(u: Sequence[float], v: Sequence[float]) -> list[float]:
    return [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]


class Dice:
    """Random whole numbers from the raw stream of PCG64, which NumPy promises never to change."""

    def __init__(self, seed: int):
        self._bits = np.random.PCG64(seed)

    def unit(self) -> float:
        """Return a number from -1 to 1."""
        return (int(self._bits.random_raw()) >> 40) / (1 << 23) - 1

    def noise(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return bell-shaped whole numbers around 0 with a standard deviation of about 9."""
        raw = self._bits.random_raw(math.prod(shape))
        total = sum(
            ((raw >> np.uint64(s)) & np.uint64(15)).astype(np.int32) for s in (20, 30, 40, 50)
        )
        return (total - 30).reshape(shape)


def grow_vessels(seed: int = 7) -> list[tuple[Point, Point, float, float]]:
    """Grow the vessels of both lungs from the hila outwards.

    Returns
    -------
    list of (start, end, radius, radius)
        Straight pieces (mm).
    """
    dice = Dice(seed)
    pieces: list[tuple[Point, Point, float, float]] = []

    def inside(p: Point) -> bool:
        x, y, z = (np.array(c) for c in p)
        return bool(lung(x, y, z, cage(x, y, z)) < -4)

    def grow(start: Point, way: Sequence[float], length: float, radius: float, depth: int) -> None:
        for attempt in range(6):
            spread = 0.32 + 0.12 * attempt
            turn = [w + spread * dice.unit() for w in way]
            size = math.sqrt(sum(t * t for t in turn)) + 1e-9
            turn = [t / size for t in turn]
            run = length * (1 + 0.25 * dice.unit()) * (1 - 0.08 * attempt)
            end = tuple(s + run * t for s, t in zip(start, turn, strict=True))
            if depth == 6 or inside(end):
                break
        else:
            return
        thin = max(radius * 0.84, 0.55)
        pieces.append((start, end, radius, thin))
        if depth:
            side = [dice.unit() for _ in range(3)]
            for sign, weight in ((1, 0.84), (-1, 0.66)):
                fork = [t + 0.55 * sign * s for t, s in zip(turn, side, strict=True)]
                size = math.sqrt(sum(f * f for f in fork)) + 1e-9
                fork = [f / size for f in fork]
                grow(end, fork, length * 0.83, max(radius * weight, 0.55), depth - 1)

    ways = (
        (0.35, -0.1, 1.0),
        (0.5, -0.8, 0.45),
        (0.6, 0.7, 0.5),
        (1.0, -0.25, -0.05),
        (0.8, -0.5, -0.6),
    )
    ways += ((0.75, 0.1, -0.8), (0.45, 0.75, -0.6), (0.25, 0.3, -1.0), (0.9, 0.45, 0.1))
    for side, hilum in ((-1, (-40.0, 6.0, 4.0)), (1, (46.0, 14.0, 10.0))):
        for way in ways:
            size = math.sqrt(sum(w * w for w in way))
            grow(hilum, [side * way[0] / size, way[1] / size, way[2] / size], 27.0, 4.2, 5)
    return pieces
