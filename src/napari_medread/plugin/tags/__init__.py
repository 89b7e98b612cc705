"""The panel Tags: the header of the displayed slice, searched and compared over slices.

``header_follower`` reads the header when the slice changes; ``slice_headers`` finds the file and
frame of a slice; ``tag_model`` and ``tag_tree`` show a header; ``element_values`` and
``element_values_view`` list one element over all slices; ``tags_panel`` puts them together.
"""
