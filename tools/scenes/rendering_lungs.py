"""The example CT's lungs, seen through the chest wall."""

import napari

from gallery import settle


def arrange(viewer: napari.Viewer) -> None:
    viewer.open_sample("napari-medread", "ct_thorax")
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Volume rendering")
    settle()
    next(each for each in panel.presets.buttons if each.text() == "Lungs").click()
