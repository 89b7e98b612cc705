"""Moving through slices and planes.

In: a viewer, and what the user presses or turns: a button, a key, the mouse wheel.
Out: the viewer's sliders, axis order and camera; which slice of which layer is displayed.
Imports nothing from the overlay or the orthogonal views.
"""
