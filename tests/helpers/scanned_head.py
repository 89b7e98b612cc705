"""A head as a scanner sees it: layers and tissues of known values, with noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SKIN, GREY_MATTER, WHITE_MATTER, FLUID = 1500.0, 600.0, 850.0, 300.0
"""Values of a T1-weighted image."""

BRAIN = (GREY_MATTER, WHITE_MATTER)


def make_head(slices: int = 10, side: int = 96) -> NDArray[np.float64]:
    """Return a head without noise: shape (slices, side, side), and 0 around it."""
    y, x = (np.mgrid[:side, :side] - side / 2) / (side / 2)
    radius = np.hypot(y / 0.85, x / 0.7)
    head = np.zeros((slices, side, side))
    for n, plane in enumerate(head):
        height = (n - slices / 2 + 0.5) / (slices / 2)
        edge = np.sqrt(max(0.0, 1 - height**2))
        plane[radius < 0.98 * edge] = SKIN
        plane[radius < 0.92 * edge] = 0
        plane[radius < 0.88 * edge] = GREY_MATTER
        plane[(radius < 0.82 * edge) & ((x * 20).astype(int) % 3 > 0)] = WHITE_MATTER
        plane[radius < 0.2 * edge] = FLUID
    return head


def add_noise(image: NDArray[np.float64], sigma: float = 20.0) -> NDArray[np.float64]:
    """Return the magnitude of an image with noise in both channels, as MR has it."""
    random = np.random.default_rng(7)
    return np.hypot(
        image + random.normal(0, sigma, image.shape), random.normal(0, sigma, image.shape)
    )
