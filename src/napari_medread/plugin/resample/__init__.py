"""Resampling a layer: the plan of what comes out, the background task, the panel and commands.

In: an image or labels layer, and a target: isotropic voxels, a spacing, the patient's axes or
another layer's grid.
Out: a new layer, drawn where its source is drawn; straightened, where its position in patient
space says.
"""
