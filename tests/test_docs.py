"""What the pages say about the code is true: names exist, and Python blocks run."""

import ast
import importlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs"
NAMED = sorted(
    set(
        re.findall(
            r"`((?:core\.|plugin\.)?[a-z_]+(?:\.\w+)+)`", (PAGES / "dicom.md").read_text("utf-8")
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


def code_blocks(page: Path, section: str = "") -> list[str]:
    """Return the Python blocks of a page, or of one of its sections, that need no window."""
    text = page.read_text("utf-8")
    if section:
        text = re.split(r"^## ", text.split(f"\n## {section}\n")[1], flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "import napari\n" not in block]


def expected_value(comment: str) -> tuple[bool, object]:
    """Return whether a comment begins with a value, as ``# (1, 2): why``, and the value."""
    for text in (comment, comment.rpartition(": ")[0]):
        try:
            return True, ast.literal_eval(text.strip())
        except (SyntaxError, ValueError):
            continue
    return False, None


def run(block: str, namespace: dict[str, object]) -> int:
    """Run a block; check and count the expressions whose value stands in a comment behind them."""
    lines, checked = block.splitlines(), 0
    for statement in ast.parse(block).body:
        if isinstance(statement, ast.Expr):
            value = eval(ast.unparse(statement), namespace)  # noqa: S307  (our own pages)
            _, _, comment = lines[statement.end_lineno - 1].partition("  # ")
            is_value, expected = expected_value(comment)
            if is_value:
                checked += 1
                if np.array(expected).dtype.kind == "f":
                    assert value == pytest.approx(expected), comment
                else:
                    assert value == expected, comment
        else:
            exec(ast.unparse(statement), namespace)  # noqa: S102
    return checked


@pytest.mark.parametrize(
    ("page", "section", "least"),
    [(PAGES / "python.md", "", 15), (ROOT / "README.md", "In Python", 3)],
    ids=["python.md", "README.md"],
)
def test_the_python_of_a_page_runs(page, section, least, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "example_data", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    assert sum(run(block, namespace) for block in code_blocks(page, section)) >= least
