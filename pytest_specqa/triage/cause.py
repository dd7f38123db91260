"""What the pattern of failures suggests: simple rules, never more than a suggestion."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pytest_specqa.triage.scope import listed
from pytest_specqa.triage.stages import STAGES, bad_stages, stage_of, telling
from pytest_specqa.values import NoValue, Record

CLUES = (
    (r"\bcurv|ccd row|row.aligned", "a fault of the CCD or its calibration: it follows CCD rows, not wavelength"),
    (r"(?<![a-z])amp(lifier)?s?(?![a-z])", "a fault of one CCD amplifier: it stops at the amplifier's edge"),
    (r"dead|broken|single fiber|per_fiber|_fibers?_", "single fibers, not a processing step"),
)
"""Words in a measure's name or its finding that tell a detector or a fiber from the processing; the first that matches wins."""

BY_STAGE = {
    "production": "an incomplete or inconsistent production: look at the processing logs before the spectra",
    "fiberflat": "the night's flat field, which every later exposure of the night inherits",
    "frame": "the raw data, their calibration or the extraction, before any sky is subtracted",
    "sky": "a processing fault in the sky model itself: a sound one differs between fibers only at lines and by one factor",
    "sframe": "a sky subtraction that does not follow the light of these fibers",
    "cframe": "the flux calibration, as nothing that was judged before it fails",
    "redshifts": "the redshift fit or its targets, as nothing that was judged before it fails",
    "tile": "the combination of exposures, as no single one fails",
    "night": "a drift over the night that no single exposure shows",
}


def likely_cause(records: Iterable[Record]) -> str:
    """Say what the failures suggest, from the first bad stage and how the failures look.

    Parameters
    ----------
    records : iterable of mapping
        Measurement records of one run, good ones included.

    Returns
    -------
    str
        A phrase that begins with ``suggests``; empty if nothing failed or no rule speaks.
    """
    everything = list(records)
    bad = telling(everything)
    if not bad:
        return ""
    measures = {str(record["measure"]) for record in bad}
    if measures == {NoValue.CRASH}:
        return "suggests a fault of the checks, not of the data: every failure is a crash"
    if measures == {NoValue.PRODUCT}:
        return "suggests missing or unreadable files: nothing that could be read fails"
    stages = bad_stages(bad)
    if not stages:
        return ""
    cause = _detector(bad, stages[0]) or BY_STAGE[stages[0]]
    return "suggests " + cause + _evidence(everything, stages)


def _detector(bad: Sequence[Record], stage: str) -> str:
    """Read the clues of the first bad stage; all of its failures must agree."""
    texts = [f"{record['measure']} {record['message']}".lower() for record in bad if stage_of(record) == stage]
    return next((cause for pattern, cause in CLUES if all(re.search(pattern, text) for text in texts)), "")


def _evidence(everything: Sequence[Record], stages: Sequence[str]) -> str:
    """Name the stages before the first bad one that were judged and pass, and the later ones that fail with it."""
    order = list(STAGES)
    judged = {stage_of(record) for record in everything if record["outcome"] != "not measured"}
    before = [STAGES[stage] for stage in order[1 : order.index(stages[0])] if stage in judged]
    after = [STAGES[stage] for stage in stages[1:] if stage in STAGES]
    parts = []
    if before:
        parts.append(f"passing before it: {listed(before)}")
    if after:
        parts.append(f"failing after it: {listed(after)}")
    return f" ({'; '.join(parts)})" if parts else ""
