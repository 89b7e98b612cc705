"""What the folder of the example data holds, and the chest CT opened from it."""

import napari
from qtpy.QtCore import Qt

from gallery import settle
from napari_medread.plugin.samples import find_example


def arrange(viewer: napari.Viewer) -> None:
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Series browser")
    panel.browse(find_example("ct_thorax").parent)
    settle(lambda: panel.is_settled, 20)
    for found in panel.tree.findItems("2 Thorax", Qt.MatchContains | Qt.MatchRecursive):
        found.setSelected(True)
    panel.load.native.click()
    settle(lambda: not panel.is_busy, 20)
    panel.path_bar.line.native.setText("/data/chest")
