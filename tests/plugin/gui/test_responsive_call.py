"""Calls that return what they have read while the window stays alive."""

import threading

import pytest
from napari.utils import progress
from qtpy.QtCore import QThread, QTimer
from qtpy.QtWidgets import QApplication

from napari_medread.errors import Cancelled, UnreadableFile
from napari_medread.plugin.gui import responsive_call
from napari_medread.plugin.gui.responsive_call import call_responsively

WAIT_S = 10
"""Seconds after which a thread gives up waiting for the window, and its test fails."""


def test_the_window_handles_events_while_the_function_runs(qapp):
    was_handled = threading.Event()
    QTimer.singleShot(0, was_handled.set)
    assert call_responsively(lambda _: was_handled.wait(WAIT_S), "Opening files")


def test_the_function_runs_in_another_thread_and_what_it_raises_arrives(qapp):
    threads = []

    def refuse(_):
        threads.append(threading.get_ident())
        raise UnreadableFile("x.dcm: it is cut short.")

    with pytest.raises(UnreadableFile, match=r"^x\.dcm: it is cut short\.$"):
        call_responsively(refuse, "Opening files")
    assert threads != [threading.get_ident()]


def test_in_a_thread_the_function_is_called_directly(qapp):
    results = []

    def run():
        results.append(call_responsively(lambda _: QThread.currentThread(), "Opening files"))
        results.append(QThread.currentThread())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(WAIT_S)
    assert results[0] is results[1]


def test_a_call_during_a_call_returns_its_own_result(qapp):
    is_inner_done, results = threading.Event(), []

    def call_again():
        results.append(call_responsively(lambda _: "inner", "Opening files"))
        is_inner_done.set()

    QTimer.singleShot(0, call_again)
    results.append(
        call_responsively(lambda _: "outer" if is_inner_done.wait(WAIT_S) else "", "Opening files")
    )
    assert results == ["inner", "outer"]


def test_the_cancel_button_stops_the_function(viewer, monkeypatch):
    monkeypatch.setattr(responsive_call, "BAR_DELAY_S", 0.0)
    is_cancelled, done = threading.Event(), []

    def click_cancel():
        bars = [bar for bar in progress._all_instances if bar.desc.startswith("Opening files")]
        if bars:
            bars[0].cancel()
            is_cancelled.set()
            timer.stop()

    timer = QTimer()
    timer.timeout.connect(click_cancel)
    timer.start(1)

    def work(track):
        for item in track(range(3), "Reading"):
            done.append(item)
            is_cancelled.wait(WAIT_S)

    with pytest.raises(Cancelled):
        call_responsively(work, "Opening files")
    assert done == [0]
    assert not [bar for bar in progress._all_instances if bar.desc.startswith("Opening files")]


def test_nothing_is_returned_to_a_viewer_that_was_closed_meanwhile(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    is_closed = threading.Event()

    def close():
        viewer.close()
        is_closed.set()

    QTimer.singleShot(0, close)
    with pytest.raises(Cancelled):
        call_responsively(lambda _: is_closed.wait(WAIT_S), "Opening files")
    QApplication.processEvents()
