"""Headers kept in little memory: what is unpacked is what was packed."""

import random

import pytest
from pydicom import config

from helpers.builders import ENCODINGS, make_series, make_uid, save_dataset
from napari_medread.dicom.headers.header_scan import read_header
from napari_medread.dicom.listing.packed_headers import PackedHeaders
