"""Names that tell patients and studies apart, and say nothing else about them."""

import pytest

from napari_medread.core.series_names import (
    PatientNumbers,
    SeriesReference,
    compose_names,
    make_patient_key,
    number_equal_names,
    replace_composed_name,
    to_undated_name,
)

ANN, BOB = make_patient_key("1", "Doe^Ann"), make_patient_key("2", "Doe^Bob")
CHEST = SeriesReference("3 CT chest", ANN, "2011-03-04")
LATER = SeriesReference("3 CT chest", ANN, "2012-05-06")
OTHER = SeriesReference("3 CT chest", BOB, "2011-03-04")
NOBODY = SeriesReference("3 CT chest")


def test_one_patient_needs_no_number_and_no_date():
    assert compose_names([CHEST], PatientNumbers()) == ["3 CT chest"]
    assert compose_names([CHEST, CHEST], PatientNumbers()) == ["3 CT chest", "3 CT chest"]


def test_the_date_tells_two_studies_of_a_patient_apart():
    head = SeriesReference("4 CT head", ANN, "2012-05-06")
    assert compose_names([CHEST, LATER, head], PatientNumbers()) == [
        "3 CT chest, 2011-03-04", "3 CT chest, 2012-05-06", "4 CT head",
    ]  # fmt: skip


def test_numbers_tell_patients_apart_and_stay():
    numbers = PatientNumbers()
    assert compose_names([OTHER], numbers) == ["3 CT chest"]
    expected = ["P2: 3 CT chest, 2011-03-04", "P1: 3 CT chest, 2011-03-04", "3 CT chest"]
    assert compose_names([CHEST, OTHER, NOBODY], numbers) == expected
    # Whoever is shown alone needs no number, and has the same one beside others again.
    assert compose_names([LATER], numbers) == ["3 CT chest"]
    assert compose_names([LATER, OTHER], numbers) == [
        "P2: 3 CT chest, 2012-05-06", "P1: 3 CT chest, 2011-03-04",
    ]  # fmt: skip


def test_equal_names_are_counted():
    assert number_equal_names(["a", "b", "a"]) == ["a [1]", "b", "a [2]"]


@pytest.mark.parametrize(
    ("first", "second"),
    [(("1", "Doe^Ann"), ("1", "DOE^ANN^^")), (("1", "Doe^Ann"), (" 1", "Doe=Ann "))],
)
def test_a_patient_is_the_same_however_the_name_is_written(first, second):
    assert make_patient_key(*first) == make_patient_key(*second)


@pytest.mark.parametrize(
    ("first", "second"),
    [(("1", "Doe^Ann"), ("2", "Doe^Ann")), (("1", "Doe^Ann"), ("1", "Doe^Bob")),
     (("1", ""), ("", "1"))],
)  # fmt: skip
def test_other_patients_are_others(first, second):
    assert make_patient_key(*first) != make_patient_key(*second)


def test_a_key_says_nothing():
    key = make_patient_key("4711", "Doe^Ann")
    assert not any(part in key.lower() for part in ("4711", "doe", "ann"))
    assert make_patient_key(" ", "^^") == ""
    assert "2011" not in repr(CHEST)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("3 CT chest", "NEW"), ("P1: 3 CT chest, 2011-03-04", "NEW"),
     ("3 CT chest, 2011-03-04 [2]", "NEW [2]"), ("3 CT chest resampled", "NEW resampled"),
     ("3 CT chests", "3 CT chests"), ("my CT", "my CT"),
     ("liver in 3 CT chest", "liver in 3 CT chest")],
)  # fmt: skip
def test_names_that_users_gave_stay(name, expected):
    assert replace_composed_name(name, CHEST, "NEW") == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("P2: 3 CT chest, 2011-03-04", "P2 3 CT chest"),
     ("3 CT chest, 2011-03-04 resampled", "3 CT chest resampled"),
     ("ratio 1: 2", "ratio 1: 2"), ("scan of 2011-03-04", "scan of 2011-03-04")],
)  # fmt: skip
def test_names_for_files_leave_the_date_out(name, expected):
    assert to_undated_name(name) == expected
