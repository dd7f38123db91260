"""Which units of pixels of the sky, single exposures and releases a run judges."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_specqa.errors import SelectionError
from pytest_specqa.production import Production
from pytest_specqa.run.options import Options
from pytest_specqa.run.scheduling import share
from pytest_specqa.run.selection import order, select, widen
from pytest_specqa.values import DataUnit

NIGHT = 20211014


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Pixels, two exposures of a tile with a reduction each, and one of both."""
    for name in ("main-dark-311", "main-bright-311", "main-dark-27247"):
        survey, program, number = name.split("-")
        touch(tmp_path / f"healpix/{survey}/{program}/{int(number) // 100}/{number}/redrock-{name}.fits")
    for expid in (104284, 104285):
        touch(tmp_path / f"exposures/{NIGHT}/{expid:08d}/sframe-r6-{expid:08d}.fits")
        touch(tmp_path / f"tiles/perexp/7951/{expid:08d}/redrock-6-7951-exp{expid:08d}.fits")
    touch(tmp_path / f"tiles/cumulative/7951/{NIGHT}/redrock-6-7951-thru{NIGHT}.fits")
    return tmp_path


def ids(root: Path, kind: str, **options: object) -> list[str]:
    return [unit.id for unit in select(Production(root), Options(**options)).units[kind]]  # type: ignore[arg-type]


def test_pixels_are_judged_where_they_are_asked_for(root: Path) -> None:
    assert ids(root, "healpix") == []
    every = ["healpix-main-bright-311", "healpix-main-dark-311", "healpix-main-dark-27247"]
    assert sorted(ids(root, "healpix", group="healpix")) == sorted(every)
    assert sorted(ids(root, "healpix", group="healpix", nights=((0, 99999999),))) == sorted(every), "--night : is all there is"
    assert ids(root, "tile", group="healpix") == []
    assert len(ids(root, "camera", group="healpix")) == 2
    assert ids(root, "night", group="healpix") == [str(NIGHT)]


def test_pixels_are_chosen_by_number_or_name_and_alone(root: Path) -> None:
    by_number = {"group": "healpix", "pixels": ("311",)}
    assert sorted(ids(root, "healpix", **by_number)) == ["healpix-main-bright-311", "healpix-main-dark-311"]
    assert ids(root, "camera", **by_number) == ids(root, "night", **by_number) == []
    by_name = {"group": "healpix", "pixels": ("main-dark-311", "27247")}
    assert sorted(ids(root, "healpix", **by_name)) == ["healpix-main-dark-27247", "healpix-main-dark-311"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pixels": ("main-dark-312",)}, "--healpix main-dark-312: no such pixel; nearest: main-bright-311, main-dark-311, main-"),
        ({"pixels": ("311",), "nights": ((NIGHT, NIGHT),)}, "--night in the group healpix: .* choose pixels by --healpix"),
        ({"petals": (6,)}, "--petal in the group healpix: a pixel of the sky has spectra of many nights, tiles and petals"),
        ({"tiles": (7951,)}, "--tile in the group healpix"),
    ],
)
def test_a_choice_of_pixels_that_cannot_be_says_why(root: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(SelectionError, match=message):
        ids(root, "healpix", group="healpix", **options)


def test_a_production_of_pixels_alone_takes_other_filters_for_its_exposures(root: Path) -> None:
    for path in sorted((root / "tiles").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (root / "tiles").rmdir()
    assert len(ids(root, "healpix")) == 3
    assert ids(root, "healpix", nights=((NIGHT, NIGHT),)) == []
    assert len(ids(root, "camera", nights=((NIGHT, NIGHT),))) == 2


def test_every_reduction_of_one_exposure_is_a_unit(root: Path) -> None:
    assert ids(root, "petal", group="perexp") == [f"7951-{NIGHT}-00104284-petal6", f"7951-{NIGHT}-00104285-petal6"]
    assert ids(root, "tile", group="perexp", expids=(104285,)) == [f"7951-{NIGHT}-00104285"]
    chosen = select(Production(root), Options(group="perexp"))
    assert [chosen.tile(unit).expid for unit in chosen.units["tile"]] == [104284, 104285]  # type: ignore[union-attr]
    assert len({order(unit, Production.instrument) for unit in chosen.units["tile"]}) == 2
    assert widen(chosen.units["petal"][0], "tile") == chosen.units["tile"][0]


def test_pixels_of_two_programs_do_not_mix_and_nothing_holds_them(root: Path) -> None:
    chosen = select(Production(root), Options(group="healpix", pixels=("311",)))
    units = chosen.units["healpix"]
    assert len({order(unit, Production.instrument) for unit in units}) == 2
    assert {chosen.tile(unit).program for unit in units} == {"bright", "dark"}  # type: ignore[union-attr]
    assert [share(f"x.py::test_it[{unit.id}]") for unit in units] == [unit.id for unit in units]
    with pytest.raises(ValueError, match="a healpix belongs to no tile"):
        widen(units[0], "tile")


def test_exposures_of_a_release_are_chosen_by_the_tile_of_its_list(root: Path) -> None:
    (root / "exposures-x.csv").write_text(f"NIGHT,EXPID,TILEID\n{NIGHT},104284,7951\n")
    assert ids(root, "exposure", tiles=(7951,)) == [f"{NIGHT}-00104284"]


def test_the_id_of_a_unit_tells_its_reduction() -> None:
    assert DataUnit("healpix", 0, group="healpix", suffix="sv3-dark-9").id == "healpix-sv3-dark-9"
    assert DataUnit("petal", NIGHT, tile=80, petal=0).id == f"80-{NIGHT}-petal0"
    assert DataUnit("tile", NIGHT, expid=7, tile=80).id == f"80-{NIGHT}-00000007"
