"""Between volumes and napari's layers.

``volume_to_layer`` makes a layer of a volume; ``layer_to_volume`` makes a volume of a layer, where
it is drawn now. Both rest on ``layer_record`` (what the plugin remembers of a layer),
``spatial_axes`` (which axes of a layer are space) and ``layer_transforms`` (where napari draws it).
``patient_space`` draws oblique layers in 3D where they lie in the patient. Nothing in here opens a window.
"""
