"""Shapes in millimetres and values inside, known by how they were placed."""

import csv
import math

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels, Shapes

from napari_medread.core.geometry import Geometry
from napari_medread.core.progress import no_progress
from napari_medread.core.volume import Volume
from napari_medread.errors import CannotMeasure
from napari_medread.plugin.bridge.volume_to_layer import to_layer
from napari_medread.plugin.measure.layer_measurement import (
    get_drawn_shapes,
    get_measurement_space,
    measure_shapes,
)
from napari_medread.plugin.measure.measurement_table import (
    NO_LENGTH_UNIT,
    MeasurementTable,
    format_cell,
    make_shapes_table,
)
from napari_medread.plugin.measure.region_sampling import make_label_sampler, make_shape_sampler

SPACING = np.array([5.0, 0.5, 2.0])
SHAPE = (12, 40, 30)
ALIGNED = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
"""Columns: the array axes SI, AP, RL in LPS."""
OBLIQUE = ALIGNED @ np.linalg.qr(np.eye(3) + 0.2 * np.random.default_rng(0).normal(size=(3, 3)))[0]
OBLIQUE = OBLIQUE * np.sign(np.einsum("ij,ij->j", OBLIQUE, ALIGNED))


def affine(axes):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, (-31, 52, 103)
    return matrix


TILTED = affine(ALIGNED * SPACING)
TILTED[1, 0] = 3.0  # 3 mm to the back with every slice
AFFINES = {
    "aligned": affine(ALIGNED * SPACING),
    "flipped": affine(ALIGNED * SPACING * (1, -1, -1)),
    "oblique": affine(OBLIQUE * SPACING),
    "tilted": TILTED,
}


def image_of(matrix, data=None):
    """Return the layer of a volume, as a file is opened."""
    data = np.zeros(SHAPE, np.int16) if data is None else data
    volume = Volume(data, "scan", Geometry(data.shape[-3:], matrix), value_unit="HU")
    array, attributes, _ = to_layer(volume)
    attributes.pop("contrast_limits")
    return Image(array, **attributes)


def drawn_on(image, index, kind, **more):
    """Return shapes whose points lie on given voxels of an image, drawn in its world."""
    world = [np.array([image.data_to_world(each) for each in points]) for points in index]
    return Shapes(world, shape_type=kind, units=image.units, **more)


def measured(image, shapes, point=(0.0, 0.0, 0.0)):
    space = get_measurement_space(image, shapes)
    marks = get_drawn_shapes(shapes, space, point)
    table = make_shapes_table(marks, space, measure_shapes(marks, space))
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows], table


@pytest.mark.parametrize("name", AFFINES)
def test_distances_angles_and_areas_are_those_in_the_patient(name):
    image = image_of(AFFINES[name])
    # A triangle in each plane, and one across all of them.
    index = np.array(
        [
            [(3, 4, 5), (3, 12, 5), (3, 12, 8)],
            [(1, 20, 5), (2, 20, 5), (2, 20, 7)],
            [(1, 4, 9), (1, 14, 9), (5, 14, 9)],
            [(1, 4, 9), (2, 14, 19), (5, 24, 9)],
        ],
        float,
    )
    expected = index @ AFFINES[name][:3, :3].T
    paths, table = measured(image, drawn_on(image, index, "path"))
    polygons, _ = measured(image, drawn_on(image, index, "polygon"))
    assert table.columns[2:] == ("Length (mm)", "Angle (°)", "Area (mm²)", "Perimeter (mm)")
    assert table.remarks == ()
    for (a, b, c), path, polygon in zip(expected, paths, polygons, strict=True):
        ab, bc, ca = (np.linalg.norm(each) for each in (b - a, c - b, a - c))
        assert path["Length (mm)"] == pytest.approx(ab + bc, rel=1e-5)
        angle = math.degrees(math.acos((ab**2 + bc**2 - ca**2) / (2 * ab * bc)))
        assert path["Angle (°)"] == pytest.approx(angle, abs=1e-2)
        half = (ab + bc + ca) / 2  # Heron
        area = math.sqrt(half * (half - ab) * (half - bc) * (half - ca))
        assert polygon["Area (mm²)"] == pytest.approx(area, rel=1e-4)
        assert polygon["Perimeter (mm)"] == pytest.approx(2 * half, rel=1e-5)
        assert polygon["Length (mm)"] is None


