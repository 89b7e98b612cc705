"""The example CT, with distances, an angle and regions measured."""

import napari
import numpy as np

from gallery import settle


def arrange(viewer: napari.Viewer) -> None:
    (image,) = viewer.open_sample("napari-medread", "ct_thorax")
    _, rows, columns = image.data.shape
    at = round(image.world_to_data(viewer.dims.point)[0])

    def place(*points: tuple[float, float]) -> np.ndarray:
        return np.array([(at, r * rows, c * columns) for r, c in points])

    lungs = [place((0.35, c), (0.35, c + 0.1), (0.55, c + 0.1), (0.55, c)) for c in (0.25, 0.65)]
    heart = place((0.42, 0.47), (0.42, 0.57), (0.52, 0.57), (0.52, 0.47))
    viewer.add_shapes(
        [
            *lungs,
            heart,
            place((0.5, 0.1), (0.5, 0.9)),
            place((0.25, 0.3), (0.7, 0.5), (0.25, 0.7)),
        ],
        shape_type=["ellipse", "ellipse", "rectangle", "line", "path"],
        units=image.units,
        scale=image.scale,
        translate=image.translate,
        affine=image.affine,
        name="marks",
        edge_width=0.6,
        edge_color="yellow",
        face_color="transparent",
    )
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Measure")
    panel.run.native.click()
    settle(lambda: panel._task is None, 20)
    viewer.reset_view()
