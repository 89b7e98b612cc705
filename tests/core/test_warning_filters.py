"""Warnings are shown again after contexts close, in any order."""

import warnings

import pytest

from napari_medread.core.warning_filters import suppress_warnings


def shown(*messages):
    with warnings.catch_warnings(record=True) as records:
        for each in messages:
            warnings.warn(each, stacklevel=1)
    return [str(record.message) for record in records]


@pytest.fixture(autouse=True)
def all_are_shown():
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        yield


def test_one_kind_or_all_are_suppressed():
    with suppress_warnings("odd"):
        assert shown("odd tag", "even tag") == ["even tag"]
        with suppress_warnings():
            assert shown("odd tag", "even tag") == []
        assert shown("odd tag", "even tag") == ["even tag"]
    assert shown("odd tag", "even tag") == ["odd tag", "even tag"]


@pytest.mark.parametrize("first", ["", "odd"])
def test_contexts_close_in_any_order(first):
    before = list(warnings.filters)
    one, other = suppress_warnings(first), suppress_warnings("even" if first else "")
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert shown("odd tag", "even tag") == (["odd tag"] if first else [])
    other.__exit__(None, None, None)
    assert warnings.filters == before


def test_an_error_inside_ends_the_context():
    with pytest.raises(ValueError, match="broken"), suppress_warnings():
        raise ValueError("broken")
    assert shown("odd tag") == ["odd tag"]
