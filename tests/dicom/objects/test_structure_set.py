"""What a structure set says: its regions, their properties and contours."""

import numpy as np
import pytest

from helpers.builders import save_dataset
from helpers.segmentations import make_source_images
from helpers.structure_sets import make_rectangle, make_roi, make_structure_set
from napari_medread.dicom.headers.header_scan import read_header
from napari_medread.dicom.objects.structure_set import parse_structure_set

IMAGES = make_source_images()
SQUARE = make_rectangle(IMAGES[1], (2, 4), (3, 6))


def parse(folder, regions, change=None, **attributes):
    dataset = make_structure_set(IMAGES, regions, **attributes)
    if change is not None:
        change(dataset)
    return parse_structure_set(read_header(save_dataset(dataset, folder / "rs.dcm")))


def test_regions_come_with_their_properties(tmp_path):
    regions = [
        make_roi(7, "Lung", [SQUARE], color=(0, 51, 255), interpreted_type="ORGAN"),
        make_roi(3, "Marker", [SQUARE[:1]], "POINT", None, "MARKER"),
    ]
    found = parse(tmp_path, regions)
    marker, lung = found.regions
    assert (lung.number, lung.name, lung.interpreted_type) == (7, "Lung", "ORGAN")
    assert lung.color == pytest.approx((0, 0.2, 1))
    assert (marker.number, marker.color, marker.interpreted_type) == (3, None, "MARKER")
    assert [contour.kind for contour in marker.contours] == ["POINT"]
    np.testing.assert_allclose(lung.contours[0].points, SQUARE, atol=1e-4)
    assert lung.frame_of_reference == IMAGES[0].FrameOfReferenceUID
    assert found.series_uids == [IMAGES[0].SeriesInstanceUID]
    assert found.image_description == "the CT series of 6 images"


@pytest.mark.parametrize(
    ("points", "kind"),
    [
        (["1", "2", "3", "4", "5", "6"], "CLOSED_PLANAR"),
        (["1", "2", "3", "4"], "POINT"),
        (["1", "2", "nan"], "POINT"),
        (["1", "2", "1e999"], "POINT"),
        (["1", "2", "x"], "POINT"),
        ([], "CLOSED_PLANAR"),
    ],
    ids=["two points", "no triples", "NaN", "infinite", "text", "no points"],
)
def test_broken_contours_are_counted_and_the_others_are_kept(tmp_path, points, kind):
    def change(dataset):
        item = dataset.ROIContourSequence[0].ContourSequence[0]
        item.ContourGeometricType = kind
        if not points:
            del item.ContourData
            return
        # As bytes: pydicom does not write malformed numbers.
        item["ContourData"]._value = points

    (region,) = parse(tmp_path, [make_roi(1, "A", [SQUARE, SQUARE])], change).regions
    assert region.broken_contours == 1
    assert len(region.contours) == 1


def test_a_line_of_one_point_is_a_point(tmp_path):
    (region,) = parse(tmp_path, [make_roi(1, "A", [SQUARE[:1]], "OPEN_PLANAR")]).regions
    assert region.contours[0].kind == "POINT"


def test_names_lose_control_characters_and_the_patient(tmp_path):
    regions = [
        make_roi(1, "Left\x07\tlung", [SQUARE]),
        make_roi(2, "Tumour of Muster", [SQUARE]),
        make_roi(3, "", [SQUARE]),
    ]
    found = parse(tmp_path, regions, PatientName="Muster^Erika")
    assert [region.name for region in found.regions] == ["Left lung", "ROI 2", "ROI 3"]
    assert found.hidden_name_count == 1


def test_contours_of_a_number_that_is_not_described_are_kept(tmp_path):
    def change(dataset):
        dataset.StructureSetROISequence = []

    (region,) = parse(tmp_path, [make_roi(5, "A", [SQUARE])], change).regions
    assert (region.number, region.name, len(region.contours)) == (5, "ROI 5", 1)
