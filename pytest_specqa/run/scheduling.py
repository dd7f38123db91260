"""How pytest-xdist shares a run out: by cameras of an exposure, so that one worker loads their products and all have work."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from xdist.scheduler import LoadScopeScheduling

_CAMERA, _EXPOSURE, _PIXEL = r"20\d{6}-\d{8}-[a-z]\d+", r"20\d{6}-\d{8}", "healpix-[0-9a-z]+-[0-9a-z]+-[0-9]+"
# A pixel of the sky; the camera of an exposure, the exposure, tile and night, in this order: each id holds those that follow.
_UNITS = [
    re.compile(rf"\[(?:.*-)?({unit})(?:-.*)?\]$") for unit in (_PIXEL, _CAMERA, _EXPOSURE, r"(?<!\d)\d{1,7}-20\d{6}", r"20\d{6}")
]
AHEAD = 120
"""Units that a worker may pass over for one of its own cameras: those of four exposures, so that none is left far behind."""


def share(nodeid: str) -> str:
    """Return the pixel, camera of an exposure, exposure, tile or night in a test id; tests without one stand alone."""
    return next((found[1] for unit in _UNITS if (found := unit.search(nodeid))), nodeid)


class UnitScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Sends all tests of one camera of an exposure to the same worker, and an exposure after its cameras.

    A worker keeps its cameras from exposure to exposure where it can, as it has their flats of the night in memory. An exposure
    waits until each of its cameras has passed a test, by which time what it needs of them is made; where nothing else is left to do
    it does not wait, and reads again what is not there.
    """

    def __init__(self, config: Any, log: Any = None) -> None:
        super().__init__(config, log)
        self._places: dict[Any, dict[str, int]] = {}
        self._owners: dict[str, Any] = {}
        self._unready: dict[str, set[str]] = {}

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)

    def schedule(self) -> None:
        """Share out the first units."""
        if self.collection is None and self.collection_is_completed:
            for scope in map(share, next(iter(self.registered_collections.values()), ())):
                if camera := re.fullmatch(_CAMERA, scope):
                    self._unready.setdefault(camera[0].rpartition("-")[0], set()).add(scope)
        super().schedule()

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """Note a test that has ended; what a unit was is forgotten with its last test, as all that is assigned is counted often."""
        scope = share(self.registered_collections[node][item_index])
        self._unready.get(scope.rpartition("-")[0], set()).discard(scope)
        super().mark_test_complete(node, item_index, duration)
        work = self.assigned_work.get(node, {})
        if all(work.get(scope, {"": False}).values()):
            del work[scope]

    def remove_node(self, node: Any) -> str | None:
        """Take a worker out that has ended or died; return the test during which it died.

        The other tests of its units go to other workers. The one that it died of does not: it would take them with it, one by one.
        """
        work = self.assigned_work.pop(node)
        self._owners = {camera: owner for camera, owner in self._owners.items() if owner is not node}
        left = [(unit, nodeid) for unit in work.values() for nodeid, completed in unit.items() if not completed]
        if not left:
            return None
        unit, deadly = left[0]
        unit[deadly] = True
        self.workqueue.update({scope: unit for scope, unit in work.items() if not all(unit.values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return str(deadly)

    def _assign_work_unit(self, node: Any) -> None:
        scope = self._next(node)
        unit = self.workqueue.pop(scope)
        self.assigned_work.setdefault(node, {})[scope] = unit
        if node not in self._places:
            self._places[node] = {nodeid: place for place, nodeid in enumerate(self.registered_collections[node])}
        node.send_runtest_some([self._places[node][nodeid] for nodeid, completed in unit.items() if not completed])

    def _next(self, node: Any) -> str:
        """The first unit in the queue that is ready and no other worker's; else the first that is ready; else the first."""
        first: str | None = None
        for scope in map(str, islice(self.workqueue, AHEAD)):
            if self._unready.get(scope):
                continue
            camera = scope.rpartition("-")[2] if re.fullmatch(_CAMERA, scope) else ""
            if not camera or self._owners.setdefault(camera, node) is node:
                return scope
            first = first or scope
        return first or str(next(iter(self.workqueue)))
