"""Writing the demo: a DESI production tree before and after the sky-model fix."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from pytest_specqa.demo.faults import check_faults
from pytest_specqa.demo.petalfiles import PetalTask, write_petal
from pytest_specqa.demo.story import EXPOSURES, exposures_of, exposures_on
from pytest_specqa.demo.tables import write_tables
from pytest_specqa.errors import UsageError
from pytest_specqa.instrument import DESI
from pytest_specqa.processes import THREADS

MARKER = "specqa-demo.json"
VARIANTS = ("before", "after")
DEFAULT_SEED = 7951


def write_production(
    directory: Path | str,
    *,
    bands: str = "r",
    petals: Iterable[int] = DESI.petals,
    seed: int = DEFAULT_SEED,
    variants: Sequence[str] = VARIANTS,
    faults: Mapping[str, float] | None = None,
    progress: bool = True,
    workers: int = 2,
    noise_seed: int = 0,
    full_size: bool = False,
    nights: int = 1,
    faults_from: int = 1,
) -> Path:
    """Write the demo production.

    Night 20211014 with exposures 104282, 104284, 104285 and 104286, once ``before`` the sky-model fix of desispec#1452 (its defect
    acts in all cameras) and once ``after``. Redshifts are not fitted: spectra whose sky residual near 6550 Angstrom is strong are
    given the quasar redshift near 4.35 that redrock finds in them.

    Parameters
    ----------
    directory : Path or str
        Folder to write; an earlier demo in it is replaced once the new one is complete.
    bands : str
        Some of ``brz``.
    petals : iterable of int
        Petals 0-9.
    seed : int
        The same seed gives the same files.
    variants : sequence of str
        ``before``, ``after`` or both.
    faults : mapping of str to float, optional
        Faults to plant in every exposure of all variants, with their amplitudes.
    progress : bool
        Whether to show a progress bar.
    workers : int
        Processes; with 1 everything happens in this one.
    noise_seed : int
        Another number gives the same targets, redshifts, sky and instrument with other noise.
    full_size : bool
        Whether RESOLUTION has the scatter of a real one, so that files are as large as real ones (35 MB for a frame of r).
    nights : int
        Nights, one after another, of the same exposures with other tiles and sky; the instrument is the same.
    faults_from : int
        Number of the night from which on the faults act; 1 is the first.

    Returns
    -------
    Path
        `directory`.

    Raises
    ------
    UsageError
        Unknown band, petal, variant or fault, less than one night, faults from a night that there is not, or a folder with other
        content.
    """
    target = Path(directory)
    chosen = sorted(set(petals))
    _check(target, bands=bands, petals=chosen, variants=variants)
    if nights < 1:
        raise UsageError(f"{nights} nights: expected 1 or more")
    if not 1 <= faults_from <= nights:
        raise UsageError(f"faults from night {faults_from} on: expected one of nights 1 to {nights}")
    planted = check_faults(faults or {})
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{target}: a part of its path is a file; choose another folder for the demo") from None
    except OSError as error:
        raise UsageError(f"{target}: cannot be written ({error.strerror or error}); choose another folder for the demo") from None
    try:
        tasks = [
            PetalTask(
                root=scratch,
                tile=tile,
                petal=petal,
                bands=bands,
                seed=seed,
                variants=tuple(variants),
                faults=tuple(planted.items()) if later + 1 >= faults_from else (),
                noise_seed=noise_seed,
                full_size=full_size,
                later=later,
            )
            for later in range(nights)
            for tile in _tiles(later)
            for petal in chosen
        ]
        _run(tasks, progress=progress, workers=workers)
        for variant in variants:
            write_tables(scratch / variant, bands=bands, petals=chosen, seed=seed, nights=nights)
        record = {
            "seed": seed,
            "noise_seed": noise_seed,
            "bands": bands,
            "petals": chosen,
            "variants": list(variants),
            "faults": planted,
            "nights": nights,
            "faults_from": faults_from,
        }
        (scratch / MARKER).write_text(json.dumps(record) + "\n", encoding="utf-8")
        scratch.chmod(0o755)
        _replace(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _tiles(later: int) -> list[int]:
    """Tiles of a night, those with the most exposures first."""
    tiles = dict.fromkeys(exposure.tile for exposure in exposures_on(later))
    return sorted(tiles, key=lambda tile: -len(exposures_of(tile, later=later)))


def _check(target: Path, *, bands: str, petals: Sequence[int], variants: Sequence[str]) -> None:
    if not bands or set(bands) - set(DESI.letters):
        raise UsageError(f"bands {bands!r} do not exist: expected some of {DESI.letters}")
    if not petals or not set(petals) <= set(DESI.petals):
        raise UsageError(f"petals {list(petals)} do not exist: expected some of 0-9")
    if not variants or set(variants) - set(VARIANTS):
        raise UsageError(f"variants {', '.join(variants) or 'none'} do not exist: expected some of {', '.join(VARIANTS)}")
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file: give a folder for the demo")
    if target.is_dir() and any(target.iterdir()) and not (target / MARKER).is_file():
        raise UsageError(f"{target} holds other files: give an empty or a new folder for the demo")


def _run(tasks: Sequence[PetalTask], *, progress: bool, workers: int) -> None:
    total = sum(task.cameras for task in tasks)
    with tqdm(total=total, desc="demo", unit="camera", disable=not progress) as bar:
        if workers <= 1 or len(tasks) == 1:
            for task in tasks:
                bar.update(write_petal(task))
            return
        with _single_threaded(), ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            for done in as_completed([pool.submit(write_petal, task) for task in tasks]):
                bar.update(done.result())


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Keep the linear algebra of each worker on one core: the workers fill them already."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _replace(scratch: Path, target: Path) -> None:
    """Put the finished folder in place of an earlier demo."""
    if not target.exists():
        scratch.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    target.rename(old / "demo")
    scratch.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def describe(bands: str, petals: Sequence[int], variants: Sequence[str], *, nights: int = 1) -> str:
    """What a demo holds, in one phrase.

    Parameters
    ----------
    bands : str
        Some of ``brz``.
    petals : sequence of int
        Petals.
    variants : sequence of str
        Variants.
    nights : int
        Nights.

    Returns
    -------
    str
        Such as ``4 exposures x 10 cameras, before and after``.
    """
    cameras = len(bands) * len(petals)
    return f"{nights * len(EXPOSURES)} exposures x {cameras} camera{'s' if cameras != 1 else ''}, {' and '.join(variants)}"
