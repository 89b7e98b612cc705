"""Planes and slices of the patient: buttons, keys, the mouse wheel, text, three planes at once.

In: the viewer and its layers, with their positions in patient space.
Out: the panel "Planes and slices" and the plane commands in the Layers menu.
The parts build on each other in one direction, so each has a folder: ``navigation`` (which slice
and plane), ``overlay`` (what is written about it), ``orthogonal`` (three planes at once). The
panel, the commands and what combines the parts for one window stand here. May import
``rendering``, never the other way round.
"""
