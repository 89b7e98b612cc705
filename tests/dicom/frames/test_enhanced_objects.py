"""Enhanced objects: every frame with its own functional groups (PS3.3 C.7.6.16)."""

import numpy as np
import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import EnhancedCTImageStorage, RLELossless

from helpers.builders import (
    COLUMN_SPACING,
    ORIENTATIONS,
    ROW_SPACING,
    SLICE_SPACING,
    find_slice_position,
    make_enhanced,
    make_plane_position,
    make_shared_groups,
    make_uid,
    save_dataset,
    stored_slice,
    stored_slices,
)
from napari_medread.api import read

SLICE_NUMBERS = (2, 0, 3, 1)
"""Slice numbers of frames 0 to 3. Slice 3 is the most superior one and comes first."""

DISPLAYED_FRAMES = [SLICE_NUMBERS.index(number) for number in (3, 2, 1, 0)]
"""Frame indices in the order of the volume."""


def read_one(tmp_path, ds):
    """Return the only volume of a file."""
    (volume,) = read(save_dataset(ds, tmp_path / "IM1"))
    return volume


# --- Geometry -------------------------------------------------------------------------------


def test_frames_are_sorted_by_position_and_not_by_number(tmp_path):
    volume = read_one(tmp_path, make_enhanced([make_plane_position(p) for p in SLICE_NUMBERS]))
    np.testing.assert_array_equal(volume.data, stored_slices(DISPLAYED_FRAMES))
    assert volume.notes == ()


def test_the_grid_is_where_the_functional_groups_put_it(tmp_path):
    volume = read_one(tmp_path, make_enhanced([make_plane_position(p) for p in SLICE_NUMBERS]))
    assert volume.geometry.spacing == pytest.approx((SLICE_SPACING, ROW_SPACING, COLUMN_SPACING))
    axial = ORIENTATIONS["axial"]
    np.testing.assert_allclose(volume.geometry.to_patient([0, 0, 0]), find_slice_position(3, axial))
    np.testing.assert_allclose(volume.geometry.to_patient([3, 0, 0]), find_slice_position(0, axial))


def test_the_groups_of_a_frame_override_the_shared_ones(tmp_path):
    own = make_shared_groups(PixelMeasuresSequence={"PixelSpacing": [4.0, 6.0]})
    volume = read_one(
        tmp_path,
        make_enhanced([make_plane_position(p) | own for p in SLICE_NUMBERS], make_shared_groups()),
    )
    assert volume.geometry.spacing[1:] == pytest.approx((4, 6))


def test_groups_override_the_attributes_of_the_whole_object(tmp_path):
    ds = make_enhanced(
        [make_plane_position(p) for p in SLICE_NUMBERS], ImagePositionPatient=[9, 9, 9]
    )
    np.testing.assert_array_equal(read_one(tmp_path, ds).data, stored_slices(DISPLAYED_FRAMES))


def test_references_to_other_images_give_no_positions(tmp_path):
    other = {
        "ReferencedImageSequence": {"ReferencedFrameNumber": 1, "ImagePositionPatient": [0] * 3}
    }
    volume = read_one(
        tmp_path, make_enhanced([make_plane_position(p) | other for p in SLICE_NUMBERS])
    )
    np.testing.assert_array_equal(volume.data, stored_slices(DISPLAYED_FRAMES))


def test_frames_of_several_orientations_are_several_volumes(tmp_path):
    frames, names = [], ("axial", "coronal", "sagittal")
    for name in names:
        directions = make_shared_groups(ORIENTATIONS[name])
        frames += [make_plane_position(p, ORIENTATIONS[name]) | directions for p in range(3)]
    volumes = read(save_dataset(make_enhanced(frames, {}), tmp_path / "IM1"))
    assert [v.geometry.slice_axis for v in volumes] == [0, 1, 2]
    assert sorted(n for v in volumes for n in np.unique(np.asarray(v.data) >> 8)) == list(range(9))


