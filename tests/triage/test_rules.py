"""Causes: each is told from the others by what it moves."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.triage import STAGES
from pytest_specqa.triage.evidence import Evidence
from pytest_specqa.triage.findings import findings
from pytest_specqa.triage.rules import RULES
from pytest_specqa.triage.rules.asks import blocks, opposite, slit_ends, wider, window_at
from pytest_specqa.triage.run import Run
from pytest_specqa.values import Feature, NoValue

Make = Callable[..., dict[str, Any]]
Bad = tuple[str, str, dict[str, Any]]
LIMITS = Path(__file__).parents[2] / "qa_tests" / "limits.toml"
PETAL, HALF, ONE = ((3000, 3499),), ((3000, 3249),), ((3005, 3005),)


def feature(fibers: tuple[int, int], waves: tuple[float, float], amplitude: float, kind: str = "bump") -> Feature:
    """A feature as a measure makes it."""
    return Feature(kind, fibers, waves, amplitude, 0.1, 9.0)


def window(low: float, high: float) -> dict[str, Any]:
    """What names a redshift window."""
    return {"fibers": PETAL, "features": (feature((3000, 3499), (low, high), 20.0, "window"),)}


TYPICAL: dict[str, list[Bad]] = {
    "amplifier_level": [
        ("frame", "amplifier_step", {"value": 9.0, "fibers": HALF, "waves": (6480.0, 6890.0)}),
        ("frame", "amplifier_offset", {"value": 8.0, "fibers": HALF, "waves": (6900.0, 6950.0)}),
        ("sframe", "vertical_lines_narrow", {"value": 7.0, "fibers": ((3050, 3099),), "waves": (6700.0, 6720.0)}),
    ],
    "amplifier_noise": [
        ("frame", "row_noise", {"value": 8.0, "fibers": PETAL}),
        ("frame", "pull_width_amplifier", {"value": 1.5, "fibers": ((3250, 3499),)}),
    ],
    "ccd_defect": [
        ("frame", "ccd_hole", {"value": 140.0, "fibers": ((3010, 3013),), "waves": (6365.0, 6383.0)}),
        ("sframe", "vertical_lines_narrow", {"value": 4.2, "fibers": ((3000, 3024),), "waves": (6366.0, 6380.0)}),
    ],
    "ccd_glow": [("frame", "amplifier_offset", {"value": 11.0, "fibers": ((3475, 3499),), "waves": (5760.0, 5840.0)})],
    "ccd_rows": [("frame", "frame_shift_local", {"value": 0.08, "fibers": ((3475, 3499),), "waves": (6587.0, 6793.0)})],
    "gain": [("frame", "pull_width_amplifier", {"value": 0.85, "fibers": HALF})],
    "cosmic_rays": [("frame", "unmasked_cosmics", {"value": 2.0, "fibers": ONE})],
    "masking": [("frame", "good_pixel_fraction", {"value": 0.7}), ("sframe", "sframe_good_pixel_fraction", {"value": 0.7})],
    "extraction": [("frame", "pixel_ringing", {"value": 0.11, "fibers": ((3400, 3424),)})],
    "wavelengths": [
        ("frame", "frame_shift_group", {"value": 0.04, "fibers": ((3475, 3499),)}),
        ("sframe", "wavelength_shift_group", {"value": 0.04, "fibers": ((3475, 3499),)}),
    ],
    "barycenter": [
        ("frame", "frame_line_places", {"value": 1.6, "fibers": ((3000, 3024),)}),
        ("frame", "frame_shift_group", {"value": 1.1, "fibers": ((3000, 3024),)}),
        ("frame", "row_noise", {"value": 3.0}),
        ("sframe", "shared_lines", {"value": 180.0, "fibers": PETAL}),
    ],
    "fiber_labels": [
        ("frame", "neighbours_light", {"value": 59.0, "fibers": ((3138, 3212),)}),
        ("frame", "neighbours_throughput", {"value": 75.0, "fibers": ((3138, 3212),)}),
        ("sframe", "sky_fiber_light", {"value": 200.0, "fibers": ((3180, 3180),), "waves": (7520.0, 7620.0)}),
    ],
    "flat_taken": [("fiberflat", "fiberflat_narrow_feature", {"value": 0.17, "fibers": ONE, "waves": (5870.0, 5890.0)})],
    "flat_applied": [
        ("fiberflat", "applied_flat_exponent", {"value": 2.0, "fibers": PETAL}),
        ("fiberflat", "applied_flat_pattern", {"value": 1.0, "fibers": PETAL}),
        ("sky", "throughput_rms", {"value": 0.06}),
    ],
    "dead_fiber": [("fiberflat", "fiberflat_lowest_fiber", {"value": 0.45, "fibers": ONE})],
    "positioning": [
        ("frame", "misplaced_fibers", {"value": 0.9, "fibers": PETAL}),
        ("cframe", "imaging_level", {"value": 0.1, "fibers": PETAL}),
    ],
    "flags": [("cframe", "flagged_with_weight", {"value": 240.0, "fibers": HALF})],
    "sky_model": [
        ("sky", "sky_chromatic_run", {"value": 0.3, "fibers": ((3100, 3109),), "waves": (6450.0, 6600.0)}),
        ("sframe", "vertical_lines_broad_size", {"value": 0.2, "fibers": ((3400, 3449),), "waves": (6500.0, 6560.0)}),
    ],
    "sky_subtraction": [("sframe", "vertical_lines_narrow", {"value": 15.0, "fibers": PETAL, "waves": (6024.0, 6027.0)})],
    "line_shape": [
        ("sframe", "line_spread_group", {"value": 0.05, "fibers": ((3475, 3499),)}),
        ("sframe", "sky_line_residual", {}),
    ],
    "stray_light": [("sframe", "focal_plane_patch", {"value": 4.0, "fibers": ((3400, 3449),), "waves": (6990.0, 7230.0)})],
    "sky_fiber_light": [
        ("sframe", "sky_fiber_light", {"value": 40.0, "fibers": (ONE[0], (3400, 3400)), "waves": (5760.0, 6080.0)}),
    ],
    "nebular": [("sframe", "nebular_lines", {"value": 30.0, "fibers": ((3400, 3449),), "waves": (6545.0, 6734.0)})],
    "satellite": [("cframe", "light_streak", {"value": 6.0, "fibers": PETAL})],
    "laser": [("sframe", "shared_lines", {"value": 7.0, "fibers": ((3001, 3001), (3400, 3400)), "waves": (5889.0, 5893.0)})],
    "flux_calibration": [("cframe", "calibration_roughness", {"value": 0.6, "fibers": PETAL, "waves": (6360.0, 6640.0)})],
    "standards": [("cframe", "exposure_level", {"value": 1.4})],
    "star_lines": [("cframe", "calibration_lines", {"value": 0.03, "fibers": PETAL, "waves": (5888.0, 5900.0)})],
    "variance": [("cframe", "cframe_ivar_ratio", {"value": 0.001, "fibers": ONE})],
    "no_light": [("cframe", "masked_with_weight", {"value": 0.01})],
    "tables": [("production", "redshift_targets", {"value": 6.0, "fibers": ONE})],
    "redshift_fit": [("redshifts", "redshift_pileup", {"value": 9.0, **window(1.6, 1.7)})],
    "missing_file": [("sky", str(NoValue.PRODUCT), {"value": float("nan"), "message": "sky-r6.fits: is missing"})],
    "broken_check": [("sky", str(NoValue.CRASH), {"value": float("nan"), "message": "ValueError: no"})],
}


def records_of(make: Make, cause: str, outcome: str = "failed") -> list[dict[str, Any]]:
    """What a cause typically moves, in a camera whose frame and sky model were judged and are sound but for that."""
    moved = [make(stage, outcome, measure=measure, **more) for stage, measure, more in TYPICAL[cause]]
    measures = {record["measure"] for record in moved}
    sound = [("frame", "row_noise"), ("frame", "frame_shift_group"), ("sky", "sky_chromatic_run"), ("sky", "sky_chromatic_block")]
    return moved + [make(stage, "passed", measure=measure, value=0.0) for stage, measure in sound if measure not in measures]


@pytest.mark.parametrize("cause", RULES)
def test_a_cause_is_among_the_first_two_by_what_it_moves(make: Make, cause: str) -> None:
    """In one finding, with a reason that has a number, and with what to do."""
    (finding,) = findings(records_of(make, cause))
    assert cause in [suspect.name for suspect in finding.suspects[:2]]
    assert finding.unclear == ""
    assert finding.suspects[0].reasons
    assert finding.advice == RULES[finding.suspects[0].name].advice
    assert 0 < sum(suspect.confidence for suspect in finding.suspects) <= 1


@pytest.mark.parametrize("cause", [cause for cause in RULES if cause not in {"no_light", "line_shape"}])
def test_the_first_suspect_is_the_cause(make: Make, cause: str) -> None:
    """But for those that another cause looks just like."""
    (finding,) = findings(records_of(make, cause))
    assert finding.suspects[0].name == cause


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_rules_speak_of_what_there_is(rule: Any) -> None:
    """Stages that exist, measures that have limits; each rule says why, what to do and where it is known from."""
    known = set(tomllib.loads(LIMITS.read_text())) | set(map(str, NoValue))
    assert set(rule.shows) | rule.moves <= known
    assert rule.stage in {*STAGES, ""}
    assert all((rule.because, rule.advice, rule.source))
    assert max(rule.shows.values()) > 0


def evidence(*records: dict[str, Any], others: tuple[dict[str, Any], ...] = ()) -> Evidence:
    """Evidence of records of one run."""
    return Evidence(records, Run([*records, *others]))


@pytest.mark.parametrize(("amplitude", "speaks"), [(-0.2, True), (0.2, False)])
def test_opposite_signs_at_one_place_are_seen(make: Make, amplitude: float, speaks: bool) -> None:
    """What the sky model adds is missing in the sframe; of another place nothing is said."""
    model = make("sky", "failed", measure="sky_chromatic_run", features=(feature((3100, 3149), (6450, 6600), 0.3),))
    frame = make("sframe", "failed", features=(feature((3125, 3149), (6500, 6550), amplitude),))
    look = opposite(("sky_chromatic_run",), ("vertical_lines_narrow",), say="reversed")
    assert bool(look(evidence(model, frame))) is speaks
    elsewhere = make("sframe", "failed", features=(feature((3400, 3424), (6500, 6550), -0.2),))
    assert look(evidence(model, elsewhere)) == ""


@pytest.mark.parametrize(("fibers", "size"), [(((3050, 3099),), "50"), (((3025, 3049),), "25"), (((3026, 3049),), "")])
def test_slit_blocks_are_seen(make: Make, fibers: Any, size: str) -> None:
    """By the fibers at which they begin and end."""
    said = blocks("vertical_lines_narrow")(evidence(make("sframe", "failed", fibers=fibers)))
    assert (f"groups of {size} " in said) if size else said == ""


def test_slit_ends_are_seen(make: Make) -> None:
    """All that is named lies at one of the ends."""
    look = slit_ends("vertical_lines_narrow")
    assert look(evidence(make("sframe", "failed", fibers=((3000, 3024), (3475, 3499)))))
    assert not look(evidence(make("sframe", "failed", fibers=((3000, 3024), (3250, 3274)))))


def test_wide_lines_are_seen_beside_those_of_other_cameras(make: Make) -> None:
    """Within the limit, and yet not those of this spectrograph."""
    mine = [make("sframe", "failed"), make("sky", "passed", measure="sky_line_width", value=2.5)]
    others = tuple(make("sky", "passed", camera=f"r{petal}", measure="sky_line_width", value=1.8) for petal in range(5))
    assert wider("sky_line_width", 1.2)(evidence(*mine[:1], others=(mine[1], *others)))
    narrow = make("sky", "passed", measure="sky_line_width", value=1.9)
    assert not wider("sky_line_width", 1.2)(evidence(*mine[:1], others=(narrow, *others)))


@pytest.mark.parametrize(("low", "high", "speaks"), [(4.28, 4.42, True), (1.0, 1.1, False)])
def test_a_line_is_found_where_redshifts_pile_up(make: Make, low: float, high: float, speaks: bool) -> None:
    """Ly-alpha of quasars that are none."""
    record = make("redshifts", "failed", None, **window(low, high))
    assert bool(window_at("Ly-alpha", waves=(5900.0, 7500.0))(evidence(record))) is speaks
