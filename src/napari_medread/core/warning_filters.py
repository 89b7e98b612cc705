"""Suppressing warnings in several threads at once."""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_lock = threading.RLock()
_suppressed: Counter[str] = Counter()
_filters = ExitStack()


@contextmanager
def suppress_warnings(message: str = "") -> Iterator[None]:
    """Suppress warnings while the context is open.

    Warning filters belong to the whole process. If each thread restored the filters it had found,
    the last one to leave would restore those that another thread had set. So whenever a context
    opens or closes, the original filters are restored, and those of all open contexts set again.

    Parameters
    ----------
    message : str, optional
        A regular expression that matches the start of the warnings to suppress. If empty, all
        warnings are suppressed.
    """
    _change_count(message, 1)
    try:
        yield
    finally:
        _change_count(message, -1)


def _change_count(message: str, difference: int) -> None:
    with _lock:
        _filters.close()
        _suppressed[message] += difference
        messages = list(+_suppressed)  # those with a count above 0
        if messages:
            _filters.enter_context(warnings.catch_warnings())
        for pattern in messages:
            warnings.filterwarnings("ignore", message=pattern)
