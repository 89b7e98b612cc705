"""Written files hold no patient data unless the user asks for them."""

import io

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from helpers.builders import make_image, make_series, make_uid, save_dataset, write_series
from helpers.dicom_volumes import make_placed_volume
from napari_medread import read, write
from napari_medread.errors import CannotWrite

SENTINEL = "Zqx"

# The attributes that PS3.15 table E.1-1 has removed, emptied or replaced, among those that an image
# series can have.
NAMING = [
    "AccessionNumber", "AcquisitionComments", "AcquisitionContextSequence", "AcquisitionDate",
    "AcquisitionDateTime", "AcquisitionDeviceProcessingDescription",
    "AcquisitionProtocolDescription", "AcquisitionTime", "AdditionalPatientHistory", "AdmissionID",
    "AdmittingDate", "AdmittingDiagnosesDescription", "AdmittingTime", "Allergies",
    "CommentsOnThePerformedProcedureStep", "ConsultingPhysicianName", "ContentCreatorName",
    "ContentDate", "ContentTime", "ContrastBolusAgent", "ContributionDescription",
    "CountryOfResidence", "CurrentPatientLocation", "DerivationDescription", "DetectorID",
    "DeviceSerialNumber", "DeviceUID", "EthnicGroup", "FrameComments", "FrameOfReferenceUID",
    "GantryID", "GeneratorID", "ImageComments", "InstanceCreationDate", "InstanceCreationTime",
    "InstanceCreatorUID", "InstitutionAddress", "InstitutionalDepartmentName", "InstitutionName",
    "IssuerOfPatientID", "MedicalAlerts", "MedicalRecordLocator", "MilitaryRank",
    "NameOfPhysiciansReadingStudy", "Occupation", "OperatorsName", "OtherPatientIDs",
    "OtherPatientIDsSequence", "OtherPatientNames", "PatientAddress", "PatientAge",
    "PatientBirthDate", "PatientBirthName", "PatientBirthTime", "PatientComments", "PatientID",
    "PatientMotherBirthName", "PatientName", "PatientReligiousPreference", "PatientSex",
    "PatientSize", "PatientState", "PatientTelephoneNumbers", "PatientWeight",
    "PerformedProcedureStepDescription", "PerformedProcedureStepID", "PerformedStationName",
    "PerformingPhysicianName", "PhysiciansOfRecord", "PlateID", "PregnancyStatus",
    "ProtocolName", "ReasonForStudy", "ReferencedImageSequence", "ReferencedPatientSequence",
    "ReferringPhysicianAddress", "ReferringPhysicianName", "RegionOfResidence",
    "RequestAttributesSequence", "RequestedProcedureDescription", "RequestingPhysician",
    "ResponsiblePerson", "ScheduledProcedureStepDescription", "SeriesDate", "SeriesDescription",
    "SeriesInstanceUID", "SeriesTime", "SmokingStatus", "SOPInstanceUID", "SoftwareVersions",
    "SourceImageSequence", "SpecialNeeds", "StationName", "StudyComments", "StudyDate",
    "StudyDescription", "StudyID", "StudyInstanceUID", "StudyTime", "TextString",
    "TimezoneOffsetFromUTC", "UID", "VisitComments",
]  # fmt: skip

PLAIN = {
    "DA": "19570314",
    "TM": "031457.918273",
    "DT": "19570314031457",
    "AS": "077Y",
    "UI": "1.2.7.3145791827364",
}
SPELLED = {"SH", "LO", "ST", "LT", "UT", "PN", "CS", "AE", "UC"}


def mark(ds, keyword):
    """Give an attribute a value that can be searched for in the written files."""
    vr = dictionary_VR(keyword)
    if vr == "SQ":
        item = Dataset()
        item.PatientID = f"{SENTINEL}nested{keyword}"
        item.ReferencedSOPInstanceUID = PLAIN["UI"]
        block = item.private_block(0x0011, SENTINEL, create=True)
        block.add_new(1, "LO", f"{SENTINEL}private")
        value = [item]
    elif vr in PLAIN:
        value = PLAIN[vr]
    elif vr in ("DS", "FL", "US"):
        value = "31.45791827" if vr == "DS" else 31457
    else:
        assert vr in SPELLED, (keyword, vr)
        value = f"{SENTINEL}{keyword}"[:16]
    setattr(ds, keyword, value)


