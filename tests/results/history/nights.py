"""Stores of a few nights, in memory: what the searches of redshifts ask of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.history.objects import TRACERS
from pytest_specqa.measures.redshifts.reference import reference_density
from pytest_specqa.results.storing.dataset import Kept
from pytest_specqa.vectors import Vector

GRID = np.linspace(0.0, 4.5, 2001)
Table = dict[str, np.ndarray]


def tile_of(rng: np.random.Generator, tracers: tuple[str, ...]) -> Table:
    """Draw one object for each fiber of a petal."""
    names = rng.choice(tracers, DESI.fibers)
    table = {name: np.ones(DESI.fibers) for name in ("spectype", "target")}
    table |= {"redshift": np.zeros(DESI.fibers), "zwarn": np.where(rng.random(DESI.fibers) < 0.1, 4.0, 0.0)}
    for name, bit in TRACERS.items():
        rows = names == name
        chances = np.cumsum(reference_density(GRID, name))
        table["redshift"][rows] = np.interp(rng.random(rows.sum()), chances / chances[-1], GRID)
        table["target"][rows] += bit
        table["spectype"][rows] = 2 if name == "QSO" else 1
    return table


@dataclass
class Nights:
    """A store of redshifts and residuals: `change` alters the objects of a tile, `dent` the residuals of an exposure."""

    nights: list[int]
    seed: int = 0
    tiles: int = 6
    petals: tuple[int, ...] = (6,)
    change: Callable[[int, int, Table, np.random.Generator], None] = lambda *_: None
    dent: Callable[[int, str, np.ndarray, np.ndarray], None] = lambda *_: None
    kept: list[tuple[int, int, int, Table]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        for night in self.nights:
            for number in range(self.tiles):
                for petal in self.petals:
                    table = tile_of(rng, ("BGS",) if number % 2 else ("LRG", "ELG", "QSO"))
                    self.change(night, petal, table, rng)
                    self.kept.append((night, night % 10_000 * 100 + number, petal, table))

    def vectors(
        self, name: str, camera: str | None = None, petal: int | None = None, nights: Iterable[int] | None = None
    ) -> Iterator[Kept]:
        """Give what a store would."""
        chosen = self.nights if nights is None else sorted(nights)
        if name == "residual":
            yield from self._residuals(str(camera), chosen)
            return
        for night, tile, own, table in self.kept:
            if night in chosen and petal in (None, own):
                vector = Vector(name, DESI.fibers * own, table[name], 0.0)
                yield Kept(night=night, expid=None, tile=tile, camera=None, petal=own, program="dark", vector=vector)

    def _residuals(self, camera: str, nights: list[int]) -> Iterator[Kept]:
        band = DESI.bands[camera[0]]
        edges = np.linspace(band.first, band.last, 41)
        for night in nights:
            for number in range(3):
                places: dict[str, Any] = {"expid": night % 10_000 * 10 + number, "tile": None, "camera": camera, "petal": None}
                residual = np.random.default_rng([night, number, ord(camera[0])]).normal(size=(DESI.fibers, 40))
                self.dent(night, camera, residual, edges)
                vector = Vector("residual", DESI.fibers * int(camera[1]), residual, 0.25, tuple(edges.tolist()))
                yield Kept(night=night, program="dark", vector=vector, **places)
