"""DICOM: paths -> headers -> stacks -> arrays -> volumes."""
