"""The example CT as bone in 3D."""

import napari

from gallery import settle


def arrange(viewer: napari.Viewer) -> None:
    viewer.open_sample("napari-medread", "ct_thorax")
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Volume rendering")
    settle()
    next(each for each in panel.presets.buttons if each.text() == "Bone").click()
    viewer.scene.camera.set_view_direction((0.15, 1.0, 0.35), (-1.0, 0.0, 0.0))
