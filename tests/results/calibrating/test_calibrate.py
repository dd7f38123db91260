"""Limits from a store: what moves, what never does, what is too little, and what is written."""

from __future__ import annotations

import tomllib
from contextlib import suppress

import numpy as np
import pytest

from pytest_specqa import cli
from pytest_specqa.results.calibrating.calibrate import rounded
from pytest_specqa.results.calibrating.levels import level_of
from pytest_specqa.rules import limits_file
from pytest_specqa.values import DataUnit

SIGMA, SIZE = "vertical_lines_narrow", "sky_line_residual"


def clean(generator, number):
    return {SIGMA: generator.normal(0.0, 1.0, 40), SIZE: generator.normal(0.02, 0.002, 40)}


def calibrate(store, *words: str) -> int:
    return cli.main(["limits", "calibrate", str(store.root), "--rate", "1e-2", "--date", "2026-01-02", *words])


def written(path):
    return tomllib.loads(path.read_text())


def test_a_statistical_limit_moves_to_where_clean_values_end(plain, tmp_path, capsys):
    out = tmp_path / "mine.toml"
    assert calibrate(plain, "--out", str(out), "--warn-rate", "0.05") == 0
    found = written(out)
    assert found[SIGMA]["high"] == pytest.approx(2.33, abs=0.25)
    assert found[SIGMA]["warn_high"] == pytest.approx(1.65, abs=0.15)
    assert "store of iron, nights 20210901-20210930: high: 0.01 of 1,200 clean values of 30 nights" in found[SIGMA]["source"]
    assert limits_file.lint(out, [limits_file.default_file()]) == []
    assert f"{SIGMA}: high 4 -> " in capsys.readouterr().out


def test_a_physical_limit_stays_and_is_told_beside_what_the_data_do(store, tmp_path):
    out = tmp_path / "mine.toml"
    loose = store(lambda generator, _: {SIZE: generator.normal(0.05, 0.01, 30)})
    assert calibrate(loose, "--out", str(out), "--tighten") == 0
    assert SIZE not in written(out)
    assert "high = 0.05 shipped (physical; " in out.read_text()


def test_only_where_it_is_asked_for_a_physical_limit_becomes_tighter(plain, tmp_path):
    assert calibrate(plain, "--out", str(tmp_path / "plain.toml")) == 0
    assert SIZE not in written(tmp_path / "plain.toml")
    assert calibrate(plain, "--out", str(tmp_path / "tight.toml"), "--tighten") == 0
    assert written(tmp_path / "tight.toml")[SIZE]["high"] == pytest.approx(0.0247, abs=0.0008)


def test_an_exact_limit_never_moves(store, tmp_path):
    out = tmp_path / "mine.toml"
    counts = store(lambda generator, _: {"header_conflicts": generator.integers(0, 3, 10)})
    assert calibrate(counts, "--out", str(out), "--tighten") == 0
    assert written(out) == {}
    assert "header_conflicts stays" in out.read_text()


@pytest.mark.parametrize(("nights", "words"), [(19, ["too few nights"]), (20, [])])
def test_fewer_than_twenty_nights_carry_no_limit(store, tmp_path, nights, words):
    out = tmp_path / "mine.toml"
    few = store(lambda generator, _: {SIGMA: generator.normal(size=20)}, nights=nights)
    assert calibrate(few, "--out", str(out)) == 0
    assert (SIGMA in written(out)) is not bool(words)
    assert all(word in out.read_text() for word in words)


def test_a_rate_beyond_the_number_of_values_is_too_much_to_ask(plain, tmp_path):
    out = tmp_path / "mine.toml"
    assert calibrate(plain, "--out", str(out), "--rate", "1e-5", "--warn-rate", "1e-2") == 0
    assert "high" not in written(out)[SIGMA]
    assert "too few values: 1,200, expected 50,000" in out.read_text()


