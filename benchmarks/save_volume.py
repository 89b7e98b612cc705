"""Compare the time to save a volume with that of SimpleITK, as ratios of one run.

Both write the same CT-like volume to the same disk in turn, several times; the medians are
compared, and the sizes of compressed files. Our time includes waiting until the file is on the
disk (fsync), which SimpleITK does not do.

usage: python benchmarks/save_volume.py [--slices 200] [--size 512] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from napari_medread import write
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Volume

CASES = [("x.mha", False), ("x.mha", True), ("x.nii", False), ("x.nii.gz", True), ("x.nrrd", True)]


def make_volume(slices: int, size: int) -> Volume:
    """Return an elliptic body with noise, in air."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    body = (x / 0.8) ** 2 + (y / 0.6) ** 2 < 1
    noise = rng.normal(40, 15, (slices, size, size)).astype(np.int16)
    data = np.where(body, noise, np.int16(-1024))
    affine = np.array([[0, 0, 0.8, -200], [0, 0.8, 0, -200], [-1.5, 0, 0, 300], [0, 0, 0, 1]])
    return Volume(data, "body", Geometry(data.shape, affine))


def measure_seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=200)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    volume = make_volume(arguments.slices, arguments.size)
    image = sitk.GetImageFromArray(volume.data)
    with tempfile.TemporaryDirectory() as made:
        for name, compressed in CASES:
            path = Path(made) / name
            writers: dict[str, Callable[[], object]] = {
                "ours": lambda p=path, c=compressed: write(p, volume, compress=c),
                "SimpleITK": lambda p=path, c=compressed: sitk.WriteImage(image, str(p), c),
            }
            times: dict[str, list[float]] = {key: [] for key in writers}
            sizes = {}
            for _ in range(arguments.rounds):
                for key, function in writers.items():
                    times[key].append(measure_seconds(function))
                    sizes[key] = path.stat().st_size / 1e6
            ours, peer = (statistics.median(times[key]) for key in writers)
            print(
                f"{name:9} {'compressed' if compressed else 'plain':10} ours {ours:6.2f} s "
                f"{sizes['ours']:6.1f} MB   SimpleITK {peer:6.2f} s {sizes['SimpleITK']:6.1f} MB"
                f"   {peer / ours:5.2f} x ours"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
