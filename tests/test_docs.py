"""What the pages say about the code is there."""

import importlib
import re
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parent.parent / "docs"
NAMED = sorted(
    set(
        re.findall(
            r"`((?:core\.|plugin\.)?[a-z]+(?:\.\w+)+)`", (PAGES / "dicom.md").read_text("utf-8")
        )
    )
)


def found(name: str) -> object:
    """Return the object that a dotted name below the package stands for."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            target: object = importlib.import_module(".".join(["napari_medread", *parts[:count]]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            target = getattr(target, part)
        return target
    raise LookupError(name)


@pytest.mark.parametrize("name", NAMED)
def test_the_place_of_a_rule_exists(name):
    assert found(name if name.startswith(("core.", "plugin.")) else f"dicom.{name}") is not None
