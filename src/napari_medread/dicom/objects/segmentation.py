"""DICOM segmentations: frames of one bit, of fractions or of label numbers become volumes.

PS3.3 A.51 and C.8.20. Every frame is put where its functional groups say, in any order; frames that
were left out are empty. Segments that share voxels are distributed over as few label images as
needed. No array is made for a single segment, but for those of fractions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.geometry import Geometry
from napari_medread.core.label_layers import assign_layers
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.segments import (
    Segment,
    clean_name,
    describe_hidden_names,
    rgb_from_cielab,
)
from napari_medread.core.volume import Volume, to_world_order
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.volume_names import make_volume_name
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.functional_groups import BrokenSequence, iterate_frame_values
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.headers.patient_words import has_patient_identifier
from napari_medread.dicom.headers.series_references import make_series_reference
from napari_medread.dicom.objects.label_volumes import (
    PlaneGrid,
    find_image_grid,
    make_plane_grid,
    sort_by_reference,
)
from napari_medread.dicom.pixels.frame_decoding import is_plain, read_stored_values
from napari_medread.dicom.sorting.image_plane import turn_towards_world_axis
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.errors import UnreadableFile

Float = NDArray[np.float64]
Integers = NDArray[np.int64]

SEGMENTATION_UIDS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""SOP classes: Segmentation Storage and Label Map Segmentation Storage."""

_EMPTY = "It is empty: no voxel belongs to a segment."

_NOT_DESCRIBED = "(not described)"

MAX_LISTED_NUMBERS = 5
"""Number of segments without a description that a note lists."""

_GROUPS = (
    "PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence",
    "SegmentIdentificationSequence",
)  # fmt: skip
_ELEMENTS = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SpacingBetweenSlices",
    "SliceThickness", "ReferencedSegmentNumber",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class _FramePlaces:
    """Where the frames of a segmentation lie, and the segment of each.

    Attributes
    ----------
    positions : (n, 3) array
        ImagePositionPatient.
    axes : (n, 3, 2) array
        Steps from row to row and from column to column in mm.
    spacings : (n,) array
        SpacingBetweenSlices, else SliceThickness, in mm; 0 where absent.
    segment_numbers : (n,) array of int
        ReferencedSegmentNumber; 0 for label maps.
    described_count : int
        Number of frames that the file describes, which may be more than it holds.
    """

    positions: Float
    axes: Float
    spacings: Float
    segment_numbers: Integers
    described_count: int


def is_segmentation(header: DicomFileHeader) -> bool:
    """Return whether a header is that of a segmentation."""
    return attributes.get_text(header.dataset, "SOPClassUID") in SEGMENTATION_UIDS


def read_segmentation(
    header: DicomFileHeader, images: Sequence[Stack] = (), progress: Progress = no_progress
) -> list[Volume]:
    """Read a segmentation as label images, or as images of 0 to 1 if it stores fractions.

    Parameters
    ----------
    header : DicomFileHeader
        Of a file of one of ``SEGMENTATION_UIDS``.
    images : sequence of Stack
        The images that were read with it. A segmentation on the slices of one of them becomes a
        volume on its grid.
    progress : Progress
        Reports progress, and may cancel.

    Returns
    -------
    list of Volume
        Label images, with the segments of each; several where segments overlap or the planes lie on
        different grids. Or one image for each segment of fractions.

    Raises
    ------
    UnreadableFile
        If it is the segmentation of a whole slide, or a frame has no place or cannot be decoded.
    """
    name = header.path.name
    dataset = header.dataset
    if "TotalPixelMatrixColumns" in dataset:
        raise UnreadableFile(
            f"{name}: this is the segmentation of a whole slide, which is no volume in a patient."
        )
    places = _find_frame_places(header)
    notes: list[str] = []
    if len(places.positions) < header.number_of_frames:
        notes.append(
            f"The file describes {len(places.positions)} of its {header.number_of_frames} frames: "
            "the others are left out."
        )
    if places.described_count > header.number_of_frames:
        notes.append(
            f"The file describes {places.described_count} frames and holds "
            f"{header.number_of_frames}: the first of the descriptions are used."
        )
    kind = attributes.get_text(dataset, "SegmentationType").upper() or "BINARY"
    described = _describe_segments(header, notes)
    candidates = sort_by_reference(
        images, _find_referenced_series(header), attributes.get_text(dataset, "FrameOfReferenceUID")
    )
    title = make_volume_name(Frame(header, dataset), "", 1)
    volumes: list[Volume] = []
    for chosen in _group_by_orientation(places.axes):
        for grid, on_grid in _find_grids(header, places, chosen, candidates):
            frames = chosen[on_grid]
            labels = _GridFrames(header, frames, grid, places.segment_numbers[frames])
            if kind == "FRACTIONAL":
                volumes += _make_fraction_images(labels, title, described, notes, progress)
            else:
                volumes += _make_label_images(
                    labels, title, described, notes, progress, is_label_map=kind == "LABELMAP"
                )
    return volumes


