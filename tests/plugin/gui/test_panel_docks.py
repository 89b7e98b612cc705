"""Panels in the window: one of each kind however it is asked for, in reach on a small screen."""

import npe2
from napari._app_model import get_app_model
from qtpy.QtWidgets import QDockWidget, QPushButton

from helpers.idle import wait_until_idle
from helpers.menus import action
from napari_medread.plugin.planes.planes_panel import PlanesAndSlices

PLUGIN, MENU = "napari-medread", ("Plugins", "Medical images")
PANELS = {
    "Export": ("Layers", "Data"),
    "Resample": ("Layers", "Transform"),
    "Series browser": ("File", "IO Utilities"),
    "Planes and slices": ("Layers", "Visualize"),
    "Window and level": ("Layers", "Visualize"),
    "Grayscale": ("Layers", "Data"),
    "Measure": ("Layers", "Measure"),
    "Tags": ("Layers", "Metadata"),
    "Volume rendering": ("Layers", "Visualize"),
}
"""The title of each panel, and the menu that the docs name."""


def docks(viewer):
    """Return the docks in the window, shown or hidden, but for napari's own."""
    found = viewer.window._qt_window.findChildren(QDockWidget)
    return [dock for dock in found if dock.findChild(QPushButton, "QTitleBarCloseButton")]


def dock_of(panel):
    return panel.native.parent()


def is_in_front(panel):
    """Return whether a panel can be seen, and is not behind another's tab."""
    return panel.native.isVisible() and not panel.native.visibleRegion().isEmpty()


def trigger(viewer, *names):
    action(viewer, *names).trigger()
    wait_until_idle()


def by_script(viewer, title):
    dock, panel = viewer.window.add_plugin_dock_widget(PLUGIN, title)
    wait_until_idle()
    assert panel.native.parent() is dock
    return panel


def run_command(name):
    get_app_model().commands.execute_command(f"{PLUGIN}.{name}").result()
    wait_until_idle()


def test_a_panel_asked_for_again_is_the_one_that_is_open(viewer):
    for title, menu in PANELS.items():
        trigger(viewer, *menu, f"{title} (")
        (dock,) = docks(viewer)
        panel = dock.inner_widget()
        assert dock.name == f"{title} (Medical images)"
        assert dock.title.title.text() == dock.name
        assert by_script(viewer, title) is panel
        assert type(panel)(viewer) is panel
        (dock,) = docks(viewer)
        assert dock_of(panel) is dock
        assert dock.name == f"{title} (Medical images)"
        assert is_in_front(panel)
        assert not panel.is_closed
        for each in (menu, MENU):
            assert action(viewer, *each, f"{title} (").isChecked()
        trigger(viewer, *MENU, f"{title} (")  # napari's ticked entry hides it, and shows it again
        assert docks(viewer) == [dock]
        assert not panel.native.isVisible()
        trigger(viewer, *MENU, f"{title} (")
        assert is_in_front(panel)
        dock.findChild(QPushButton, "QTitleBarCloseButton").click()
        wait_until_idle()
        assert panel.is_closed
        assert docks(viewer) == []
        assert not action(viewer, *menu, f"{title} (").isChecked()


def test_a_panel_opened_by_a_script_first_is_found_by_the_menu(viewer):
    panel = by_script(viewer, "Planes and slices")
    assert action(viewer, "Layers", "Visualize", "Planes and slices (").isChecked()
    trigger(viewer, "Layers", "Visualize", "Planes and slices (")
    assert not panel.native.isVisible()
    assert by_script(viewer, "Planes and slices") is panel
    assert is_in_front(panel)
    assert len(docks(viewer)) == 1


def test_three_planes_are_ticked_in_the_open_panel(viewer):
    three_planes = ("Layers", "Visualize", "Show three planes at once")
    trigger(viewer, "Layers", "Visualize", "Planes and slices (")
    (dock,) = docks(viewer)
    panel = dock.inner_widget()
    callbacks = list(viewer.mouse_wheel_callbacks)
    panel.letters.value = False
    trigger(viewer, *three_planes)
    assert docks(viewer) == [dock]
    assert panel.three_planes.value
    assert not panel.letters.value  # the same panel, not one like new
    assert list(viewer.mouse_wheel_callbacks) == callbacks
    panel.three_planes.value = False
    dock.findChild(QPushButton, "QTitleBarHideButton").click()
    assert not panel.native.isVisible()
    run_command("three_planes")  # as the command palette does
    assert panel.three_planes.value
    assert is_in_front(panel)
    dock.findChild(QPushButton, "QTitleBarCloseButton").click()
    wait_until_idle()
    trigger(viewer, *three_planes)
    (dock,) = docks(viewer)
    assert dock.inner_widget() is not panel
    assert dock.inner_widget().three_planes.value
    assert dock.name == "Planes and slices (Medical images)"
    assert action(viewer, "Layers", "Visualize", "Planes and slices (").isChecked()


def test_each_viewer_has_a_panel_of_its_own(make_napari_viewer, viewer):
    other = make_napari_viewer(show=True)
    panels = [by_script(each, "Planes and slices") for each in (viewer, other)]
    assert panels[0] is not panels[1]
    assert [PlanesAndSlices(each) for each in (viewer, other)] == panels
    other.close()
    assert PlanesAndSlices(viewer) is panels[0]


def test_the_docs_name_every_panel_of_the_manifest():
    manifest = npe2.PluginManager.instance().get_manifest(PLUGIN)
    titles = {command.id: command.title for command in manifest.contributions.commands}
    widgets = manifest.contributions.widgets
    assert [widget.display_name for widget in widgets] == list(PANELS)
    assert [titles[widget.command] for widget in widgets] == list(PANELS)
