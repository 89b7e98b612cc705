"""Which visible layers do not lie in the patient as they are drawn over each other."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer

from helpers.scans import AXIAL, CORONAL, OBLIQUE, SAGITTAL, Scan
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Volume
from napari_medread.plugin.arrival.orientation_check import (
    describe_differences,
    find_orientation_differences,
)
from napari_medread.plugin.bridge.patient_space import PatientSpace
from napari_medread.plugin.bridge.volume_to_layer import to_layer


def turn(degrees):
    """Return axial slices turned about the patient's left-right axis, around the origin."""
    a = np.radians(degrees)
    down = np.array([0, np.cos(a), np.sin(a)])
    normal = np.cross([1, 0, 0], down)
    position = -15.0 * np.array([1, 0, 0]) - 19.0 * down - 16.0 * normal
    return Scan((1, 0, 0, *down), tuple(position), (4.0, 2.0, 2.0))


def find_angles(*layers):
    return [each.angle for each in find_orientation_differences(layers)]


@pytest.mark.parametrize(
    "other", [AXIAL, CORONAL, SAGITTAL, AXIAL._replace(position=(-20, -30, 70))]
)
def test_layers_along_the_patient_s_axes_match(other):
    assert find_angles(AXIAL.layer(), other.layer()) == []


@pytest.mark.parametrize("degrees", [3.0, 25.0])
def test_an_oblique_layer_over_a_straight_one_does_not_match(degrees):
    lower, upper = turn(0).layer(), turn(degrees).layer()
    (found,) = find_orientation_differences([lower, upper])
    assert (found.lower, found.upper) == (lower, upper)
    assert found.angle == pytest.approx(degrees, abs=0.01)


def test_the_shift_is_the_distance_between_points_of_the_patient_drawn_at_one_point():
    lower, upper = turn(0).layer(), turn(25).layer()
    (found,) = find_orientation_differences([lower, upper])
    # The corners of the box that both are drawn in, taken to the patient by either layer.
    boxes = np.array([lower.extent.world, upper.extent.world])
    low, high = boxes[:, 0].max(axis=0), boxes[:, 1].min(axis=0)
    distances = []
    for n in np.ndindex(2, 2, 2):
        corner = np.where(n, high, low)
        places = [
            (each.metadata["patient_affine"] @ [*each.world_to_data(corner), 1])[:3]
            for each in (lower, upper)
        ]
        distances.append(np.linalg.norm(places[0] - places[1]))
    assert found.shift == pytest.approx(max(distances))


def test_layers_that_share_space_only_in_the_patient_do_not_match():
    # Coordinates along their own axes are measured from the patient's origin, and they are far off.
    lower, upper = (
        each._replace(position=tuple(np.add(each.position, [0, 0, 500])))
        for each in (turn(0), turn(25))
    )
    assert find_angles(lower.layer(), upper.layer()) == [pytest.approx(25.0)]


def test_layers_of_equal_obliquity_match():
    moved = OBLIQUE._replace(position=(-25.0, -40.0, 80.0), spacing=(2.0, 1.0, 1.0))
    assert find_angles(OBLIQUE.layer(), moved.layer()) == []


def test_rounded_directions_still_match():
    rounded = Scan(tuple(round(each, 4) for each in OBLIQUE.orientation))
    assert find_angles(OBLIQUE.layer(), rounded.layer()) == []


def test_hidden_layers_and_layers_elsewhere_do_not_count():
    hidden, elsewhere = OBLIQUE.layer(), OBLIQUE._replace(position=(0, 0, -900)).layer()
    hidden.visible = False
    assert find_angles(AXIAL.layer(), hidden, elsewhere) == []


def test_layers_without_a_position_do_not_count():
    unknown = Image(np.ones((9, 20, 16)), units=("mm",) * 3)
    assert find_angles(AXIAL.layer(), unknown, Image(np.ones((20, 16)))) == []


def test_all_layers_match_in_patient_space():
    viewer = ViewerModel()
    for scan in (AXIAL, OBLIQUE):
        viewer.add_layer(scan.layer())
    assert len(find_angles(*viewer.layers)) == 1
    space = PatientSpace(viewer)
    space.switch(on=True)
    viewer.dims.ndisplay = 3
    assert find_angles(*viewer.layers) == []
    viewer.dims.ndisplay = 2
    assert len(find_angles(*viewer.layers)) == 1


def test_a_layer_that_was_moved_in_napari_still_has_its_orientation():
    moved = OBLIQUE.layer()
    moved.translate = np.add(moved.translate, [2, 3, 4])
    assert find_angles(OBLIQUE.layer(), moved) == []
    assert len(find_angles(AXIAL.layer(), moved)) == 1


def test_a_run_over_time_is_compared_by_its_spatial_axes():
    assert len(find_angles(AXIAL.layer(), OBLIQUE.layer(frames=3))) == 1
    assert find_angles(OBLIQUE.layer(), OBLIQUE.layer(frames=3)) == []


def test_a_tilted_gantry_is_told_in_mm():
    affine = np.diag([-4.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]]  # SI, AP, RL to LPS
    affine[1, 0] = 1.0  # every slice 1 mm further to the back
    tilted, straight = affine.copy(), affine.copy()
    straight[1, 0] = 0.0
    layers = [
        Layer.create(
            *to_layer(Volume(np.ones((9, 20, 16), np.int16), name, Geometry((9, 20, 16), each)))
        )
        for name, each in (("CT", straight), ("tilted CT", tilted))
    ]
    differences = find_orientation_differences(layers)
    (found,) = differences
    assert "tilted CT and CT are drawn up to " in describe_differences(differences)
    assert f"{found.shift:.1f} mm" in describe_differences(differences)


def test_the_sentence_names_the_layers_and_the_angle():
    layers = [turn(0).layer(), turn(25).layer(), turn(40).layer()]
    for layer, name in zip(layers, ("T1", "DTI", "T2"), strict=True):
        layer.name = name
    sentence = describe_differences(find_orientation_differences(layers))
    assert sentence.startswith("DTI and T1 lie at an angle of 25.0° ")
    assert "2 other pairs" in sentence
