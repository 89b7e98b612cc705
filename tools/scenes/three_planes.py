"""Three planes of the example CT at once, their crosshair in the aorta."""

import napari

from gallery import settle


def arrange(viewer: napari.Viewer) -> None:
    (image,) = viewer.open_sample("napari-medread", "ct_thorax")
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Planes and slices")
    panel.three_planes.native.click()
    planes = panel.tools.orthogonal_views
    settle(lambda: len(planes.canvases) == 2, 20)
    _, rows, columns = image.data.shape
    viewer.dims.point = image.data_to_world((29, 0.655 * rows, 0.572 * columns))
    viewer.cursor.position = viewer.dims.point
    settle(seconds=2)
