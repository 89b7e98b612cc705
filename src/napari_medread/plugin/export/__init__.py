"""Exporting a layer to a file.

In: a layer, and the choices of the user. Out: files, written by ``api.write``.
``export_plan`` holds the choices and describes the result, without Qt; ``export_panel`` is the
panel.
"""