def _find_frame_places(header: DicomFileHeader) -> _FramePlaces:
    """Return where the frames lie; a frame's own functional groups override the shared ones."""
    dataset, name = header.dataset, header.path.name
    try:
        shared: dict[str, bytes] = {}
        for values in iterate_frame_values(
            dataset, "SharedFunctionalGroupsSequence", _GROUPS, _ELEMENTS
        ):
            shared.update(values)
        frames = [
            {**shared, **values}
            for values in iterate_frame_values(
                dataset, "PerFrameFunctionalGroupsSequence", _GROUPS, _ELEMENTS
            )
        ]
    except BrokenSequence:
        raise UnreadableFile(f"{name}: its functional groups are broken.") from None
    described_count = len(frames)
    frames = frames[: header.number_of_frames]
    if not frames:
        raise UnreadableFile(f"{name}: it does not say where its frames lie.")
    cache: dict[bytes, tuple[float, ...]] = {}

    def numbers(values: dict[str, bytes], keyword: str, count: int) -> tuple[float, ...]:
        raw = values.get(keyword, b"")
        if raw not in cache:
            try:
                cache[raw] = tuple(float(v) for v in raw.decode("ascii").strip("\0 ").split("\\"))
            except ValueError:
                cache[raw] = ()
        found = cache[raw]
        if len(found) != count or not all(map(np.isfinite, found)):
            raise UnreadableFile(f"{name}: it does not say where its frames lie ({keyword}).")
        return found

    order = "<" if dataset.original_encoding[1] is not False else ">"
    positions = np.array([numbers(values, "ImagePositionPatient", 3) for values in frames])
    cosines = np.array([numbers(values, "ImageOrientationPatient", 6) for values in frames])
    pixel = np.array([numbers(values, "PixelSpacing", 2) for values in frames])
    spacings = np.array([_find_spacing(values, cache) for values in frames])
    segments = np.array(
        [
            int.from_bytes(values.get("ReferencedSegmentNumber", b"\0\0")[:2],
                           "little" if order == "<" else "big")
            for values in frames
        ],
        np.int64,
    )  # fmt: skip
    lengths = np.linalg.norm(cosines.reshape(-1, 2, 3), axis=2)
    if (lengths == 0).any() or (pixel <= 0).any():
        raise UnreadableFile(f"{name}: the orientation or pixel spacing of its frames is zero.")
    along_row, down_column = (cosines.reshape(-1, 2, 3) / lengths[..., None]).transpose(1, 0, 2)
    axes = np.stack([down_column * pixel[:, :1], along_row * pixel[:, 1:]], axis=2)
    return _FramePlaces(positions, axes, spacings, segments, described_count)


def _find_spacing(values: dict[str, bytes], cache: dict[bytes, tuple[float, ...]]) -> float:
    """Return the distance of planes that a frame states in mm; 0 where it states none."""
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        raw = values.get(keyword, b"")
        if raw not in cache:
            try:
                cache[raw] = (abs(float(raw.decode("ascii").strip("\0 "))),)
            except ValueError:
                cache[raw] = ()
        if cache[raw] and np.isfinite(cache[raw][0]) and cache[raw][0]:
            return abs(cache[raw][0])
    return 0.0


def _group_by_orientation(axes: Float) -> list[Integers]:
    """Return the indices of the frames of each orientation and pixel spacing."""
    waiting = np.arange(len(axes))
    groups = []
    while waiting.size:
        differences = np.abs(axes[waiting] - axes[waiting[0]]).max(axis=(1, 2))
        is_equal = differences <= 1e-4 * np.abs(axes[waiting[0]]).max()
        groups.append(waiting[is_equal])
        waiting = waiting[~is_equal]
    return groups


