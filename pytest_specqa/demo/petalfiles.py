"""All files of one petal of one tile, in all variants."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.camera_files import fiberflat_parts, fluxcalib_parts, frame_parts, resolution_block, sky_parts
from pytest_specqa.demo.conditions import TileConditions
from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.demo.fitsbytes import Part, Value, write_file
from pytest_specqa.demo.redshifts import coadd_fibermap, fit_redshifts
from pytest_specqa.demo.simulate import SimCamera, simulate_camera
from pytest_specqa.demo.story import (
    StoryExposure,
    exposure_cards,
    exposures_of,
    exposures_on,
    fibermap_cards,
    provenance,
    story_targets,
)
from pytest_specqa.demo.targets import Targets
from pytest_specqa.demo.tilefiles import Coadd, coadd_parts, redrock_parts
from pytest_specqa.instrument import DESI

_DEFECT = "line_scale_leak"
_BUMP = (6430.0, 6660.0)
_BUMP_LIMIT = 0.025
_FAKE_Z, _FAKE_SCATTER = 4.35, 0.035


@dataclass(frozen=True)
class PetalTask:
    """One petal of one tile to write; small enough to travel between processes. `later` counts the nights since the first."""

    root: Path
    tile: int
    petal: int
    bands: str
    seed: int
    variants: tuple[str, ...]
    faults: tuple[tuple[str, float], ...]
    noise_seed: int = 0
    full_size: bool = False
    later: int = 0

    @property
    def exposures(self) -> tuple[StoryExposure, ...]:
        """Exposures of the tile."""
        return exposures_of(self.tile, later=self.later)

    @property
    def cameras(self) -> int:
        """Camera exposures in this task."""
        return len(self.bands) * len(self.exposures)


def write_petal(task: PetalTask) -> int:
    """Simulate and write all exposures of one petal of one tile, their coadds and redshifts.

    Parameters
    ----------
    task : PetalTask
        What to write.

    Returns
    -------
    int
        Camera exposures written.
    """
    targets = story_targets(task.tile, task.petal, seed=task.seed, later=task.later)
    coadds = {variant: Coadd() for variant in task.variants}
    bumps: dict[str, list[NDArray[np.float64]]] = {variant: [] for variant in task.variants}
    for band in task.bands:
        for exposure in task.exposures:
            for variant in task.variants:
                camera = _simulate(task, targets, exposure, band=band, variant=variant)
                _write_camera(task, camera, exposure, variant=variant)
                coadds[variant].add(camera)
                if band == "r":
                    bumps[variant].append(residual_bump(camera))
    for variant in task.variants:
        _write_tile(task, targets, coadds[variant], bumps[variant], variant=variant)
    return task.cameras


def _simulate(task: PetalTask, targets: Targets, exposure: StoryExposure, *, band: str, variant: str) -> SimCamera:
    planted = dict(task.faults)
    if variant == "before":
        planted.setdefault(_DEFECT, 1.0)
    rng = np.random.default_rng([task.seed, exposure.expid, task.petal, DESI.letters.index(band)])
    conditions = exposure.conditions(band, task.petal)
    return simulate_camera(conditions, rng, faults=planted, targets=targets, spectrograph=task.seed, noise_seed=task.noise_seed)


def _write_camera(task: PetalTask, camera: SimCamera, exposure: StoryExposure, *, variant: str) -> None:
    name = camera.conditions.camera
    night = task.root / variant / "exposures" / str(exposure.night) / f"{exposure.expid:08d}"
    cards = exposure_cards(exposure, name) | {key: value for key, value in camera.header.items() if key.startswith("OBSRDN")}
    cards |= {"WAVEMIN": float(camera.wave[0]), "WAVEMAX": float(camera.wave[-1])}
    own = fibermap_cards(exposure)
    first = variant == task.variants[0]
    resolution = resolution_block(camera, full_size=task.full_size)
    frames = partial(frame_parts, camera=camera, cards=cards, fibermap_cards=own, resolution=resolution)
    shared: dict[str, Callable[[], list[Part]]] = {"frame": lambda: frames("frame")}
    shared["fluxcalib"] = lambda: fluxcalib_parts(camera, cards=cards, fibermap_cards=own)
    for kind, parts in shared.items():
        path = night / f"{kind}-{name}-{exposure.expid:08d}.fits.gz"
        if first:
            write_file(path, parts())
        else:
            _link(task.root / task.variants[0] / path.relative_to(task.root / variant), path)
    for kind in ("sframe", "cframe"):
        write_file(night / f"{kind}-{name}-{exposure.expid:08d}.fits.gz", frames(kind))
    write_file(night / f"sky-{name}-{exposure.expid:08d}.fits.gz", sky_parts(camera, cards=cards))
    if exposure == exposures_on(task.later)[0]:
        _write_flat(task, camera, exposure.night, variant=variant)


def _write_flat(task: PetalTask, camera: SimCamera, night: int, *, variant: str) -> None:
    name = camera.conditions.camera
    relative = Path("calibnight") / str(night) / f"fiberflatnight-{name}-{night}.fits"
    if variant != task.variants[0]:
        _link(task.root / task.variants[0] / relative, task.root / variant / relative)
        return
    cards: Mapping[str, Value] = {"CAMERA": name, "NIGHT": night, "FLAVOR": "flat", "OBSTYPE": "FLAT", **provenance()}
    write_file(task.root / variant / relative, fiberflat_parts(camera, cards=cards, fibermap_cards={"NIGHT": night}))


def _link(source: Path, path: Path) -> None:
    """Same content in the second variant: a hard link, or a copy where the file system has none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)