def test_units_at_fault_and_waived_ones_are_left_out_but_not_what_fails_alone(store, tmp_path):
    def values(generator, number):
        found = clean(generator, number)
        found[SIGMA][0] = 4.5  # fails by itself: it may be the end of the tail
        found[SIGMA][1] = found[SIGMA][2] = 50.0
        found[SIZE][1] = 0.5  # and this is a fault of the unit of the second
        return found

    def change(one):
        waived = one["measure"] == SIGMA and one["value"] == 50.0 and one["expid"] % 1000 == 1
        return [one | {"waiver": "w1"}] if waived else [one]

    out = tmp_path / "mine.toml"
    assert calibrate(store(values, change=change), "--out", str(out)) == 0
    assert f"[{SIGMA}]\n#   1,140 clean values, nights 20210901-20210930 (30); 60 left out" in out.read_text()
    assert 3.0 < written(out)[SIGMA]["high"] < 6.0


def test_groups_have_overrides_of_their_own(store, tmp_path):
    def values(generator, _):
        found = generator.normal(0.0, 1.0, 60)
        found[::2] *= 2.0  # b0
        return {SIGMA: found}

    out = tmp_path / "mine.toml"
    assert calibrate(store(values), "--out", str(out), "--by", "band") == 0
    found = limits_file.load([limits_file.default_file(), out])
    high = {name: found.find(SIGMA, DataUnit("camera", 20220101, expid=1, camera=name)).high for name in ("b3", "r3", "z3")}
    assert high == {"b3": pytest.approx(4.7, abs=0.6), "r3": pytest.approx(2.4, abs=0.35), "z3": 4.0}
    shipped = limits_file.load([limits_file.default_file()])
    z3 = DataUnit("camera", 20220101, expid=1, camera="z3")
    assert found.find(SIGMA, z3).source == shipped.find(SIGMA, z3).source


def test_a_choice_holds_for_what_was_chosen_only(plain, tmp_path):
    out = tmp_path / "mine.toml"
    assert calibrate(plain, "--out", str(out), "--band", "r", "--program", "dark") == 0
    (override,) = written(out)[SIGMA]["when"]
    assert (override["band"], override["program"]) == (["r"], ["dark"])
    assert "high" not in written(out)[SIGMA]


def test_a_limit_with_overrides_of_its_own_is_not_written_over_all_bands(store, tmp_path):
    out = tmp_path / "mine.toml"
    offsets = store(lambda generator, _: {"sky_line_offset": generator.normal(0.0, 0.01, 20)})
    assert calibrate(offsets, "--out", str(out), "--tighten") == 0
    assert written(out) == {}
    assert "calibrate with --by band" in out.read_text()


def test_a_warning_never_lies_beyond_what_fails(plain, tmp_path):
    out = tmp_path / "mine.toml"
    assert calibrate(plain, "--out", str(out), "--warn-rate", "1e-9") == 0
    found = written(out)[SIGMA]
    assert found["warn_high"] == found["high"] < 3.5


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--program", "bright"], "no value of the store is of program bright; expected a choice that holds some"),
        (["--nights", "20250101:20250102"], "--nights 20250101:20250102: the store holds none of these nights; it has 20210901:"),
        (["--rate", "2"], "'2': expected a rate between 1e-9 and 0.1"),
        (["--by", "moon"], "'moon': expected one or more of program, band, camera"),
    ],
)
def test_misuse_is_one_line(plain, tmp_path, capsys, words, problem):
    with suppress(SystemExit):
        calibrate(plain, "--out", str(tmp_path / "out.toml"), *words)
    told = capsys.readouterr().err
    assert problem in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out.toml").exists()


def test_a_file_that_exists_is_not_written_over(plain, tmp_path, capsys):
    out = tmp_path / "mine.toml"
    out.write_text("# mine\n")
    assert calibrate(plain, "--out", str(out)) == cli.USAGE
    assert "exists, and is not written over" in capsys.readouterr().err
    assert out.read_text() == "# mine\n"


