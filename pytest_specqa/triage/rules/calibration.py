"""Causes in flux calibration and in the variances after it."""

from __future__ import annotations

from pytest_specqa.instrument import DESI
from pytest_specqa.triage.rules import asks
from pytest_specqa.triage.rules.groups import LEVELS, NOISE, REDSHIFTS, VECTORS
from pytest_specqa.triage.rules.rule import Ask, Extent, Rule

INTERSTELLAR = tuple(line.wave for line in DESI.interstellar)
WILD = ("calibration_roughness", "calibration_fiber_roughness")

RULES = (
    Rule(
        "flux_calibration",
        "the calibration vectors are wrong (zero, wild, off by a factor, or too sure)",
        "a vector that no set of stars can give spoils spectra that were sound before it",
        "cframe",
        Extent.EXPOSURE,
        {
            "calibration_usable": 4.0, "calibration_ivar": 4.0, "calibration_certainty": 4.0, "calibration_roughness": 4.0,
            "calibration_fiber_roughness": 4.0, "calibration_fiber_level": 3.0, "cframe_flux_difference": 3.5,
            "calibration_lines": 1.0, "imaging_level": 2.5, "petal_level": 2.0, "calibration_throughput": 2.0,
            "cframe_usable_fraction": 1.0, "petal_color": 3.0, "visit_petal": 2.0, "visit_calibration": 1.5,
        },
        "Compare the vector with those of the other petals and exposures; fit it again and make the cframes again.",
        "desispec#1103, #1108",
        moves=frozenset((*LEVELS, *VECTORS, "cframe_usable_fraction", "calibration_lines", *WILD, "calibration_certainty",
                         "calibration_ivar", "cframe_ivar_ratio", "redshift_fit_fraction", *REDSHIFTS)),
        asks=(
            Ask(1.0, asks.when(asks.bad(*VECTORS, *WILD, "imaging_level", "calibration_usable"), asks.stage_sound("sframe"))),
            Ask(1.0, asks.when(asks.bad("petal_level"), asks.bad("calibration_throughput"))),
            Ask(-3.0, asks.bad("misplaced_fibers", "applied_sky", "neighbours_light")),
        ),
    ),
    Rule(
        "standards",
        "the standard stars of a petal or exposure were wrong: level or color is off",
        "petals or exposures differ in light over imaging by one factor or a slope, as their standard stars decide it",
        "cframe",
        Extent.EXPOSURE,
        {
            "standard_stars": 4.0, "petal_level": 3.0, "exposure_level": 4.0, "petal_color": 2.0, "camera_join": 2.0,
            "visit_petal": 3.5, "visit_level": 3.5, "visit_calibration": 3.0, "calibration_shape": 3.0,
            "calibration_throughput": 1.0, "imaging_level": 1.5,
        },
        "Look at the standard stars that were used: too few, variable, off target, or magnitudes of another system; fit again.",
        "desispec#2718, #1109, #1249",
        moves=frozenset((*LEVELS, *VECTORS)),
        asks=(
            Ask(0.5, asks.one_petal("petal_level", "petal_color", "visit_petal")),
            Ask(1.0, asks.when(asks.bad("petal_level", "exposure_level", "visit_level"), asks.sound("calibration_throughput"))),
            Ask(-3.0, asks.bad("misplaced_fibers", *WILD, "calibration_usable", "applied_flat_exponent")),
        ),
    ),
    Rule(
        "star_lines",
        "lines of stars or of the gas before them are printed in the calibration",
        "the vector has a narrow feature where gas and standard stars absorb, and is smooth elsewhere",
        "cframe",
        Extent.EXPOSURE,
        {"calibration_lines": 3.0},
        "Mask the line in the fit of the standards, or use other stars; spectra are wrong at this wavelength only.",
        "desispec PR #1160",
        moves=frozenset(REDSHIFTS),
        asks=(
            Ask(2.0, asks.at_lines("calibration_lines", waves=INTERSTELLAR, slack=8.0, say="at a line of gas or of stars")),
            Ask(-4.0, asks.bad(*WILD, "calibration_usable")),
        ),
    ),
    Rule(
        "variance",
        "the ivar is wrong by a factor",
        "fluxes are sound, and scatter by another amount than their ivar says",
        "cframe",
        Extent.CAMERA,
        {"cframe_ivar_ratio": 4.5, "pull_width_fiber": 2.5, "pull_width_amplifier": 1.5},
        "Look for a factor that was applied to flux and not, squared, to ivar; errors of these spectra cannot be used until then.",
        "desispec PR #2452, #1368",
        moves=frozenset((*NOISE, "unmasked_cosmics")),
        asks=(
            Ask(1.0, asks.when(asks.bad("pull_width_amplifier"), asks.sound("row_noise"))),
            Ask(-2.0, asks.bad("row_noise", "frame_shift_group", "applied_flat_exponent")),
        ),
    ),
    Rule(
        "no_light",
        "an exposure without light was used",
        "its pixels have no signal and no weight, and fill what other exposures mask",
        "cframe",
        Extent.EXPOSURE,
        {"masked_with_weight": 2.5, "redshift_shortfall": 0.3},
        "Look at EFFTIME and the shutter of the exposure; take it out of the exposure table and coadd again.",
        "desispec#2839, #2841",
        moves=frozenset((*LEVELS, *REDSHIFTS, "sky_fibers_left")),
        asks=(
            Ask(1.0, asks.when(asks.bad("masked_with_weight"), asks.stage_sound("frame"))),
            Ask(2.0, asks.when(asks.value("imaging_level", -1.0, 0.1, say="{} of the light of the targets"),
                               asks.petals_at_least(5, "imaging_level"))),
        ),
    ),
)  # fmt: skip
