"""What the figures of the page are drawn from: spectra of all fibers, images of some cameras, and where to look in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pytest_specqa.look import fibers as who
from pytest_specqa.look import figures
from pytest_specqa.look.ccdrows import USUAL_BEND, Bend
from pytest_specqa.look.choice import Choice
from pytest_specqa.look.light import REBIN, CameraLight, block_mean
from pytest_specqa.look.night import sky_rows, zscale
from pytest_specqa.look.pack import fine_step, pack
from pytest_specqa.look.words import LAYER, VIEWER
from pytest_specqa.measures.frames.amplifiers import has_two_amplifiers
from pytest_specqa.measures.statistics import nan_median
from pytest_specqa.triage import worst_first
from pytest_specqa.values import Outcome, Record

BRIGHT = 1.0
"""Half ranges of the colour scale beyond which a target is drawn as a ring: its own light says nothing of the sky."""
BOXES = 5
"""Places of findings that are outlined in an image."""


def page_data(
    choice: Choice,
    lights: Sequence[CameraLight],
    columns: Mapping[str, list[Any]],
    *,
    bends: Mapping[str, Bend],
    coarse: int,
    roots: int,
) -> dict[str, Any]:
    """Collect what look.js draws from.

    Parameters
    ----------
    choice : Choice
        What is looked at.
    lights : sequence of CameraLight
        Cameras of the band in order of petal.
    columns : mapping of str to list
        As `fibers.fiber_columns` gives them.
    bends : mapping of str to Bend
        Where CCD rows lie, for each camera with images.
    coarse : int
        Pixels of the images that are averaged.
    roots : int
        Figures of the page, which must be there before anything is drawn.

    Returns
    -------
    dict
        Ready for JSON: fluxes in electron/Angstrom, wavelengths in Angstrom, images by camera in the order of the choice.
    """
    return {
        "band": choice.band,
        "wave": [round(float(wave), 2) for wave in lights[0].wave],
        "rebin": REBIN,
        "pixel": float(np.median(np.diff(lights[0].grid))),
        "window": list(choice.window),
        "fibers": list(choice.fibers) if choice.fibers else None,
        "start": _start(choice, columns),
        "is_sky": [int(bool(one)) for one in columns["is_sky"]],
        "bright": BRIGHT,
        "reach": figures.plane_reach(columns),
        "bend": USUAL_BEND,
        "roots": roots,
        "viewer": VIEWER,
        "layer": LAYER,
        "ra": columns["ra"],
        "dec": columns["dec"],
        "cameras": [_spectra(light) for light in lights],
        "images": {
            light.camera: _image(light, choice, bends[light.camera], coarse)
            for name in choice.cameras
            for light in lights
            if light.camera == name and light.images
        },
    }


def _start(choice: Choice, columns: Mapping[str, list[Any]]) -> int:
    """Fiber whose spectrum is shown first: the one with the largest residual of those that are marked and hold no bright target."""
    first, last = choice.fibers or (0, 10**9)
    rows = [
        (abs(after), fiber)
        for fiber, after, sky in zip(columns["fiber"], columns["after"], columns["is_sky"], strict=True)
        if after is not None and first <= fiber <= last and sky
    ]
    inside = [fiber for fiber in columns["fiber"] if first <= fiber <= last]
    return int(max(rows)[1] if rows else (inside or columns["fiber"])[0])


def _spectra(light: CameraLight) -> dict[str, Any]:
    step = fine_step(light.residual)
    return {
        "name": light.camera,
        "first": int(light.fiber[0]),
        "count": len(light.fiber),
        "sky": [int(row) for row in np.flatnonzero(light.is_sky)],
        "residual": pack(light.residual, step=step),
        "sky_model": pack(light.sky, step=step, delta=True),
    }


def _image(light: CameraLight, choice: Choice, bend: Bend, coarse: int) -> dict[str, Any]:
    sframe, sky = (block_mean(light.images[name], across=coarse) for name in ("sframe", "sky"))
    step = fine_step(sframe)
    known = bool(np.isfinite(sky).any())
    limits = {"sframe": zscale(sky_rows(sframe, light))}
    if known:
        middle = nan_median(sky, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            limits |= {"sky": zscale(sky), "frame": zscale(sframe + sky), "ratio": zscale(100 * (sky / middle - 1))}
    pixel = float(np.median(np.diff(light.grid)))
    return {
        "first": int(light.fiber[0]),
        "count": len(light.fiber),
        "start": float(light.grid[:coarse].mean()),
        "step": pixel * coarse,
        "bins": sframe.shape[1],
        "limits": {name: list(pair) for name, pair in limits.items()},
        "sframe": pack(sframe, step=step),
        "sky": pack(sky, step=step, delta=True) if known else None,
        "two_amp": has_two_amplifiers(light.header),
        "middle": round(float(bend.boundary[len(bend.boundary) // 2]), 2),
        "bend": _bend(bend) if bend.traced else None,
        "boxes": _boxes(choice.shown, light),
    }


def _bend(bend: Bend) -> dict[str, Any]:
    return {
        "knots": [round(float(knot), 2) for knot in bend.knots],
        "shift": [[round(float(one), 2) for one in row] for row in bend.shift],
        "boundary": who.rounded(bend.boundary, 2),
    }


def _boxes(records: Sequence[Record], light: CameraLight) -> dict[str, list[float]]:
    """Places of what the worst measures found in a camera, worst first."""
    found: dict[tuple[float, float, float, float], None] = {}
    for record in worst_first(one for one in records if one.get("camera") == light.camera):
        if record["outcome"] == Outcome.FAILED or not found:
            for feature in record.get("features") or []:
                (first, last), (low, high) = feature["fibers"], feature["waves"]
                if light.grid[0] - 1 <= low <= high <= light.grid[-1] + 1:
                    found[low - 3, high + 3, first - 0.5, last + 0.5] = None
    kept = list(found)[:BOXES]
    return {name: [box[k] for box in kept] for k, name in enumerate(("left", "right", "bottom", "top"))}
