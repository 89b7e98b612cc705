"""ElementDataFile: which files hold the data of a MetaImage."""

import zlib

import numpy as np
import pytest
import SimpleITK as sitk

from helpers.metaimages import RAW, SLICES, judge, lines, read, refusal


def write_files(folder, target, files, **keys):
    for name, data in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    path = folder / "image.mhd"
    path.write_text("\n".join(lines(ElementDataFile=target, **keys)) + "\n", encoding="utf-8")
    return path


def cut(names, bytes_each):
    return {name: RAW[n * bytes_each :][:bytes_each] for n, name in enumerate(names)}


ROWS = [f"row{n}.raw" for n in range(6)]
PAIR = cut(["a.raw", "b.raw"], 24)
FOUR = {"NDims": 4, "DimSize": "2 2 3 2"}

FILES = {
    "a name": ("image.raw", {"image.raw": RAW}, {}),
    "a name with spaces": ("my own data.raw", {"my own data.raw": RAW}, {}),
    "a name with marks": ("a=b:c.raw", {"a=b:c.raw": RAW}, {}),
    "a name with an umlaut": ("Schädel.raw", {"Schädel.raw": RAW}, {}),
    "a name like LOCAL": ("locals.raw", {"locals.raw": RAW}, {}),
    "a name like LIST": ("list of data.raw", {"list of data.raw": RAW}, {}),
    "a subfolder": ("sub folder/x y.raw", {"sub folder/x y.raw": RAW}, {}),
    "LIST": ("LIST\na.raw\nb.raw", PAIR, {}),
    "LIST 2": ("LIST 2\na.raw\nb.raw", PAIR, {}),
    "LIST 1": ("LIST 1\n" + "\n".join(ROWS), cut(ROWS, 8), {}),
    "LIST in four dimensions": ("LIST\na.raw\nb.raw", PAIR, FOUR),
    "LIST 2 in four dimensions": ("LIST 2\n" + "\n".join(ROWS), cut(ROWS, 8), FOUR),
    "LIST of rows": ("LIST\n" + "\n".join(ROWS), cut(ROWS, 8), {"NDims": 2, "DimSize": "4 6"}),
    "LIST in a subfolder": (
        "LIST\ns t/a.raw\ns t/b.raw",
        {f"s t/{name}": data for name, data in PAIR.items()},
        {},
    ),
    "LIST and HeaderSize": (
        "LIST\na.raw\nb.raw",
        {name: b"skip" + data for name, data in PAIR.items()},
        {"HeaderSize": 4},
    ),
    "LIST and HeaderSize -1": (
        "LIST\na.raw\nb.raw",
        {name: b"any" + data for name, data in PAIR.items()},
        {"HeaderSize": -1},
    ),
    "LIST, big endian": ("LIST\na.raw\nb.raw", PAIR, {"BinaryDataByteOrderMSB": "True"}),
    "LIST, compressed": (
        "LIST\na.raw\nb.raw",
        {name: zlib.compress(data) for name, data in PAIR.items()},
        {"CompressedData": "True"},
    ),
    "LIST, text": (
        "LIST\na.raw\nb.raw",
        {"a.raw": b" 7" * 12 + b"\n", "b.raw": b"8 " * 12},
        {"BinaryData": "False"},
    ),
    "numbered": ("slice%03d.raw 1 2 1", cut(["slice001.raw", "slice002.raw"], 24), {}),
    "numbered in steps": ("slice%03d.raw 1 5 4", cut(["slice001.raw", "slice005.raw"], 24), {}),
    "numbered plainly": ("s%d.raw 9 10 1", cut(["s9.raw", "s10.raw"], 24), {}),
    "numbered with %i": ("s%02i.raw 9 10 1", cut(["s09.raw", "s10.raw"], 24), {}),
    "numbered with blanks": ("s%3d.raw 9 10 1", cut(["s  9.raw", "s 10.raw"], 24), {}),
    "numbered with spaces": ("a b%d c.raw 1 2 1", cut(["a b1 c.raw", "a b2 c.raw"], 24), {}),
    "numbered in a subfolder": ("s/%d.raw 0 1 1", cut(["s/0.raw", "s/1.raw"], 24), {}),
    "numbered, four dimensions": ("s%d.raw 0 1 1", cut(["s0.raw", "s1.raw"], 24), FOUR),
}


@pytest.mark.parametrize(("target", "files", "keys"), FILES.values(), ids=FILES)
def test_files_are_read_as_simpleitk_reads_them(tmp_path, target, files, keys):
    path = write_files(tmp_path, target, files, **keys)
    volume = read(path)
    assert np.array_equal(volume.data, sitk.GetArrayFromImage(judge(path)))
    assert volume.notes == ()


@pytest.mark.parametrize("local", ["LOCAL", "local", "Local", "LOCAL  "])
@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_local_data_follow_the_header(tmp_path, local, suffix, end):
    header = end.join([*lines()[:-1], f"ElementDataFile = {local}"]) + end
    path = tmp_path / f"image{suffix}"
    path.write_bytes(header.encode() + RAW)
    assert np.array_equal(read(path).data, SLICES)
    assert np.array_equal(sitk.GetArrayFromImage(judge(path)), SLICES)


