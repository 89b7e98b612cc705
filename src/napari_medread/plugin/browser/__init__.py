"""The panel Series browser: lists what can be read in a folder, and loads it.

``folder_search`` searches in the background, ``catalogue_rows`` turns what it finds into rows,
``series_tree`` shows them, ``thumbnail_queue`` makes their previews (``entry_preview``),
``load_queue`` reads what is chosen, and ``loaded_layers`` adds it to the viewer; ``browser_panel``
puts them together.
"""
