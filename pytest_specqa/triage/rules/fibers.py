"""Causes in fibers, their flats, their labels and their places."""

from __future__ import annotations

from pytest_specqa.triage.rules import asks
from pytest_specqa.triage.rules.groups import (
    FOCAL,
    LABELS,
    LEVELS,
    LIGHT,
    OFFSETS,
    PETAL_LEVELS,
    REDSHIFTS,
    USABLE,
    VECTORS,
)
from pytest_specqa.triage.rules.rule import Ask, Extent, Rule

THROUGHPUT = ("throughput_rms", "throughput_outlier", "throughput_gradient")
AFTER_FLAT = frozenset(
    (*LIGHT, *THROUGHPUT, *VECTORS, *PETAL_LEVELS, *OFFSETS, "petal_sky", "line_evenness", "fiberflat_lowest_fiber")
)

RULES = (
    Rule(
        "fiber_labels",
        "fibers hold the spectra, or bear the names, of other fibers",
        "spectra are as bright as the targets, or have the throughput, of the fibers beside them",
        "frame",
        Extent.PETAL,
        {
            "neighbours_light": 4.0, "neighbours_throughput": 2.5, "imaging_swapped": 3.5, "identity_conflicts": 4.0,
            "fibermap_conflicts": 1.0, "redshift_targets": 1.0,
        },
        "Hold these fibers: compare their order in traces, fibermap and positioner table, then relabel or extract again.",
        "desispec#1380, desitarget#892, KPF-Pipeline#1446",
        moves=frozenset((*LIGHT, *LABELS, *LEVELS, *THROUGHPUT, *VECTORS, "sky_fiber_level", "line_evenness", "standard_stars",
                         "light_streak")),
        asks=(
            Ask(1.0, asks.when(asks.bad("neighbours_light"), asks.bad("neighbours_throughput"))),
            Ask(-4.0, asks.bad("applied_sky", "applied_flat_pattern", "applied_flat_exponent")),
        ),
    ),
    Rule(
        "flat_taken",
        "the flat itself is wrong (lamp, stray light, screen, or a dip that moved)",
        "the flat departs from what lamps and fibers give, before it touches any science spectrum",
        "fiberflat",
        Extent.CAMERA,
        {
            "fiberflat_level": 3.0, "fiberflat_extremes": 3.0, "fiberflat_edges": 3.5, "fiberflat_narrow_feature": 4.0,
            "fiberflat_gradient": 4.0, "throughput_gradient": 2.5, "collimator_dip": 3.5, "focal_plane_gradient": 2.0,
            "fiberflat_lowest_fiber": 0.5,
        },
        "Look at the lamps and the screen of this flat; use the flat of another night and rerun from the flat-fielding on.",
        "desispec#1946, #897, #2172, #1565",
        moves=AFTER_FLAT | {"fiberflat_extremes", "cframe_flux_difference"},
        asks=(
            Ask(1.5, asks.when(asks.bad("throughput_gradient"), asks.bad("focal_plane_gradient"))),
            Ask(1.0, asks.every_exposure),
            Ask(-4.0, asks.bad("applied_flat_pattern", "applied_flat_exponent", "fiberflat_masked")),
            Ask(-3.0, asks.bad("frame_line_places")),
        ),
    ),
    Rule(
        "flat_applied",
        "the flat was not applied rightly (another one, twice, not at all, of other fibers, or masked)",
        "frame = flat x (sframe + sky) does not hold with the flat that the header names, while that flat is sound",
        "fiberflat",
        Extent.CAMERA,
        {
            "applied_flat": 3.5, "applied_flat_exponent": 4.0, "applied_flat_pattern": 3.5, "line_evenness": 2.0,
            "fiberflat_masked": 4.0, "throughput_rms": 1.0, "fiberflat_lowest_fiber": 0.3,
        },
        "Look at FIBERFLT in the sframe header and at the log of the sky subtraction; run it again with the flat of the night.",
        "desispec#1111, #856",
        moves=AFTER_FLAT | {*USABLE, "calibration_usable", "collimator_dip", "sky_line_width", "neighbours_throughput"},
        asks=(Ask(-3.0, asks.bad("frame_line_places", "applied_sky")),),
    ),
    Rule(
        "dead_fiber",
        "a fiber is broken or has lost its throughput, and no list knows",
        "one fiber is weak in the flat, or lost light since the flat was taken, at all wavelengths",
        "fiberflat",
        Extent.PETAL,
        {"fiberflat_lowest_fiber": 4.0, "throughput_outlier": 2.5, "sky_line_fiber_scale": 0.5},
        "Add the fiber to the list of bad fibers of its petal; nothing has to be rerun.",
        "desispec#2332, #2225",
        narrow=True,
        moves=frozenset(("throughput_outlier", "throughput_rms", "sky_line_fiber_scale", "sky_fiber_level", "sky_fiber_light",
                         "fiber_below_zero", "pull_width_fiber", "fiberflat_extremes")),
        asks=(
            Ask(1.0, asks.fibers(1, 5, "fiberflat_lowest_fiber", "throughput_outlier", say="{} only")),
            Ask(-2.5, asks.bad("fiberflat_extremes", "fiberflat_edges", "fiberflat_level", "line_evenness")),
        ),
    ),
    Rule(
        "positioning",
        "the fibers missed their targets, and no flag says so",
        "the positioners report distances beyond tolerance, and spectra lack the light of their targets but not the sky",
        "frame",
        Extent.PETAL,
        {
            "misplaced_fibers": 4.5, "misplaced_cassette": 4.5, "impossible_positions": 3.0, "redshift_shortfall": 2.5,
            "imaging_level": 0.5, "standard_stars": 0.5,
        },
        "Hold the petal: set BADPOSITION for these fibers, and observe the tile again if more than a few are hit.",
        "desispec#1229, #1648",
        moves=frozenset((*LEVELS, *VECTORS, *REDSHIFTS, "redshift_fit_fraction", "standard_stars", "impossible_positions",
                         "neighbours_light", "imaging_swapped", *FOCAL)),
        asks=(Ask(1.0, asks.when(asks.bad("misplaced_fibers", "misplaced_cassette"), asks.bad("imaging_level", "petal_level"))),),
    ),
    Rule(
        "flags",
        "flags of fibers are missing, or are not honoured",
        "a status bit calls fibers useless that still have weight, or two files flag different fibers",
        "frame",
        Extent.PETAL,
        {
            "flagged_with_weight": 4.5, "fibermap_flags": 4.0, "flag_conflicts": 4.0, "bad_without_status": 4.0,
            "bad_in_one_file": 4.0,
        },
        "Run again the step that masks by FIBERSTATUS; do not use the spectra of these fibers until then.",
        "desispec#1351, #2537, #1673",
        moves=frozenset(("flagged_with_weight", "standard_stars", "sky_fibers_left", "good_pixel_fraction", "coadd_sums")),
    ),
)  # fmt: skip
