"""Structure sets become label images on the grids of their images, and contours beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.contour_voxels import find_contour_voxels, find_usual_plane_distance
from napari_medread.core.contours import CONTOUR_KIND_WORDS, ContourKind, ContourSet
from napari_medread.core.geometry import Geometry
from napari_medread.core.label_layers import distribute_over_layers
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.segments import Segment, describe_hidden_names
from napari_medread.core.volume import Volume, to_world_order
from napari_medread.core.voxel_runs import VoxelRuns
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.volume_names import make_volume_name
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.headers.series_references import make_series_reference
from napari_medread.dicom.objects.label_volumes import is_of_series, sort_by_reference
from napari_medread.dicom.objects.object_contents import ObjectContents
from napari_medread.dicom.objects.structure_set import (
    CLOSED_KINDS,
    OPEN_KINDS,
    RegionOfInterest,
    StructureSet,
    parse_structure_set,
)
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.errors import UnreadableFile

Float = NDArray[np.float64]

MAX_LABEL = 65535
"""Largest value of a label image; a ROINumber above it is replaced."""

MAX_LAYERS = 64
"""Number of label images of one structure set; regions that need more are left out, with a note."""

MAX_NAMED_REGIONS = 3
"""Number of regions that one note names."""


def read_structure_set(
    header: DicomFileHeader, images: Sequence[Stack] = (), progress: Progress = no_progress
) -> ObjectContents:
    """Read a structure set as label images on the grid of the image that it was drawn on.

    Parameters
    ----------
    header : DicomFileHeader
        Of an RT Structure Set.
    images : sequence of Stack
        The images that were read with it.
    progress : Progress
        Reports progress, and may cancel.

    Raises
    ------
    UnreadableFile
        If it has no contour.
    """
    structures = parse_structure_set(header)
    writer = _ContentsWriter(header, structures)
    for stack, regions in _group_by_stack(structures, images).items():
        writer.add_regions(regions, stack, progress)
    if not (writer.contents.volumes or writer.contents.contours):
        raise UnreadableFile(f"{header.path.name}: the structure set has no contours.")
    return writer.contents


def read_structure_contours(
    header: DicomFileHeader, images: Sequence[Stack] = ()
) -> list[ContourSet]:
    """Read all contours of a structure set, also those that become labels.

    Parameters
    ----------
    header, images
        As in ``read_structure_set``.

    Raises
    ------
    UnreadableFile
        If the file cannot be read any more.
    """
    structures = parse_structure_set(header)
    writer = _ContentsWriter(header, structures)
    for stack, regions in _group_by_stack(structures, images).items():
        writer.add_contours(regions, stack)
    return writer.contents.contours


def _group_by_stack(
    structures: StructureSet, images: Sequence[Stack]
) -> dict[Stack | None, list[RegionOfInterest]]:
    """Return the regions that were drawn on each image; under None those whose image is absent."""
    regions_by_stack: dict[Stack | None, list[RegionOfInterest]] = {}
    for region in structures.regions:
        stack = _find_stack(region, structures, images)
        regions_by_stack.setdefault(stack, []).append(region)
    return regions_by_stack


def _find_stack(
    region: RegionOfInterest, structures: StructureSet, images: Sequence[Stack]
) -> Stack | None:
    """Return the image that a region was drawn on: of its series, else of its frame of reference.

    Of several such stacks the one that holds most of its contours is taken.
    """
    candidates = [
        stack
        for stack in sort_by_reference(images, structures.series_uids, region.frame_of_reference)
        if stack.affine is not None
    ]
    of_series = [stack for stack in candidates if is_of_series(stack, structures.series_uids)]
    candidates = of_series or candidates
    if len(candidates) < 2 or not region.contours:
        return candidates[0] if candidates else None
    centres = np.array([contour.points.mean(axis=0) for contour in region.contours])

    def count_inside(stack: Stack) -> int:
        geometry = get_stack_geometry(stack)
        index = geometry.to_index(centres)
        inside = (index > -0.5) & (index < np.array(geometry.shape) - 0.5)
        return int(inside.all(axis=1).sum())

    return max(candidates, key=count_inside)


def get_stack_geometry(stack: Stack) -> Geometry:
    """Return the grid of a stack with a patient position, in the order (slice, row, column)."""
    frame = stack.all_frames[0]
    assert stack.affine is not None  # noqa: S101  (for the type checker)
    return Geometry((stack.plane_count, frame.rows, frame.columns), stack.affine)


class _ContentsWriter:
    """Collects the label images and contours of one structure set."""

    def __init__(self, header: DicomFileHeader, structures: StructureSet) -> None:
        self.contents = ObjectContents()
        self._header = header
        self._name = make_volume_name(Frame(header, header.dataset), "", 1)
        self._image_description = structures.image_description
        self._notes = _describe_broken_contours(structures.regions)
        if structures.hidden_name_count:
            self._notes.append(describe_hidden_names(structures.hidden_name_count))
        self._segments = _make_segments(structures.regions, self._notes)

    def add_regions(
        self, regions: Sequence[RegionOfInterest], stack: Stack | None, progress: Progress
    ) -> None:
        """Add the regions that were drawn on one image as labels, and as lines what encloses none.

        Without an image all of them become lines.
        """
        if stack is not None:
            self._add_label_images(regions, get_stack_geometry(stack), progress)
        self.add_contours(regions, stack, with_closed=stack is None)

    def add_contours(
        self, regions: Sequence[RegionOfInterest], stack: Stack | None, *, with_closed: bool = True
    ) -> None:
        """Add the contours of the regions that were drawn on one image, or on none."""
        geometry = None
        if stack is not None:
            geometry = get_stack_geometry(stack)
            geometry = geometry.permute_axes(geometry.world_order)
        if with_closed:
            self._add_contour_set(regions, "closed", CLOSED_KINDS, geometry)
        self._add_contour_set(regions, "points", ("POINT",), geometry)
        self._add_contour_set(regions, "open", OPEN_KINDS, geometry)

    def _add_label_images(
        self, regions: Sequence[RegionOfInterest], geometry: Geometry, progress: Progress
    ) -> None:
        closed = {
            region.number: [c.points for c in region.contours if c.kind in CLOSED_KINDS]
            for region in regions
        }
        drawn = [region for region in regions if closed[region.number]]
        if not drawn:
            return
        usual = find_usual_plane_distance(list(closed.values()), geometry)
        voxels: list[VoxelRuns] = []
        names_by_note: dict[str, list[str]] = {}
        for region in progress(drawn, "Filling contours"):
            filled = find_contour_voxels(closed[region.number], geometry, usual)
            voxels.append(filled.runs)
            if not filled.runs.count:
                filled.notes.append("it holds no voxel centre, so that nothing of it is shown")
            for note in filled.notes:
                names_by_note.setdefault(note, []).append(self._segments[region.number].name)
        notes = [*self._notes, *(f"{_join(names)}: {n}." for n, names in names_by_note.items())]
        layers = distribute_over_layers(voxels, MAX_LAYERS)
        count = min(int(layers.max()) + 1, MAX_LAYERS)
        if count > 1:
            notes.append(f"Its regions overlap: they are distributed over {count} layers.")
        left_out = [
            self._segments[region.number].name
            for region, layer in zip(drawn, layers, strict=True)
            if layer >= MAX_LAYERS
        ]
        if left_out:
            notes.append(
                f"{_join(left_out)}: left out, as more than {MAX_LAYERS} regions overlap there."
            )
        for layer in range(count):
            members = [n for n in range(len(drawn)) if layers[n] == layer]
            segments = [self._segments[drawn[n].number] for n in members]
            highest = max(segment.value for segment in segments)
            image = np.zeros(geometry.shape, np.uint8 if highest < 256 else np.uint16)
            for n, segment in zip(members, segments, strict=True):
                voxels[n].write_into(image, segment.value)
            data, ordered = to_world_order(image, geometry)
            name = f"{self._name} ({layer + 1} of {count})" if count > 1 else self._name
            self.contents.volumes.append(
                Volume(
                    data,
                    name,
                    ordered,
                    labels=True,
                    source=(self._header.path,),
                    notes=tuple(notes),
                    modality="RTSTRUCT",
                    series=make_series_reference(self._header.dataset, name),
                    segments=tuple(sorted(segments, key=lambda segment: segment.value)),
                )
            )

    def _add_contour_set(
        self,
        regions: Sequence[RegionOfInterest],
        kind: ContourKind,
        geometric_types: Sequence[str],
        geometry: Geometry | None,
    ) -> None:
        """Add the contours of some types as lines or points."""
        chosen = [
            (contour.points, self._segments[region.number])
            for region in regions
            for contour in region.contours
            if contour.kind in geometric_types
        ]
        if not chosen:
            return
        notes = list(self._notes)
        missing_image = "" if geometry is not None else self._image_description
        if missing_image and kind == "closed":
            notes.append(
                f"Its contours were drawn on {missing_image}, which is not here: open both "
                "together to get labels."
            )
        name = f"{self._name} ({CONTOUR_KIND_WORDS[kind]})"
        self.contents.contours.append(
            ContourSet(
                name,
                kind,
                [points for points, _ in chosen],
                tuple(segment for _, segment in chosen),
                geometry,
                (self._header.path,),
                tuple(notes),
                make_series_reference(self._header.dataset, name),
                missing_image,
            )
        )


def _make_segments(regions: Sequence[RegionOfInterest], notes: list[str]) -> dict[int, Segment]:
    """Return the segment of each ROI number; numbers that no label can have are replaced."""
    usable = {region.number for region in regions if 0 < region.number <= MAX_LABEL}
    free = (n for n in range(1, MAX_LABEL + 1) if n not in usable)
    segments = {}
    replaced = 0
    for region in regions:
        value = region.number
        if value not in usable:
            value = next(free)
            replaced += 1
        properties = {"interpreted_type": region.interpreted_type}
        segments[region.number] = Segment(
            value, region.number, region.name, region.color, properties
        )
    if replaced:
        notes.append(
            f"{replaced} {'region has a number' if replaced == 1 else 'regions have numbers'} that "
            "no label can have: others are used."
        )
    return segments


def _describe_broken_contours(regions: Sequence[RegionOfInterest]) -> list[str]:
    """Return notes on contours that were left out, and on regions that have none."""
    notes = []
    broken = [region for region in regions if region.broken_contours]
    if broken:
        count = sum(region.broken_contours for region in broken)
        notes.append(
            f"{_join([region.name for region in broken])}: {count} "
            f"{'contour is' if count == 1 else 'contours are'} left out, as the points are no "
            "finite numbers or too few."
        )
    empty = [r.name for r in regions if not (r.contours or r.broken_contours)]
    if empty:
        notes.append(f"{_join(empty)}: no contours.")
    return notes


def _join(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    shown = ", ".join(names[:MAX_NAMED_REGIONS])
    more = len(names) - MAX_NAMED_REGIONS
    return f"{shown} and {more} more" if more > 0 else shown
