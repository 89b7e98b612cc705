"""What happens in the window when layers arrive, and when they are shown or hidden.

In: the layers that the reader and the series browser are about to add, and the events of the
viewer. Out: layers in the order of a fusion (``layer_order``, ``fusion_appearance``), sliders,
slice and camera at what is visible (``visible_view``), the visible layer selected, and an offer to
resample where two visible layers lie differently (``orientation_check``, ``alignment_offer``).
Values of time, echo and b-value stand beside the sliders (``slider_values``).
``viewer_follower`` follows one viewer and calls all of these.
"""
