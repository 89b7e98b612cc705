"""3D rendering of volumes: presets, views of the patient, crop box, undo.

In: image layers of three axes or more, and the presets of ``core.rendering_presets``.
Out: the appearance of these layers in 3D, the camera and clipping planes; in 2D the slices look as
before. ``rendering_session`` keeps both appearances and the undo steps of a viewer, without Qt;
``rendering_panel``, ``crop_box_controls`` and ``transfer_function_legend`` are the panel. A drag of
the crop box is drawn at the pace of the window by ``crop_drag`` and ``paced_updates``.
"""
