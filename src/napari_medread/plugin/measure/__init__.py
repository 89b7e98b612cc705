"""Measuring shapes and labels: the model of the Measure panel, its table and the panel.

In: a Shapes or Labels layer, and the image layer it is drawn on.
Out: lengths, angles and areas in mm of patient space, statistics of the image's values inside
shapes and labels, as a table to show, copy and export.
Only ``measure_panel`` and ``measurement_table_view`` use Qt.
"""
