"""Simulated cameras, tiles and productions with named faults."""

from pytest_specqa.demo.conditions import Conditions, TileConditions, draw_conditions
from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.demo.production import write_production
from pytest_specqa.demo.redshifts import SimRedshifts, simulate_redshifts
from pytest_specqa.demo.simulate import SimCamera, simulate_camera

__all__ = [
    "FAULTS",
    "Conditions",
    "SimCamera",
    "SimRedshifts",
    "TileConditions",
    "draw_conditions",
    "simulate_camera",
    "simulate_redshifts",
    "write_production",
]
