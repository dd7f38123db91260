"""Loops are compiled and kept, and are compiled all the same where nothing can be kept."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from pytest_specqa.measures.compiled import compiled, rows_of


def double(values: np.ndarray) -> float:
    total = 0.0
    for k in range(len(values)):
        total += 2 * values[k]
    return total


def test_a_function_without_a_folder_for_its_code_is_compiled_in_each_process(monkeypatch):
    kept = numba.njit

    def refuse(*, cache: bool = False, **options: object) -> object:
        if cache:
            raise RuntimeError("cannot cache function 'double': no locator available for file 'x.py'")
        return kept(**options)

    monkeypatch.setattr(numba, "njit", refuse)
    with pytest.warns(
        UserWarning, match=r"compiled anew in every process: found no folder .*x\.py.*; make it writable, or set NUMBA"
    ):
        function = compiled(double)
    assert function(np.ones(3)) == 6.0


def test_missing_values_keep_their_meaning():
    @compiled
    def finite(values: np.ndarray) -> int:
        count = 0
        for k in range(len(values)):
            count += 1 if np.isfinite(values[k]) else 0
        return count

    assert finite(np.array([1.0, np.nan, np.inf, -np.inf, 2.0], dtype=np.float32)) == 2


def test_rows_are_copied_only_where_loops_could_not_take_them():
    values = np.zeros((4, 6), dtype=np.float32)
    assert rows_of(values) is values
    for other in (values.T, values[:, ::2], values.astype(">f4"), values.astype(float)):
        taken = rows_of(other)
        assert taken.flags.c_contiguous
        assert taken.dtype.isnative
        assert taken.dtype == np.float32