def telling(folder, modality="CT", **attributes):
    """Write a series with patient data in attributes, sequences and private elements."""

    def tell(_, ds):
        position = ds.SOPInstanceUID
        for keyword in NAMING:
            mark(ds, keyword)
        ds.SOPInstanceUID = position
        block = ds.private_block(0x0029, f"{SENTINEL} CREATOR", create=True)
        block.add_new(1, "LO", f"{SENTINEL} in private")
        block.add_new(2, "UN", f"{SENTINEL} as bytes".encode())
        ds.Manufacturer = f"{SENTINEL} Maker"

    with pydicom.config.disable_value_validation():
        made = make_series(change=tell, Modality=modality, **attributes)
        return write_series(folder / f"{SENTINEL}_folder", made)


# Long enough not to be among the digits of a new UID by chance.
TRACES = [SENTINEL.encode(), b"31.45791827", *(value.encode() for value in PLAIN.values())]


def files_below(folder):
    return sorted(f for f in folder.rglob("*") if f.is_file())


@pytest.mark.parametrize("modality", ["CT", "MR", "PT", "OT"])
@pytest.mark.parametrize("compress", [False, True])
def test_no_trace_of_the_patient_is_written(tmp_path, modality, compress):
    source = telling(tmp_path, modality)
    for file in files_below(source):
        told = file.read_bytes()
        assert [trace for trace in TRACES if trace not in told] == []
    (volume,) = read(source)
    write(tmp_path / "out.dcm", volume, compress=compress)
    for file in files_below(tmp_path / "out"):
        assert SENTINEL not in file.name
        written = file.read_bytes()
        assert [trace for trace in TRACES if trace in written] == []


def test_patient_identity_removed_is_written(tmp_path):
    (volume,) = read(telling(tmp_path))
    write(tmp_path / "out.dcm", volume)
    for file in files_below(tmp_path / "out"):
        ds = pydicom.dcmread(file)
        assert ds.PatientIdentityRemoved == "YES"
        assert ds.DeidentificationMethod
        assert not any(element.tag.is_private for element in ds.iterall())
        assert not any(element.VR in ("DA", "TM", "DT", "PN") and element.value
                       for element in ds.iterall())  # fmt: skip


def test_a_note_says_that_text_in_pictures_is_not_removed(tmp_path):
    Image.fromarray(np.zeros((5, 6), np.uint8)).save(tmp_path / "in.png")
    (volume,) = read(tmp_path / "in.png")
    written = write(tmp_path / "out.dcm", volume)
    assert any("in the image itself" in note for note in written.notes)
    assert "PatientIdentityRemoved" not in pydicom.dcmread(tmp_path / "out.dcm")


def test_a_note_says_that_burned_in_text_is_not_removed(tmp_path):
    (volume,) = read(write_series(tmp_path / "in", make_series(BurnedInAnnotation="YES")))
    written = write(tmp_path / "out.dcm", volume)
    assert any("in the image itself" in note for note in written.notes)
    ds = pydicom.dcmread(tmp_path / "out" / "slice_0001.dcm")
    assert ds.BurnedInAnnotation == "YES"
    assert "PatientIdentityRemoved" not in ds


PATIENT = {
    "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "PatientID": "77-1",
    "PatientBirthDate": "19570314",
    "PatientSex": "O",
    "StudyInstanceUID": make_uid(),
    "StudyDate": "20240102",
    "StudyDescription": "Thorax",
    "AccessionNumber": "A1",
    "FrameOfReferenceUID": make_uid(),
    "Manufacturer": "Acme",
    "SeriesDescription": "Lung",
    "SeriesNumber": 4,
}


