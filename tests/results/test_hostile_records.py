"""A line of results that no measurement is made of is named; a measurement that is too large is written with a message."""

from __future__ import annotations

import json

import pytest

from pytest_specqa.errors import ResultsError
from pytest_specqa.results import store


@pytest.mark.parametrize(
    "changes",
    [
        {"fibers": [[]]},
        {"fibers": [[1, 2, 3]]},
        {"fibers": [["a", "b"]]},
        {"waves": [6500.0]},
        {"waves": "6500"},
        {"value": 10**400},
        {"expid": 2**40},
        {"features": [{"fibers": "x"}]},
        {"versions": ["x"]},
        {"message": 3},
        {"products": [1]},
    ],
    ids=str,
)
def test_a_field_of_the_wrong_type_is_named(tmp_path, record, changes):
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps(record()) + "\n" + json.dumps(record() | changes) + "\n")
    with pytest.raises(ResultsError, match=rf"r\.jsonl:2: '{next(iter(changes))}' is ") as raised:
        store.read(path)
    assert len(str(raised.value)) < 500 + len(str(path))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deep"),
        ('{"unit": "a", "outcome": "failed", "outcome": "passed"}', "'outcome' is there twice"),
        ('{"value": ' + "9" * 5000 + "}", "is no JSON object"),
        ('{"value": NaN}', "NaN is not allowed"),
        ('"' + "x" * store.MOST_LINE + '"', "is longer than"),
    ],
    ids=["deep", "double", "digits", "nan", "long"],
)
def test_a_line_that_no_parser_is_prepared_for_is_named(tmp_path, line, said):
    path = tmp_path / "r.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(ResultsError, match=said):
        store.read(path)


@pytest.mark.parametrize("suffix", store.SUFFIXES)
@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"expid": 2**40}, {"expid": None}),
        ({"petal": 10**30}, {"petal": None}),
        ({"value": 10**400}, {"value": None}),
        ({"fibers": [[0, 2**40]]}, {"fibers": []}),
        ({"product": "a\udce9\x00.fits"}, {"product": "a\\xe9\\x00.fits"}),
        ({"value": 2**60}, {"value": 2**60}),
    ],
    ids=str,
)
def test_what_is_too_large_is_written_all_the_same(tmp_path, record, suffix, changes, kept):
    path = tmp_path / f"r{suffix}"
    store.write(path, [record() | changes])
    (found,) = store.read(path)
    assert {name: found[name] for name in kept} == kept
    assert ("too large for a results file" in found["message"]) == (None in kept.values() or [] in kept.values())
