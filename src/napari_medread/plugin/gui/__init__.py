"""What all panels share.

``panel_base`` has the base class of every panel, ``layer_panel`` that of panels that choose a
layer and run a task on it. ``panel_dock`` finds a panel's place in the window;
``panel_scroll_area`` holds its controls. Background work is a ``background_task``, started from a
panel by ``panel_tasks``. Controls come from ``controls`` and ``button_grid``; ``qt_parts`` puts Qt
widgets into a panel. Notes are shown by ``notifications``. ``responsive_call`` lets napari's
reader wait for a thread while the window stays alive; ``reader_progress`` shows the progress of
what runs in the main thread. Settings are read by ``preferences``. Nothing in here knows about
images.
"""