def residual_bump(camera: SimCamera) -> NDArray[np.float64]:
    """Mean residual of each fiber around 6550 Angstrom, against both sides, over the sky.

    Parameters
    ----------
    camera : SimCamera
        An r camera.

    Returns
    -------
    ndarray f8[500]
        Difference of the sky model from the median model, as a fraction of the continuum.
    """
    inside = (camera.wave > _BUMP[0]) & (camera.wave < _BUMP[1])
    typical = np.median(camera.sky.flux[:, inside], axis=0)
    faint = typical < np.percentile(typical, 40)
    ratio: NDArray[np.float64] = (camera.sky.flux[:, inside][:, faint] / typical[faint] - 1).mean(axis=1, dtype=float)
    return ratio


def _write_tile(task: PetalTask, targets: Targets, coadd: Coadd, bumps: list[NDArray[np.float64]], *, variant: str) -> None:
    tile, petal = task.tile, task.petal
    exposures, night = task.exposures, task.exposures[0].night
    folder = task.root / variant / "tiles" / "cumulative" / str(tile) / str(night)
    suffix = f"{petal}-{tile}-thru{night}"
    fibermap = coadd_fibermap(targets, exptimes=[exposure.exptime for exposure in exposures])
    table = _redshifts(task, targets, fibermap, bumps)
    cards: dict[str, Value] = {
        "SPGRP": "cumulative",
        "SPGRPVAL": night,
        "TILEID": tile,
        "SPECTRO": petal,
        "PETAL": petal,
        "NIGHT": night,
    }
    cards |= provenance()
    # A fault may have left exposures out.
    exposures = exposures[: int(fibermap["COADD_NUMEXP"].max())]
    write_file(folder / f"redrock-{suffix}.fits", redrock_parts(table, fibermap, targets, exposures, cards=cards))
    if len(exposures) > 1:
        # Spectra of one exposure are in its cframe already.
        write_file(folder / f"coadd-{suffix}.fits.gz", coadd_parts(coadd, fibermap, targets, exposures, cards=cards))


def _redshifts(task: PetalTask, targets: Targets, fibermap: NDArray[Any], bumps: list[NDArray[np.float64]]) -> NDArray[Any]:
    """Redshifts of the petal: the same in all variants but for spectra with a strong bump, and planted faults."""
    rng = np.random.default_rng([task.seed, task.tile, task.petal, 3])
    table = fit_redshifts(targets, rng, conditions=TileConditions(efftime=len(task.exposures)))
    if bumps:
        strength = np.abs(np.mean(bumps, axis=0)) * (60 / (60 + targets.fiberflux * 12))
        chance = rng.random(strength.size)
        fooled = np.flatnonzero(chance < np.clip((strength - _BUMP_LIMIT) / 0.04, 0, 0.9))
        table["Z"][fooled] = rng.normal(_FAKE_Z, _FAKE_SCATTER, strength.size)[fooled]
        table["SPECTYPE"][fooled], table["ZWARN"][fooled] = b"QSO", 0
        table["DELTACHI2"][fooled] = 60 * rng.lognormal(0, 0.6, strength.size)[fooled]
    for name, amplitude in task.faults:
        change = FAULTS[name].redshifts
        if change is not None and amplitude != 0:
            change(table, fibermap, amplitude, np.random.default_rng([task.seed, task.tile, task.petal, *name.encode()]))
    return table
