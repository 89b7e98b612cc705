"""MetaImages written: SimpleITK is the judge, and what is read again is the same."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk

import napari_medread
from helpers.file_grids import DIRECTIONS
from helpers.metaimages import TYPES, itk_affine, judge, lines, read, some_pixels, write_text
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.errors import Cancelled, CannotWrite

KINDS = [("x.mha", False), ("x.mha", True), ("x.mhd", False), ("x.mhd", True)]
AFFINE = np.array([[0, 0, 0.7, -41.5], [0, 1.16, 0, 56.25], [-2.5, 0, 0, 312.1], [0, 0, 0, 1]])
RIGHT_ANGLED = {
    name: matrix for name, matrix in DIRECTIONS.items() if name != "tilted gantry"
}  # fmt: skip


def grid(*shape):
    return Geometry(shape, AFFINE)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("name", "compress"), KINDS)
@pytest.mark.parametrize("kind", sorted(set(TYPES.values())))
def test_values_of_every_type(tmp_path, name, compress, kind):
    pixels = some_pixels((2, 3, 4), kind)
    written = napari_medread.write(
        tmp_path / name, Volume(pixels, "x", grid(2, 3, 4)), compress=compress
    )
    assert names(tmp_path) == sorted(path.name for path in written.paths)
    image, volume = judge(tmp_path / name), read(tmp_path / name)
    for found in (sitk.GetArrayFromImage(image), volume.data):
        assert np.array_equal(found, pixels)
        assert found.dtype == pixels.dtype
    assert np.array_equal(itk_affine(image), AFFINE)
    assert np.array_equal(volume.patient_affine, AFFINE)
    assert volume.notes == ()
    assert len(written.notes) == (np.dtype(kind).itemsize == 8 and kind != "f8")


@pytest.mark.parametrize(("name", "compress"), KINDS)
def test_labels_come_back_as_labels(tmp_path, name, compress):
    pixels = some_pixels((2, 3, 4), "u2")
    labels = Volume(pixels, "x", grid(2, 3, 4), labels=True)
    napari_medread.write(tmp_path / name, labels, compress=compress)
    image, volume = judge(tmp_path / name), read(tmp_path / name)
    assert volume.labels
    assert volume.contrast_limits is None
    assert np.array_equal(sitk.GetArrayFromImage(image), pixels)
    assert np.array_equal(itk_affine(image), AFFINE)
    assert np.array_equal(volume.data, pixels)
    # What is no longer labels is not marked either, whatever it was read from.
    volume.labels = False
    napari_medread.write(tmp_path / name, volume, compress=compress)
    assert not read(tmp_path / name).labels


@pytest.mark.parametrize("direction", RIGHT_ANGLED.values(), ids=RIGHT_ANGLED)
@pytest.mark.parametrize("name", ["x.mhd", "x.mha"])
def test_read_write_read_in_every_orientation(tmp_path, direction, name):
    pixels = some_pixels((5, 6, 7), "i2")
    image = sitk.GetImageFromArray(pixels)
    image.SetDirection(direction.ravel().tolist())
    image.SetSpacing((1.16, 0.7, 2.5))
    image.SetOrigin((-241.5, 56.25, 1e-3))
    sitk.WriteImage(image, str(tmp_path / "in.mha"))
    volume = read(tmp_path / "in.mha")
    napari_medread.write(tmp_path / name, volume)
    again = read(tmp_path / name)
    assert np.array_equal(again.data, volume.data)
    np.testing.assert_allclose(again.patient_affine, volume.patient_affine, rtol=0, atol=1e-9)
    # The same voxel at the same place, as SimpleITK has them.
    after = sitk.ReadImage(str(tmp_path / name))
    for index in np.random.default_rng(0).integers(0, pixels.shape[::-1], (20, 3)).tolist():
        point = image.TransformIndexToPhysicalPoint(index)
        there = after.TransformPhysicalPointToContinuousIndex(point)
        np.testing.assert_allclose(there, np.rint(there), atol=1e-6)
        assert after.GetPixel(*np.rint(there).astype(int).tolist()) == image.GetPixel(*index)


@pytest.mark.parametrize(("name", "compress"), KINDS)
@pytest.mark.parametrize(
    ("shape", "leading", "rgb", "kind"),
    [
        ((2, 3, 4, 3), (), True, "u1"),
        ((2, 3, 4, 4), (), True, "u2"),
        ((5, 2, 3, 4), (Axis("channel"),), False, "i2"),
        ((3, 2, 3, 4), (Axis("channel"),), False, "f4"),
        ((5, 2, 3, 4), (Axis("time", "s", 2.5),), False, "i2"),
        ((5, 2, 3, 4, 3), (Axis("time", "s", 0.1),), True, "u1"),
        (
            (2, 5, 2, 3, 4),
            (Axis("channel"), Axis("echo time", "ms", 5.0)),
            False,
            "i2",
        ),
    ],
)
def test_colour_channels_and_time(tmp_path, name, compress, shape, leading, rgb, kind):
    pixels = some_pixels(shape, kind)
    volume = Volume(pixels, "x", grid(2, 3, 4), leading, rgb=rgb)
    napari_medread.write(tmp_path / name, volume, compress=compress)
    again = read(tmp_path / name)
    assert np.array_equal(again.data, pixels)
    assert (again.rgb, again.leading) == (rgb, leading)
    assert np.array_equal(again.patient_affine, AFFINE)
    channels = leading and leading[0].label == "channel"
    expected = np.moveaxis(pixels, 0, -1) if channels else pixels
    assert np.array_equal(sitk.GetArrayFromImage(judge(tmp_path / name)), expected)


def test_two_dimensions_have_spacing_and_no_patient(tmp_path):
    affine = np.array([[0, 0.2, 5], [0.1, 0, -7], [0, 0, 1]])
    volume = Volume(some_pixels((3, 4), "u2"), "x", Geometry((3, 4), affine))
    napari_medread.write(tmp_path / "x.mha", volume)
    again = read(tmp_path / "x.mha")
    assert np.array_equal(again.geometry.affine, affine)
    image = judge(tmp_path / "x.mha")
    assert (image.GetSpacing(), image.GetOrigin()) == ((0.2, 0.1), (5, -7))


def test_pixels_without_a_size_stay_pixels(tmp_path):
    napari_medread.write(tmp_path / "x.mha", Volume(some_pixels((3, 4), "u2"), "x"))
    again = read(tmp_path / "x.mha")
    assert again.geometry is None
    assert again.units == ("pixel", "pixel")


def test_an_array_of_three_axes_has_1_mm_and_it_is_said(tmp_path):
    written = napari_medread.write(tmp_path / "x.mha", Volume(some_pixels((2, 3, 4), "u1"), "x"))
    assert written.notes[0].startswith("No spacing is known:")
    image = judge(tmp_path / "x.mha")
    assert image.GetSpacing() == (1, 1, 1)
    assert image.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)


def test_a_film_stays_a_film(tmp_path):
    leading = (Axis("time", "s", 0.04),)
    volume = Volume(
        some_pixels((5, 3, 4), "u1"), "x", Geometry((3, 4), np.eye(3)[[1, 0, 2]]), leading
    )
    napari_medread.write(tmp_path / "x.mhd", volume)
    again = read(tmp_path / "x.mhd")
    assert again.leading == leading
    assert again.patient_affine is None
    assert np.array_equal(again.data, volume.data)


def test_values_of_an_axis_that_are_no_steps_are_said_to_be_lost(tmp_path):
    leading = (Axis("b-value", values=(0, 1000, 2000)),)
    volume = Volume(some_pixels((3, 2, 3, 4), "i2"), "x", grid(2, 3, 4), leading)
    written = napari_medread.write(tmp_path / "x.mha", volume)
    assert written.notes == ("The values of the axis b-value (3) were not written.",)


def test_bool_becomes_0_and_1(tmp_path):
    mask = np.indices((2, 3, 4)).sum(axis=0) % 2 == 0
    napari_medread.write(tmp_path / "x.mha", Volume(mask, "x", grid(2, 3, 4)))
    found = sitk.GetArrayFromImage(judge(tmp_path / "x.mha"))
    assert found.dtype == np.uint8
    assert np.array_equal(found, mask)


def test_keys_survive_unless_they_no_longer_hold(tmp_path):
    keys = {
        "Comment": "a comment = with : marks",
        "CenterOfRotation": "1 2 3",
        "AnatomicalOrientation": "RAI",
        "Modality": "MET_MOD_MR",
        "ElementToIntensityFunctionSlope": "2",
        "Scanner": "made up",
        "ElementMin": "0",
        "HeaderSize": "-1",
        "BinaryDataByteOrderMSB": "False",
    }
    path = write_text(tmp_path / "in.mhd", lines(**keys))
    volume = read(path)
    napari_medread.write(tmp_path / "out.mhd", volume)
    header = read(tmp_path / "out.mhd").header
    gone = {"ElementMin", "HeaderSize"}
    assert {key: header.get(key) for key in keys if key not in gone} == {
        key: value for key, value in keys.items() if key not in gone
    }
    assert not gone & set(header)
    assert judge(tmp_path / "out.mhd").GetMetaData("Scanner") == "made up"
    # Turned round, the letters would be wrong.
    volume.geometry = Geometry(volume.shape, np.diag([-1.0, 1, 1, 1]) @ volume.geometry.affine)
    napari_medread.write(tmp_path / "turned.mhd", volume)
    assert "AnatomicalOrientation" not in read(tmp_path / "turned.mhd").header


def test_what_names_a_patient_is_written_on_request_only(tmp_path):
    naming = {"PatientName": "Doe", "0010|0020": "77", "Comment": "fine"}
    volume = read(write_text(tmp_path / "in.mhd", lines(**naming)))
    written = napari_medread.write(tmp_path / "out.mhd", volume)
    assert written.notes == ("Keys about the patient were left out of the header (2).",)
    header = (tmp_path / "out.mhd").read_text()
    assert "Doe" not in header
    assert "77" not in header
    assert "Comment = fine" in header
    napari_medread.write(tmp_path / "out.mhd", volume, keep_patient=True)
    assert "PatientName = Doe" in (tmp_path / "out.mhd").read_text()


def test_a_sheared_grid_is_refused_with_the_way_out(tmp_path):
    affine = AFFINE.copy()
    affine[1, 0] = 0.5
    volume = Volume(some_pixels((2, 3, 4), "i2"), "tilted", Geometry((2, 3, 4), affine))
    with pytest.raises(CannotWrite, match=r"^tilted: .* Layers > Transform > Resample"):
        napari_medread.write(tmp_path / "x.mha", volume)
    assert names(tmp_path) == []


def test_too_many_axes_are_refused(tmp_path):
    leading = (Axis("time"), Axis("echo"))
    volume = Volume(np.zeros((2, 2, 2, 3, 4)), "run", grid(2, 3, 4), leading)
    with pytest.raises(CannotWrite, match=r"^run: it has 5 axes \(time, echo, SI, AP, RL\)"):
        napari_medread.write(tmp_path / "x.mha", volume)


@pytest.mark.parametrize("name", ["x", "x.jpg", ".mhd", "x.mhd.txt"])
def test_a_name_that_does_not_say_the_format_is_refused(tmp_path, name):
    with pytest.raises(CannotWrite, match="the suffix of this name is no format"):
        napari_medread.write(tmp_path / name, Volume(np.zeros((3, 4)), "x"))
    assert names(tmp_path) == []


def volume_of(value):
    return Volume(np.full((2, 3, 4), value, np.int16), "x", grid(2, 3, 4))


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
def test_writing_again_leaves_one_header_and_its_data(tmp_path, first, second):
    path = tmp_path / "x.mhd"
    for n, compress in enumerate((first, second, second)):
        napari_medread.write(path, volume_of(n), compress=compress)
        data = "x.zraw" if compress else "x.raw"
        assert names(tmp_path) == sorted(["x.mhd", data])
        assert read(path).header["ElementDataFile"] == data
        assert (sitk.GetArrayFromImage(judge(path)) == n).all()


def test_a_volume_can_be_written_over_the_file_it_is_mapped_from(tmp_path):
    path = tmp_path / "x.mhd"
    napari_medread.write(path, volume_of(5))
    mapped = read(path)
    assert isinstance(mapped.data, np.memmap)
    napari_medread.write(path, mapped)
    assert (mapped.data == 5).all()
    assert (read(path).data == 5).all()


def test_the_data_of_another_header_stay(tmp_path):
    raw = np.arange(24, dtype=np.int16).tobytes()
    (tmp_path / "x.raw").write_bytes(raw)
    written = napari_medread.write(tmp_path / "x.mhd", volume_of(1))
    assert [path.name for path in written.paths] == ["x.mhd", "x-2.raw"]
    assert (tmp_path / "x.raw").read_bytes() == raw
    assert (read(tmp_path / "x.mhd").data == 1).all()


def stopping(after):
    """Return a progress that is cancelled after some pieces."""

    def progress(items, description):
        for n, item in enumerate(items):
            if n == after:
                raise Cancelled("stopped")
            yield item

    return progress


@pytest.mark.parametrize(("name", "compress"), KINDS)
def test_a_cancelled_save_leaves_the_old_files(tmp_path, name, compress):
    napari_medread.write(tmp_path / name, volume_of(1), compress=compress)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    run = Volume(np.ones((4, 2, 3, 4), np.int16), "x", grid(2, 3, 4), (Axis("time"),))
    with pytest.raises(Cancelled):
        napari_medread.write(tmp_path / name, run, compress=compress, progress=stopping(2))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


STEPS = """
import os, signal, sys
from pathlib import Path
import numpy as np
import napari_medread
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Volume

