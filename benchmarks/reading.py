"""Time to read FLUX, IVAR, MASK and WAVELENGTH of a full-size r sframe.fits.gz, beside fitsio and astropy for the same HDUs.

Usage: ``python benchmarks/reading.py [--repeat N] [FILE.fits.gz]``. Without a file one is made in a temporary folder; it has the
HDUs, shapes, header sizes and about the compressed size (47 MB) of a real one, RESOLUTION included. The readers take turns in one
process, and the ratio of the medians to ours is printed. The project asks for a ratio of at least 8 to fitsio. With ``--packed``
the images lie in compressed tiles of a plain file instead, where all three unpack with cfitsio, and no ratio is asked for.
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
from astropy.io import fits

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


def read_with_astropy(path: Path) -> None:
    """Read the HDUs as a user of astropy does."""
    with fits.open(path) as file:
        for name in HDUS:
            np.asarray(file[name].data)


def pack(plain: Path, path: Path) -> None:
    """Write the images of a file in compressed tiles, losslessly, as fpack does: an empty HDU comes before them."""
    with fits.open(plain) as file:
        made = fits.HDUList([fits.PrimaryHDU()])
        for hdu in file:
            if hdu.is_image:
                header = hdu.header.copy()
                made.append(fits.CompImageHDU(hdu.data, header, name=hdu.name, compression_type="GZIP_2", quantize_level=0))
            else:
                made.append(hdu.copy())
        made.writeto(path, checksum=True)


def read_with_ours(path: Path) -> None:
    """Read the same HDUs, validation included."""
    read_frame(path, "sframe", camera=Camera("r", 6), **UNIT)


def seconds(read: Callable[[Path], None], path: Path) -> float:
    """Time one reading."""
    start = time.perf_counter()
    read(path)
    return time.perf_counter() - start


READERS = {"fitsio": read_with_fitsio, "astropy": read_with_astropy, "ours": read_with_ours}


def make(folder: Path, *, packed: bool) -> Path:
    """Write the file to read, and say how large it is."""
    plain, path = folder / "plain.fits", folder / f"sframe-r6-00104284.fits{'' if packed else '.gz'}"
    write_sframe(plain)
    if packed:
        pack(plain, path)
    else:
        with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=6) as target:
            shutil.copyfileobj(source, target, 1 << 20)
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB of {plain.stat().st_size / 1e6:.1f} MB")
    plain.unlink()
    return path


def main() -> None:
    """Make the file if needed, time the readers in turns, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="an r6 sframe of exposure 104284 (default: make one)")
    parser.add_argument("--repeat", type=int, default=9, help="how often each reader takes its turn (default: 9)")
    parser.add_argument("--packed", action="store_true", help="make a file of compressed tiles in place of a gzip file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or make(Path(folder), packed=options.packed)
        times: dict[str, list[float]] = {name: [] for name in READERS}
        for _ in range(options.repeat):
            for name, read in READERS.items():
                times[name].append(seconds(read, path))
    medians = {name: statistics.median(each) for name, each in times.items()}
    told = ", ".join(f"{name} {one * 1e3:.0f} ms" for name, one in medians.items())
    ratios = ", ".join(f"{name} {one / medians['ours']:.1f}" for name, one in medians.items() if name != "ours")
    asked = f" (asked for: fitsio {ASKED:.0f})" if path.suffix == ".gz" else ""
    print(f"{told}: ratio to ours {ratios}{asked}")


if __name__ == "__main__":
    main()
