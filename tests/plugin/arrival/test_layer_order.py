"""The order and the look of layers that are drawn over each other."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Points

from helpers.scans import AXIAL
from napari_medread.plugin.arrival import viewer_follower
from napari_medread.plugin.arrival.layer_order import insert_in_order
from napari_medread.plugin.arrival.viewer_follower import announce_layers
from napari_medread.plugin.bridge.volume_to_layer import to_layers


@pytest.fixture
def viewer(monkeypatch):
    """Return a viewer without a window, in which all happens at once."""
    monkeypatch.setattr(viewer_follower, "_has_event_loop", lambda: False)
    return ViewerModel()


def make_volume(name, modality, **changes):
    volume = AXIAL.volume(np.arange(9 * 20 * 16).reshape(9, 20, 16).astype(np.int16))
    return replace(volume, name=name, modality=modality, **changes)


CT, MR, PET, DOSE = (make_volume(m, m) for m in ("CT", "MR", "PT", "RTDOSE"))
SPECT = make_volume("SPECT", "NM")
LABELS = make_volume("organs", "", labels=True)


def add(viewer, *volumes):
    """Add volumes together, as the reader has napari do it."""
    return [
        viewer.add_layer(Layer.create(*each))
        for each in announce_layers(to_layers(volumes), viewer)
    ]


def names(viewer):
    """Return the names of the layers, from the lowest to the topmost."""
    return [layer.name for layer in viewer.layers]


def test_volumes_of_one_drop_lie_over_each_other_as_they_are_read(viewer):
    add(viewer, LABELS, DOSE, PET, CT, MR)
    assert names(viewer) == ["CT", "MR", "PT", "RTDOSE", "organs"]


def test_fractions_of_a_segmentation_lie_over_the_image_and_are_hidden(viewer):
    fractions = make_volume("7 fractions", "SEG")
    layers = add(viewer, fractions, CT)
    assert names(viewer) == ["CT", "7 fractions"]
    assert {layer.name: layer.visible for layer in layers} == {"CT": True, "7 fractions": False}


def test_a_ct_that_comes_after_the_pet_lies_below_it(viewer):
    for volume in (PET, LABELS, CT):
        add(viewer, volume)
    assert names(viewer) == ["CT", "PT", "organs"]


def test_a_new_image_lies_above_the_images_and_below_what_is_drawn_on_them(viewer):
    for layer in (Image(np.ones((4, 5))), Labels(np.ones((4, 5), int)), Points(ndim=2)):
        viewer.add_layer(layer)
    add(viewer, MR)
    assert names(viewer) == ["Image", "MR", "Labels", "Points"]


def test_the_order_that_the_user_made_stays(viewer):
    for volume in (CT, PET, LABELS):
        add(viewer, volume)
    viewer.layers.move(2, 0)  # labels to the bottom
    add(viewer, SPECT)
    assert names(viewer) == ["organs", "CT", "PT", "SPECT"]
    add(viewer, MR)
    assert names(viewer) == ["organs", "CT", "MR", "PT", "SPECT"]


def test_layers_that_others_have_come_between_are_ordered_too(viewer):
    layers = [viewer.add_image(np.ones((2, 2)), name=name) for name in ("a", "b", "x", "c")]
    insert_in_order(viewer.layers, [layers[1], layers[0]])
    assert names(viewer) == ["x", "c", "b", "a"]


@pytest.mark.parametrize("volumes", [(CT, PET), (PET, CT), (MR, SPECT), (SPECT, MR)])
@pytest.mark.parametrize("together", [True, False])
def test_pet_is_added_in_colour_to_a_ct_or_mr_whichever_comes_first(viewer, volumes, together):
    for group in [volumes] if together else [(each,) for each in volumes]:
        add(viewer, *group)
    upper = viewer.layers[1]
    assert upper.metadata["modality"] in ("PT", "NM")
    assert str(upper.blending) == "additive"
    # Without activity nothing is added, with much of it white.
    black, white = upper.colormap.map(np.array([0.0, 1.0]))[:, :3]
    assert black.tolist() == [0, 0, 0]
    assert white.tolist() == [1, 1, 1]
    assert viewer.layers[0].colormap.name == "gray"


def test_pet_alone_keeps_the_colours_it_opens_with(viewer):
    (layer,) = add(viewer, PET)
    assert str(layer.colormap.name) == to_layers([PET])[0][1]["colormap"]


def test_colours_that_the_user_chose_stay(viewer):
    (pet,) = add(viewer, PET)
    pet.colormap = "viridis"
    add(viewer, CT)
    assert pet.colormap.name == "viridis"


def test_zero_dose_is_transparent(viewer):
    add(viewer, CT, DOSE)
    dose = viewer.layers["RTDOSE"]
    lowest, highest = dose.colormap.map(np.array([0.0, 1.0]))
    assert lowest[3] == 0
    assert highest[3] == 1
    assert str(dose.blending).startswith("translucent")
    assert dose.opacity < 1


def test_a_large_drop_moves_few_layers(viewer):
    volumes = [make_volume(f"MR {n}", "MR") for n in range(30)]
    moves = []
    viewer.layers.events.moved.connect(moves.append)
    add(viewer, *volumes)
    assert names(viewer) == [f"MR {n}" for n in range(30)]
    assert len(moves) <= 1  # the visible one, which napari adds last to select it
