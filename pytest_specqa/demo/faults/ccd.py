"""Faults of the CCD and its electronics: curved, or bounded by amplifiers."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from pytest_specqa.demo.exposure import BADCOLUMN, Exposure
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.leaks import camera_cosmic_redshifts, fake_break_redshifts
from pytest_specqa.demo.faults.place import (
    F32,
    FIBER_PITCH,
    amplifiers,
    draw_amplifier,
    draw_block,
    everywhere,
    pixel_rows,
    touched,
)
from pytest_specqa.demo.templates import STEP, derivatives
from pytest_specqa.instrument import DESI

_NOISE_TO_FLUX = 2.1


def _cte_offset(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    amp = draw_amplifier(state, rng)
    first, last = (0, 250) if amp % 2 == 0 else (250, 500)
    edge = int(rng.integers(first + 60, last - 60))
    beyond = np.zeros(DESI.fibers, dtype=bool)
    beyond[first:edge] = True
    where = (amplifiers(state) == amp) & beyond[:, None]
    state.counts += where * np.float32(amplitude) * (1 - np.exp(-np.maximum(state.counts, 0) / 20))
    return touched(state, where)


def _amp_bias_step(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    chosen = draw_amplifier(state, rng)
    offsets = rng.uniform(-0.3, 0.3, 4)
    offsets[chosen] = 1.0
    knots = np.arange(-600, 5000, 400)
    drift = np.stack([np.interp(np.arange(-600, 5000), knots, rng.normal(0, 0.15, knots.size)) for _ in range(4)])
    amp = amplifiers(state)
    row = np.clip(pixel_rows(state) + 600, 0, drift.shape[1] - 1).astype(np.int64)
    state.counts += np.float32(amplitude) * (offsets[amp] + drift[amp, row]).astype(np.float32)
    return touched(state, amp == chosen)


def _dark_trail(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    sky = state.typical_sky
    bright = sky > 0.1 * sky.max()
    change = np.zeros(state.counts.shape, dtype=np.float32)
    for fiber in rng.permutation(DESI.fibers - 6)[:20]:
        for step in range(1, 6):
            change[fiber + step] -= np.float32(amplitude * np.exp(-step / 2)) * bright
    state.counts += change
    return touched(state, change != 0)


def _noisy_amp(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    where = amplifiers(state) == draw_amplifier(state, rng)
    stripes = rng.normal(0, 0.3, 5600).astype(np.float32)
    row = np.clip(pixel_rows(state) + 600, 0, stripes.size - 1).astype(np.int64)
    noise = stripes[row] + np.float32(0.95) * rng.standard_normal(state.counts.shape, dtype=np.float32)
    state.counts += where * (np.float32(_NOISE_TO_FLUX * amplitude) * noise)
    return touched(state, where)


def _bright_column(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    fiber = int(rng.integers(5, DESI.fibers - 5))
    wave = state.template.wave
    bend = 4.0 * ((wave - wave.mean()) / 1000) ** 2
    offset = FIBER_PITCH * (np.arange(DESI.fibers)[:, None] - fiber) + bend - rng.uniform(0, 3)
    start = rng.uniform(0.0, 0.4) * wave.size
    bins = np.arange(wave.size)
    profile = np.exp(-0.5 * (offset / 1.5) ** 2) * ((bins > start) & (bins < start + 0.5 * wave.size))
    change = np.float32(amplitude) * profile.astype(np.float32)
    state.counts += change
    state.variance += np.maximum(change, 0) / np.float32(STEP)
    return touched(state, profile > 0.1)


def _charge_trap(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    fiber = int(rng.integers(0, DESI.fibers - 1))
    start = int(rng.uniform(0.2, 0.8) * state.counts.shape[1])
    rows, decay = np.array([fiber, fiber + 1]), np.exp(-1 / 22)
    tail = lfilter([1 - decay], [1, -decay], state.counts[rows, start:], axis=1)
    state.counts[rows, start:] += (amplitude * (tail - state.counts[rows, start:])).astype(np.float32)
    return Place(rows, (float(state.template.wave[start]), float(state.template.wave[-1])))


def _ccd_glow(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    fibers = np.arange(DESI.fibers) if rng.random() < 0.5 else np.arange(DESI.fibers)[::-1]
    rows = pixel_rows(state)
    radius = np.hypot(rows - rows.min(), (FIBER_PITCH * fibers[:, None]).astype(np.float32))
    glow = np.float32(amplitude) * np.exp(-radius / np.float32(200))
    state.counts += glow
    state.variance += np.maximum(glow, 0) / np.float32(STEP)
    return touched(state, radius < 200)


def _bad_bias(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    where = amplifiers(state) == draw_amplifier(state, rng)
    phase = rng.uniform(0, 2 * np.pi)
    wave: F32 = np.sin(pixel_rows(state) * np.float32(2 * np.pi / 37) + np.float32(phase))
    state.counts += where * (np.float32(amplitude) * wave)
    return touched(state, where)


def _row_timing(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    u = ((np.arange(DESI.fibers) - 250) / 250).astype(np.float32)[:, None]
    centre = np.float32(2064 + rng.normal(0, 5))
    shift = np.float32(amplitude) * np.exp(-0.5 * ((pixel_rows(state) - centre) / 80) ** 2) * u**2
    state.counts -= shift * derivatives(state.counts)[0]
    return touched(state, np.abs(shift) > 0.1 * abs(amplitude))


def _gain_missing(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    gain = np.float32(1 + amplitude)
    photons = np.maximum(state.counts, 0) / np.float32(STEP)
    believed = photons / gain + (state.variance - photons) / gain**2
    state.flux /= gain
    state.ivar = np.where(state.ivar > 0, 1 / believed, 0).astype(np.float32)
    return everywhere(state)


def _cosmics(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    n_hits = int(rng.poisson(abs(amplitude)))
    fibers = rng.integers(0, DESI.fibers, n_hits)
    first = rng.integers(0, state.flux.shape[1] - 3, n_hits)
    change = np.zeros(state.flux.shape, dtype=bool)
    for fiber, start in zip(fibers, first, strict=True):
        width = int(rng.integers(1, 4))
        hit = slice(start, start + width)
        state.flux[fiber, hit] += np.float32(rng.uniform(5, 100)) * np.sqrt(state.variance[fiber, hit])
        change[fiber, hit] = True
    return touched(state, change)


def _false_rejection(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    where = amplifiers(state) == draw_amplifier(state, rng)
    rows = pixel_rows(state)
    low, high = rows[where].min(), rows[where].max()
    where &= rows <= low + np.float32(min(abs(amplitude), 1.0)) * (high - low)
    state.mask[where] |= BADCOLUMN
    state.ivar[where] = 0
    return touched(state, where)


def _ringing(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    rows = np.unique(np.concatenate([draw_block(rng, 25) for _ in range(4)]))
    bins = np.arange(state.flux.shape[1])
    wave = np.where(bins % 2 == 0, 1, -1) * (0.6 + 0.4 * np.sin(2 * np.pi * bins / 400 + rng.uniform(0, 6)))
    state.flux[rows] += np.float32(amplitude) * np.sqrt(state.variance[rows]) * wave.astype(np.float32)
    return everywhere(state, rows)


_ELECTRONS = "electron/Angstrom"
CCD_FAULTS = (
    Fault(
        "cte_offset",
        "F01",
        "desispec#1826",
        "ccd",
        _ELECTRONS,
        6.0,
        "A serial-register trap offsets all fibers beyond a column in one amplifier.",
        cause="amplifier_level",
        camera=_cte_offset,
        persistent=True,
        redshifts=fake_break_redshifts((0.8,), share=0.3 / 6),
    ),
    Fault(
        "amp_bias_step",
        "F03",
        "desispec#1518",
        "ccd",
        _ELECTRONS,
        10.0,
        "The bias of an amplifier is off and drifts along the rows: a step at its boundary.",
        cause="amplifier_level",
        camera=_amp_bias_step,
        redshifts=fake_break_redshifts((0.25, 0.5), share=0.3 / 10),
    ),
    Fault(
        "dark_trail",
        "F04",
        "desispec#1619",
        "ccd",
        _ELECTRONS,
        5.0,
        "After much charge the amplifier is depressed: fibers next to some go low at bright-line rows.",
        cause="amplifier_level",
        camera=_dark_trail,
    ),
    Fault(
        "noisy_amp",
        "F05",
        "desispec#1775",
        "ccd",
        "electron/pixel",
        9.5,
        "One amplifier has more noise, part of it in stripes along rows, that ivar does not know.",
        cause="amplifier_noise",
        camera=_noisy_amp,
        persistent=True,
    ),
    Fault(
        "bright_column",
        "F06",
        "desispec#1346",
        "ccd",
        _ELECTRONS,
        15.0,
        "A hot column shines where a trace crosses it.",
        cause="ccd_defect",
        camera=_bright_column,
        persistent=True,
    ),
    Fault(
        "charge_trap",
        "F08",
        "desispec#1956",
        "ccd",
        "1",
        0.2,
        "A trap delays charge of one column: two fibers get tails redward of one wavelength.",
        cause="ccd_defect",
        camera=_charge_trap,
        persistent=True,
    ),
    Fault(
        "ccd_glow",
        "F10",
        "desispec#924",
        "ccd",
        _ELECTRONS,
        30.0,
        "The CCD glows in a corner at the blue end.",
        cause="ccd_glow",
        camera=_ccd_glow,
        persistent=True,
    ),
    Fault(
        "bad_bias",
        "F11",
        "desispec#2737",
        "ccd",
        _ELECTRONS,
        10.0,
        "A bad nightly bias leaves a wave along the rows of one amplifier.",
        cause="amplifier_level",
        camera=_bad_bias,
        persistent=True,
    ),
    Fault(
        "row_timing",
        "F15",
        "desispec#2473",
        "ccd",
        "Angstrom",
        0.2,
        "Rows at the middle of the CCD are displaced, at the slit ends only.",
        cause="ccd_rows",
        camera=_row_timing,
        persistent=True,
    ),
    Fault(
        "gain_missing",
        "F12",
        "desispec#2586",
        "frame",
        "1",
        0.5,
        "Counts were never multiplied by the gain.",
        cause="gain",
        camera=_gain_missing,
    ),
    Fault(
        "unmasked_cosmics",
        "F13",
        "desispec#2563",
        "frame",
        "hits",
        20.0,
        "Cosmic rays of 1-3 bins that nothing masks.",
        cause="cosmic_rays",
        camera=_cosmics,
        redshifts=camera_cosmic_redshifts,
    ),
    Fault(
        "false_rejection",
        "F14",
        "desispec#1934",
        "frame",
        "1",
        1.0,
        "Good data of one quadrant are masked.",
        cause="masking",
        camera=_false_rejection,
        product="frame.mask",
    ),
    Fault(
        "extraction_ringing",
        "F19",
        "desispec#340",
        "frame",
        "sigma",
        0.3,
        "Neighbouring bins of some bundles ring with opposite signs.",
        cause="extraction",
        camera=_ringing,
    ),
)
