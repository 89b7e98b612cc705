"""Averages and interpolation of arrays, the same bits on every machine."""

import numpy as np


def halve(value: np.ndarray, axis: int) -> np.ndarray:
    """Average neighbouring samples in pairs along an axis: one voxel sees both."""
    even = [slice(None)] * value.ndim
    odd = [slice(None)] * value.ndim
    even[axis], odd[axis] = slice(0, None, 2), slice(1, None, 2)
    return (value[tuple(even)] + value[tuple(odd)]) / 2


def blur(value: np.ndarray, radius: int, axis: int) -> np.ndarray:
    """Take the mean over 2 * radius + 1 samples along an axis, edges repeated."""
    pad = [(0, 0)] * value.ndim
    pad[axis] = (radius, radius)
    padded = np.pad(value, pad, mode="edge")
    size = value.shape[axis]
    total = np.zeros_like(value)
    for shift in range(2 * radius + 1):
        window = [slice(None)] * value.ndim
        window[axis] = slice(shift, shift + size)
        total = total + padded[tuple(window)]
    return total / (2 * radius + 1)


def double(value: np.ndarray, axis: int) -> np.ndarray:
    """Double the number of samples along an axis by linear interpolation."""
    value = np.moveaxis(value, axis, 0)
    before = np.concatenate([value[:1], value[:-1]])
    after = np.concatenate([value[1:], value[-1:]])
    both = np.stack([value * 0.75 + before * 0.25, value * 0.75 + after * 0.25], axis=1)
    return np.moveaxis(both.reshape(-1, *value.shape[1:]), 0, axis)
