"""The names that the package exports, and what importing them costs."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import napari_medread

NAMES = {
    "Axis", "Cancelled", "CannotWrite", "ContourSet", "Geometry", "MedReadError", "UnreadableFile",
    "Volume", "browse", "read", "read_contours", "read_volume", "resample", "tags", "write",
}  # fmt: skip
LARGE = ("napari", "qtpy", "magicgui", "SimpleITK", "nibabel", "pydicom", "dask", "numpy")


def loaded_after(code):
    """Return which large libraries a fresh interpreter has imported after running code."""
    code += f"\nimport sys; print(*set({LARGE}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_every_name_is_listed_and_completed():
    assert set(napari_medread.__all__) == {*NAMES, "__version__"}
    assert set(dir(napari_medread)) >= NAMES
    for name in NAMES:
        assert getattr(napari_medread, name).__name__ == name
        assert getattr(napari_medread, name).__doc__


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'reed'"):
        napari_medread.reed  # noqa: B018


def test_importing_the_package_imports_no_library():
    assert loaded_after("import napari_medread; dir(napari_medread)") == set()


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("from napari_medread import MedReadError, UnreadableFile, CannotWrite, Cancelled", set()),
        ("from napari_medread import Volume, Geometry, Axis, ContourSet", {"numpy"}),
        (
            "from napari_medread import read, read_contours, read_volume, write",
            {"numpy", "pydicom"},
        ),
        ("from napari_medread import tags", {"numpy", "pydicom"}),
        ("from napari_medread import browse", {"numpy", "pydicom", "dask"}),
        ("from napari_medread import *", {"numpy", "pydicom", "SimpleITK", "dask"}),
        (
            "import numpy, napari_medread;"
            "napari_medread.Volume.from_array(numpy.zeros((2, 3, 4)), spacing=1)",
            {"numpy"},
        ),
    ],
)
def test_a_name_imports_only_what_it_needs(code, allowed):
    assert loaded_after(code) <= allowed


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(napari_medread.__file__).read_text(encoding="utf-8"))
    imports = [
        node
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
    ]
    seen = {alias.name: node.module for node in imports for alias in node.names}
    assert set(seen) == NAMES
    for name, module in seen.items():
        assert getattr(import_module(module), name) is getattr(napari_medread, name)