def _find_grids(
    header: DicomFileHeader, places: _FramePlaces, chosen: Integers, images: Sequence[Stack]
) -> list[tuple[PlaneGrid, Integers]]:
    """Return the grids for frames of one orientation, with the indices into ``chosen`` of each."""
    positions, axes = places.positions[chosen], places.axes[chosen[0]]
    grid = find_image_grid(positions, axes, (header.rows, header.columns), images)
    if grid is not None:
        return [(grid, np.arange(len(chosen)))]
    normal = np.cross(axes[:, 1], axes[:, 0])
    normal = turn_towards_world_axis(normal / np.linalg.norm(normal))
    return make_plane_grid(positions, axes, normal, float(places.spacings[chosen[0]]) or None)


@dataclass(eq=False)
class _GridFrames:
    """The frames that lie on one grid.

    Attributes
    ----------
    header : DicomFileHeader
        The file.
    frames : (n,) array of int
        Their indices in the file.
    grid : PlaneGrid
        The grid, with the plane of each.
    segment_numbers : (n,) array of int
        The segment of each.
    """

    header: DicomFileHeader
    frames: Integers
    grid: PlaneGrid
    segment_numbers: Integers

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the grid."""
        return self.grid.plane_count, self.header.rows, self.header.columns

    def by_plane(self) -> Iterator[tuple[int, Integers]]:
        """Yield every plane that has frames, and the positions of these in ``frames``."""
        order = np.argsort(self.grid.planes, kind="stable")
        planes, starts = np.unique(self.grid.planes[order], return_index=True)
        for plane, members in zip(planes, np.split(order, starts[1:]), strict=True):
            yield int(plane), members

    def read_values(self, n: int) -> NDArray[Any]:
        """Return the stored values of a frame, (row, column)."""
        return read_stored_values(Frame(self.header, self.header.dataset, int(self.frames[n])))

    def make_volume(
        self, data: NDArray[np.generic], name: str, notes: Sequence[str], **properties: object
    ) -> Volume:
        """Return a volume of an array of the grid's shape."""
        ordered, geometry = to_world_order(data, Geometry(self.shape, self.grid.affine))
        return Volume(
            ordered,
            name,
            geometry,
            source=(self.header.path,),
            modality="SEG",
            notes=(*notes, *self.grid.notes),
            series=make_series_reference(self.header.dataset, name),
            **properties,  # type: ignore[arg-type]
        )


