"""Limits files: what they mean, and what is refused with which line."""

from __future__ import annotations

import pytest

from pytest_specqa.errors import LimitError
from pytest_specqa.rules import limits_file
from pytest_specqa.values import DataUnit, Severity


def camera(name: str = "r6", night: int = 20211014) -> DataUnit:
    return DataUnit("camera", night, expid=1, camera=name)


@pytest.fixture
def write(tmp_path):
    def write(text: str, name: str = "limits.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_table_becomes_a_limit(write):
    path = write('[x]\nlow = -1\nhigh = 2\nwarn_high = 1\nneeds = 0.5\nunit = "m"\nseverity = "warn"\nsource = "s"\ndoc = "d"\n')
    found = limits_file.load([path])
    limit = found.find("x", camera())
    assert (limit.low, limit.high, limit.warn_high, limit.needs) == (-1, 2, 1, 0.5)
    assert (limit.unit, limit.severity, limit.source) == ("m", Severity.WARN, "s")
    assert found.doc("x") == limit.doc == "d"
    assert found.where("x") == f"{path}:1"
    assert found.names == ["x"]


@pytest.mark.parametrize(
    ("selector", "unit", "found", "expected"),
    [
        ('nights = "20211101:"', camera(night=20211031), {}, 1),
        ('nights = "20211101:"', camera(night=20211101), {}, 5),
        ('nights = ":20211014"', camera(), {}, 5),
        ('nights = "20211014"', camera(), {}, 5),
        ('nights = "20211001:20211013"', camera(), {}, 1),
        ('survey = "main"', camera(), {"survey": "main"}, 5),
        ('survey = ["sv1", "sv3"]', camera(), {"survey": "main"}, 1),
        ('program = "bright"', camera(), {"program": "bright"}, 5),
        ('band = "r"', camera(), {}, 5),
        ('band = "b"', camera(), {}, 1),
        ('camera = ["r1", "r6"]', camera(), {}, 5),
        ('band = "r"\nsurvey = "main"', camera(), {"survey": "sv1"}, 1),
        ('band = "r"', DataUnit("exposure", 20211014, expid=1), {}, 1),
    ],
)
def test_an_override_holds_where_all_its_selectors_match(write, selector, unit, found, expected):
    path = write(f'[x]\nhigh = 1\nsource = "s"\n[[x.when]]\n{selector}\nhigh = 5\n')
    assert limits_file.load([path]).find("x", unit, **found).high == expected


def test_the_last_matching_override_wins(write):
    path = write('[x]\nhigh = 1\nsource = "s"\n[[x.when]]\nband = "r"\nhigh = 2\n[[x.when]]\nnights = "20211001:"\nhigh = 3\n')
    found = limits_file.load([path])
    assert found.find("x", camera()).high == 3
    assert found.find("x", camera(night=20210901)).high == 2


def test_a_later_layer_changes_what_it_gives_and_wins_over_dated_entries(write):
    below = write('[x]\nlow = 0\nhigh = 1\nsource = "s"\n[[x.when]]\nband = "r"\nhigh = 2\n')
    above = write('[x]\nhigh = 7\nsource = "mine"\n', "mine.toml")
    limit = limits_file.load([below, above]).find("x", camera())
    assert (limit.low, limit.high, limit.source) == (0, 7, "mine")


def test_an_unknown_name_lists_the_nearest(write):
    found = limits_file.load([write('[sky_chi2]\nhigh = 1\nsource = "s"\n')])
    with pytest.raises(LimitError, match=r"no limit is named 'sky_chi'; nearest: sky_chi2"):
        found.find("sky_chi", camera())


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[x]\nhigh = nan\nsource = "s"\n', 2, "can never be decided"),
        ('[x]\nhigh = inf\nsource = "s"\n', 2, "can never be decided"),
        ('[x]\nhigh = "2"\nsource = "s"\n', 2, "expected a number"),
        ('[x]\nhigh = true\nsource = "s"\n', 2, "expected a number"),
        ('[x]\nsource = "s"\n', 1, "can never fail: it has neither low nor high"),
        ('[x]\nwarn_high = 1\nsource = "s"\n', 1, "severity = 'warn'"),
        ('[x]\nlow = 3\nhigh = 2\nsource = "s"\n', 1, "can never pass: low 3 is above high 2"),
        ('[x]\nhigh = 2\nwarn_high = 3\nsource = "s"\n', 1, "warn_high 3 can never warn"),
        ('[x]\nlow = 2\nwarn_low = 1\nsource = "s"\n', 1, "warn_low 1 can never warn"),
        ('[x]\nhigh = 9\nwarn_low = 3\nwarn_high = 2\nsource = "s"\n', 1, "warns always"),
        ('[x]\nhigh = 2\nneeds = 0\nsource = "s"\n', 1, "no data can be that sensitive"),
        ("[x]\nhigh = 2\n", 1, "has no source"),
        ('[x]\nhigh = 2\nsource = "  "\n', 1, "has no source"),
        ("[x]\nhigh = 2\nsource = 5\n", 3, "expected text in quotes"),
        ('# first\n\n[x]\nhihg = 2\nsource = "s"\n', 4, "unknown key 'hihg' (did you mean 'high'?)"),
        ('[x]\nhigh = 2\nseverity = "error"\nsource = "s"\n', 3, "expected 'warn' or 'fail'"),
        ('[w]\nhigh = 1\nsource = "s"\n["x.y"]\nhigh = nan\nsource = "s"\n', 5, "can never be decided"),
        ('[x]\nhigh = 1\nsource = "s"\n[[x.when]]\nhigh = 2\n', 4, "selects nothing"),
        ('[x]\nhigh = 1\nsource = "s"\n[[x.when]]\nband = "r"\nhigh = 2\n[[x.when]]\nband = 3\n', 8, "expected a name"),
        ('[x]\nhigh = 1\nsource = "s"\n[[x.when]]\nnights = "2021"\n', 5, "expected a night or a range"),
        ('[x]\nhigh = 1\nsource = "s"\n[[x.when]]\nnights = "20211102:20211101"\n', 5, "expected a night or a range"),
        ('[x]\nhigh = 1\nsource = "s"\n[[x.when]]\nband = "r"\nlow = 2\n', 4, "can never pass"),
        ('[x]\nhigh = 1\nsource = "s"\nwhen = 3\n', 4, "when is no list of tables"),
        ("[x]\nhigh = \n", 2, "is no TOML"),
        ('[x]\nhigh = 1\nsource = "s"\n[x]\nhigh = 2\n', 4, "is no TOML"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_its_line(write, text, line, message):
    path = write(text)
    with pytest.raises(LimitError) as caught:
        limits_file.load([path])
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_value_outside_a_table_is_refused(write):
    with pytest.raises(LimitError, match="high = 3 stands outside a table"):
        limits_file.load([write("high = 3\n")])


def test_a_layer_that_closes_the_range_of_the_one_below_is_refused(write):
    below = write('[x]\nlow = 2\nhigh = 3\nsource = "s"\n')
    above = write('[x]\nhigh = 1\nsource = "mine"\n', "mine.toml")
    with pytest.raises(LimitError, match=r"mine.toml:1: \[x\] can never pass: low 2 is above high 1"):
        limits_file.load([below, above])


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(LimitError, match="cannot be read"):
        limits_file.load([tmp_path / "none.toml"])


def test_a_file_given_twice_is_one_layer(write):
    path = write('[x]\nhigh = 1\nsource = "s"\n')
    assert len(limits_file.load([path, path]).layers) == 1


def test_where_names_the_highest_table(write):
    below = write('[x]\nhigh = 1\nsource = "s"\n')
    above = write('# mine\n\n[x]\nhigh = 2\nsource = "mine"\n', "mine.toml")
    found = limits_file.load([below, above])
    assert found.where("x") == f"{above}:3"
    assert found.doc("x") == ""


def test_lint_finds_every_problem(write):
    path = write('[x]\nhigh = nan\nsource = "s"\n[y]\nhigh = 1\n[z]\nhigh = 1\nsource = "s"\n')
    assert [problem.split(": ")[0] for problem in limits_file.lint(path)] == [f"{path}:2", f"{path}:4"]


def test_a_plain_name_is_for_the_user_to_give_or_to_leave(write):
    below = write('[x]\nname = "size of x"\nhigh = 1\nsource = "s"\n[y]\nhigh = 1\nsource = "s"\n')
    above = write('[x]\nhigh = 2\nsource = "mine"\n', "mine.toml")
    found = limits_file.load([below, above])
    assert [found.plain(name) for name in ("x", "y")] == ["size of x", ""]
    assert found.find("x", camera()).plain == "size of x"


def test_every_limit_of_the_project_must_have_a_plain_name(write, monkeypatch):
    path = write('[x]\nhigh = 1\nsource = "s"\n')
    monkeypatch.setattr(limits_file, "default_file", lambda: path)
    (problem,) = limits_file.lint(path)
    assert problem.startswith(f"{path}:1: [x] has no name")


def test_the_plain_names_of_the_project_are_short_and_tell_measures_apart():
    found = limits_file.load([limits_file.default_file()])
    names = [found.plain(name) for name in found.names]
    assert len(set(names)) == len(names)
    assert [name for name in names if not 2 <= len(name.split()) <= 6 or "_" in name] == []


def test_the_limits_of_the_project_are_sound():
    assert limits_file.lint(limits_file.default_file()) == []


def test_every_limit_of_the_project_must_say_what_it_rests_on(write, monkeypatch):
    path = write('[x]\nname = "size of x"\nhigh = 1\nsource = "s"\n')
    monkeypatch.setattr(limits_file, "default_file", lambda: path)
    (problem,) = limits_file.lint(path)
    assert problem == f"{path}:1: [x] has no basis; say what low and high rest on: exact, physical, statistical"


def test_a_limit_that_does_not_say_what_it_rests_on_is_physical_and_its_warning_statistical(write):
    path = write('[x]\nhigh = 1\nsource = "s"\n[y]\nhigh = 1\nbasis = "exact"\nsource = "s"\n')
    above = write('[x]\nhigh = 2\nwarn_basis = "physical"\nsource = "s"\n', "mine.toml")
    found = limits_file.load([path])
    assert [found.basis(name) for name in ("x", "y")] == [("physical", "statistical"), ("exact", "exact")]
    assert limits_file.load([path, above]).basis("x") == ("physical", "physical")
    (problem,) = limits_file.lint(write('[x]\nhigh = 1\nbasis = "guess"\nsource = "s"\n', "bad.toml"))
    assert "basis = 'guess': expected 'exact' or 'physical' or 'statistical'" in problem


def test_a_trend_has_no_limit_in_a_file(write):
    (problem,) = limits_file.lint(write('[x_trend]\nhigh = 1\nsource = "s"\n'))
    assert "[x_trend] sets no limit" in problem
    assert "--specqa-history" in problem
