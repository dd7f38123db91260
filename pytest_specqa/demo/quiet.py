"""Situations that look odd and are no fault: every expectation must stay quiet on them (or only warn, where it says so)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from pytest_specqa.demo.conditions import Conditions, TileConditions, draw_conditions


@dataclass(frozen=True)
class Quiet:
    """A must-not-trigger case.

    Attributes
    ----------
    name, id : str
        Name, and number in the fault catalogue (``N01`` of docs/faults.md); empty where it has none.
    level : str
        ``camera`` (conditions for `simulate_camera`), ``tile`` (for `simulate_redshifts`) or ``production``.
    doc : str
        What the situation is.
    make : callable
        A random generator to the conditions. A production-level case is a camera whose petal is absent by decision: its
        exposure table lists the camera in BADCAMWORD.
    nebular : bool
        Whether a warning that names Galactic lines is right.
    """

    name: str
    id: str
    level: str
    doc: str
    make: Callable[[np.random.Generator], Conditions | TileConditions]
    nebular: bool = False


def _nebular(band: str) -> Callable[[np.random.Generator], Conditions]:
    def make(rng: np.random.Generator) -> Conditions:
        """Patches over petals 6 to 8."""
        petal = int(rng.choice([6, 7, 8]))
        return draw_conditions(rng, band=band, petal=petal, nebular=float(rng.uniform(300, 3000)))

    return make


def _nebular_smooth(rng: np.random.Generator) -> Conditions:
    return draw_conditions(rng, band="r", nebular=float(rng.uniform(300, 3000)), nebular_map="smooth")


def _bright_moon(rng: np.random.Generator) -> Conditions:
    return draw_conditions(rng, sky_brightness=10.0, moon_color=float(rng.uniform(1.5, 3.0)), sky_gradient=0.005)


def _two_amp(rng: np.random.Generator) -> Conditions:
    return draw_conditions(rng, two_amp=True)


def _unfinished(rng: np.random.Generator) -> Conditions:
    return draw_conditions(rng, exptime=float(rng.uniform(60, 200)), transparency=float(rng.uniform(0.2, 0.5)))


def _dusty_backup(rng: np.random.Generator) -> Conditions:
    return draw_conditions(rng, transparency=0.3, sky_brightness=float(rng.uniform(4, 10)), exptime=300.0)


def _no_cosmics(rng: np.random.Generator) -> Conditions:
    return draw_conditions(rng, cosmics=0.0)


def _bright_star(rng: np.random.Generator) -> Conditions:
    return draw_conditions(rng, bright_star=float(10 ** (0.4 * (22.5 - rng.uniform(13.5, 15.0)))), model_error=0.01)


def _few_targets(rng: np.random.Generator) -> Conditions:
    return draw_conditions(rng, few_targets=5)


def _masked_spectra(rng: np.random.Generator) -> Conditions:
    return draw_conditions(rng, masked_fibers=40)


def _line_width(rng: np.random.Generator) -> Conditions:
    return draw_conditions(rng, lsf_width=float(rng.uniform(1.15, 1.35)), lsf_scatter=0.02)


def _missing_camera(rng: np.random.Generator) -> Conditions:
    return replace(draw_conditions(rng), n_sky=0)


def _walls(rng: np.random.Generator) -> TileConditions:
    return TileConditions(clustering=float(rng.uniform(0.1, 0.6)), wall=float(rng.uniform(0.02, 0.08)))


def _few_targets_tile(rng: np.random.Generator) -> TileConditions:
    return TileConditions(few_targets=int(rng.integers(5, 40)))


def _masked_tile(rng: np.random.Generator) -> TileConditions:
    return TileConditions(masked_spectra=int(rng.integers(20, 60)))


def _unfinished_tile(rng: np.random.Generator) -> TileConditions:
    return TileConditions(efftime=float(rng.uniform(0.05, 0.4)))


_CASES = (
    Quiet("nebular_patches", "N01", "camera", "Patchy Galactic H-alpha, [N II] and [S II].", _nebular("r"), nebular=True),
    Quiet("nebular_patches_b", "N01", "camera", "Patchy Galactic [O II], H-beta and [O III].", _nebular("b"), nebular=True),
    Quiet("nebular_patches_z", "N01", "camera", "Patchy Galactic [S III].", _nebular("z"), nebular=True),
    Quiet("nebular_gradient", "N01", "camera", "Galactic lines with a gradient over the tile.", _nebular_smooth, nebular=True),
    Quiet("bright_moon", "N03", "camera", "Sky ten times brighter, with the colour of moonlight.", _bright_moon),
    Quiet("two_amp", "N04", "camera", "Readout through two amplifiers: no boundary at the middle row.", _two_amp),
    Quiet("unfinished", "N07", "camera", "A short exposure through clouds.", _unfinished),
    Quiet("dusty_backup", "N08", "camera", "A backup program in bright time through much extinction.", _dusty_backup),
    Quiet("no_cosmics", "N09", "camera", "No cosmic ray at all.", _no_cosmics),
    Quiet("bright_star", "N10", "camera", "A star of S/N 500 with a 1 % error of the flat.", _bright_star),
    Quiet("missing_camera", "N12", "production", "A camera that was left out by decision, listed in BADCAMWORD.", _missing_camera),
    Quiet("few_targets", "N13", "camera", "Five targets; the other positioners rest.", _few_targets),
    Quiet("few_targets_tile", "N13", "tile", "Redshifts of a tile with few targets.", _few_targets_tile),
    Quiet("masked_spectra", "N15", "camera", "Forty fibers without data.", _masked_spectra),
    Quiet("masked_spectra_tile", "N15", "tile", "Many NODATA rows at one constant redshift.", _masked_tile),
    Quiet("unfinished_tile", "N07", "tile", "Redshifts of a tile with a fraction of its exposure time.", _unfinished_tile),
    Quiet("line_width", "", "camera", "All lines wider: another focus, known to the sky model.", _line_width),
    Quiet("galaxy_walls", "", "tile", "Walls of galaxies: many targets at one redshift.", _walls),
)

QUIET: Mapping[str, Quiet] = MappingProxyType({case.name: case for case in _CASES})
"""All must-not-trigger cases by name."""
