"""Updates at the pace of drawing, by a clock of the test's own."""

import pytest

from helpers.idle import wait_until_idle
from napari_medread.plugin.rendering import paced_updates
from napari_medread.plugin.rendering.paced_updates import COARSE_SPEEDUP, SLOW_S, PacedUpdates

QUICK, SLOW = 0.5 * SLOW_S / COARSE_SPEEDUP, 10 * SLOW_S


class Picture:
    """What is drawn by the updates, and how long drawing takes."""

    def __init__(self):
        self.now, self.value, self.is_held = 0.0, 0, True
        self.drawn, self.refined = [], 0
        self.updates = PacedUpdates(self.apply, self.refine, lambda: self.is_held)

    def apply(self, is_coarse):
        self.drawn.append((self.value, "coarse" if is_coarse else "fine"))

    def refine(self):
        self.refined += 1

    def change(self, value):
        self.value = value
        self.updates.request()

    def draw(self, seconds):
        """Let time pass as while drawing, and the timers notice."""
        self.now += seconds + paced_updates._PROBE_MS / 1000
        wait_until_idle()


@pytest.fixture
def picture(qapp, monkeypatch):
    made = Picture()
    monkeypatch.setattr(paced_updates, "perf_counter", lambda: made.now)
    return made


def test_of_many_changes_at_once_the_first_and_the_last_are_drawn(picture):
    picture.is_held = False
    for value in range(20):
        picture.change(value)
    assert picture.drawn == [(0, "coarse")]
    picture.draw(QUICK)
    assert picture.drawn == [(0, "coarse"), (19, "fine")]
    assert picture.refined == 1


def test_where_drawing_is_quick_every_change_is_drawn_finely(picture):
    for value in range(5):
        picture.change(value)
        picture.draw(QUICK)
    assert picture.drawn == [(0, "coarse"), *((value, "fine") for value in range(1, 5))]


def test_where_drawing_is_slow_the_window_stays_free_for_most_of_the_time(picture):
    picture.change(0)
    picture.draw(SLOW)
    for value in range(1, 21):
        picture.now += SLOW / 5
        picture.change(value)
    # The window was drawing for one third of the time at most.
    assert len(picture.drawn) - 1 <= 20 * (SLOW / 5) / (3 * SLOW) + 1
    assert {quality for _, quality in picture.drawn} == {"coarse"}


def test_the_last_change_is_drawn_when_the_hand_rests_and_finely_when_it_lets_go(picture):
    picture.change(0)
    picture.draw(SLOW)
    for value in range(1, 4):
        picture.change(value)
    assert picture.drawn == [(0, "coarse")]
    picture.draw(SLOW)  # the handle is still held
    assert picture.drawn == [(0, "coarse"), (3, "coarse")]
    assert picture.refined == 0
    picture.updates.finish()
    assert picture.refined == 1
    picture.draw(SLOW)
    assert not picture.updates.is_pending
    assert len(picture.drawn) == 2
