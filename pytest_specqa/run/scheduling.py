"""How pytest-xdist shares a run out: whole exposures and tiles, so that one worker loads a product, not all."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

# Exposure, tile and night, in this order: the id of a unit ends with a night, or holds it before the exposure.
_UNITS = [re.compile(rf"\[(?:.*-)?({unit})(?:-.*)?\]$") for unit in (r"20\d{6}-\d{8}", r"(?<!\d)\d{1,7}-20\d{6}", r"20\d{6}")]


def share(nodeid: str) -> str:
    """Return the exposure, tile or night in a test id; tests without one stand alone."""
    return next((found[1] for unit in _UNITS if (found := unit.search(nodeid))), nodeid)


class UnitScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Sends all tests of one exposure or tile to the same worker."""

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)
