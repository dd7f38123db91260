"""What changed is kept as JSON and read back as it was."""

from __future__ import annotations

import json
import math

import pytest

from pytest_specqa.errors import ResultsError
from pytest_specqa.results.history.changes import Change, as_json, from_json

STEP = Change(
    what="residual", scope="fiber", shape="step", camera="r6", fibers=(3010, 3010), waves=(6010.0, 6070.0),
    first=(20211014, 104101), last=(20211120, None), ongoing=True, size=1.5, error=math.nan, unit="sigma", level=0.0,
    significance=7.5, bad=30, seen=31, detail="off", joined=("redshift pile-up",), cause="may be a hot column",
)  # fmt: skip


def test_changes_come_back_as_they_were_with_nan_and_pairs():
    (read,) = from_json(as_json([STEP], told={"series": 3}))
    assert math.isnan(read.error)
    assert read == Change(**{**vars(STEP), "error": read.error})
    assert json.loads(as_json([STEP], told={"series": 3}))["told"] == {"series": 3}


def test_no_change_is_a_list_too():
    assert from_json(as_json([])) == []


def _spoilt(**fields):
    read = json.loads(as_json([STEP]))
    read["changes"][0].update(fields)
    return json.dumps(read)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "[" * 100_000, '{"format": 2, "changes": []}', '{"format": 1, "changes": [3]}',
        _spoilt(scope="galaxy"), _spoilt(scope=[1]), _spoilt(size="large"), _spoilt(bad=1.5), _spoilt(first=[20211014]),
        _spoilt(ongoing=None),
        _spoilt(joined=[1]), _spoilt(waves=["a", "b"]), _spoilt(fibers=[1, None]),
    ],
)  # fmt: skip
def test_damaged_text_is_refused_in_one_line(text):
    with pytest.raises(ResultsError, match=r"^STORE/history") as refused:
        from_json(text, where="STORE/history.json")
    assert "\n" not in str(refused.value)
