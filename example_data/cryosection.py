"""A colour picture of the phantom: a coronal section as if through a frozen body."""

import numpy as np

from phantom import HU, Dice, Grid, Painter, Point, Tissue, body, grow_vessels, paint_chest, profile
from resample import blur, double, halve

Colour = tuple[int, int, int]

#: Colour of each tissue at its darkest and at its lightest spot.
_COLOURS: dict[Tissue, tuple[Colour, Colour]] = {
    Tissue.AIR: ((20, 11, 13), (38, 22, 22)),
    Tissue.SKIN: ((150, 100, 68), (192, 142, 104)),
    Tissue.FAT: ((176, 116, 46), (238, 202, 124)),
    Tissue.MUSCLE: ((88, 18, 20), (168, 58, 48)),
    Tissue.LUNG: ((92, 56, 60), (212, 164, 158)),
    Tissue.VESSEL: ((70, 10, 20), (96, 20, 28)),
    Tissue.BLOOD: ((62, 4, 10), (122, 18, 22)),
    Tissue.VEIN: ((36, 6, 20), (78, 18, 36)),
    Tissue.HEART: ((104, 24, 24), (164, 62, 50)),
    Tissue.LIVER: ((86, 38, 22), (152, 84, 50)),
    Tissue.SPLEEN: ((64, 18, 44), (126, 54, 88)),
    Tissue.KIDNEY: ((104, 40, 36), (150, 76, 62)),
    Tissue.GUT: ((190, 132, 116), (236, 194, 174)),
    Tissue.FLUID: ((186, 166, 124), (226, 212, 176)),
    Tissue.CORTEX: ((222, 206, 170), (248, 240, 218)),
    Tissue.MARROW: ((132, 48, 40), (222, 164, 128)),
    Tissue.CARTILAGE: ((196, 200, 196), (228, 230, 222)),
    Tissue.DISC: ((190, 186, 170), (222, 216, 200)),
    Tissue.CSF: ((120, 110, 110), (150, 140, 140)),
    Tissue.CORD: ((210, 190, 160), (236, 220, 196)),
    Tissue.THYROID: ((112, 34, 28), (168, 76, 56)),
}
#: The gelatin around the body.
_GELATIN = (16, 26, 58)
#: The wall of a great vessel.
_VESSEL_WALL = (214, 158, 136)

# Depth y (mm) of the cut at heights z: through the windpipe in the neck, through the middle of
# the heart, far enough back below the diaphragm to meet the spleen, then forward to the colon.
_DEPTH = (
    *((-195, -26), (-170, -18), (-128, 8), (-106, 8), (-62, -20), (-8, -20)),
    *((52, 8), (95, 9), (125, 5), (165, 5)),
)
# Greatest shift (mm) of an outline by the waves of `_Cut`.
_WAVE = 5.0


class _Cut(Grid):
    """A curved coronal sheet of sample points, one deep.

    Small waves shift the points, which makes the outlines of the formulas less regular.

    Parameters
    ----------
    left, top : float
        Position x and z of the first sample (mm).
    step : float
        Distance between samples (mm).
    shape : tuple of int
        Number of rows and columns.
    dice : Dice
        Source of the waves.
    """

    def __init__(self, left: float, top: float, step: float, shape: tuple[int, int], dice: Dice):
        rows, columns = shape
        super().__init__(
            (left, 0.0, top), [(0, 0, -step), (0, step, 0), (step, 0, 0)], (rows, 1, columns)
        )
        x, _, z = super().points((slice(0, rows), slice(0, 1), slice(0, columns)))
        y = sum(profile(z + shift, _DEPTH) for shift in (-18, -9, 0, 9, 18)) / 5
        shifts = [
            1.7 * hills(dice, shape, 6)[:, None]
            + 0.9 * hills(dice, shape, 4)[:, None]
            + 0.3 * hills(dice, shape, 2)[:, None]
            for _ in range(2)
        ]
        everywhere = np.zeros(self.shape, dtype=np.float32)
        self.positions = [
            (value + shift).astype(np.float32)
            for value, shift in zip((x, y, z), (shifts[0], everywhere, shifts[1]), strict=True)
        ]

    def block(self, low: Point, high: Point) -> tuple[slice, slice, slice] | None:
        """Return an index block that holds every sample between two corners (mm)."""
        depths = [depth for _, depth in _DEPTH]
        return super().block(
            (low[0] - _WAVE, low[1] - max(depths), low[2] - _WAVE),
            (high[0] + _WAVE, high[1] - min(depths), high[2] + _WAVE),
        )

    def points(self, block: tuple[slice, slice, slice]) -> list[np.ndarray]:
        """Return x, y and z (mm) in a block."""
        return [value[block] for value in self.positions]