def test_one_frame_is_a_volume_of_one_slice(tmp_path):
    thick = make_shared_groups()
    thick["PixelMeasuresSequence"]["SliceThickness"] = 4
    volume = read_one(tmp_path, make_enhanced([make_plane_position(2)], thick))
    assert volume.shape[0] == 1
    assert volume.geometry.spacing[0] == pytest.approx(4)


def test_frames_without_positions_are_a_film(tmp_path):
    volume = read_one(tmp_path, make_enhanced([{} for _ in range(3)], {}))
    np.testing.assert_array_equal(volume.data, stored_slices(range(3)))
    assert volume.patient_affine is None


def test_frames_without_functional_groups_have_no_position(tmp_path):
    ds = make_enhanced([make_plane_position(p) for p in (2, 0, 1, 3)])
    del ds.PerFrameFunctionalGroupsSequence[3]
    volumes = read(save_dataset(ds, tmp_path / "IM1"))
    assert sum(v.data.size for v in volumes) == 4 * stored_slice(0).size


# --- Values and windows ---------------------------------------------------------------------


def test_every_frame_has_its_own_rescale(tmp_path):
    frames = [
        make_plane_position(p)
        | {
            "PixelValueTransformationSequence": {
                "RescaleSlope": str(n + 1),
                "RescaleIntercept": str(-10 * n),
                "RescaleType": "US",
            }
        }
        for n, p in enumerate(SLICE_NUMBERS)
    ]
    expected = [stored_slices(n).astype(int) * (n + 1) - 10 * n for n in range(4)]
    np.testing.assert_array_equal(
        read_one(tmp_path, make_enhanced(frames)).data, [expected[n] for n in DISPLAYED_FRAMES]
    )


def test_the_unit_comes_from_the_value_transformation(tmp_path):
    rescale = {"RescaleSlope": "1", "RescaleIntercept": "-1024", "RescaleType": "HU"}
    shared = make_shared_groups(PixelValueTransformationSequence=rescale)
    ds = make_enhanced(
        [make_plane_position(p) for p in SLICE_NUMBERS],
        shared,
        SOPClassUID=EnhancedCTImageStorage,
        Modality="CT",
    )
    volume = read_one(tmp_path, ds)
    assert volume.value_unit == "HU"
    np.testing.assert_array_equal(volume.data, stored_slices(DISPLAYED_FRAMES).astype(int) - 1024)


def test_the_windows_are_those_of_the_middle_frame(tmp_path):
    frames = [
        make_plane_position(p)
        | {
            "FrameVOILUTSequence": {
                "WindowCenter": [str(100 * p), "5"],
                "WindowWidth": ["51", "7"],
                "WindowCenterWidthExplanation": ["NORMAL", "WIDE"],
            }
        }
        for p in SLICE_NUMBERS
    ]
    volume = read_one(tmp_path, make_enhanced(frames))
    assert volume.windows == ((100, 51, "NORMAL"), (5, 7, "WIDE"))
    # They differ from slice to slice, so that none of them fits the volume.
    low, high = volume.contrast_limits
    assert low <= volume.data.min() + 10
    assert high >= volume.data.max()


def test_philips_scale_slope_gives_values_that_compare_between_images(tmp_path):
    # (stored * RescaleSlope + RescaleIntercept) / (RescaleSlope * ScaleSlope)
    rescale = {"RescaleSlope": "4", "RescaleIntercept": "8", "RescaleType": "normalized"}
    window = {"WindowCenter": "1600", "WindowWidth": "3200", "VOILUTFunction": "LINEAR_EXACT"}
    groups = {"PixelValueTransformationSequence": rescale, "FrameVOILUTSequence": window}
    ds = make_enhanced(
        [make_plane_position(p) | groups for p in SLICE_NUMBERS], Manufacturer="Philips"
    )
    for item in ds.PerFrameFunctionalGroupsSequence:
        own = Dataset()
        own.add_new(0x2005100E, "FL", 0.125)
        item.add_new(0x2005140F, "SQ", [own])
    volume = read_one(tmp_path, ds)
    np.testing.assert_allclose(
        volume.data, (stored_slices(DISPLAYED_FRAMES) * 4.0 + 8) / (4 * 0.125)
    )
    assert volume.windows == ((3200, 6400, ""),)
    assert volume.contrast_limits == (0, 6400)


