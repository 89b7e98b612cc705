"""A small header with a sequence and a private element."""

from napari_medread.core.tag_elements import Tag, Tags

MAKER = Tag("Manufacturer", "ACME 00080070", "(0008,0070)", "LO", "Manufacturer")
MODEL = Tag("Manufacturer's Model Name", "One", "(0008,1090)", "LO", "ManufacturerModelName")
DATE = Tag("Study Date", "20240101", "(0008,0020)", "DA", "StudyDate")
PRIVATE = Tag("B Value", "700", "(0019,100C)", "IS", creator="SIEMENS MR HEADER")
CLASS = Tag(
    "Referenced SOP Class UID",
    "1.2.840.10008.5.1.4.1.1.2",
    "(0008,1150)",
    "UI",
    "ReferencedSOPClassUID",
    meaning="CT Image Storage",
)
REFERENCES = Tag(
    "Referenced Image Sequence",
    "2 items",
    "(0008,1140)",
    "SQ",
    "ReferencedImageSequence",
    children=(Tag("Item 1"), Tag("Item 2", children=(CLASS,))),
)
HEADER = Tags([DATE, MAKER, MODEL, REFERENCES, PRIVATE])
