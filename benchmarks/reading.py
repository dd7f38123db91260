"""Time to read FLUX, IVAR, MASK and WAVELENGTH of a full-size r sframe.fits.gz, beside fitsio for the same HDUs.

Usage: ``python benchmarks/reading.py [--repeat N] [FILE.fits.gz]``. Without a file one is made in a temporary folder; it has the
HDUs, shapes, header sizes and about the compressed size (47 MB) of a real one, RESOLUTION included. The two readers take turns in
one process, and the ratio of their medians is printed. The project asks for a ratio of at least 8.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import fitsio
import numpy as np

from pytest_specqa.instrument import Camera
from pytest_specqa.production.frames import read_frame

FIBERS, BINS, DIAGONALS = 500, 2326, 11
HDUS = ("FLUX", "IVAR", "MASK", "WAVELENGTH")
ASKED = 8.0
UNIT = {"night": 20211014, "expid": 104284}


def write_sframe(path: Path, *, seed: int = 1) -> None:
    """Write a full-size r sframe with photon noise, a resolution that varies with fiber and wavelength, and long headers."""
    rng = np.random.default_rng(seed)
    wave = 5760 + 0.8 * np.arange(BINS)
    lines = rng.uniform(wave[0], wave[-1], 80)[:, None]
    sky = 100 + (rng.lognormal(6, 1, (80, 1)) * np.exp(-0.5 * ((wave - lines) / 0.8) ** 2)).sum(axis=0)
    ivar = 1 / (sky * rng.uniform(0.8, 1.2, (FIBERS, 1)) * rng.normal(1, 0.02, (FIBERS, BINS)) + 10)
    flux = rng.normal(size=ivar.shape) / np.sqrt(ivar)
    mask = np.where(rng.random(ivar.shape) < 0.005, 4, 0).astype("u4")
    ivar[mask > 0] = 0
    header = {f"KEY{number:04d}": float(rng.normal()) for number in range(580)} | {
        "CAMERA": "r6",
        "NIGHT": 20211014,
        "EXPID": 104284,
    }
    fibermap = np.zeros(
        FIBERS, dtype=[("TARGETID", "i8"), ("FIBER", "i4"), ("FIBERSTATUS", "i4"), ("OBJTYPE", "S3"), ("REST", "f4", 91)]
    )
    fibermap["FIBER"], fibermap["OBJTYPE"], fibermap["REST"] = 3000 + np.arange(FIBERS), b"TGT", rng.normal(size=(FIBERS, 91))
    with fitsio.FITS(str(path), "rw", clobber=True) as file:
        file.write(flux.astype("f4"), extname="FLUX", header=header)
        file.write(ivar.astype("f4"), extname="IVAR")
        file.write(mask, extname="MASK")
        file.write(wave, extname="WAVELENGTH")
        file.write(resolution(rng), extname="RESOLUTION")
        file.write(fibermap, extname="FIBERMAP")
        file.write(rng.normal(1, 0.1, (FIBERS, BINS)).astype("f4"), extname="CHI2PIX")
        file.write(fibermap[["TARGETID"]], extname="SCORES")
        for hdu in file:
            hdu.write_checksum()


def resolution(rng: np.random.Generator) -> np.ndarray:
    """Resolution matrices: a line spread that varies with fiber and wavelength, and extraction noise in the core diagonals."""
    offset = np.abs(np.arange(DIAGONALS) - DIAGONALS // 2)[None, :, None]
    sigma = 1.0 + 0.1 * rng.random((FIBERS, 1, 1)) + 0.05 * np.linspace(0, 1, BINS)
    spread = np.exp(-0.5 * (offset / sigma) ** 2)
    spread = spread / spread.sum(axis=1, keepdims=True) + 1e-3 * rng.normal(size=spread.shape)
    # Fewer significant bits than a float has, so that the file packs as well as a real one.
    step = 2.0**-22
    return (np.round(spread / step) * step).astype("f4")


def read_with_fitsio(path: Path) -> None:
    """Read the HDUs as a user of fitsio does."""
    with fitsio.FITS(str(path)) as file:
        for name in HDUS:
            file[name].read()


def read_with_ours(path: Path) -> None:
    """Read the same HDUs, validation included."""
    read_frame(path, "sframe", camera=Camera("r", 6), **UNIT)


def seconds(read: Callable[[Path], None], path: Path) -> float:
    """Time one reading."""
    start = time.perf_counter()
    read(path)
    return time.perf_counter() - start


def main() -> None:
    """Make the file if needed, time both readers in turns, print medians and ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="an r6 sframe.fits.gz of exposure 104284 (default: make one)")
    parser.add_argument("--repeat", type=int, default=9, help="how often each reader takes its turn (default: 9)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder) / "sframe-r6-00104284.fits.gz"
        if not options.file:
            plain = path.with_suffix("")
            write_sframe(plain)
            with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=6) as target:
                shutil.copyfileobj(source, target, 1 << 20)
            print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB of {plain.stat().st_size / 1e6:.1f} MB")
        times: dict[str, list[float]] = {"fitsio": [], "ours": []}
        for _ in range(options.repeat):
            times["fitsio"].append(seconds(read_with_fitsio, path))
            times["ours"].append(seconds(read_with_ours, path))
    theirs, ours = (statistics.median(times[name]) for name in ("fitsio", "ours"))
    print(f"fitsio {theirs * 1e3:.0f} ms, pytest-specqa {ours * 1e3:.0f} ms: ratio {theirs / ours:.1f} (asked for: {ASKED:.0f})")


if __name__ == "__main__":
    main()
