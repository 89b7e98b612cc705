"""Text about the displayed slice: orientation letters, slice number, position, voxel value.

In: a viewer and the geometries of its layers in patient space.
Out: text on the canvas, and sentences and numbers for the panel.
"""
