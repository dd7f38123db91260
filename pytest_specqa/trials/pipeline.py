"""What the DESI pipeline's own quality numbers say of a camera, for comparison."""

from __future__ import annotations

import numpy as np

from pytest_specqa.demo.simulate import SimCamera
from pytest_specqa.values import Outcome

SKY_CHI2_LIMIT = 1.5
"""SKYCHI2PDF of qa-params.yaml."""
THROUGHPUT_RMS_LIMIT = 0.05
"""SKYTHRURMS of qa-params.yaml."""
SKY_RESIDUAL_ALARM = 10.0
"""Alarm on the sky residual in electron/Angstrom, desispec_param.yml."""


def verdicts(camera: SimCamera) -> dict[str, str]:
    """Judge a camera as the pipeline's quality files do.

    Parameters
    ----------
    camera : SimCamera
        What was simulated.

    Returns
    -------
    dict of str to str
        Outcome of each number. As in the pipeline, one that cannot be computed passes.

    References
    ----------
    desispec ``exposure_qa.py`` and ``qa-params.yaml`` (chi2 per degree of freedom of sky fibers, scatter of THRPUTCORR);
    desispec ``desispec_param.yml`` (sky residual).
    """
    flux, ivar = camera.cframe.flux[camera.is_sky], camera.cframe.ivar[camera.is_sky]
    used = ivar > 0
    freedom = int(used.sum()) - flux.shape[1]
    chi2 = float((ivar[used] * flux[used] ** 2).sum()) / freedom if freedom > 0 else 0.0
    scatter = 1.48 * float(np.median(np.abs(camera.sky.thrputcorr - 1)))
    residual, weight = camera.sframe.flux[camera.is_sky], camera.sframe.ivar[camera.is_sky]
    middle = float(np.median(residual[weight > 0])) if (weight > 0).any() else 0.0
    return {
        "pipeline: sky chi2/ndf": _outcome(chi2 <= SKY_CHI2_LIMIT),
        "pipeline: throughput rms": _outcome(scatter <= THROUGHPUT_RMS_LIMIT),
        "pipeline: sky residual": _outcome(abs(middle) <= SKY_RESIDUAL_ALARM),
    }


def _outcome(good: bool) -> str:
    return str(Outcome.PASSED if good else Outcome.FAILED)