def test_a_damaged_store_is_one_line(store, tmp_path, capsys):
    made = store(lambda generator, _: {SIGMA: generator.normal(size=4)}, nights=2)
    part = next(made.root.glob("records/*/*.parquet"))
    part.write_bytes(part.read_bytes()[:200])
    assert calibrate(made, "--out", str(tmp_path / "out.toml")) == cli.USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_the_rate_is_verified_on_the_nights_held_back(store, capsys):
    made = store(lambda generator, _: {SIGMA: generator.normal(0.0, 1.0, 60)}, nights=40)
    assert calibrate(made, "--verify") == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith(SIGMA) and " high" in line).split()
    assert (row[4], row[5]) == ("1,200", "12.00")
    assert 2 <= int(row[6]) <= 22
    assert lines[-1].endswith(": kept")


def test_a_production_that_changes_does_not_keep_what_was_asked(store, capsys):
    def values(generator, number):
        return {SIGMA: generator.normal(0.8 * (number % 2), 1.0, 60)}

    assert calibrate(store(values, nights=40), "--verify") == 1
    assert "NOT kept" in capsys.readouterr().out


def test_nights_that_hang_together_have_a_larger_error():
    generator, nights = np.random.default_rng(2), np.repeat(np.arange(50), 40)

    def error(shared: float) -> float:
        values = [generator.normal(size=2000) * (1 - shared) + shared * np.repeat(generator.normal(size=50), 40) for _ in range(6)]
        return float(np.mean([level_of(one / one.std(), nights, 1e-2).error for one in values]))

    assert error(0.6) > 1.5 * error(0.0)


def test_a_tail_that_rests_on_a_few_nights_carries_no_limit():
    generator = np.random.default_rng(2)
    nights = np.repeat(np.arange(50), 40)
    values = generator.normal(size=2000) + np.where(nights < 5, 6.0, 0.0)
    assert "too few nights in the tail" in level_of(values, nights, 1e-3).method


def test_counts_have_the_level_that_few_enough_exceed_for_certain():
    nights = np.repeat(np.arange(50), 40)
    values = np.zeros(2000)
    values[:3] = [1, 1, 2]
    assert level_of(values, nights, 1e-2).value == 0.0
    assert level_of(values, nights, 2e-3).value == 1.0
    assert not level_of(values, nights, 5e-4).found


@pytest.mark.parametrize(("level", "expected"), [(2.3411, 2.35), (-0.91119, -0.911), (0.0, 0.0), (12345.0, 12400.0), (2.5, 2.5)])
def test_bounds_are_rounded_outwards(level, expected):
    assert rounded(level) == expected


def test_two_files_side_by_side(tmp_path, capsys):
    mine, other = tmp_path / "a.toml", tmp_path / "b.toml"
    own = f'[{SIZE}]\nsource = "s"\n[[{SIZE}.when]]\nband = "r"\nhigh = 0.1\n[own]\nhigh = 1\nsource = "s"\n'
    mine.write_text(f'[{SIGMA}]\nhigh = 3.8\nsource = "s"\n{own}')
    other.write_text(f'[{SIGMA}]\nhigh = 5\nwarn_high = 3\nsource = "s"\n[{SIZE}]\nhigh = 0.05\nsource = "s"\n')
    assert cli.main(["limits", "diff", str(mine), str(other)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"{SIGMA}: high 3.8 against 5: tighter" in lines
    assert f"{SIGMA}: warn_high 3.5 against 3: looser" in lines
    assert f"own: only in {mine}: high = 1" in lines
    assert any(line.startswith(f"{SIZE} (band r): only in {mine}: high = 0.1") for line in lines)
    assert cli.main(["limits", "diff", str(mine)]) == 0
    assert f"{SIGMA}: high 3.8 against 4: tighter" in capsys.readouterr().out.splitlines()