# --- Further dimensions ---------------------------------------------------------------------


def content(**attributes):
    """Return a frame content group."""
    return {"FrameContentSequence": attributes}


def diffusion(b_value, direction=None):
    """Return an MR diffusion group."""
    found = {"DiffusionBValue": float(b_value)}
    if direction is not None:
        found["DiffusionGradientDirectionSequence"] = {"DiffusionGradientOrientation": direction}
    return {"MRDiffusionSequence": found}


X, Y = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]

AXES = {
    "temporal position": (
        [content(TemporalPositionIndex=n) for n in (1, 2)],
        ("temporal position", "pixel", (1, 2)),
    ),
    "time offset": (
        [{"TemporalPositionSequence": {"TemporalPositionTimeOffset": t}} for t in (0.0, 2.5)],
        ("time", "s", (0, 2.5)),
    ),
    "echo": (
        [{"MREchoSequence": {"EffectiveEchoTime": t}} for t in (2.3, 4.6)],
        ("echo time", "ms", (2.3, 4.6)),
    ),
    "cardiac phase": (
        [
            {"CardiacSynchronizationSequence": {"NominalCardiacTriggerDelayTime": t}}
            for t in (0.0, 40.0)
        ],
        ("trigger time", "s", (0, 0.04)),
    ),
}


@pytest.mark.parametrize("name", AXES)
def test_repeated_positions_are_a_leading_axis(tmp_path, name):
    macros, axis = AXES[name]
    # The second point of the axis comes first in the file, and slices are shuffled.
    frames = [make_plane_position(p) | macros[n] for n in (1, 0) for p in SLICE_NUMBERS]
    order = [[4 + n for n in DISPLAYED_FRAMES], DISPLAYED_FRAMES]
    volume = read_one(tmp_path, make_enhanced(frames))
    np.testing.assert_array_equal(volume.data, stored_slices(order))
    (leading,) = volume.leading
    assert (leading.label, leading.unit) == axis[:2]
    np.testing.assert_allclose(np.ravel(leading.values), np.ravel(axis[2]))


def test_diffusion_is_a_leading_axis_in_the_order_of_acquisition(tmp_path):
    sets = (diffusion(800, Y), diffusion(0), diffusion(800, X))
    volume = read_one(
        tmp_path,
        make_enhanced([make_plane_position(p) | macros for macros in sets for p in SLICE_NUMBERS]),
    )
    np.testing.assert_array_equal(
        volume.data, stored_slices(np.add.outer([0, 4, 8], DISPLAYED_FRAMES))
    )
    (axis,) = volume.leading
    assert (axis.label, axis.values) == ("b-value", ((800, 0, 1, 0), (0,), (800, 1, 0, 0)))


def test_time_and_echo_are_two_leading_axes(tmp_path):
    frames = [
        make_plane_position(p) | content(TemporalPositionIndex=t) | AXES["echo"][0][e]
        for t in (1, 2)
        for e in (0, 1)
        for p in SLICE_NUMBERS
    ]
    volume = read_one(tmp_path, make_enhanced(frames))
    order = np.add.outer([[0, 4], [8, 12]], DISPLAYED_FRAMES)
    np.testing.assert_array_equal(volume.data, stored_slices(order))
    assert [axis.label for axis in volume.leading] == ["temporal position", "echo time"]


def dimensions(ds, *pointers):
    """Declare the dimensions of an object (PS3.3 C.7.6.17)."""
    ds.DimensionIndexSequence = []
    for keyword in pointers:
        item = Dataset()
        item.DimensionIndexPointer = tag_for_keyword(keyword)
        ds.DimensionIndexSequence.append(item)
    return ds