def test_a_3_4_5_triangle_on_an_anisotropic_grid():
    image = Image(np.zeros(SHAPE), scale=SPACING, units="mm", translate=(7, 8, 9))
    # In a layer with the image's own transform, as napari makes it: 3 mm by 4 mm.
    shapes = Shapes(
        [[(2, 10, 10), (2, 16, 10), (2, 16, 12)]],
        shape_type="path",
        scale=SPACING,
        translate=(7, 8, 9),
        units="mm",
    )
    ((row,), _) = measured(image, shapes)
    assert row["Length (mm)"] == pytest.approx(7)
    assert row["Angle (°)"] == pytest.approx(90)
    # By its own unit without an image; in micrometres; and on an image in micrometres.
    assert measured(None, shapes)[0] == [row]
    shapes.units = ("um",) * 3
    assert measured(None, shapes)[0][0]["Length (mm)"] == pytest.approx(0.007)
    image.units = ("um",) * 3
    shapes.units = ("pixel",) * 3
    assert measured(image, shapes)[0][0]["Length (mm)"] == pytest.approx(0.007)


def test_millimetres_are_never_invented():
    shapes = Shapes([[(0, 0), (3, 4)]], shape_type="line")
    for image in (None, Image(np.zeros((9, 9))), Image(np.zeros((9, 9)), scale=(2, 2))):
        ((row,), table) = measured(image, shapes)
        assert row["Length (px)"] == pytest.approx(5)
        assert table.remarks == (NO_LENGTH_UNIT,)
    plane = Image(np.zeros((9, 9)), scale=(2, 0.5), units="mm")
    assert measured(plane, Shapes([[(0, 0), (3, 4)]], shape_type="line"))[0][0][
        "Length (mm)"
    ] == pytest.approx(5)


def test_an_ellipse_and_a_rectangle():
    image = image_of(AFFINES["aligned"])
    # 10 mm and 4 mm long half axes in a coronal slice.
    box = [(2, 7, 3), (6, 7, 3), (6, 7, 7), (2, 7, 7)]
    rows, _ = measured(image, drawn_on(image, [box, box], ["ellipse", "rectangle"]))
    assert rows[0]["Area (mm²)"] == pytest.approx(math.pi * 10 * 4)
    assert rows[1]["Area (mm²)"] == pytest.approx(20 * 8)
    assert rows[1]["Perimeter (mm)"] == pytest.approx(56)


def test_shapes_without_an_area_get_a_remark():
    image = image_of(AFFINES["aligned"])
    bow = [(1, 1, 1), (1, 9, 9), (1, 9, 1), (1, 1, 9)]
    bent = [(1, 1, 1), (1, 9, 1), (5, 9, 9), (1, 1, 9)]
    rows, table = measured(image, drawn_on(image, [bow, bent], "polygon"))
    assert [row["Area (mm²)"] for row in rows] == [None, None]
    assert all(row["Perimeter (mm)"] > 0 for row in rows)
    assert table.remarks == (
        "No. 1 crosses itself and has no area.",
        "No. 2 does not lie in one plane and has no area.",
    )


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_values_inside_shapes_are_those_of_their_slice(name, axis):
    data = np.random.default_rng(1).integers(-1000, 1000, SHAPE).astype(np.int16)
    image = image_of(AFFINES[name], data)
    box = np.array([(2, 3), (8, 3), (8, 11), (2, 11)]) - 0.43
    index = np.insert(box, axis, 6, axis=1)
    lines = [index[:2]]
    shapes = drawn_on(image, [index, index, *lines], ["rectangle", "ellipse", "line"])
    space = get_measurement_space(image)
    point = (0.0, 0.0, 0.0)
    found, remarks = make_shape_sampler(
        image, space, get_drawn_shapes(shapes, space, point), point
    )(no_progress)
    assert remarks == ()
    assert sorted(found) == [1, 2]
    plane = np.take(data, 6, axis=axis).astype(float)
    inside = plane[2:8, 3:11]
    assert found[1].voxel_count == inside.size
    assert found[1].mean == pytest.approx(inside.mean())
    assert found[1].standard_deviation == pytest.approx(inside.std())
    rows, columns = np.mgrid[: plane.shape[0], : plane.shape[1]]
    round_ = ((rows - 4.57) / 3) ** 2 + ((columns - 6.57) / 4) ** 2 <= 1
    assert found[2].voxel_count == round_.sum()
    assert found[2].mean == pytest.approx(plane[round_].mean())


