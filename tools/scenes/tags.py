"""The header of a slice of the example CT, searched, and one element over all slices."""

import napari
from qtpy.QtTest import QTest

from gallery import settle


def arrange(viewer: napari.Viewer) -> None:
    viewer.open_sample("napari-medread", "ct_thorax")
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Tags")
    settle(lambda: panel.tree.model().rowCount() > 0, 20)
    QTest.keyClicks(panel.search.native, "slice")
    settle(lambda: not panel.tree.is_searching, 20)
    model = panel.tree.model()
    rows = [model.index(n, 1) for n in range(model.rowCount())]
    panel.tree.setCurrentIndex(next(i for i in rows if i.data() == "Slice Location"))
    panel.over_slices.native.click()
    settle(lambda: panel.values_view.table.isVisible(), 10)
