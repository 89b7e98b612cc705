"""Making labels of images that may be labels.

In: an image layer, or what was just opened. Out: a labels layer in its place.
``label_conversion`` converts a layer in the background; ``label_offer`` offers it for images that
carry the note of ``core.label_detection``.
"""
