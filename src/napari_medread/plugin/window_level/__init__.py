"""The display window of image layers: width and center, presets, inverted colours, undo.

In: an image layer with the windows, unit and modality that its file gave.
Out: the layer's contrast limits and colormap; its values never change. ``layer_windows``,
``colormap_inversion`` and ``window_history`` (undo) know nothing of Qt; ``window_drag`` is the
right mouse button; ``window_panel`` and ``window_controls`` are the panel "Window and level".
"""