def test_lines_of_a_list_may_end_as_in_windows(tmp_path):
    path = write_files(tmp_path, "LIST\r\na.raw\r\nb.raw\r\n", PAIR)
    assert np.array_equal(read(path).data, SLICES)


def test_a_name_in_an_old_windows_page_is_found(tmp_path):
    (tmp_path / "Schädel.raw").write_bytes(RAW)
    path = tmp_path / "image.mhd"
    path.write_bytes("\n".join(lines(ElementDataFile="Schädel.raw")).encode("latin-1"))
    assert np.array_equal(read(path).data, SLICES)


@pytest.mark.parametrize("target", ["LIST\na.raw\nb.raw\nc.raw", "s%d.raw 1 9999999999 1"])
def test_files_beyond_the_last_slice_are_left_with_a_note(tmp_path, target):
    names = ["a.raw", "b.raw"] if "LIST" in target else ["s1.raw", "s2.raw"]
    volume = read(write_files(tmp_path, target, cut(names, 24)))
    assert np.array_equal(volume.data, SLICES)
    assert volume.notes == (
        "The header names more files than DimSize requires: the first 2 were read.",
    )


@pytest.mark.parametrize("absolute", [False, True])
def test_data_outside_the_headers_folder_are_noted(tmp_path, absolute):
    folder = tmp_path / "headers"
    folder.mkdir()
    (tmp_path / "far.raw").write_bytes(RAW)
    target = str(tmp_path / "far.raw") if absolute else "../far.raw"
    volume = read(write_files(folder, target, {}))
    assert np.array_equal(volume.data, SLICES)
    assert volume.notes == ("The data were read from outside the header's folder: far.raw.",)


LIST_NUMBER = "after LIST comes the number of dimensions of one file, 1 to 2."
FORM = "ElementDataFile must be a name with one %d and then first, last and step, as in"

REFUSED = {
    "missing file": ("no.raw", "its data file 'no.raw' is missing."),
    "folder": (".", "its data file '.' is missing."),
    "in quotes": ('"a.raw"', "its data file '\"a.raw\"' is missing."),
    "impossible name": ("a\0.raw", "its data file 'a\0.raw' is missing."),
    "endless name": ("x" * 300, f"its data file '{'x' * 80}' is missing."),
    "list in small letters": ("list\na.raw\nb.raw", "its data file 'list' is missing."),
    "another LOCAL": ("LOCaL", "its data file 'LOCaL' is missing."),
    "missing in LIST": ("LIST\na.raw\nno.raw", "its data file 'no.raw' is missing."),
    "blank line in LIST": ("LIST\na.raw\n\nb.raw", "its data file '' is missing."),
    "spaces in LIST": ("LIST\n a.raw\nb.raw", "its data file ' a.raw' is missing."),
    "too few in LIST": ("LIST\na.raw", "ElementDataFile names 1 files, but DimSize requires 2."),
    "LIST 0": ("LIST 0\na.raw\nb.raw", f"ElementDataFile is 'LIST 0': {LIST_NUMBER}"),
    "LIST 3": ("LIST 3\na.raw\nb.raw", f"ElementDataFile is 'LIST 3': {LIST_NUMBER}"),
    "LIST x": ("LIST x\na.raw\nb.raw", f"ElementDataFile is 'LIST x': {LIST_NUMBER}"),
    "short in LIST": (
        "LIST\na.raw\nshort.raw",
        "short.raw holds 22 bytes, but the header specifies 24.",
    ),
    "too few numbers": ("s%d.raw 1 1 1", "ElementDataFile names 1 files, but DimSize requires 2."),
    "backwards": ("s%d.raw 2 1 1", "ElementDataFile names 0 files, but DimSize requires 2."),
    **{
        f"numbered as '{target}'": (target, f"{FORM} 'slice%03d.raw 1 60 1', not '{target}'.")
        for target in (
            "s%d.raw",
            "s%d.raw 1",
            "s%d.raw 1 2",  # without a step SimpleITK divides by zero: the process ends
            "s%d.raw 1 2 0",  # as here
            "s%d.raw 2 1 -1",
            "s%d.raw 1 2 x",
            "s%s.raw 1 2 1",  # and here
            "s%n.raw 1 2 1",
            "s%f.raw 1 2 1",
            "s%*d.raw 1 2 1",
            "s%d%d.raw 1 2 1",
            "s%%%d.raw 1 2 1",
            "s%0999999999d.raw 1 2 1",
            "50%.raw",
        )
    },
}


@pytest.mark.parametrize(("target", "words"), REFUSED.values(), ids=REFUSED)
def test_other_forms_are_refused(tmp_path, target, words):
    path = write_files(tmp_path, target, {**PAIR, "short.raw": RAW[:22], "s1.raw": RAW[:24]})
    assert refusal(path) == f"image.mhd: {words}"
