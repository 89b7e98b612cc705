"""The DICOM attributes that may be copied from a source file: a list, so nothing slips through.

Attributes are copied from these tables and never removed from a copy of the source. What the tables
lack is missing in the written files, but no patient data can be disclosed by mistake.
"""

PATIENT_KEYWORDS = (
    # PS3.3 C.7.1.1 Patient
    "PatientName", "PatientID", "IssuerOfPatientID", "TypeOfPatientID",
    "IssuerOfPatientIDQualifiersSequence", "PatientBirthDate", "PatientBirthTime", "PatientSex",
    "OtherPatientIDs", "OtherPatientIDsSequence", "OtherPatientNames", "EthnicGroup",
    "PatientComments", "PatientSpeciesDescription", "PatientSpeciesCodeSequence",
    "PatientBreedDescription", "PatientBreedCodeSequence", "BreedRegistrationSequence",
    "ResponsiblePerson", "ResponsiblePersonRole", "ResponsibleOrganization",
    "PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence",
    # C.7.2.1 General Study, C.7.2.2 Patient Study
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID",
    "AccessionNumber", "IssuerOfAccessionNumberSequence", "StudyDescription",
    "PhysiciansOfRecord", "NameOfPhysiciansReadingStudy", "ProcedureCodeSequence",
    "AdmittingDiagnosesDescription", "PatientAge", "PatientSize", "PatientWeight",
    "PatientSexNeutered", "Occupation", "AdditionalPatientHistory", "AdmissionID",
    # C.7.3.1 General Series, of the series that the images were made from
    "SeriesNumber", "SeriesDate", "SeriesTime", "SeriesDescription", "ProtocolName",
    "PerformingPhysicianName", "OperatorsName",
    # C.7.4.1 Frame of Reference, C.7.5.1 General Equipment
    "FrameOfReferenceUID", "Manufacturer", "ManufacturerModelName",
    "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName",
    "DeviceSerialNumber", "SoftwareVersions",
)  # fmt: skip
"""Attributes of patient, study, series and equipment: only copied when the user asks for it."""

TECHNICAL_KEYWORDS = (
    "Laterality", "BodyPartExamined", "PatientPosition",
    "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)  # fmt: skip
"""Attributes that are always copied: codes and numbers that identify nobody."""

TECHNICAL_KEYWORDS_BY_KIND = {
    "CT": ("KVP", "ExposureTime", "XRayTubeCurrent", "Exposure", "FilterType"),
    "MR": (
        "ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType",
        "RepetitionTime", "EchoTime", "EchoTrainLength", "InversionTime", "FlipAngle",
        "MagneticFieldStrength", "ImagingFrequency", "NumberOfAverages", "PixelBandwidth",
        "InPlanePhaseEncodingDirection", "VariableFlipAngleFlag",
    ),
    "PT": (
        "SeriesType", "Units", "CountsSource", "DecayCorrection", "CorrectedImage",
        "CollimatorType", "FrameReferenceTime", "ActualFrameDuration", "DecayFactor",
        "RandomsCorrectionMethod", "ReprojectionMethod",
    ),
    "SC": (),
}  # fmt: skip
"""The same for the modules of each kind of image (PS3.3 C.8.2.1, C.8.3.1, C.8.9)."""

COMPARED_KEYWORDS = (
    "SpecificCharacterSet", "Modality", "ImageType", "BurnedInAnnotation", "SliceThickness",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing",
    "NominalScannedPixelSpacing", "PixelSpacingCalibrationType",
)  # fmt: skip
"""Attributes that are read to decide what may be copied, but are not copied themselves."""

REQUIRED_KEYWORDS = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
    "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
    "SeriesNumber", "Manufacturer",
)  # fmt: skip
"""Attributes that must be present but may be empty (type 2)."""
