"""The example CT, about to be exported."""

from pathlib import Path

import napari

from gallery import settle


def arrange(viewer: napari.Viewer) -> None:
    viewer.open_sample("napari-medread", "ct_thorax")
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Export")
    panel.file.value = Path("/data/thorax.mhd")
    panel.compress.value = True
    settle()
    viewer.reset_view()
