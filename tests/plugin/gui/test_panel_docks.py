"""Panels in the window: one of each kind however it is asked for, in reach on a small screen."""

import re
from pathlib import Path

import npe2
import numpy as np
from napari._app_model import get_app_model
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDockWidget,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QScrollBar,
)

from helpers.idle import wait_until_idle
from helpers.menus import action
from helpers.mouse import LEFT, turn
from napari_medread.plugin.gui.panel_scroll_area import PanelScrollArea
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


def controls_of(panel):
    """Return the controls of a panel that are shown now, wherever it is scrolled to."""
    kinds = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QAbstractSlider)
    found = [
        each for kind in (*kinds, QAbstractItemView) for each in panel.native.findChildren(kind)
    ]
    return [each for each in found if not is_of_qt(each) and each.isVisibleTo(panel.native)]


def is_of_qt(widget):
    """Return whether a widget is a part of one of Qt's own, as its scroll bar."""
    return isinstance(widget, QScrollBar | QHeaderView) or widget.objectName().startswith("qt_")


def scroll_area_of(panel):
    (area,) = panel.native.findChildren(PanelScrollArea)
    return area


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


def test_menus_and_docs_name_each_panel_alike():
    manifest = npe2.PluginManager.instance().get_manifest(PLUGIN)
    titles = {command.id: command.title for command in manifest.contributions.commands}
    widgets = manifest.contributions.widgets
    assert [widget.display_name for widget in widgets] == list(PANELS)
    assert [titles[widget.command] for widget in widgets] == list(PANELS)
    readme = Path(__file__).parents[3] / "README.md"
    table = readme.read_text(encoding="utf-8").partition("| menu | panel |")[2].partition("\n\n")[0]
    named, menu = {}, ()
    for row in table.splitlines()[2:]:
        first, name = (cell.strip() for cell in row.split("|")[1:3])
        menu = tuple(first.strip("*").split(" > ")) if first else menu
        named[re.sub(r"\[(.*)\]\(.*\)", r"\1", name)] = menu
    assert named == PANELS


def test_all_panels_fit_into_a_small_window(viewer):
    viewer.add_image(np.arange(4 * 5 * 6).reshape(4, 5, 6), name="scan")
    viewer.add_labels(np.ones((4, 5, 6), int), name="regions")
    viewer.window.resize(1280, 720)
    window = viewer.window._qt_window
    panels = []
    for title, menu in PANELS.items():
        trigger(viewer, *menu, f"{title} (")
        panels.append(docks(viewer)[-1].inner_widget())
        assert is_in_front(panels[-1])
        label = dock_of(panels[-1]).title.title
        assert label.visibleRegion().boundingRect().width() >= label.sizeHint().width(), title
        assert (window.width(), window.height()) == (1280, 720)
    assert window.minimumSizeHint().width() <= 1280
    assert window.minimumSizeHint().height() <= 720
    for name in ("layer list", "layer controls"):
        (dock,) = (each for each in window.findChildren(QDockWidget) if each.name == name)
        assert not dock.visibleRegion().isEmpty()
    for panel, (title, menu) in zip(panels, PANELS.items(), strict=True):
        if not is_in_front(panel):
            trigger(viewer, *menu, f"{title} (")
        assert is_in_front(panel)
        area, controls = scroll_area_of(panel), controls_of(panel)
        assert controls
        for control in controls:
            area.ensureWidgetVisible(control)
            seen = control.visibleRegion().boundingRect()
            assert seen.width() == control.width(), (title, control, control.toolTip())
            assert seen.height() == control.height(), (title, control, control.toolTip())


def test_a_long_name_of_a_layer_cuts_no_panel_off(viewer):
    name = "P2: 801 field map of the phantom (magnitude and phase), 2018-05-26"
    viewer.add_image(np.arange(4 * 5 * 6).reshape(4, 5, 6), name=name)
    viewer.window.resize(1280, 720)
    for title in ("Planes and slices", "Volume rendering"):
        trigger(viewer, *PANELS[title], f"{title} (")
    area = scroll_area_of(docks(viewer)[-1].inner_widget())
    assert area.widget().width() <= area.viewport().width()


def test_panels_stand_below_one_another_where_they_fit(viewer):
    viewer.window.resize(1280, 1100)
    resample, grayscale = (by_script(viewer, title) for title in ("Resample", "Grayscale"))
    assert is_in_front(resample)
    assert is_in_front(grayscale)
    for panel in (resample, grayscale):
        assert scroll_area_of(panel).verticalScrollBar().maximum() == 0
    dock_of(grayscale).hide()
    wait_until_idle()
    viewer.window.resize(1280, 600)
    export = by_script(viewer, "Export")  # beside Resample there is no room for it
    assert viewer.window._qt_window.tabifiedDockWidgets(dock_of(export)) == [dock_of(resample)]
    assert is_in_front(export)
    trigger(viewer, *MENU, "Grayscale (")  # nor for Grayscale now, in its old place
    assert is_in_front(grayscale)
    assert not is_in_front(export)
    trigger(viewer, *MENU, "Resample (")  # which napari takes for visible
    assert is_in_front(resample)
    trigger(viewer, *MENU, "Resample (")
    assert not resample.native.isVisible()


def test_the_wheel_scrolls_past_values(viewer):
    viewer.add_image(np.zeros((4, 5, 6)), scale=(3, 2, 2))
    panel = by_script(viewer, "Export")
    dock_of(panel).setMaximumHeight(250)
    wait_until_idle()
    bar = scroll_area_of(panel).verticalScrollBar()
    box, choice = panel.spacing[0].native, panel.format.native
    value, chosen = box.value(), choice.currentIndex()
    for control in (box, choice):
        bar.setValue(0)
        turn(control, -1)
        assert bar.value() > 0
    assert (box.value(), choice.currentIndex()) == (value, chosen)
    scroll_area_of(panel).ensureWidgetVisible(box)
    viewer.window.activate()
    QTest.mouseClick(box.lineEdit(), LEFT)
    turn(box, -1)
    assert box.value() < value


def test_every_control_of_every_panel_has_a_tooltip(viewer):
    missing = {}
    for title in PANELS:
        panel = by_script(viewer, title)
        kinds = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QAbstractSlider)
        for kind in (*kinds, QAbstractItemView):
            for control in panel.native.findChildren(kind):
                is_unused = isinstance(control, QPushButton) and not control.text()
                if not (is_of_qt(control) or is_unused or has_tooltip(control, panel)):
                    missing.setdefault(title, []).append(str(control))
        dock_of(panel).destroyOnClose()
        wait_until_idle()
    assert missing == {}


def has_tooltip(control, panel):
    """Return whether a tooltip is shown over a control: Qt takes it from what it stands in."""
    while control is not None and control is not panel.native:
        if control.toolTip():
            return True
        control = control.parentWidget()
    return False


def test_a_window_is_closed_with_tabs(make_napari_viewer):
    """Viewers stay, or Python ends, where Qt deletes the panels before the canvas."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1100, 600)
    viewer.add_image(np.zeros((4, 5, 6)))
    trigger(viewer, "Layers", "Visualize", "Show three planes at once")
    panel = by_script(viewer, "Window and level")
    window = viewer.window._qt_window
    assert len(window.tabifiedDockWidgets(dock_of(panel))) == 1
    viewer.close()
