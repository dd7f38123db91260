"""Causes in files, tables, redshift fits, and the checks themselves."""

from __future__ import annotations

from pytest_specqa.triage.rules import asks
from pytest_specqa.triage.rules.groups import REDSHIFTS
from pytest_specqa.triage.rules.rule import Ask, Extent, Rule
from pytest_specqa.values import NoValue

JOINS = (
    "redshift_targets", "exposures_left_out", "exposures_not_asked_for", "coadd_sums", "exposure_facts", "depth_conflicts",
    "product_conflicts",
    "coadd_conflicts", "header_conflicts", "wavelength_conflicts", "exposure_conflicts", "fibermap_conflicts", "pipeline_versions",
    "table_conflicts", "unlisted_exposures",
)  # fmt: skip
EARLIER = ("frame", "sky", "sframe", "cframe")

RULES = (
    Rule(
        "tables",
        "files and tables do not say the same (targets, exposures, versions)",
        "two files that copy one fact have different ones: one of them was made from something else",
        "production",
        Extent.TILE,
        {**dict.fromkeys(JOINS, 4.0), "repeated_redshifts": 3.5, "missing_tiles": 1.5},
        "Find out which of the two files is right, and make the other again with what comes after it.",
        "desispec#967, #1504",
        moves=frozenset((*JOINS, "flag_conflicts", "bad_in_one_file", "barycenter_spread")),
        asks=(Ask(-2.0, asks.bad("identity_conflicts")),),
    ),
    Rule(
        "redshift_fit",
        "the redshift fit itself: the end of its templates, stars without one, or spectra without data",
        "redshifts gather where templates end or a type is missing, while the spectra pass everything before",
        "redshifts",
        Extent.TILE,
        {
            "redshift_pileup": 2.5,
            "redshift_pileup_excess": 2.0,
            "sky_fiber_pileup": 1.0,
            "redshift_fit_fraction": 2.5,
            "redshift_shortfall": 1.0,
            "repeated_redshifts": 2.0,
        },
        "Look at some of these spectra with their fit; set ZWARN for this range, or refit with other templates.",
        "desispec#2660, #2193, redrock#57, redrock#224",
        moves=frozenset((*REDSHIFTS, "redshift_fit_fraction")),
        asks=(
            Ask(2.0, asks.window_in(1.55, 1.8, say="where the galaxy templates end")),
            Ask(2.0, asks.window_in(1.0, 1.04, say="where cool stars without a template are put")),
            *(Ask(0.3, asks.when(asks.bad("redshift_pileup"), asks.stage_sound(stage))) for stage in EARLIER),
            Ask(-1.5, asks.window_at("Ly-alpha", waves=(5900.0, 7500.0))),
        ),
    ),
    Rule(
        "missing_file",
        "a file is missing or cannot be read",
        "nothing can be said of data that are not there",
        "production",
        Extent.TILE,
        {str(NoValue.PRODUCT): 6.0, "missing_tiles": 3.0, "table_faults": 6.0, "unreadable_folders": 6.0},
        "Look in the log of the job that writes it; write or copy the file again, then judge again.",
        "desispec: LASTSTEP of the exposure table says what is to be there",
    ),
    Rule(
        "broken_check",
        "the check broke down: a fault of the checks, not of the data",
        "an exception is no verdict on data",
        "production",
        Extent.TILE,
        {str(NoValue.CRASH): 6.0, str(NoValue.NOTHING): 5.0},
        "Report the exception with the command that repeats it; the data may be good or bad.",
        "pytest-specqa",
    ),
)
