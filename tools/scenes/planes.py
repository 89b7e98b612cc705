"""The example CT in the coronal plane, with letters, and what is under the cursor."""

import napari

from gallery import settle


def arrange(viewer: napari.Viewer) -> None:
    viewer.open_sample("napari-medread", "ct_thorax")
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Planes and slices")
    settle()  # the panel takes its room from the canvas before the plane is fitted to it
    panel.planes["coronal"].native.click()
    settle()
    point = list(viewer.dims.point)
    point[0] += 30
    viewer.cursor.position = tuple(point)
    settle()