def test_stacks_that_follow_one_another_are_separate_volumes(tmp_path):
    slabs = {"1": (0, 1, 2), "2": (3, 4, 5)}
    frames = [
        make_plane_position(p) | content(StackID=stack)
        for stack, places in slabs.items()
        for p in places
    ]
    volumes = read(save_dataset(make_enhanced(frames), tmp_path / "IM1"))
    assert [v.name for v in volumes] == ["4 Test series (stack 1)", "4 Test series (stack 2)"]
    assert [v.shape[0] for v in volumes] == [3, 3]


def test_dimension_indices_are_used_where_no_attribute_differs(tmp_path):
    frames = [
        make_plane_position(p) | content(StackID="1", DimensionIndexValues=[1, p + 1, inversion])
        for p in SLICE_NUMBERS
        for inversion in (2, 1)
    ]
    ds = dimensions(make_enhanced(frames), "StackID", "InStackPositionNumber", "InversionTimes")
    volume = read_one(tmp_path, ds)
    order = [[2 * n + 1 for n in DISPLAYED_FRAMES], [2 * n for n in DISPLAYED_FRAMES]]
    np.testing.assert_array_equal(volume.data, stored_slices(order))
    (leading,) = volume.leading
    assert (leading.label, leading.values) == ("inversion times", (1, 2))


def test_attributes_are_preferred_to_dimension_indices(tmp_path):
    frames = [
        make_plane_position(p)
        | content(DimensionIndexValues=[p + 1, echo + 1])
        | AXES["echo"][0][echo]
        for echo in (0, 1)
        for p in SLICE_NUMBERS
    ]
    ds = dimensions(make_enhanced(frames), "InStackPositionNumber", "EffectiveEchoTime")
    (leading,) = read_one(tmp_path, ds).leading
    assert (leading.label, leading.values) == ("echo time", (2.3, 4.6))


def test_an_unknown_dimension_is_numbered(tmp_path):
    frames = [
        make_plane_position(p) | content(DimensionIndexValues=[p + 1, n])
        for n in (1, 2)
        for p in SLICE_NUMBERS
    ]
    ds = dimensions(make_enhanced(frames), "InStackPositionNumber", "InStackPositionNumber")
    ds.DimensionIndexSequence[1].DimensionIndexPointer = 0x00211010
    (leading,) = read_one(tmp_path, ds).leading
    assert (leading.label, leading.values) == ("dimension 2", (1, 2))


@pytest.mark.parametrize(
    "indices", [[1], [1, 2, 3], [], None], ids=["too few", "too many", "empty", "absent"]
)
def test_dimension_indices_that_do_not_match_are_ignored(tmp_path, indices):
    own = content(StackID="1") if indices is None else content(DimensionIndexValues=indices)
    ds = dimensions(
        make_enhanced([make_plane_position(p) | own for p in SLICE_NUMBERS]), "StackID", "EchoTime"
    )
    np.testing.assert_array_equal(read_one(tmp_path, ds).data, stored_slices(DISPLAYED_FRAMES))


# --- Several volumes ------------------------------------------------------------------------


def test_magnitude_and_phase_are_separate_volumes(tmp_path):
    kinds = [
        {"MRImageFrameTypeSequence": {"FrameType": ["ORIGINAL", "PRIMARY", letter, "NONE"],
                                      "ComplexImageComponent": name}}
        for letter, name in (("M", "MAGNITUDE"), ("P", "PHASE"))
    ]  # fmt: skip
    frames = [make_plane_position(p) | kind for p in SLICE_NUMBERS for kind in kinds]
    volumes = read(save_dataset(make_enhanced(frames), tmp_path / "IM1"))
    assert [v.name for v in volumes] == ["4 Test series (M)", "4 Test series (P)"]
    for n, volume in enumerate(volumes):
        np.testing.assert_array_equal(
            volume.data, stored_slices([2 * at + n for at in DISPLAYED_FRAMES])
        )


