"""Simulated photons with the sky model of the survey's own code: a second source of clean trials where desispec is installed."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.simulate import DIAGONALS, SimCamera, SimSky, Spectra
from pytest_specqa.errors import UsageError

CASE = "desispec"
"""Name of the case in trials."""


def available() -> bool:
    """Tell whether desispec is installed (extra ``interop``)."""
    return find_spec("desispec") is not None


def with_fitted_sky(camera: SimCamera) -> SimCamera:
    """Fit and subtract the sky of a simulated camera as the pipeline does.

    Parameters
    ----------
    camera : SimCamera
        Its frame, flat and line spread are the input.

    Returns
    -------
    SimCamera
        The same with sky model, sframe and cframe of desispec: wavelengths and line spread adjusted on sky lines, model variance
        raised at bright lines, throughputs corrected on lines.

    Raises
    ------
    UsageError
        If desispec is not installed.

    References
    ----------
    desispec ``sky.compute_sky`` and ``sky.subtract_sky``, with what ``desi_compute_sky`` of the survey's productions asks for.
    """
    if not available():
        raise UsageError("desispec is not installed: pip install 'pytest-specqa[interop]'")
    os.environ.setdefault("DESI_LOGLEVEL", "CRITICAL")
    # It warns about many things that are not ours, at import and in the fit.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _fitted(camera)


def _fitted(camera: SimCamera) -> SimCamera:
    from astropy.table import Table  # noqa: PLC0415
    from desispec.frame import Frame  # noqa: PLC0415
    from desispec.sky import compute_sky, subtract_sky  # noqa: PLC0415

    # The flat is on the wavelengths of the observer, the frame on those of the barycentre.
    observed = camera.wave / camera.heliocor
    flat = np.array([np.interp(observed, camera.wave, row) for row in camera.flat.fiberflat])
    known = flat > 0
    frame = Frame(
        camera.wave,
        np.where(known, camera.frame.flux / np.where(known, flat, 1.0), 0.0),
        np.where(known, camera.frame.ivar.astype(float) * flat**2, 0.0),
        mask=camera.frame.mask.copy(),
        resolution_data=_resolution(camera),
        fibermap=Table(camera.fibermap),
        spectrograph=camera.conditions.petal,
        meta={"CAMERA": camera.conditions.camera, "EXPTIME": camera.conditions.exptime},
    )
    model = compute_sky(frame, adjust_wavelength=True, adjust_lsf=True, add_variance=True)
    subtract_sky(frame, model)
    sky = SimSky(
        flux=model.flux.astype(np.float32),
        ivar=model.ivar.astype(np.float32),
        stativar=model.stat_ivar.astype(np.float32),
        mask=model.mask.astype(np.uint32),
        thrputcorr=np.asarray(model.throughput_corrections, dtype=np.float32),
    )
    sframe = Spectra(frame.flux.astype(np.float32), frame.ivar.astype(np.float32), frame.mask.astype(np.uint32))
    calib = camera.fluxcalib.fluxcalib
    usable = calib > 0
    cframe = Spectra(
        np.where(usable, sframe.flux / np.where(usable, calib, 1), 0).astype(np.float32),
        np.where(usable, sframe.ivar * calib**2, 0).astype(np.float32),
        sframe.mask,
    )
    return replace(camera, sky=sky, sframe=sframe, cframe=cframe)


def _resolution(camera: SimCamera) -> NDArray[np.float64]:
    """Line spread of each fiber by diagonals, f8[500, 11, nw]; what would lie beyond the ends is shared out among what is there."""
    size, spread = camera.wave.size, camera.line_spread
    # Diagonal k holds the element of row j - offset in column j.
    rows, columns = (np.arange(size) + sign * DIAGONALS[:, None] for sign in (-1, 1))
    inside, there = ((bins >= 0) & (bins < size) for bins in (rows, columns))
    total = np.take((spread[:, :, None] * there).sum(axis=1), np.clip(rows, 0, size - 1), axis=1)
    return np.asarray(np.where(inside, spread[:, :, None] / total, 0.0))
