"""Measures that are moved together."""

from __future__ import annotations

CHROMATIC = ("sky_chromatic_block", "sky_chromatic_run")
VERTICAL = ("vertical_lines_narrow", "vertical_lines_broad", "vertical_lines_broad_size")
SKY_LINES = ("sky_line_scale", "sky_line_residual", "sky_line_fiber_scale")
MODEL_SHIFTS = ("wavelength_shift_fiber", "wavelength_shift_group", "wavelength_shift_local", "line_spread_group")
FRAME_SHIFTS = ("frame_line_places", "frame_shift_fiber", "frame_shift_group", "frame_shift_local")
ONE_FIBER = ("sky_fiber_light", "fiber_below_zero")
OWN_SKY = ("sky_fiber_level", "sky_lowest")
"""Measures of the sky model of a single fiber, which nothing moves that acts on spectra only."""
FOCAL = ("focal_plane_patch", "focal_plane_petal", "focal_plane_gradient", "focal_plane_seen", "focal_plane_sky_line", "sky_left")
REDSHIFTS = ("redshift_pileup", "redshift_pileup_excess", "redshift_pileup_galactic", "sky_fiber_pileup", "redshift_shortfall")
PETAL_LEVELS = ("imaging_level", "petal_level", "petal_color", "camera_join", "visit_petal")
LEVELS = (*PETAL_LEVELS, "exposure_level", "visit_level")
WHOLE = ("sky_left", "exposure_level", "visit_level", "focal_plane_gradient")
"""Measures of all petals together, which a fault of few of them cannot move."""
VECTORS = ("calibration_throughput", "calibration_shape", "visit_calibration", "calibration_fiber_level")
VISIT_LINES = ("visit_line_offset", "visit_line_width")
DEFECTS = ("ccd_hole", "ccd_spot", "light_kept_back", "unmasked_cosmics")
OFFSETS = ("amplifier_step", "amplifier_offset")
AMPLIFIERS = (*OFFSETS, "row_noise")
NOISE = ("pull_width_amplifier", "pull_width_fiber", "pixel_correlation", "pixel_ringing")
LABELS = ("neighbours_light", "neighbours_throughput", "imaging_swapped")
USABLE = (
    "good_pixel_fraction", "sframe_good_pixel_fraction", "sframe_usable_fraction", "sky_usable_fraction", "cframe_usable_fraction",
    "redshift_fit_fraction", "sky_fibers_left", "standard_stars",
)  # fmt: skip
LIGHT = (*VERTICAL, "nebular_lines", "shared_lines", *SKY_LINES, *MODEL_SHIFTS, *ONE_FIBER, *FOCAL, *REDSHIFTS)
"""What spectra show that hold something that is not of their target, or lack something."""
READ_BACK = (*AMPLIFIERS, *NOISE, *DEFECTS, *FRAME_SHIFTS, *LABELS)
"""Measures of a frame that are computed from what was subtracted and what was left, and so see faults of both."""
