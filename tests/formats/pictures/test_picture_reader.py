"""What is said of broken pictures, and of imageio's standard ones."""

import re
import time
import urllib.error

import numpy as np
import pytest
import tifffile
from imageio.core import fetching
from PIL import Image

from helpers.picture_files import deep_png
from napari_medread.errors import UnreadableFile
from napari_medread.formats.pictures import picture_reader

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
NAMES = ["a.png", "a.jpg", "a.bmp", "a.gif", "a.tif"]


def refusal(path):
    with pytest.raises(UnreadableFile) as error:
        picture_reader.read(path)
    return str(error.value)


@pytest.fixture(params=NAMES)
def picture(request, tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / request.param)
    return tmp_path / request.param


@pytest.mark.parametrize("kept", [0, 1, 7, 20, 60, 0.5])
def test_truncated_pictures_are_refused_in_one_sentence(picture, kept):
    content = picture.read_bytes()
    picture.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    assert re.fullmatch(rf"{picture.name}: this (picture cannot|TIFF holds) .+\.", refusal(picture))


@pytest.mark.parametrize("content", [b"hello", b"\0" * 500, b"<html></html>"])
@pytest.mark.parametrize("name", NAMES)
def test_files_that_are_no_picture_are_refused_in_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    words = refusal(tmp_path / name)
    assert words.startswith(f"{name}: this picture cannot be read (")
    assert words.endswith(").")
    assert str(tmp_path) not in words


@pytest.mark.parametrize("name", NAMES)
def test_folders_and_missing_files_are_refused(tmp_path, name):
    assert refusal(tmp_path / name) == (
        f"{name}: this picture cannot be read (No such file or directory)."
    )
    (tmp_path / name).mkdir()
    assert re.fullmatch(rf"{name}: this picture cannot be read \(.+\)\.", refusal(tmp_path / name))


@pytest.mark.parametrize("lost", [13, 40, 100])
def test_truncated_deep_png_is_refused(tmp_path, lost):
    pixels = np.random.default_rng(0).integers(0, 65536, (20, 20, 3), dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(deep_png(pixels)[:-lost])
    assert refusal(tmp_path / "a.png").startswith("a.png: this picture cannot be read (")


def test_deep_grey_png_with_alpha_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(deep_png(np.ones((5, 5, 2), np.uint16)))
    assert refusal(tmp_path / "a.png").startswith("a.png: this picture cannot be read (")


@pytest.mark.parametrize("damaged", [0.3, 0.6, 0.9])
def test_damaged_compressed_tiff_is_refused(tmp_path, damaged):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, tile=(16, 16), compression="zlib")
    content = bytearray((tmp_path / "a.tif").read_bytes())
    at = int(damaged * len(content))
    content[at : at + 50] = bytes(50)
    (tmp_path / "a.tif").write_bytes(content)
    assert refusal(tmp_path / "a.tif").startswith("a.tif: this picture cannot be read (")


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """Make every fetch fail as it does without a network, and hide what was fetched before."""

    def urlopen(*args, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(fetching, "urlopen", urlopen)
    monkeypatch.setattr(fetching, "appdata_dir", lambda name: str(tmp_path))
    monkeypatch.setattr(fetching, "resource_dirs", list)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("uri", ["imageio:chelsea.png", "imageio:/chelsea.png"])
def test_standard_picture_without_a_network_is_refused_soon(uri):
    start = time.monotonic()
    with pytest.raises(UnreadableFile) as error:
        picture_reader.read_standard_picture(uri)
    assert str(error.value) == (
        "imageio:chelsea.png: this picture could not be downloaded. Check the internet connection."
    )
    assert time.monotonic() - start < 30


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["nosuch.png", "", "cockatoo.mp4", "stent.npz", "../secret.png"])
def test_unknown_standard_picture_is_refused(name):
    with pytest.raises(UnreadableFile) as error:
        picture_reader.read_standard_picture(f"imageio:{name}")
    assert str(error.value) == f"imageio:{name}: there is no standard picture of this name."


@pytest.mark.usefixtures("no_network")
def test_standard_picture_that_was_fetched_before_needs_no_network(tmp_path):
    (tmp_path / "images").mkdir()
    Image.fromarray(PIXELS).save(tmp_path / "images" / "chelsea.png")
    (volume,) = picture_reader.read_standard_picture("imageio:chelsea.png")
    assert np.array_equal(volume.data, PIXELS)
    assert (volume.name, volume.source) == ("chelsea", ())


def test_a_picture_without_a_size_says_so(tmp_path):
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(tmp_path / "photo.jpg")
    (volume,) = picture_reader.read(tmp_path / "photo.jpg")
    assert volume.units == ("pixel", "pixel")
    assert volume.notes == ("The file gives no pixel size: shown in pixels.",)
