"""The syntax of a MetaImage header, the meaning of its keys, and what is refused."""

import random
import re

import pytest

from helpers.metaimages import SLICES, is_as_judged, judge, lines, read, write_text
from napari_medread.errors import UnreadableFile
from napari_medread.formats.metaimage import metaimage_reader
from napari_medread.formats.metaimage.metaimage_header import read_metaimage_header


def after_ndims(*more):
    header = lines()
    return [*header[:2], *more, *header[2:]]


A = "0 1 0 0 0 1 1 0 0"
B = "1 0 0 0 -1 0 0 0 1"
C = "-1 0 0 0 1 0 0 0 1"

# Whatever these mean, they mean to us what they mean to SimpleITK.
READ = {
    "plain": lines(),
    "colons": [line.replace(" = ", ": ") for line in lines()],
    "no spaces": [line.replace(" = ", "=") for line in lines()],
    "tabs": [line.replace(" = ", "\t=\t") for line in lines()],
    "spaces before": [f"  {line}" for line in lines()],
    "spaces after": [f"{line}  " for line in lines()],
    "blank lines": ["", *after_ndims("", "  ", "\t")],
    "comments": ["Comment = DimSize = 9", *after_ndims("# DimSize = 9 9 9", "just words")],
    "no ObjectType": lines()[1:],
    "lines after the last key": [*lines(), "Offset = 1 2 3"],
    "spacing in small letters is another key": lines(elementspacing="5 5 5"),
    "unknown keys": lines(Scanner="made up", DimSizes="9 9 9", Empty=""),
    "umlauts": lines(Comment="Schädel µ"),
    "last of equal keys": after_ndims("Offset = 1 2 3", "Offset = 4 5 6"),
    "whole numbers with a point": lines(NDims="3.0", DimSize="4.0 3. 2"),
    "more numbers than needed": lines(ElementSpacing="1 2 3 4"),
    "numbers with exponents": lines(Offset="1e1 -2.5E+1 +.5"),
    "BinaryData left out": lines(BinaryData=None),
    "Offset": lines(Offset="1 2 3"),
    "Position": lines(Position="1 2 3"),
    "Origin": lines(Origin="1 2 3"),
    "ImagePosition": lines(ImagePosition="1 2 3"),
    "Position over Offset": lines(Position="4 5 6", Offset="1 2 3"),
    "Origin over Position": lines(Origin="4 5 6", Position="1 2 3"),
    "ImagePosition over all": lines(
        ImagePosition="4 5 6", Offset="1 2 3", Position="1 2 3", Origin="1 2 3"
    ),
    "TransformMatrix": lines(TransformMatrix=A),
    "Rotation": lines(Rotation=A),
    "Orientation": lines(Orientation=A),
    "TransformMatrix over all": lines(Orientation=C, Rotation=B, TransformMatrix=A),
    "Rotation over Orientation": lines(Orientation=C, Rotation=B),
    "ElementSpacing": lines(ElementSpacing="1.5 2.5 3.5"),
    "ElementSize alone": lines(ElementSpacing=None, ElementSize="1.5 2.5 3.5"),
    "ElementSpacing over ElementSize": lines(ElementSpacing="1.5 2.5 3.5", ElementSize="0 9 9"),
    "ElementSize before it": lines(ElementSize="9 9 9", ElementSpacing="1.5 2.5 3.5"),
    "negative spacing turns an axis": lines(ElementSpacing="-1.5 2.5 -3.5", TransformMatrix=A),
    "big endian": lines(BinaryDataByteOrderMSB="True"),
    "big endian, small letters": lines(BinaryDataByteOrderMSB="true"),
    "big endian as 1": lines(BinaryDataByteOrderMSB="1"),
    "neither true nor false": lines(BinaryDataByteOrderMSB="yes"),
    "ElementByteOrderMSB": lines(BinaryDataByteOrderMSB=None, ElementByteOrderMSB="True"),
    "BinaryDataByteOrderMSB over it": lines(ElementByteOrderMSB="True"),
    "and the other way round": lines(BinaryDataByteOrderMSB="True", ElementByteOrderMSB="False"),
    "data that are not quite compressed": lines(CompressedData="no"),
    "informational keys": lines(
        AnatomicalOrientation="LPI", CenterOfRotation="7 8 9", ElementMin="5", Color="1 0 0 1",
        ElementToIntensityFunctionSlope="2", ElementToIntensityFunctionOffset="9", ID="1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("header", READ.values(), ids=READ)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_headers_are_understood_as_by_simpleitk(tmp_path, header, end):
    path = write_text(tmp_path / "image.mhd", header, end=end)
    assert is_as_judged(read(path), judge(path))


@pytest.mark.parametrize(
    ("header", "key", "value"),
    [
        (lines(Scanner="made up"), "Scanner", "made up"),
        (lines(Comment="a = b : c"), "Comment", "a = b : c"),
        (lines(elementspacing="5 5 5"), "elementspacing", "5 5 5"),
        (lines(AnatomicalOrientation="LPI"), "AnatomicalOrientation", "LPI"),
        (lines(CenterOfRotation="1 2 3"), "CenterOfRotation", "1 2 3"),
        (lines(ElementToIntensityFunctionOffset="-5"), "ElementToIntensityFunctionOffset", "-5"),
        (lines(Empty=""), "Empty", ""),
        (lines(Comment="Schädel"), "Comment", "Schädel"),
    ],
)
def test_every_key_is_kept_as_written(tmp_path, header, key, value):
    assert read(write_text(tmp_path / "image.mhd", header)).header[key] == value


def test_keys_in_an_old_windows_page_are_legible(tmp_path):
    path = tmp_path / "image.mhd"
    path.write_bytes("\n".join(lines(Comment="Schädel")).encode("latin-1"))
    assert read_metaimage_header(path).keys["Comment"] == "Schädel"


REFUSED = {
    **{
        f"no {key}": (
            [line for line in lines() if not line.startswith(key)],
            f"this is not a complete MetaImage header: {key} is missing.",
        )
        for key in ("NDims", "DimSize", "ElementType", "ElementDataFile")
    },
    "key in small letters": (
        [line.replace("DimSize", "dimsize") for line in lines()],
        "this is not a complete MetaImage header: DimSize is missing.",
    ),
    **{
        f"{key} = {value}": (
            lines(**{key: value}),
            f"{key} must be a whole number, not '{value}'.",
        )
        for key in ("NDims", "ElementNumberOfChannels", "HeaderSize", "CompressedDataSize")
        for value in ("abc", "2.5", "3x", "1e1", "2 2")
    },
    **{
        f"NDims = {n}": (lines(NDims=n), f"NDims is {n}; 2, 3 and 4 dimensions can be read.")
        for n in (-1, 0, 1, 5, 99)
    },
    **{
        f"{n} channels": (
            lines(ElementNumberOfChannels=n),
            f"ElementNumberOfChannels is {n}; it must be at least 1.",
        )
        for n in (0, -1)
    },
    "no channels given": (
        lines(ElementNumberOfChannels=""),
        "ElementNumberOfChannels must be a whole number, not ''.",
    ),
    "too few sizes": (lines(DimSize="4 3"), "DimSize holds 2 numbers, but NDims requires 3."),
    "too many sizes": (lines(DimSize="4 3 2 9"), "DimSize '4 3 2 9' does not fit NDims 3."),
    **{
        f"DimSize = {size}": (
            lines(DimSize=size),
            f"DimSize must be positive whole numbers, not '{size}'.",
        )
        for size in ("4 0 2", "4 -3 2", "4.7 3 2", "4e0 3 2")
    },
    "zero spacing": (lines(ElementSpacing="1 0 3"), "the spacing is zero ('1 0 3')."),
    "zero by exponent": (lines(ElementSpacing="1 1e-999 3"), "the spacing is zero ('1 1e-999 3')."),
    "zero size alone": (
        lines(ElementSpacing=None, ElementSize="0.0 1 1"),
        "the spacing is zero ('0.0 1 1').",
    ),
    "vanishing spacing": (
        lines(ElementSpacing="1e-300 1 1"),
        "the geometry has a spacing of zero.",
    ),
    **{
        f"{key} = {words}": (
            lines(**{key: words}),
            f"{key} holds '{wrong}', which is not a finite number.",
        )
        for key in ("ElementSpacing", "ElementSize", "Offset", "Position", "Origin")
        for words, wrong in (
            ("1 nan 3", "nan"),
            ("1 2 inf", "inf"),
            ("-Infinity 2 3", "-Infinity"),
            ("1 2 1e400", "1e400"),
            ("1,2,3", "1,2,3"),
            ("1 2 x", "x"),
            ("1 2 1_0", "1_0"),
            ("0x10 2 3", "0x10"),
        )
    },
    **{
        f"{key} of too few": (
            lines(**{key: "1 2"}),
            f"{key} holds 2 numbers, but NDims requires {count}.",
        )
        for key, count in (("ElementSpacing", 3), ("Offset", 3), ("TransformMatrix", 9))
    },
    "empty Offset": (lines(Offset=""), "Offset holds 0 numbers, but NDims requires 3."),
    "not a matrix": (
        lines(TransformMatrix="1 0 0 0 1 0 0 0 nan"),
        "TransformMatrix holds 'nan', which is not a finite number.",
    ),
    "array before NDims": (
        ["Offset = 1 2 3", *lines()],
        "Offset comes before NDims, which must come first.",
    ),
    "unknown type": (lines(ElementType="MET_COMPLEX"), "the ElementType MET_COMPLEX is unknown."),
    "type in small letters": (
        lines(ElementType="met_short"),
        "the ElementType met_short is unknown.",
    ),
    "old Macintosh lines": (
        ["\r".join(lines())],
        "this is not a complete MetaImage header: NDims is missing.",
    ),
    "fourth axis leaning": (
        lines(NDims=4, DimSize="2 2 3 2", TransformMatrix="1 0 0 0 0 1 0 0 0 0 1 0 1 0 0 1"),
        "its direction mixes spatial axes with another axis.",
    ),
    "too long for SimpleITK": (
        ["Comment = " + "x" * 40000, *lines()],
        "SimpleITK cannot read its header.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("header", "words"), REFUSED.values(), ids=REFUSED)
def test_wrong_headers_are_refused_in_one_sentence(tmp_path, header, words):
    path = write_text(tmp_path / "image.mhd", header)
    with pytest.raises(UnreadableFile) as error:
        metaimage_reader.read(path)
    assert str(error.value) == f"image.mhd: {words}"


@pytest.mark.parametrize("matrix", ["1 0 0 1 0 0 0 0 1", "0 0 0 0 0 0 0 0 0"])
def test_axes_that_span_no_volume_are_refused(tmp_path, matrix):
    path = write_text(tmp_path / "image.mhd", lines(TransformMatrix=matrix))
    with pytest.raises(UnreadableFile, match=r"^image\.mhd: the (axes|geometry) .*\.$"):
        metaimage_reader.read(path)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\0" * 5000, bytes(range(256)) * 40, b"=\n:\n= =\n", b"NDims"]
)
def test_files_that_are_no_metaimage_are_refused(tmp_path, content):
    path = tmp_path / "image.mhd"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as error:
        metaimage_reader.read(path)
    assert str(error.value) == (
        "image.mhd: this is not a complete MetaImage header: NDims is missing."
    )


def test_a_folder_named_like_one_is_refused(tmp_path):
    (tmp_path / "image.mhd").mkdir()
    with pytest.raises(UnreadableFile, match=r"^image\.mhd: cannot be opened \(.+\)\.$"):
        metaimage_reader.read(tmp_path / "image.mhd")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableFile, match=r"^no\.mhd: cannot be opened \(.+\)\.$"):
        metaimage_reader.read(tmp_path / "no.mhd")


def mutated(seed):
    """Return a small valid file with a few bytes changed, left out or put in."""
    source = lines(
        CompressedData="False", TransformMatrix="1 0 0 0 0.8 -0.6 0 0.6 0.8", Offset="-41 5.5 6",
        CenterOfRotation="0 0 0", HeaderSize="0", ElementSpacing="1.16 1.25 2.5",
        ElementNumberOfChannels="1", ElementDataFile="LOCAL",
    )  # fmt: skip
    content = bytearray("\n".join(source).encode() + b"\n" + SLICES.tobytes())
    chance = random.Random(seed)  # noqa: S311  (no secret)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(content))
        match chance.randrange(4):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                content[at] = chance.choice(b"0123456789 -+.eE=:\nnTF%")
            case 2:
                del content[at : at + chance.choice((1, 2, 10, 100))]
            case 3:
                content.insert(at, chance.choice(b"0123456789 -+.eE=:\n%"))
    return bytes(content)


STILL_READ = 0.3
"""Share of the damaged files that must still be read: many changes hit voxels or remarks only."""


def is_sound(path, content):
    """Return whether a file was read, and whether SimpleITK agrees or the refusal is a sentence."""
    try:
        volume = read(path)
    except UnreadableFile as error:
        return False, re.fullmatch(r"image\.mha: .+\.", str(error), re.DOTALL) is not None
    try:
        image = judge(path)
    except RuntimeError:  # it refuses lines without a separator, which are skipped here
        header = content.partition(b"ElementDataFile")[0]
        return True, any(b"=" not in line for line in header.splitlines())
    return True, is_as_judged(volume, image)


@pytest.mark.parametrize(
    "seeds", [range(200), pytest.param(range(200, 4000), marks=pytest.mark.exhaustive)]
)
def test_damaged_files_are_refused_or_read_as_simpleitk_reads_them(tmp_path, seeds):
    path, was_read, unsound = tmp_path / "image.mha", 0, []
    for seed in seeds:
        content = mutated(seed)
        path.write_bytes(content)
        is_read, sound = is_sound(path, content)
        was_read += is_read
        if not sound:
            unsound.append(seed)
    assert unsound == []
    assert was_read >= STILL_READ * len(seeds)


def test_a_path_that_is_not_utf8_is_refused(tmp_path):
    # SimpleITK ends the process on such a name.
    path = tmp_path / "Sch\udce4del.mha"
    try:
        write_text(path, lines(ElementDataFile="LOCAL"))
    except (OSError, UnicodeError):
        return  # this system has no such names
    with pytest.raises(UnreadableFile, match=r"characters that are not UTF-8"):
        metaimage_reader.read(path)