class _BitFrames:
    """The frames of one bit of a file: eight pixels a byte, the first in the lowest bit."""

    def __init__(self, header: DicomFileHeader) -> None:
        self._header = header
        self._pixel_count = header.rows * header.columns
        self._is_plain = is_plain(header) and header.bits_allocated == 1

    def read(self, file: FileIO, index: int) -> NDArray[np.uint8]:
        """Return the bytes of a frame, padded with zeros to whole words of 64 bits."""
        count = self._pixel_count
        packed = np.zeros(-(-count // 64) * 8, np.uint8)
        if not self._is_plain:
            values = read_stored_values(Frame(self._header, self._header.dataset, index))
            bits = np.packbits(values.reshape(-1) != 0, bitorder="little")
            packed[: len(bits)] = bits
            return packed
        pixels = self._header.pixels
        assert pixels is not None  # noqa: S101  (for the type checker)
        first, skipped = divmod(index * count, 8)
        file.seek(pixels.offset + first)
        if not skipped and not count % 8:
            file.readinto(packed.data[: count // 8])
            return packed
        stored = np.frombuffer(file.read(-(-(skipped + count) // 8)), np.uint8)
        bits = np.packbits(
            np.unpackbits(stored, bitorder="little")[skipped : skipped + count], bitorder="little"
        )
        packed[: len(bits)] = bits
        return packed


def _make_label_images(
    labels: _GridFrames,
    title: str,
    described: Sequence[Segment],
    notes: Sequence[str],
    progress: Progress,
    *,
    is_label_map: bool,
) -> list[Volume]:
    """Return the label images of one grid, as few as the overlaps of segments allow."""
    if is_label_map:
        return [_make_label_map(labels, title, described, notes, progress)]
    numbers = np.unique(labels.segment_numbers)
    layer_of = dict.fromkeys(map(int, numbers), 0)
    images = _fill_layers(labels, layer_of, progress)
    if images is None:
        layer_of = _find_layers(labels, numbers, progress)
        images = _fill_layers(labels, layer_of, progress)
    assert images is not None  # noqa: S101  (segments of one layer do not overlap)
    layer_count = len(images)
    if layer_count > 1:
        notes = [*notes, f"Its segments overlap: they are distributed over {layer_count} layers."]
    segments = _complete_segments(described, numbers)
    notes = [*notes, *_describe_unknown(segments)]
    if not any(image.any() for image in images):
        notes = [*notes, _EMPTY]
    return [
        labels.make_volume(
            image,
            f"{title} ({layer + 1} of {layer_count})" if layer_count > 1 else title,
            notes,
            labels=True,
            segments=tuple(s for s in segments if layer_of.get(s.value, 0) == layer),
        )
        for layer, image in enumerate(images)
    ]


def _fill_layers(
    labels: _GridFrames, layer_of: dict[int, int], progress: Progress
) -> list[NDArray[np.generic]] | None:
    """Return the label image of each layer; None as soon as two of its segments share a voxel."""
    dtype = np.uint8 if max(layer_of) < 256 else np.uint16
    images = [np.zeros(labels.shape, dtype) for _ in range(max(layer_of.values()) + 1)]
    for plane, segments in _iterate_planes(labels, progress, "Reading segments"):
        covered: dict[int, NDArray[np.uint8]] = {}
        for number, packed in segments.items():
            layer = layer_of[number]
            _write_bits(images[layer][plane], packed, number)
            if layer not in covered:
                covered[layer] = packed
            elif (covered[layer] & packed).any():
                return None
            else:
                covered[layer] |= packed
    return images


def _find_layers(labels: _GridFrames, numbers: Integers, progress: Progress) -> dict[int, int]:
    """Return the layer of each segment number, so that those that share a voxel are apart."""
    index_of = {int(number): n for n, number in enumerate(numbers)}
    overlaps = np.zeros((len(numbers), len(numbers)), bool)
    for _, segments in _iterate_planes(labels, progress, "Finding overlaps"):
        for (first, packed), (second, other) in combinations(segments.items(), 2):
            i, j = index_of[first], index_of[second]
            if not overlaps[i, j] and (packed & other).any():
                overlaps[i, j] = overlaps[j, i] = True
    layers = assign_layers(overlaps)
    return {int(number): int(layer) for number, layer in zip(numbers, layers, strict=True)}


def _iterate_planes(
    labels: _GridFrames, progress: Progress, title: str
) -> Iterator[tuple[int, dict[int, NDArray[np.uint8]]]]:
    """Yield every plane that has frames, and the bits of each segment in it."""
    bits = _BitFrames(labels.header)
    with labels.header.path.open("rb", buffering=0) as file:
        for plane, members in progress(list(labels.by_plane()), title):
            segments: dict[int, NDArray[np.uint8]] = {}
            for n in members:
                number = int(labels.segment_numbers[n])
                packed = bits.read(file, int(labels.frames[n]))
                if number in segments:
                    segments[number] |= packed
                else:
                    segments[number] = packed
            yield plane, segments


def _write_bits(plane: NDArray[np.generic], packed: NDArray[np.uint8], number: int) -> None:
    """Set the pixels of a plane whose bits are set to a number."""
    used = np.flatnonzero(packed.view(np.uint64))
    if not used.size:
        return
    first, last = int(used[0]) * 8, (int(used[-1]) + 1) * 8
    is_set = np.unpackbits(packed[first:last], bitorder="little").view(bool)
    region = plane.reshape(-1)[first * 8 : last * 8]
    np.copyto(region, number, where=is_set[: len(region)])


def _make_label_map(
    labels: _GridFrames,
    title: str,
    described: Sequence[Segment],
    notes: Sequence[str],
    progress: Progress,
) -> Volume:
    """Return the label image of frames whose values are segment numbers (PS3.3 C.8.20.2)."""
    dtype = np.uint8 if labels.header.bits_allocated <= 8 else np.uint16
    image = np.zeros(labels.shape, dtype)
    present: set[int] = set()
    for plane, members in progress(list(labels.by_plane()), "Reading segments"):
        for n in members:
            values = labels.read_values(n)
            present.update(np.unique(values).tolist())
            np.copyto(image[plane], values, where=values != 0, casting="unsafe")
    if not present - {0}:
        notes = [*notes, _EMPTY]
    segments = _complete_segments(described, sorted(present - {0}))
    notes = [*notes, *_describe_unknown(segments)]
    return labels.make_volume(image, title, notes, labels=True, segments=tuple(segments))


def _make_fraction_images(
    labels: _GridFrames,
    title: str,
    described: Sequence[Segment],
    notes: Sequence[str],
    progress: Progress,
) -> list[Volume]:
    """Return an image of 0 to 1 for every segment (PS3.3 C.8.20.2.3)."""
    maximum = attributes.get_number(labels.header.dataset, "MaximumFractionalValue")
    if not maximum or maximum < 0:
        maximum = float(2**labels.header.bits_stored - 1)
        notes = [*notes, f"MaximumFractionalValue is missing: {maximum:g} is assumed to be 1."]
    images: dict[int, NDArray[np.float32]] = defaultdict(lambda: np.zeros(labels.shape, np.float32))
    for plane, members in progress(list(labels.by_plane()), "Reading segments"):
        for n in members:
            image = images[int(labels.segment_numbers[n])]
            fraction = labels.read_values(n) / np.float32(maximum)
            np.maximum(image[plane], fraction, out=image[plane])
    segments = _complete_segments(described, sorted(images))
    notes = [*notes, *_describe_unknown(segments)]
    return [
        labels.make_volume(
            images[segment.value], f"{title}: {segment.name}", notes, contrast_limits=(0.0, 1.0)
        )
        for segment in segments
        if segment.value in images
    ]


def _describe_segments(header: DicomFileHeader, notes: list[str]) -> list[Segment]:
    """Return the segments of SegmentSequence (PS3.3 C.8.20.4) without background.

    Texts that hold the patient's name or ID are left out, with a note.
    """
    segments = []
    hidden_count = 0
    for item in attributes.get_items(header.dataset, "SegmentSequence"):
        number = attributes.get_integer(item, "SegmentNumber", 0)
        if number <= 0:
            continue
        properties = {
            "category": _get_meaning(item, "SegmentedPropertyCategoryCodeSequence"),
            "type": _get_meaning(item, "SegmentedPropertyTypeCodeSequence"),
            "algorithm_type": attributes.get_text(item, "SegmentAlgorithmType"),
            "algorithm_name": clean_name(attributes.get_text(item, "SegmentAlgorithmName")),
            "tracking_id": clean_name(attributes.get_text(item, "TrackingID")),
            "tracking_uid": attributes.get_text(item, "TrackingUID"),
        }
        properties = {
            key: "" if has_patient_identifier(text, header.dataset) else text
            for key, text in properties.items()
        }
        label = clean_name(attributes.get_text(item, "SegmentLabel"))
        if has_patient_identifier(label, header.dataset):
            label = ""
            hidden_count += 1
        segments.append(
            Segment(number, number, label or f"Segment {number}", _get_color(item), properties)
        )
    if hidden_count:
        notes.append(describe_hidden_names(hidden_count))
    return segments


def _complete_segments(described: Sequence[Segment], present: Iterable[int]) -> list[Segment]:
    """Return the described segments, and those that occur without a description."""
    known = {segment.value for segment in described}
    others = [
        Segment(int(number), int(number), f"Segment {int(number)} {_NOT_DESCRIBED}")
        for number in present
        if int(number) not in known
    ]
    return sorted([*described, *others], key=lambda segment: segment.value)


def _describe_unknown(segments: Sequence[Segment]) -> list[str]:
    """Return a note on segments that occur without a description."""
    numbers = [str(segment.number) for segment in segments if _NOT_DESCRIBED in segment.name]
    if not numbers:
        return []
    shown = ", ".join(numbers[:MAX_LISTED_NUMBERS])
    more = " and others" if len(numbers) > MAX_LISTED_NUMBERS else ""
    return [f"The file does not describe the segments {shown}{more}: they have no name."]


def _get_meaning(item: object, keyword: str) -> str:
    """Return CodeMeaning of the first item of a code sequence; empty where absent."""
    for code in attributes.get_items(item, keyword)[:1]:  # type: ignore[arg-type]
        return clean_name(attributes.get_text(code, "CodeMeaning"))
    return ""


def _get_color(item: object) -> tuple[float, float, float] | None:
    """Return RecommendedDisplayCIELabValue as sRGB (PS3.3 C.10.7.1.1), None where absent."""
    values = attributes.get_numbers(item, "RecommendedDisplayCIELabValue", 3)  # type: ignore[arg-type]
    if values is None:
        return None
    lightness, a, b = values
    return rgb_from_cielab(lightness / 65535 * 100, a / 257 - 128, b / 257 - 128)


def _find_referenced_series(header: DicomFileHeader) -> list[str]:
    return [
        attributes.get_text(item, "SeriesInstanceUID")
        for item in attributes.get_items(header.dataset, "ReferencedSeriesSequence")
    ]
