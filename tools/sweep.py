"""Open every DICOM file that pydicom and pydicom-data ship, and write docs/pydicom-data.md.

Needs ``pip install pydicom-data`` for the larger files. A file is equal if every voxel of its
volumes has the value that ``pixel_array`` and ``apply_modality_lut`` give.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

from napari_medread import read
from napari_medread.dicom.headers.file_discovery import is_dicom
from napari_medread.errors import MedReadError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "pydicom-data.md"
HEAD = """# Every DICOM file that pydicom ships

Made by `python tools/sweep.py`. The details are the shapes of the volumes and their notes, or the
error.

| outcome | meaning |
|---|---|
| equal | every voxel has the value that pydicom's `pixel_array` and `apply_modality_lut` give |
| opened | the file is read, but pydicom does not decode it, so there is nothing to compare with |
| refused | the file is not read |

"""


def files() -> list[Path]:
    """Return the files of pydicom, and of pydicom-data where it is installed."""
    roots = [Path(pydicom.__file__).parent / "data"]
    spec = importlib.util.find_spec("data_store")
    if spec and spec.submodule_search_locations:
        roots.append(Path(spec.submodule_search_locations[0]))
    found = [path for root in roots for path in root.rglob("*") if path.is_file()]
    return sorted(path for path in found if path.suffix != ".py" and is_dicom(path))


def expected(path: Path) -> np.ndarray:
    """Return the values that pydicom gives for a file."""
    ds = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in ds.file_meta:
        implicit, little = ds.original_encoding
        ds.file_meta.TransferSyntaxUID = (
            pydicom.uid.ImplicitVRLittleEndian
            if implicit
            else pydicom.uid.ExplicitVRLittleEndian
            if little
            else pydicom.uid.ExplicitVRBigEndian
        )
    pixels = ds.pixel_array
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        return apply_color_lut(pixels, ds)[..., :3]
    if "DoseGridScaling" in ds:
        return pixels * float(ds.DoseGridScaling)
    if "PerFrameFunctionalGroupsSequence" in ds:
        return np.stack(
            [frame * a + b for frame, (a, b) in zip(pixels, rescaling(ds), strict=True)]
        )
    return apply_modality_lut(pixels, ds)


def rescaling(ds: pydicom.Dataset) -> list[tuple[float, float]]:
    """Return slope and intercept of every frame of an enhanced object."""
    slopes_and_intercepts = []
    for group in ds.PerFrameFunctionalGroupsSequence:
        shared = ds.SharedFunctionalGroupsSequence[0]
        items = [
            g.PixelValueTransformationSequence[0]
            for g in (group, shared)
            if "PixelValueTransformationSequence" in g
        ]
        slopes_and_intercepts.append(
            (float(items[0].RescaleSlope), float(items[0].RescaleIntercept))
            if items
            else (1.0, 0.0)
        )
    return slopes_and_intercepts


def outcome(path: Path) -> tuple[str, str]:
    """Return the outcome for a file in one word, and details: shapes and notes, or the error."""
    try:
        volumes = read(path)
    except MedReadError as error:
        reason = str(error).removeprefix(f"{path.name}: ")
        try:
            expected(path)
        except Exception:  # noqa: BLE001
            return "refused", reason
        return "refused", f"{reason} (pydicom decodes it)"
    notes = " ".join(dict.fromkeys(note for v in volumes for note in v.notes))
    shapes = ", ".join(" x ".join(map(str, v.shape)) for v in volumes)
    suffix = f". {notes}" if notes else ""
    try:
        reference = expected(path)
    except Exception as error:  # noqa: BLE001
        reason = str(error).splitlines()[0]
        return "opened", f"{shapes}; pydicom does not decode it: {reason.rstrip('.')}{suffix}"
    values = np.sort(np.concatenate([np.asarray(v.data, float).ravel() for v in volumes]))
    if len(volumes) == 1 and volumes[0].data.size == reference.size:
        squeezed = np.squeeze(np.asarray(volumes[0].data))
        if squeezed.shape == np.squeeze(reference).shape and np.allclose(
            squeezed, np.squeeze(reference), rtol=1e-5, atol=1e-4
        ):
            return "equal", f"{shapes}{suffix}"
    if values.size == reference.size and np.allclose(
        values, np.sort(np.asarray(reference, float).ravel()), rtol=1e-5, atol=1e-4
    ):
        return "equal", f"{shapes}, in another order{suffix}"
    return "differs", f"{shapes}; pydicom: {' x '.join(map(str, reference.shape))}{suffix}"


def main() -> int:
    rows = []
    for path in files():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows.append((path.name, *outcome(path)))
    counts = Counter(row[1] for row in rows)
    lines = [
        f"{len(rows)} files: "
        + ", ".join(f"{n} {word}" for word, n in sorted(counts.items()))
        + "."
    ]
    lines += ["", "| file | outcome | details |", "|---|---|---|"]
    lines += [
        f"| {name} | {word} | {text.replace('|', '/').strip()} |" for name, word, text in rows
    ]
    PAGE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print(lines[0])
    return int("differs" in counts)


if __name__ == "__main__":
    sys.exit(main())
