"""Each exposure of the last nights, for the pages of the cameras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_specqa.results.storing import asking
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.results.storing.reading import again
from pytest_specqa.site.frame import exposure_link, is_camera
from pytest_specqa.site.nightly import WEIGHT
from pytest_specqa.site.timeline import Points

if TYPE_CHECKING:
    import pyarrow

NIGHTS = 4
"""Last nights that are shown by exposure."""
MEMORY = "1GB"


def read(store: Store, nights: Sequence[int]) -> dict[str, dict[str, Points]]:
    """Read the values of cameras in some nights.

    Parameters
    ----------
    store : Store
        The store.
    nights : sequence of int
        Rising.

    Returns
    -------
    dict
        Camera, measure and its course; places are numbers of exposures, the same in all.
    """

    def ask() -> pyarrow.Table:
        """Ask the parts that there are now."""
        with asking.one_line(store.root), asking.connected(MEMORY) as connection:
            asking.make_views(connection, store.records, store.kept, nights=nights)
            return connection.sql(
                f"""SELECT camera, measure, night, expid, first(value ORDER BY {WEIGHT} DESC), max({WEIGHT})::TINYINT FROM records
                    WHERE camera IS NOT NULL AND expid IS NOT NULL GROUP BY ALL ORDER BY camera, measure, night, expid"""
            ).to_arrow_table()

    rows = again(ask)
    if not rows.num_rows:
        return {}
    cameras, measures, night, expid = (np.asarray(rows.column(k)) for k in range(4))
    value, rank = rows.column(4).to_numpy().astype(float), rows.column(5).to_numpy()
    place = {key: k for k, key in enumerate(sorted(set(zip(night.tolist(), expid.tolist(), strict=True))))}
    x = np.array([place[key] for key in zip(night.tolist(), expid.tolist(), strict=True)], dtype=float)
    new = (cameras[1:] != cameras[:-1]) | (measures[1:] != measures[:-1])
    starts = np.flatnonzero(np.concatenate([[True], new]))
    found: dict[str, dict[str, Points]] = {}
    for first, last in zip(starts, [*starts[1:], len(x)], strict=True):
        camera = str(cameras[first])
        if is_camera(camera):
            points = _points(camera, [column[first:last] for column in (x, value, rank, night, expid)])
            found.setdefault(camera, {})[str(measures[first])] = points
    return found


def _points(camera: str, columns: Sequence[Any]) -> Points:
    x, value, rank, night, expid = columns
    names = [f"{of} {number:08d}" for of, number in zip(night.tolist(), expid.tolist(), strict=True)]
    return Points(x, value, value, value, rank, names, lambda k: exposure_link(int(night[k]), int(expid[k]), camera, up="../"))
