"""Objects that are drawn on images: segmentations and structure sets, one module each.

In come headers of such objects and the stacks of the images that were read with them; out come
volumes of label numbers, with what every number stands for. Pixels are read here only as far as
these objects store them in their own way.
"""
