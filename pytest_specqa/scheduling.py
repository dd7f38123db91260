"""How pytest-xdist shares a run out: whole exposures and tiles, so that one worker loads a product, not all."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

_UNIT = re.compile(r"\[(?:.*-)?(?:(?P<exposure>\d{8}-\d{8})|(?P<tile>\d{1,7}-\d{8})|(?P<night>20\d{6}))(?:-.*)?\]$")


def share(nodeid: str) -> str:
    """Return the exposure, tile or night in a test id; tests without one stand alone."""
    found = _UNIT.search(nodeid)
    return found["exposure"] or found["tile"] or found["night"] if found else nodeid


class UnitScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Sends all tests of one exposure or tile to the same worker."""

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)