left = int(sys.argv[2])

def watch(event, args):
    global left
    if event in ("os.rename", "os.link", "os.remove"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
volume = Volume(np.full((2, 3, 4), 2, np.int16), "x", Geometry((2, 3, 4), np.eye(4)))
napari_medread.write(Path(sys.argv[1]), volume)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_whenever_it_is_killed_header_and_data_agree(tmp_path):
    """Killed before each change to the folder in turn, until it gets through."""
    outcomes = []
    for left in range(20):
        folder = tmp_path / str(left)
        folder.mkdir()
        path = folder / "x.mhd"
        old = Volume(np.full((4, 3, 2), 1, np.int16), "x", Geometry((4, 3, 2), np.eye(4)))
        napari_medread.write(path, old)
        command = [sys.executable, "-c", STEPS, path, str(left)]
        done = subprocess.run(command, check=False, env=os.environ)
        values = sitk.GetArrayFromImage(judge(path))
        whole = (values == 1).all() and values.shape == (4, 3, 2)
        outcomes.append("old" if whole else "new")
        assert whole or ((values == 2).all() and values.shape == (2, 3, 4))
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert done.returncode == 0
    assert outcomes == sorted(outcomes, reverse=True)  # old at first, and then new
    assert {"old", "new"} == set(outcomes)
    assert names(folder) == ["x.mhd", "x.raw"]


FILL = """
import sys, numpy, napari_medread
from pathlib import Path
from napari_medread.core.volume import Volume
from napari_medread.errors import CannotWrite
path = Path(sys.argv[1]) / "x.mhd"
napari_medread.write(path, Volume(numpy.ones((3, 4), "u1"), "x"))
before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
try:
    napari_medread.write(path, Volume(numpy.ones((9, 512, 512), "u1"), "x"))
except CannotWrite as error:
    print(error)
assert before == {p.name: p.read_bytes() for p in path.parent.iterdir()}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can mount a small disk")
def test_a_disk_too_small_is_one_sentence_and_changes_nothing(tmp_path):
    script = tmp_path / "fill.py"
    script.write_text(FILL)
    disk = tmp_path / "disk"
    disk.mkdir()
    own = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    mount = 'mount -t tmpfs -o size=1m none "$1"'
    if subprocess.run([*own, mount, "sh", disk], check=False, capture_output=True).returncode:
        pytest.skip("this system does not let us mount a disk")
    command = [*own, f'{mount} && exec "$2" "$3" "$1"', "sh", disk, sys.executable, script]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == (
        "x.mhd was not written: no space is left on the disk. Nothing was changed.\n"
    )
