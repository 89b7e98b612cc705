"""Letting pydicom take what breaks the rules, without a word, in several threads at once."""

from __future__ import annotations

import threading
import warnings
from contextlib import ExitStack

from pydicom import config


class _Forgiving:
    """A context in which values are not validated and warnings are not shown.

    Both are settings of the whole process. Were each thread to put back what it has found,
    the one that leaves last would put back what another one had set. So the first that
    enters sets them, and the last that leaves puts them back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before.enter_context(warnings.catch_warnings())
                self._before.enter_context(config.disable_value_validation())
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._before.close()


forgiving = _Forgiving()
"""It can be entered again from inside, and by any thread."""