def test_shapes_in_no_slice_have_no_values():
    image = image_of(AFFINES["aligned"])
    across = [(1, 1, 1), (1, 9, 1), (5, 9, 9), (5, 1, 9)]
    outside = [(-4, 1, 1), (-4, 9, 1), (-4, 9, 9)]
    space = get_measurement_space(image)
    shapes = drawn_on(image, [across, outside], "polygon")
    marks = get_drawn_shapes(shapes, space, (0,) * 3)
    found, remarks = make_shape_sampler(image, space, marks, (0,) * 3)(no_progress)
    assert found == {}
    assert remarks == (
        "No. 1 does not lie in one slice of scan.",
        "No. 2 does not lie in one slice of scan.",
    )


def ball(image, matrix, radius):
    """Return the labels of a ball about the middle of a volume, and the volume of it in ml."""
    index = np.moveaxis(np.indices(image.data.shape[-3:]), 0, -1)
    place = index @ matrix[:3, :3].T
    middle = (np.array(image.data.shape[-3:]) - 1) / 2 @ matrix[:3, :3].T
    inside = np.linalg.norm(place - middle, axis=-1) <= radius
    return inside.astype(np.int32), 4 / 3 * math.pi * radius**3 / 1000


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("lazy", [False, True])
def test_the_volume_of_a_ball_and_the_values_inside(name, lazy):
    matrix = AFFINES[name] @ np.diag([0.2, 1, 0.5, 1])  # finer
    data = np.random.default_rng(2).normal(40, 12, (40, 60, 50)).astype(np.float32)
    data[20, 30, 25] = math.nan
    numbers, litre = ball(image_of(matrix, data), matrix, 9)
    numbers *= 3
    image = image_of(matrix, da.from_array(data, chunks=(7, 60, 50)) if lazy else data)
    labels = Labels(
        da.from_array(numbers, chunks=(1, 60, 50)) if lazy else numbers,
        scale=image.scale, translate=image.translate, affine=image.affine, units=image.units,
        axis_labels=image.axis_labels,
    )  # fmt: skip
    space = get_measurement_space(image)
    found = make_label_sampler(image, space, labels, (0, 0, 0))(no_progress).statistics
    inside = data[numbers == 3].astype(float)
    assert list(found) == [3]
    assert (found[3].voxel_count, found[3].non_finite_count) == (inside.size, 1)
    assert found[3].mean == pytest.approx(np.nanmean(inside))
    assert found[3].standard_deviation == pytest.approx(np.nanstd(inside))
    assert (found[3].minimum, found[3].maximum) == (np.nanmin(inside), np.nanmax(inside))
    assert space.voxel_size == pytest.approx(0.5)
    assert found[3].voxel_count * space.voxel_size / 1000 == pytest.approx(litre, rel=0.02)


def test_labels_that_run_the_other_way_or_cover_a_part():
    data = np.arange(math.prod(SHAPE), dtype=np.int32).reshape(SHAPE)
    image = image_of(AFFINES["aligned"], data)
    regions = np.zeros(SHAPE, np.uint8)
    regions[2:5, 10:20, 3:9] = 7
    part = regions[1:9, 5:25, 2:][:, ::-1]
    matrix = AFFINES["aligned"] @ np.array(
        [[1, 0, 0, 1], [0, -1, 0, 24], [0, 0, 1, 2], [0, 0, 0, 1.0]]
    )
    array, attributes, _ = to_layer(Volume(part, "part", Geometry(part.shape, matrix), labels=True))
    labels = Labels(array, **attributes)
    inside = make_label_sampler(image, get_measurement_space(image), labels, (0, 0, 0))(no_progress)
    (found,) = inside.statistics.values()
    assert found.voxel_count == 3 * 10 * 6
    assert found.mean == pytest.approx(data[regions == 7].mean())
    # Half a voxel off, or coarser: not guessed.
    for change in ({"translate": np.add(labels.translate, (0, 0, 1))}, {"scale": labels.scale * 2}):
        other = Labels(array, **(attributes | change))
        with pytest.raises(CannotMeasure, match="are not on the grid of scan"):
            make_label_sampler(image, get_measurement_space(image), other, (0, 0, 0))
    # Drawn on the same place, and of another orientation.
    turned = to_layer(Volume(regions, "t", Geometry(SHAPE, AFFINES["oblique"]), labels=True))
    other = Labels(turned[0], **turned[1])
    with pytest.raises(CannotMeasure, match="not on the grid"):
        make_label_sampler(image, get_measurement_space(image), other, (0, 0, 0))


