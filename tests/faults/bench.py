"""What is damaged: a night of the demo, with the files of one camera, its fibermap and its petal in four variants each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from isal import igzip

from . import fits

NIGHT, EXPID, TILE, CAMERA, PETAL = 20211014, 104284, 7951, "r6", 6
_EXPOSURE = f"exposures/{NIGHT}/{EXPID:08d}"
_TILE = f"tiles/cumulative/{TILE}/{NIGHT}"
FITS = {
    **{kind: f"{_EXPOSURE}/{kind}-{CAMERA}-{EXPID:08d}.fits" for kind in ("frame", "sframe", "cframe", "sky", "fluxcalib")},
    "fiberflatnight": f"calibnight/{NIGHT}/fiberflatnight-{CAMERA}-{NIGHT}.fits",
    "fibermap": f"preproc/{NIGHT}/{EXPID:08d}/fibermap-{EXPID:08d}.fits",
    "redrock": f"{_TILE}/redrock-{PETAL}-{TILE}-thru{NIGHT}.fits",
    "coadd": f"{_TILE}/coadd-{PETAL}-{TILE}-thru{NIGHT}.fits",
}
TABLE = f"exposure_tables/{NIGHT // 100}/exposure_table_{NIGHT}.csv"
KINDS = tuple(FITS)
PLAIN_ONLY = ("fibermap",)
"""Kinds that the pipeline does not pack."""
CAMERA_KINDS = ("frame", "sframe", "cframe", "sky", "fluxcalib")


@dataclass(frozen=True)
class Variant:
    """How a file is written: packed or plain, with sums or without."""

    packed: bool
    sums: bool

    @property
    def name(self) -> str:
        """Such as ``packed-sums``."""
        return f"{'packed' if self.packed else 'plain'}-{'sums' if self.sums else 'bare'}"


VARIANTS = tuple(Variant(packed, sums) for packed in (True, False) for sums in (True, False))


@dataclass(frozen=True)
class Bench:
    """A folder with ``demo/after``, which is never changed, and the files of `FITS` in all variants.

    Attributes
    ----------
    folder : Path
        Where it lies.
    """

    folder: Path

    @property
    def demo(self) -> Path:
        """The clean production."""
        return self.folder / "demo" / "after"

    def prepare(self) -> Bench:
        """Write what is not there yet; takes a quarter of a minute."""
        if not (self.folder / "demo").is_dir():
            from pytest_specqa.demo.production import write_production  # noqa: PLC0415

            write_production(self.folder / "demo", bands="brz", petals=(PETAL,), variants=("after",), progress=False)
        if not (self.folder / "whole").is_file():
            for kind in KINDS:
                units = [_small(unit) for unit in fits.split(unpacked(existing(self.demo / FITS[kind])))]
                for variant in VARIANTS:
                    if not (variant.packed and kind in PLAIN_ONLY):
                        self._write(kind, variant, units)
            self._judge()
            (self.folder / "whole").touch()
        return self

    def _judge(self) -> None:
        """Results of the sound production, which are damaged too."""
        words = [sys.executable, "-m", "pytest", "qa_tests/test_production.py", f"--specprod={self.demo}", f"--expid={EXPID}"]
        words += [f"--specqa-results={self.folder / name}" for name in ("results.jsonl", "results.parquet")]
        subprocess.run([*words, "-q", "-p", "no:cacheprovider"], check=True, cwd=Path(__file__).parents[2], capture_output=True)

    def _write(self, kind: str, variant: Variant, units: list[fits.Unit]) -> None:
        path = self.path(kind, variant)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed(written(units, sums=variant.sums)) if variant.packed else written(units, sums=variant.sums))

    def path(self, kind: str, variant: Variant) -> Path:
        """A sound file."""
        return self.folder / variant.name / (FITS[kind] + (".gz" if variant.packed else ""))

    def variants(self, kind: str) -> list[Variant]:
        """Those that a kind of file has."""
        return [variant for variant in VARIANTS if not (variant.packed and kind in PLAIN_ONLY)]

    def usual(self, kind: str) -> Variant:
        """The variant of the files that a case leaves alone."""
        return Variant(kind in (*CAMERA_KINDS, "coadd"), sums=True)


@dataclass(frozen=True)
class Tree:
    """A production of links in which one file at a time is damaged."""

    bench: Bench
    root: Path

    def prepare(self) -> Tree:
        """Link all files of the bench."""
        for path in self.bench.demo.rglob("*"):
            if path.is_file():
                _link(path, self.root / path.relative_to(self.bench.demo))
        for kind in KINDS:
            self.restore(kind)
        return self

    def restore(self, kind: str) -> None:
        """Put the sound file back, in its usual variant."""
        variant = self.bench.usual(kind)
        self.clear(kind)
        _link(self.bench.path(kind, variant), self.root / (FITS[kind] + (".gz" if variant.packed else "")))

    def clear(self, kind: str) -> None:
        """Take the file away, whatever it is."""
        for name in (FITS[kind], FITS[kind] + ".gz"):
            remove(self.root / name)

    def restore_table(self) -> None:
        """Put the sound exposure table back."""
        remove(self.root / TABLE)
        _link(self.bench.demo / TABLE, self.root / TABLE)

    @cached_property
    def others(self) -> dict[str, list[Path]]:
        """Files of the same kind of other cameras, exposures and tiles; redshifts of other tiles where only one has a coadd."""
        found = {kind: list(_others(self.bench.demo, kind)) for kind in KINDS}
        return found | {"coadd": found["coadd"] or found["redrock"]}


def _others(root: Path, kind: str) -> Iterator[Path]:
    own = existing(root / FITS[kind])
    pattern = f"{kind}-*.fits*"
    yield from sorted(path for path in root.rglob(pattern) if path != own)


def remove(path: Path) -> None:
    """Remove a file, link, device or empty folder."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def existing(path: Path) -> Path:
    """The plain or the packed file."""
    return path if path.exists() else path.with_name(path.name + ".gz")


def unpacked(path: Path) -> bytes:
    """Content of a plain or a packed file."""
    raw = path.read_bytes()
    return bytes(igzip.decompress(raw)) if raw[:2] == b"\x1f\x8b" else raw


def packed(raw: bytes) -> bytes:
    """One gzip member, quickly."""
    return bytes(igzip.compress(raw, compresslevel=0))


def written(units: list[fits.Unit], *, sums: bool) -> bytes:
    """A file whose sums are right, or that has none."""
    return fits.join(fits.summed(unit) if sums else fits.bare(unit) for unit in units)


def _small(unit: fits.Unit) -> fits.Unit:
    """RESOLUTION with one diagonal: the others say nothing more here, and take most of the time."""
    if unit.name != "RESOLUTION":
        return unit
    bins, diagonals, rows = (int(unit.text(f"NAXIS{axis}")) for axis in (1, 2, 3))
    cube = np.frombuffer(unit.data[: unit.length], dtype=">f4").reshape(rows, diagonals, bins)
    data = cube[:, diagonals // 2].tobytes()
    return fits.Unit(unit.with_card("NAXIS2", "1").cards, data + bytes(-len(data) % fits.BLOCK))


def _link(source: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, path)
