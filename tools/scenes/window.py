"""The lung window on the example CT, in the widget for window and level."""

import napari

from gallery import settle


def arrange(viewer: napari.Viewer) -> None:
    viewer.open_sample("napari-medread", "ct_thorax")
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Window and level")
    (lung,) = (n for n, (text, _) in enumerate(panel.windows.offered) if text.startswith("Lung"))
    panel.windows.native.setCurrentRow(lung)
    settle()
    viewer.reset_view()