def test_the_frame_shown_and_the_frame_drawn_on():
    data = np.random.default_rng(3).random((4, *SHAPE))
    image = Image(data, scale=(2, *SPACING), units=("s", "mm", "mm", "mm"), translate=(10, 0, 0, 0))
    still = np.zeros(SHAPE, np.uint8)
    still[3] = 1
    labels = Labels(still, scale=SPACING, units="mm")
    point = (14.2, 0, 0, 0)  # frame 2
    space = get_measurement_space(image)
    found = make_label_sampler(image, space, labels, point)(no_progress).statistics
    assert found[1].mean == pytest.approx(data[2, 3].mean())
    moving = np.zeros(data.shape, np.uint8)
    moving[2, 5] = 1
    labels = Labels(moving, scale=image.scale, units=image.units, translate=image.translate)
    found = make_label_sampler(image, space, labels, point)(no_progress).statistics
    assert found[1].mean == pytest.approx(data[2, 5].mean())
    box = np.array([(3, 1.5, 1.5), (3, 9.5, 1.5), (3, 9.5, 9.5), (3, 1.5, 9.5)]) * SPACING
    for shapes, frame in (
        (Shapes([box], units="mm"), 2),
        (Shapes([np.insert(box, 0, 16, axis=1)], units=image.units), 3),
    ):
        marks = get_drawn_shapes(shapes, space, point)
        found, remarks = make_shape_sampler(image, space, marks, point)(no_progress)
        assert remarks == ()
        assert found[1].mean == pytest.approx(data[frame, 3, 2:10, 2:10].mean())
    across = np.insert(box, 0, [10, 12, 12, 10], axis=1)
    ((row,), table) = measured(image, Shapes([across], shape_type="polygon"), point)
    assert row["Area (mm²)"] is None
    assert table.remarks == ("No. 1 spans several frames and was not measured.",)


def test_colour_has_no_values():
    picture = Image(np.zeros((9, 9, 3), np.uint8), rgb=True, name="photo")
    with pytest.raises(CannotMeasure, match="photo: this is a colour image"):
        make_shape_sampler(picture, get_measurement_space(picture), [], (0, 0))


def test_a_table_as_text():
    table = MeasurementTable(("No.", "Mean (HU)", "Note"), ((1, 1 / 3, "a,b"), (2, math.nan, None)))
    assert list(csv.reader(table.to_text(",").splitlines())) == [
        ["No.", "Mean (HU)", "Note"],
        ["1", "0.3333333333", "a,b"],
        ["2", "", ""],
    ]
    shown = {
        12.3456: "12.35", 0.012345: "0.0123", 0.0: "0.00", 3: "3", -892: "-892", None: "",
        math.nan: "", 4171.968: "4172.0", -41719.68: "-41720", 417196812.0: "4.172e+08",
    }  # fmt: skip
    assert {each: format_cell(each) for each in shown} == shown


def test_a_table_in_two_blocks():
    columns = ("No.", "Shape", "Length (mm)", "Mean", "Not finite")
    rows = ((1, "line", 2.0, None, None), (2, "line", 3.0, None, 0))
    assert MeasurementTable(columns, rows).split_columns() == [[1, 2]]  # without empty columns
    assert MeasurementTable(columns, rows, second_block=3).split_columns() == [[1, 2], []]
    rows = (*rows, (3, "ellipse", None, 7.0, 4))
    assert MeasurementTable(columns, rows, second_block=3).split_columns() == [[1, 2], [3, 4]]
    assert MeasurementTable(columns, second_block=3).split_columns() == [[1, 2], [3, 4]]
    assert MeasurementTable().split_columns() == [[]]
