"""The example colour picture beside its grey."""

import napari

from gallery import settle


def arrange(viewer: napari.Viewer) -> None:
    viewer.open_sample("napari-medread", "chest_section")
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Grayscale")
    panel.side_by_side.value = True
    panel.run.native.click()
    settle(lambda: panel._task is None, 20)