def hills(dice: Dice, shape: tuple[int, int], doublings: int) -> np.ndarray:
    """Return gentle hills between about -1 and 1, some 2 ** doublings samples apart."""
    coarse = tuple((size >> doublings) + 2 for size in shape)
    value = dice.noise(coarse) / 18
    for _ in range(doublings):
        value = double(double(value, 0), 1)
    return blur(blur(value, 1, 0), 1, 1)[: shape[0], : shape[1]]


def cells(dice: Dice, shape: tuple[int, int], size: int) -> np.ndarray:
    """Return a pattern of irregular cells: 0 on their walls, 1 inside.

    Parameters
    ----------
    dice : Dice
        Source of the middles of the cells.
    shape : tuple of int
        Number of rows and columns.
    size : int
        Mean distance between the middles (samples).
    """
    coarse = tuple(n // size + 3 for n in shape)
    # Every square of the size of a cell holds one middle, so that the two nearest to a sample
    # lie in its own or in a neighbouring square.
    down, across = (clip(dice.noise(coarse) / 30 + 0.5) for _ in range(2))
    rows, columns = (np.arange(n) for n in shape)
    first = second = np.full(shape, 9.0)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            at = np.ix_(rows // size + 1 + i, columns // size + 1 + j)
            v = down[at] + (rows // size + i - rows / size)[:, None]
            u = across[at] + (columns // size + j - columns / size)[None, :]
            distance = np.sqrt(u * u + v * v)
            second = np.minimum(second, np.maximum(first, distance))
            first = np.minimum(first, distance)
    return np.minimum((second - first) * 2.5, 1)


def clip(value: np.ndarray) -> np.ndarray:
    """Limit values to the range from 0 to 1."""
    return np.minimum(np.maximum(value, 0), 1)


def soften(value: np.ndarray, radius: int) -> np.ndarray:
    """Blur along both axes, twice, which comes close to a bell."""
    for _ in range(2):
        value = blur(blur(value, radius, 0), radius, 1)
    return value


def _add_details(painter: Painter) -> None:
    """Paint what is too small for the other pictures: papillary muscles, coronary vessels."""
    for x, y, z, half in ((53, -22, -56, 6), (30, -22, -62, 6)):
        painter.blob([(Tissue.HEART, 0)], (x, y, z), (half, 9, half * 0.8))
    for x, z, half in ((5, -61, 2.4), (44, 1, 2.2), (68, -24, 1.6), (-38, -2, 2.0), (-6, -70, 1.7)):
        wall = [(Tissue.GUT, -0.9), (Tissue.BLOOD, 0)]
        painter.blob(wall, (x, -20, z), (half, 9, half * 0.8))


def coronal_section(height: int = 352, width: int = 384) -> np.ndarray:
    """Paint a coronal section of the chest in natural colours, head up, patient's left right.

    Returns
    -------
    numpy.ndarray
        RGB, uint8. One pixel is 1 mm.
    """
    dice = Dice(29)
    # Two samples per pixel and direction give smooth outlines.
    shape = (2 * height, 2 * width)
    cut = _Cut(-width / 2 + 0.25, 160 - 0.25, 0.5, shape, dice)
    painter = Painter(cut, HU, 1.0)
    paint_chest(painter, grow_vessels())
    _add_details(painter)
    label = painter.label[:, 0]
    x, y, z = (value[:, 0].astype(float) for value in cut.positions)
    skin = body(x, y, z)
    waves = [hills(dice, shape, n) for n in (6, 4, 3, 2)]

    # Fibres: bands where a bent coordinate is near a whole number.
    def fibres(along: np.ndarray) -> np.ndarray:
        return np.abs(along - np.floor(along) - 0.5) * 2

    # Broad bands part the muscles outside the ribs; the next one's fibres run another way.
    belly = (0.8 * np.abs(x) + 0.5 * z + 16 * waves[0] + 6 * waves[1]) / 30
    other_way = (np.floor(belly) - 2 * np.floor(belly / 2) > 0) & (painter.wall[:, 0] > 9)
    bent = 9 * waves[0] + 3 * waves[1]
    first, second = (0.55 * np.abs(x) - z + bent) / 3.1, (0.9 * np.abs(x) + 0.3 * z + bent) / 3.4
    bundle = fibres(np.where(other_way, second, first))
    muscle = 0.4 + 0.2 * (bundle - 0.5) + 0.16 * waves[0] + 0.2 * waves[1] + 0.2 * waves[2]
    wall = fibres((np.abs(x - 20) + 0.6 * z + 8 * waves[0] + 3 * waves[1]) / 4)
    heart = 0.42 + 0.18 * (wall - 0.5) + 0.2 * waves[1] + 0.25 * waves[2]
    # Older lungs are mottled with dust, mostly along the walls of their lobules.
    air = 0.3 + 0.26 * cells(dice, shape, 30) + 0.24 * cells(dice, shape, 7)
    air = air + 0.2 * waves[0] + 0.24 * waves[1]
    lobules = 0.6 * cells(dice, shape, 13) + 0.4 * cells(dice, shape, 27)
    fat = 0.38 + 0.3 * lobules + 0.22 * waves[0] + 0.2 * waves[1]
    grain = cells(dice, shape, 4)
    liver = 0.3 + 0.22 * cells(dice, shape, 7) + 0.25 * waves[0] + 0.2 * waves[1]
    other = 0.5 + 0.25 * waves[0] + 0.3 * waves[1]
    clot = 0.4 + 0.3 * waves[0] + 0.5 * waves[1] + 0.3 * waves[2]
    textures = {
        Tissue.FAT: fat,
        Tissue.MUSCLE: muscle,
        Tissue.LUNG: air,
        Tissue.HEART: heart,
        Tissue.LIVER: liver,
        Tissue.SPLEEN: 0.25 + 0.3 * grain + 0.3 * waves[1],
        Tissue.BLOOD: clot,
        Tissue.VEIN: clot,
        Tissue.MARROW: 0.15 + 0.6 * grain + 0.2 * waves[2],
    }
    # Bands of muscle roughen the chambers; the thin walls of the vessels bear none.
    thick = soften((label == Tissue.HEART).astype(float), 5)
    rough = thick + 0.12 * waves[2] + 0.1 * waves[3] > 0.36
    chamber = (label == Tissue.BLOOD) | (label == Tissue.VEIN)
    label = np.where(chamber & rough, np.uint8(Tissue.HEART), label)
    picture = np.zeros((*shape, 3))

    def lay(cover: np.ndarray, colour: np.ndarray | Colour) -> None:
        """Cover the picture with a colour, 0 not at all to 1 wholly."""
        picture[...] += (np.asarray(colour, dtype=float) - picture) * cover[..., None]

    for tissue, (dark, light) in _COLOURS.items():
        tone = clip(textures.get(tissue, other))[..., None]
        shade = np.array(dark, dtype=float) + np.subtract(light, dark) * tone
        lay(label == tissue, shade)
    thin = clip((0.07 - fibres(belly)) * 16) * clip(0.6 + 0.6 * waves[2])
    lay(thin * ((label == Tissue.MUSCLE) & (painter.wall[:, 0] > 10)), (206, 150, 84))
    # The heart's tissue is also the wall of the great vessels; there it is a pale sheet.
    lay((label == Tissue.HEART) * clip((0.34 - thick) * 7), _VESSEL_WALL)
    # Horseshoes of cartilage hold the windpipe open.
    ring = (label == Tissue.GUT) & (np.abs(x) < 13) & (z > 26)
    lay(ring * clip((fibres(z / 5.2) - 0.35) * 5), _COLOURS[Tissue.CARTILAGE][1])
    # A sleeve of connective tissue goes with the vessels of the lungs.
    sleeve = soften((label == Tissue.VESSEL).astype(float), 1)
    lay((label == Tissue.LUNG) * clip(sleeve * 1.6) * 0.6, (206, 158, 146))
    # The clefts between the lobes: an oblique one in each lung, a level one in the right.
    oblique = np.abs(z + 47 - 1.07 * (y + 20) + 0.16 * (np.abs(x) - 80) + 4 * waves[0])
    level = np.abs(z - 2 + 0.1 * (x + 80) + 4 * waves[0]) + 9 * (x > 0)
    cleft = clip(1.3 - np.minimum(oblique, level) * 1.6)
    lay(0.75 * cleft * (label == Tissue.LUNG), (70, 36, 44))

    # Light falls from the upper left on a face that is not quite even: bright tissue stands
    # out a little, hollows lie in the shade.
    bright = (picture[..., 0] + 2 * picture[..., 1] + picture[..., 2]) / 4
    near = soften(bright, 1)
    slope = np.zeros(shape)
    slope[1:-1, 1:-1] = near[2:, 2:] - near[:-2, :-2]
    shade = 1 + clip(slope / 160 + 0.5) * 0.5 - 0.25 + (near - soften(bright, 9)) / 700
    away = np.sqrt((x / 260) * (x / 260) + ((z + 20) / 260) * ((z + 20) / 260))
    picture *= (shade * (1.1 - 0.22 * away * away) + 0.02 * waves[0])[..., None]
    # The gelatin is a little darker close to the body.
    depth = 0.75 + 0.25 * clip(soften(clip(skin / 60), 12))
    lay(clip(skin / 1.2 + 0.5), np.array(_GELATIN) * depth[..., None])
    # A lens, too, blurs a little.
    small = halve(halve(blur(blur(picture, 1, 0), 1, 1), 0), 1)
    return np.minimum(np.maximum(np.floor(small + 0.5), 0), 255).astype(np.uint8)
