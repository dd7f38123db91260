"""Demos of several nights: one instrument, other tiles and sky, faults from a night on."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.demo.petalfiles import PetalTask, write_petal
from pytest_specqa.demo.production import write_production
from pytest_specqa.demo.story import EXPOSURES, NIGHT, exposures_on, story_targets
from pytest_specqa.demo.tables import write_tables
from pytest_specqa.errors import UsageError


def test_nights_follow_each_other_and_share_no_exposure_or_tile():
    nights = [exposures_on(later) for later in range(30)]
    assert nights[0] == EXPOSURES
    assert [night[0].night for night in nights[:2]] == [NIGHT, NIGHT + 1]
    assert nights[18][0].night == 20211101, "the month ends"
    for what in ("expid", "tile"):
        seen = [{getattr(exposure, what) for exposure in night} for night in nights]
        assert max(Counter(number for numbers in seen for number in numbers).values()) == 1
    assert [exposure.pointing for exposure in nights[3]] == [exposure.pointing for exposure in EXPOSURES]


def test_targets_change_and_the_instrument_does_not():
    tile, later = exposures_on(1)[3].tile, 1
    first, second = story_targets(6699, 3, seed=5), story_targets(tile, 3, seed=5, later=later)
    assert (first.fiberflux != second.fiberflux).any()
    broken = [targets.fibermap["FIBERSTATUS"] & 4 for targets in (first, second)]
    np.testing.assert_array_equal(*broken)


def test_files_of_a_later_night_say_so(tmp_path):
    exposure = exposures_on(1)[3]
    root = tmp_path / "after"
    write_petal(PetalTask(tmp_path, exposure.tile, 3, "r", 5, ("after",), (), later=1))
    write_tables(root, bands="r", petals=[3], seed=5, nights=2)
    name = f"{exposure.expid:08d}"
    header = fits.getheader(root / f"exposures/{exposure.night}/{name}/sframe-r3-{name}.fits.gz")
    assert (header["NIGHT"], header["EXPID"], header["TILEID"]) == (exposure.night, exposure.expid, exposure.tile)
    assert (root / f"preproc/{exposure.night}/{name}/fibermap-{name}.fits").is_file()
    tables = sorted(path.name for path in (root / "exposure_tables/202110").iterdir())
    assert tables == [f"exposure_table_{NIGHT}.csv", f"exposure_table_{NIGHT + 1}.csv"]
    assert len((root / "exposures-after.csv").read_text().splitlines()) == 1 + 8


def test_less_than_one_night_is_refused(tmp_path):
    with pytest.raises(UsageError, match="expected 1 or more"):
        write_production(tmp_path / "demo", nights=0)


@pytest.mark.parametrize("first", [0, 3])
def test_faults_from_a_night_that_there_is_not_are_refused(tmp_path, first):
    with pytest.raises(UsageError, match=f"faults from night {first} on: expected one of nights 1 to 2"):
        write_production(tmp_path / "demo", nights=2, faults={"ccd_hole": 20.0}, faults_from=first)
