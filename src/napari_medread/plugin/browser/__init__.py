"""The panel Series browser: lists what can be read in a folder, and loads it.

``catalogue_rows`` turns a catalogue into rows, ``series_tree`` shows them, ``thumbnail_queue``
makes their previews in the background (``entry_preview``), ``load_queue`` reads what is
chosen, and ``loaded_layers`` adds it to the viewer; ``browser_panel`` puts them together.
"""
