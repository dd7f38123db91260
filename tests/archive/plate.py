"""spFrame files of full size with a simulated sky: what the reader of BOSS is tried on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from pytest_specqa.demo.airglow import airglow_lines

from .boss import BINS, BOSS, LIGHT_SPEED, LOGLAM_STEP, STARTS

PLATE, MJD, NIGHT = 3586, 55181, 20091216
EXPTIME, HELIO_RV = 900.0, -12.0
LINE_SIGMA = 1.3
READ_NOISE = 3.0


@dataclass(frozen=True)
class Planted:
    """A line that a range of fibers shares, in electron/Angstrom."""

    fibers: tuple[int, int]
    wave: float
    peak: float


def write(root: Path, camera: str, expid: int, *, seed: int, planted: Planted | None = None) -> Path:
    """Write the spFrame of a camera, called as BOSS calls it: ``r2``."""
    rng = np.random.default_rng(seed)
    loglam = STARTS[camera[0]] + LOGLAM_STEP * np.arange(BINS)
    wave = 10.0**loglam
    width = np.gradient(wave)
    fiber = 500 * (int(camera[1]) - 1) + np.arange(500)
    is_sky = fiber % 12 == 5
    factor = 1.0 + 0.005 * rng.standard_normal((500, 1))
    truth = _night_sky(wave) * width
    brightness = rng.uniform(0.0, 40.0, (500, 1)) ** 2 / 40.0
    colour = 1.0 + 0.3 * rng.uniform(-1, 1, (500, 1)) * np.linspace(-1, 1, BINS)
    objects = np.where(is_sky[:, None], 0.0, brightness * colour) * width
    variance = factor * truth + objects + READ_NOISE**2
    raw = factor * truth + objects + np.sqrt(variance) * rng.standard_normal((500, BINS))
    sky = (raw[is_sky] / factor[is_sky]).mean(axis=0)
    flux = raw - factor * sky
    if planted:
        inside = (fiber >= planted.fibers[0]) & (fiber <= planted.fibers[1])
        flux[inside] += planted.peak * width * np.exp(-0.5 * ((wave - planted.wave) / LINE_SIGMA) ** 2)
    plugmap = np.zeros(500, dtype=[("FIBERID", "i4"), ("THING_ID", "i4"), ("OBJTYPE", "S16"), ("XFOCAL", "f8"), ("YFOCAL", "f8")])
    plugmap["FIBERID"], plugmap["THING_ID"] = fiber + 1, 1000 + fiber
    plugmap["OBJTYPE"] = np.where(is_sky, b"SKY", b"GALAXY")
    plugmap["XFOCAL"], plugmap["YFOCAL"] = _holes(fiber)
    mask = np.zeros((500, BINS), "i4")
    mask[17] = 1 << BOSS.flags["NOPLUG"]
    images = {
        "FLUX": flux.astype("f4"),
        "IVAR": (1.0 / variance).astype("f4"),
        "MASK": mask,
        "LOGLAM": loglam,
        "PLUGMAP": plugmap,
        "SKY": (factor * sky).astype("f4"),
        "SKYIVAR": (is_sky.sum() / np.broadcast_to(truth + READ_NOISE**2, flux.shape)).astype("f4"),
    }
    path = root / f"{PLATE}/spFrame-{camera}-{expid:08d}.fits"
    path.parent.mkdir(parents=True, exist_ok=True)
    hdus = fits.HDUList()
    for name, data in images.items():
        kind = fits.BinTableHDU if name == "PLUGMAP" else fits.ImageHDU if hdus else fits.PrimaryHDU
        hdus.append(kind(data))
        hdus[-1].header["EXTNAME"] = name
    hdus[0].header.update(
        {"CAMERAS": camera, "PLATEID": PLATE, "MJD": MJD, "EXPOSURE": expid, "EXPTIME": EXPTIME, "HELIO_RV": HELIO_RV}
    )
    hdus.writeto(path)
    return path


def _night_sky(wave: np.ndarray) -> np.ndarray:
    """Continuum and lines in electron/Angstrom, the lines where the motion of the Earth puts them."""
    sky = 60.0 + 20.0 * (wave / 6000.0 - 1.0)
    for band, low, high in (("b", 3600, 5760), ("r", 5760, 7520), ("z", 7520, 9900)):
        for line, peak in zip(*airglow_lines(band), strict=True):
            if low <= line < high:
                shifted = line * (1.0 + HELIO_RV / LIGHT_SPEED)
                sky = sky + EXPTIME / 1000 * peak * np.exp(-0.5 * ((wave - shifted) / LINE_SIGMA) ** 2)
    return sky


def _holes(fiber: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Holes of a plate, block by block from one side of it to the other."""
    across = np.linspace(-230.0, 230.0, 25)
    return across[fiber % 500 // 20], 20.0 * (fiber % 20 - 9.5)