def test_frames_that_differ_only_in_complex_component_are_separate_volumes(tmp_path):
    kinds = [{"MRImageFrameTypeSequence": {"ComplexImageComponent": k}} for k in ("REAL", "PHASE")]
    frames = [make_plane_position(p) | kind for p in SLICE_NUMBERS for kind in kinds]
    names = [v.name for v in read(save_dataset(make_enhanced(frames), tmp_path / "IM1"))]
    assert names == ["4 Test series (PHASE)", "4 Test series (REAL)"]


def test_every_stack_is_a_volume(tmp_path):
    frames = [
        make_plane_position(p) | content(StackID=stack)
        for stack in ("1", "2")
        for p in SLICE_NUMBERS
    ]
    volumes = read(save_dataset(make_enhanced(frames), tmp_path / "IM1"))
    np.testing.assert_array_equal(volumes[0].data, stored_slices(DISPLAYED_FRAMES))
    np.testing.assert_array_equal(volumes[1].data, stored_slices([4 + n for n in DISPLAYED_FRAMES]))


# --- Several files --------------------------------------------------------------------------


def test_objects_with_one_time_point_each_are_one_volume_over_time(tmp_path):
    for n, name in enumerate("cab"):
        frames = [
            make_plane_position(p) | content(TemporalPositionIndex=n + 1) for p in SLICE_NUMBERS
        ]
        pixels = np.array([stored_slice(4 * n + k) for k in range(4)])
        save_dataset(make_enhanced(frames, pixels=pixels), tmp_path / name)
    (volume,) = read(tmp_path)
    np.testing.assert_array_equal(
        volume.data, stored_slices(np.add.outer([0, 4, 8], DISPLAYED_FRAMES))
    )


def read_concatenation(tmp_path, macros):
    """Write one object as three files, named in reverse order, and return its volume."""
    join = make_uid()
    for part, name in enumerate("zmb"):
        ds = make_enhanced(
            [macros[2 * part], macros[2 * part + 1]],
            make_shared_groups() if macros[0] else {},
            np.array([stored_slice(2 * part), stored_slice(2 * part + 1)]),
            ConcatenationUID=join,
            InConcatenationNumber=part + 1,
            InConcatenationTotalNumber=3,
            ConcatenationFrameOffsetNumber=2 * part,
            InstanceNumber=1,
        )
        save_dataset(ds, tmp_path / name)
    (volume,) = read(tmp_path)
    return volume


def test_a_concatenation_is_one_volume(tmp_path):
    volume = read_concatenation(tmp_path, [make_plane_position(p) for p in (4, 0, 2, 5, 1, 3)])
    np.testing.assert_array_equal(volume.data, stored_slices([3, 0, 5, 2, 4, 1]))


def test_a_concatenation_without_positions_is_one_film_in_order(tmp_path):
    volume = read_concatenation(tmp_path, [{}] * 6)
    np.testing.assert_array_equal(volume.data, stored_slices(range(6)))


# --- Compression ----------------------------------------------------------------------------


@pytest.mark.parametrize("table", [True, False], ids=["offset table", "no offset table"])
@pytest.mark.parametrize("fragments", [1, 2])
def test_compressed_frames_are_read_one_by_one(tmp_path, table, fragments):
    count = 40 if fragments == 1 or table else 1
    ds = make_enhanced([make_plane_position(p) for p in range(count)])
    frames = [
        RLELosslessEncoder.encode(stored_slice(n), rows=5, columns=7, samples_per_pixel=1,
                                  bits_allocated=16, bits_stored=16, pixel_representation=0,
                                  photometric_interpretation="MONOCHROME2", number_of_frames=1)
        for n in range(count)
    ]  # fmt: skip
    ds.PixelData = encapsulate(frames, fragments_per_frame=fragments, has_bot=table)
    path = save_dataset(ds, tmp_path / "IM1", RLELossless)
    (volume,) = read(path, lazy=True)
    np.testing.assert_array_equal(volume.data.compute(), stored_slices(range(count))[::-1])
