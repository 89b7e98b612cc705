"""Names of layers of several patients in one window, and what of them is written to files."""

import numpy as np

import napari_medread
from helpers.menus import opened
from helpers.patients import write_scan
from napari_medread.core.progress import no_progress
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.browser.loaded_layers import LoadedLayers, read_entry
from napari_medread.plugin.writer import save


def names(viewer):
    return [layer.name for layer in viewer.layers]


def test_patients_keep_their_numbers_in_a_window(viewer, drop, tmp_path):
    drop([write_scan(tmp_path / "1", "A")])
    assert names(viewer) == ["3 chest"]
    drop([write_scan(tmp_path / "2", "B", "20120506")])
    assert sorted(names(viewer)) == ["P1: 3 chest, 2011-03-04", "P2: 3 chest, 2012-05-06"]
    viewer.layers.clear()
    drop([write_scan(tmp_path / "3", "C", "20130708")])
    drop([tmp_path / "2"])
    assert sorted(names(viewer)) == ["P2: 3 chest, 2012-05-06", "P3: 3 chest, 2013-07-08"]


def test_the_names_that_a_user_gave_stay(viewer, drop, tmp_path):
    drop([write_scan(tmp_path / "1", "A")])
    viewer.layers[0].name = "before"
    viewer.add_image(np.zeros((3, 4)), name="3 chest")
    drop([write_scan(tmp_path / "2", "B")])
    assert sorted(names(viewer)) == ["3 chest", "P2: 3 chest, 2011-03-04", "before"]


def test_files_are_not_named_by_the_date(viewer, drop, messages, tmp_path):
    drop([write_scan(tmp_path / "1", "A"), write_scan(tmp_path / "2", "B", slices=3)])
    (first, second) = sorted(viewer.layers, key=lambda layer: layer.name)
    viewer.layers.selection.active = first
    panel = opened(viewer, "File", "IO Utilities", "Export")
    assert panel.layer.value is first
    assert panel.file.value.name == "P1 3 chest.mhd"
    (tmp_path / "out").mkdir()
    save(
        str(tmp_path / "out" / "all.dcm"),
        [layer.as_layer_data_tuple() for layer in (first, second)],
        ".dcm",
    )
    napari_medread.write(tmp_path / "out" / "one.nrrd", volume_from_layer(first, viewer).volume)
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.parent.name for path in written} == {"all-P1 3 chest", "all-P2 3 chest", "out"}
    for path in written:
        content = path.read_bytes()
        assert not any(text in content for text in (b"20110304", b"2011-03-04", b"Doe", b"P1:"))


def test_the_browser_names_layers_as_the_reader_does(viewer, drop, tmp_path):
    drop([write_scan(tmp_path / "1", "A")])
    write_scan(tmp_path / "both" / "2", "B", "20120506")
    write_scan(tmp_path / "both" / "3", "C", "20130708")
    catalogue = napari_medread.browse(tmp_path / "both")
    entries = [
        e for p in catalogue.patients for s in p.studies for x in s.series for e in x.entries
    ]
    assert [entry.name for entry in entries] == ["3 chest", "3 chest"]
    loaded = LoadedLayers(viewer)
    for entry in entries:
        loaded.begin_group()
        loaded.add(read_entry(entry, None, no_progress))
        loaded.end_group()
    assert sorted(names(viewer)) == [
        "P1: 3 chest, 2011-03-04", "P2: 3 chest, 2012-05-06", "P3: 3 chest, 2013-07-08",
    ]  # fmt: skip
    found = [loaded.find_layer(entry).name for entry in entries]
    assert found == ["P2: 3 chest, 2012-05-06", "P3: 3 chest, 2013-07-08"]