@pytest.mark.parametrize("charset", ["ISO_IR 192", ["", "ISO 2022 IR 87"]])
def test_patient_data_are_written_on_request(tmp_path, charset):
    other = Dataset()
    other.PatientID, other.TypeOfPatientID = "88-2", "TEXT"
    other.private_block(0x0011, "PRIVATE", create=True).add_new(1, "LO", "private")
    made = {**PATIENT, "SpecificCharacterSet": charset, "OtherPatientIDsSequence": [other]}
    (volume,) = read(write_series(tmp_path / "in", make_series(**made)))
    write(tmp_path / "out.dcm", volume, keep_patient=True)
    for file in files_below(tmp_path / "out"):
        ds = pydicom.dcmread(file)
        assert {keyword: ds[keyword].value for keyword in PATIENT} == PATIENT
        assert ds.OtherPatientIDsSequence[0].PatientID == "88-2"
        assert not any(element.tag.is_private for element in ds.iterall())
        assert "PatientIdentityRemoved" not in ds
        assert ds.SeriesInstanceUID != "1.2.826.0.1.3680043.8.498.1"
    (found,) = read(tmp_path / "out")
    assert found.name == volume.name == "4 Lung"


def test_malformed_patient_data_are_written_unchanged(tmp_path):
    with pydicom.config.disable_value_validation():
        made = {"PatientBirthDate": "about 1957", "PatientID": "7" * 80, "PatientAge": "old"}
        folder = write_series(tmp_path / "in", make_series(**made))
    (volume,) = read(folder)
    write(tmp_path / "out.dcm", volume, keep_patient=True)
    with pydicom.config.disable_value_validation():
        ds = pydicom.dcmread(files_below(tmp_path / "out")[0])
        assert {keyword: ds[keyword].value for keyword in made} == made


def test_patient_data_of_deleted_files_cannot_be_written(tmp_path):
    (volume,) = read(write_series(tmp_path / "in", make_series()))
    for file in files_below(tmp_path / "in"):
        file.unlink()
    with pytest.raises(CannotWrite, match=r"its source IM000\d no longer exists"):
        write(tmp_path / "out.dcm", volume, keep_patient=True)
    write(tmp_path / "out.dcm", volume)
    assert len(files_below(tmp_path / "out")) == 4


def test_patient_data_cannot_be_written_without_a_dicom_source(tmp_path):
    with pytest.raises(CannotWrite, match=r"^made: .* because it was not read from DICOM files"):
        write(tmp_path / "out.dcm", make_placed_volume(), keep_patient=True)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("keep_patient", [True, False])
def test_technical_attributes_are_always_written(tmp_path, keep_patient):
    made = {"Modality": "MR", "ScanningSequence": "GR", "SequenceVariant": "SP", "EchoTime": "4.6",
            "MagneticFieldStrength": "3", "BodyPartExamined": "BRAIN", "PatientPosition": "HFP",
            "LossyImageCompression": "01", "LossyImageCompressionRatio": "7"}  # fmt: skip
    (volume,) = read(write_series(tmp_path / "in", make_series(**made)))
    write(tmp_path / "out.dcm", volume, keep_patient=keep_patient)
    ds = pydicom.dcmread(tmp_path / "out" / "slice_0001.dcm")
    assert {keyword: str(ds[keyword].value) for keyword in made} == made


@pytest.mark.parametrize(("suffix", "expected"), [(".jpg", "01"), (".png", None)])
def test_lossy_compression_of_the_source_is_written(tmp_path, suffix, expected):
    Image.fromarray(np.zeros((32, 40), np.uint8)).save(tmp_path / f"in{suffix}")
    (volume,) = read(tmp_path / f"in{suffix}")
    write(tmp_path / "out.dcm", volume)
    assert pydicom.dcmread(tmp_path / "out.dcm").get("LossyImageCompression") == expected


def test_a_lossy_source_without_the_attribute_is_recognized_by_its_syntax(tmp_path):
    packed = io.BytesIO()
    Image.fromarray(np.zeros((32, 40), np.uint8)).save(packed, "JPEG")
    ds = make_image(np.zeros((32, 40), np.uint8))
    ds.PixelData = encapsulate([packed.getvalue()])
    (volume,) = read(save_dataset(ds, tmp_path / "in.dcm", JPEGBaseline8Bit))
    write(tmp_path / "out.dcm", volume)
    assert pydicom.dcmread(tmp_path / "out.dcm").LossyImageCompression == "01"
