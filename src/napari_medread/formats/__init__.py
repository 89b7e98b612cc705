"""File formats other than DICOM, one module each; ``registry`` knows which reads what."""
