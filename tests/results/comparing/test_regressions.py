"""The ranking in SQL is that of the reduction in Python."""

from __future__ import annotations

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_specqa.checks.outcome import outcomes
from pytest_specqa.results.comparing.regressions import WEIGHT
from pytest_specqa.values import Outcome

ROW = st.tuples(
    st.sampled_from("uvw"),
    st.sampled_from(["test_a", "test_b"]),
    st.sampled_from([str(outcome) for outcome in Outcome]),
    st.sampled_from([None, "", "w"]),
)


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=30))
def test_a_check_weighs_the_same_in_sql(rows):
    names = ("unit", "expectation", "outcome", "waiver")
    reduced = outcomes(dict(zip(names, row, strict=True)) for row in rows)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE found ({', '.join(f'{name} VARCHAR' for name in names)})")
        connection.executemany("INSERT INTO found VALUES (?, ?, ?, ?)", rows)
        ranks = connection.execute(f"SELECT unit, expectation, max({WEIGHT}) FROM found GROUP BY ALL").fetchall()
    assert {(unit, name): rank for unit, name, rank in ranks} == {key: found.weight.rank for key, found in reduced.items()}
