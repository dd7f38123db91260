"""Simulated cameras, tiles and productions with named faults."""

from pytest_specqa.demo.conditions import Conditions, TileConditions, draw_conditions
from pytest_specqa.demo.faults import FAULTS, Fault
from pytest_specqa.demo.matched import FaultTemplate, fault_template
from pytest_specqa.demo.production import write_production
from pytest_specqa.demo.quiet import QUIET
from pytest_specqa.demo.redshifts import simulate_redshifts
from pytest_specqa.demo.simulate import SimCamera, simulate_camera

__all__ = [
    "FAULTS",
    "QUIET",
    "Conditions",
    "Fault",
    "FaultTemplate",
    "SimCamera",
    "TileConditions",
    "draw_conditions",
    "fault_template",
    "simulate_camera",
    "simulate_redshifts",
    "write_production",
]
