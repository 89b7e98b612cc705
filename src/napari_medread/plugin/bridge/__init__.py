"""Between volumes and napari's layers; nothing in here opens a window.

``volume_to_layer`` makes a layer of a volume; ``layer_to_volume`` makes a volume of a layer, where
it is drawn now. Both use ``layer_metadata`` (what the plugin remembers of a layer),
``spatial_axes`` (which axes are spatial), ``layer_transforms`` (where napari draws it) and
``layer_position`` (where it lies in patient space). ``patient_space`` draws oblique layers there in
3D, by ``oblique_drawings``; ``camera_fit`` fits a viewer's camera to its visible layers.
"""
