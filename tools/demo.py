"""Open the example data, or your own, in a real napari window.

Without a display (``MEDREAD_HEADLESS`` set, under Xvfb) the three planes and the volume are
paths as pictures in ``demo/`` instead.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import napari
import numpy as np
from napari.layers import Image
from napari.utils import Colormap
from qtpy.QtWidgets import QApplication

from napari_medread.api import NO_READABLE_IMAGE, is_readable
from napari_medread.errors import MedReadError

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = [
    ROOT / "example_data" / name for name in ("chest_section.png", "chest_xray.mhd", "ct_thorax")
]
WINDOW = (1280, 800)

# The order of napari's axes (SI, AP, RL) that shows each plane: sliced, down, right.
PLANES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}

# RGBA by fraction of 1000 HU: transparent up to 90 HU, blood with contrast red, bone ivory.
TISSUE_COLORS = {
    0.0: (0.3, 0.0, 0.0, 0.0),
    0.09: (0.4, 0.05, 0.05, 0.0),
    0.13: (0.6, 0.1, 0.08, 0.12),
    0.22: (0.8, 0.3, 0.2, 0.25),
    0.35: (0.95, 0.85, 0.7, 0.5),
    1.0: (1.0, 1.0, 0.95, 0.9),
}


def main(arguments: list[str]) -> int:
    paths = [Path(a) for a in arguments] or EXAMPLES
    for path in paths:
        if not path.exists():
            return print_error(f"There is no {path}.")
        if not is_readable(path):
            return print_error(f"{path}: {NO_READABLE_IMAGE}")
    viewer = napari.Viewer()
    try:
        for path in paths:
            viewer.open(path, plugin="napari-medread")
    except MedReadError as error:
        viewer.close()
        return print_error(str(error))
    largest_layer = show_largest(viewer)
    if not os.environ.get("MEDREAD_HEADLESS"):
        napari.run()
        return 0
    for picture in save_pictures(viewer, largest_layer, Path.cwd() / "demo"):
        print(picture)
    viewer.close()
    return 0


def print_error(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def show_largest(viewer: napari.Viewer) -> Image:
    """Show only the largest volume; the other layers are hidden."""
    largest = max(viewer.layers, key=lambda layer: (layer.ndim, np.prod(layer.data.shape)))
    for layer in viewer.layers:
        layer.visible = layer is largest
    viewer.layers.selection = {largest}
    centre_on(viewer, largest)
    return largest


def centre_on(viewer: napari.Viewer, layer: Image) -> None:
    """Centre sliders and camera on one layer, which may be much smaller than the others."""
    middle = layer.extent.world.mean(axis=0)
    first = viewer.dims.ndim - layer.ndim
    viewer.dims.set_point(range(first, viewer.dims.ndim), middle)
    viewer.reset_view(layers=[layer])


def save_pictures(viewer: napari.Viewer, layer: Image, folder: Path) -> list[Path]:
    """Save screenshots of the planes of a layer, and of its 3D rendering if it is a volume."""
    folder.mkdir(exist_ok=True)
    viewer.window.resize(*WINDOW)
    names = PLANES if layer.ndim > 2 else {"axial": (0, 1)}
    paths = []
    for name, order in names.items():
        leading_count = viewer.dims.ndim - len(order)
        viewer.dims.order = (*range(leading_count), *(leading_count + n for n in order))
        centre_on(viewer, layer)
        paths.append(save_screenshot(viewer, folder / f"{name}.png"))
    if layer.ndim > 2 and min(layer.data.shape[-3:]) > 1:
        viewer.dims.order = tuple(range(viewer.dims.ndim))
        viewer.dims.ndisplay = 3
        show_volume(layer)
        centre_on(viewer, layer)
        # From the front, a little from above and from the patient's right; head up.
        viewer.scene.camera.set_view_direction((0.1, 1.0, 0.15), (-1.0, 0.0, 0.0))
        viewer.scene.camera.zoom *= 0.85
        paths.append(save_screenshot(viewer, folder / "volume.png"))
    return paths


def show_volume(layer: Image) -> None:
    """Render a CT as blood and bone, other images by their bright parts."""
    if layer.metadata.get("value_unit") == "HU":
        layer.rendering = "translucent"
        layer.colormap = Colormap(
            list(TISSUE_COLORS.values()), controls=list(TISSUE_COLORS), name="CT"
        )
        layer.contrast_limits = (0.0, 1000.0)
    else:
        layer.rendering = "attenuated_mip"


def save_screenshot(viewer: napari.Viewer, path: Path) -> Path:
    QApplication.processEvents()
    viewer.screenshot(str(path), canvas_only=False, flash=False)
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
