"""How a position along an axis is written wherever people read it: counted from 1."""

from __future__ import annotations


def format_axis_position(label: str, number: int, total: int) -> str:
    """Return which slice, time point or the like it is: ``Slice 25 of 60``.

    Parameters
    ----------
    label : str
        What is counted: ``Slice``, or the label of a leading axis.
    number, total : int
        Counted from 1.
    """
    return f"{label} {number} of {total}"
