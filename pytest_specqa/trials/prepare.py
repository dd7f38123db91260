"""The verb ``specqa prepare``: compile the loops of the measures for this machine, by judging a simulated exposure once."""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from importlib import import_module
from typing import Any

from pytest_specqa.errors import UsageError
from pytest_specqa.processes import single_threaded
from pytest_specqa.run import preparing

BAND = "b"
"""The band for which no expectation is left out."""


def add_verb(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the verb to the command line.

    Parameters
    ----------
    subparsers : argparse action
        Of the program.
    """
    verb = subparsers.add_parser("prepare", help="compile the measures for this machine, which the first run would do otherwise")
    verb.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Carry out the verb.

    Returns
    -------
    int
        0 once all is compiled and kept.

    Raises
    ------
    UsageError
        If what is compiled cannot be kept.
    """
    single_threaded(os.environ)
    start = time.monotonic()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        # Each compiled function looks for its folder when its module is loaded.
        import_module("pytest_specqa.measures.ranks")
    if told:
        raise UsageError(str(told[0].message))
    judge_everything()
    preparing.note_done()
    sys.stdout.write(f"measures compiled in {time.monotonic() - start:.0f} s\n")
    return 0


def judge_everything() -> None:
    """Call every expectation on cameras and exposures once, on simulated data of the types that files give."""
    import numpy as np  # noqa: PLC0415

    from pytest_specqa.demo.conditions import draw_conditions  # noqa: PLC0415
    from pytest_specqa.demo.simulate import simulate_camera  # noqa: PLC0415
    from pytest_specqa.trials.fixtures import camera_fixtures, camera_unit, exposure_fixtures  # noqa: PLC0415
    from pytest_specqa.trials.runner import Suite  # noqa: PLC0415
    from pytest_specqa.values import DataUnit  # noqa: PLC0415

    rng, suite = np.random.default_rng(1), Suite(keeps=True)
    camera = simulate_camera(draw_conditions(rng, band=BAND), rng)
    unit, fixtures = camera_unit(camera), camera_fixtures(camera)
    for name in suite.fitting(set(fixtures), band=BAND):
        suite.judge(name, unit, fixtures=fixtures)
    exposure, together = DataUnit("exposure", unit.night, expid=unit.expid, tile=unit.tile), exposure_fixtures([camera])
    for name in suite.fitting(set(together)):
        suite.judge(name, exposure, fixtures=together)
