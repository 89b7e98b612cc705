"""What an object that is drawn on images becomes."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_medread.core.contours import ContourSet
from napari_medread.core.volume import Volume


@dataclass(eq=False)
class ObjectContents:
    """What one object becomes.

    Attributes
    ----------
    volumes : list of Volume
        Label images, and images of fractions.
    contours : list of ContourSet
        Contours that become no labels: points, open contours, and closed ones without an image.
    """

    volumes: list[Volume] = field(default_factory=list)
    contours: list[ContourSet] = field(default_factory=list)
