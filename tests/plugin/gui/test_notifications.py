"""Offers: notifications with buttons."""

import gc
import weakref

import numpy as np
import pytest
from napari._qt.dialogs.qt_notification import NapariQtNotification
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QPushButton

from helpers.idle import wait_until_idle
from napari_medread.plugin.gui.notifications import show_offer

SENTENCE = (
    "DTI and T1 lie differently in the patient, and what is seen at one point of the canvas is not "
    "at one point of the patient. Resample one to the other."
)


@pytest.fixture
def dialogs(viewer):
    """Return what finds the notifications in the window."""
    canvas = viewer.window._qt_viewer.canvas.native
    yield lambda: [each for each in canvas.findChildren(NapariQtNotification) if each.isVisible()]
    for each in canvas.findChildren(NapariQtNotification):
        each.close()


def test_a_click_on_an_offer_calls_its_action_once_and_closes_it(qtbot, viewer, dialogs):
    answers = []
    show_offer(SENTENCE, {"Resample": lambda: answers.append(1), "Keep": lambda: answers.append(2)})
    (dialog,) = dialogs()
    first, _ = (b for b in dialog.row2_widget.findChildren(QPushButton) if b.isVisible())
    assert first.text() == "Resample"
    qtbot.mouseClick(first, Qt.MouseButton.LeftButton)
    assert answers == [1]
    qtbot.waitUntil(lambda: not dialogs())


def test_an_offer_shows_its_whole_sentence_and_waits_for_an_answer(viewer, dialogs):
    show_offer(SENTENCE, {"Resample": lambda: None})
    wait_until_idle()
    (dialog,) = dialogs()
    assert QLabel.text(dialog.message) == SENTENCE  # what is drawn, without an ellipsis
    canvas = viewer.window._qt_viewer.canvas.native
    assert canvas.rect().contains(dialog.geometry())
    assert not dialog.timer.isActive()
    dialog.leaveEvent(None)  # as when the mouse has passed over it
    assert not dialog.timer.isActive()


def test_a_closed_offer_keeps_nothing_alive(viewer, dialogs):
    data = np.zeros(3)
    data_ref = weakref.ref(data)
    show_offer(SENTENCE, {"Use": lambda data=data: data.sum()})
    del data
    (dialog,) = dialogs()
    dialog.close()
    del dialog
    wait_until_idle()
    gc.collect()
    assert data_ref() is None
    assert notification_manager.records[-1].message == SENTENCE
