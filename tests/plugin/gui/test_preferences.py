"""What the preferences change, and the page on which they are changed."""

import dask.array as da
import numpy as np
import pytest
from napari._qt.dialogs.preferences_dialog import PreferencesDialog
from napari.settings import get_plugin_settings
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox

from napari_medread.plugin.gui.preferences import PLUGIN_NAME, get_preference


@pytest.fixture
def page(qtbot, viewer):
    """Return the plugin's page of napari's preferences, open on the screen."""
    dialog = PreferencesDialog(parent=viewer.window._qt_window)
    qtbot.addWidget(dialog)
    dialog.show()
    names = [dialog._list.item(n).text() for n in range(dialog._list.count())]
    dialog._list.setCurrentRow(names.index("Medical images"))
    yield dialog._stack.currentWidget()
    dialog.close()


@pytest.fixture(autouse=True)
def _as_before():
    """Leave the settings as they were."""
    yield
    settings = get_plugin_settings(PLUGIN_NAME)
    settings.opening.lazy_megabytes, settings.grey.luma = 0, "mean"


def test_the_page_changes_how_volumes_are_opened(viewer, page):
    (layer,) = viewer.open_sample(PLUGIN_NAME, "ct_thorax")
    assert isinstance(layer.data, np.ndarray)
    box = next(each for each in page.findChildren(QAbstractSpinBox) if each.maximum() == 1_000_000)
    box.setValue(1)  # MB; the example has more
    assert get_preference("opening", "lazy_megabytes") == 1
    (layer,) = viewer.open_sample(PLUGIN_NAME, "ct_thorax")
    assert isinstance(layer.data, da.Array)
    luma = next(each for each in page.findChildren(QComboBox) if each.findText("Rec. 709") >= 0)
    luma.setCurrentText("Rec. 709")
    assert get_preference("grey", "luma") == "Rec. 709"
