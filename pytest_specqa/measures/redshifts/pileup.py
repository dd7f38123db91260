"""Do too many spectra share one redshift?

Targets lie at many redshifts. A defect that looks the same in many spectra gives them the same one: the founding case was 106 of
500 spectra at z = 4.3, where a dip of the sky model looked like Lyman alpha.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri_exp

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.redshifts.clues import clue
from pytest_specqa.measures.redshifts.narrow import fewest_seen
from pytest_specqa.measures.redshifts.reference import CLASSES, reference_density, target_classes
from pytest_specqa.measures.redshifts.samples import (
    FEWEST,
    FEWEST_SKY,
    OTHER,
    SKY,
    TARGETS,
    Found,
    Spectra,
    narrow_sets,
    samples_of,
    scan,
    scan_closely,
    scan_known,
)
from pytest_specqa.measures.redshifts.scan import MINIMUM
from pytest_specqa.measures.statistics import FALSE_ALARM, Bools, Floats, Ints
from pytest_specqa.values import Feature, Measured

SEARCHES = 4.0
"""Ways to search: wide windows in two samples, narrow ones, and known redshifts."""
NODATA = 1 << 9
"""ZWARN bit of a spectrum without data; its redshift means nothing."""


@dataclass(frozen=True)
class RedshiftPileup:
    """What `redshift_pileup` found.

    Attributes
    ----------
    significance : Measured
        Gaussian sigmas of the least likely window after the search over all windows; negative where nothing stands out.
    excess : Measured
        Percent of the spectra that are too many in that window; 0 if its chance exceeds the false-alarm rate of a search.
    galactic : Measured
        Gaussian sigmas of the least likely narrow window at which emission of the Galaxy is read as a redshift: real light.
    window : tuple of float or None
        Redshift range of the least likely window.
    count : int
        Spectra in the window.
    expected, error : float
        What the window should hold, and the standard error of the difference.
    members : ndarray of int
        Positions of the spectra in the window, the most typical redshift first.
    nz_grid, nz_expected : ndarray, shape (n_bins,)
        Redshifts (bin centres, 0.05 wide) and the number of spectra per bin that the reference n(z) predicts.
    """

    significance: Measured
    excess: Measured
    galactic: Measured
    window: tuple[float, float] | None = None
    count: int = 0
    expected: float = 0.0
    error: float = 0.0
    members: Ints = field(default_factory=lambda: np.array([], dtype=np.intp))
    nz_grid: Floats = field(default_factory=lambda: np.arange(0.025, 6.0, 0.05))
    nz_expected: Floats = field(default_factory=lambda: np.zeros(120))

    @property
    def examples(self) -> Ints:
        """Positions of up to three spectra that show the excess; none where nothing is significant."""
        return self.members[: 3 if self.excess.value > 0 else 0]


def redshift_pileup(
    z: ArrayLike,
    *,
    fiber: ArrayLike,
    spectype: ArrayLike,
    is_sky: ArrayLike,
    zwarn: ArrayLike,
    is_target: ArrayLike | None = None,
    desi_target: ArrayLike | None = None,
    fiberstatus: ArrayLike | None = None,
    of_sky: bool = False,
    false_alarm: float = FALSE_ALARM,
    instrument: Instrument = DESI,
) -> RedshiftPileup:
    """Scan all redshifts for a window with more spectra than smooth n(z) and galaxy clustering explain.

    *Statistic*: the chance of the count in the least likely of all windows, over all targets and those of no galaxy sample, or over
    sky fibers. Windows are 600 km/s to 0.06 in ln(1+z) wide (`scan`), 30-240 km/s (`narrow`), or those where known faults put
    spectra (`known`); they are searched in a petal, its halves, patches and slit blocks and, for a tile, in runs of 1, 2, 3, 5 and
    10 adjacent petals. *Null distribution*: negative binomial; for wide windows the mean is the largest of the estimates from both
    sides, the left, the right, the reference n(z) of the targets, and the other petals; its variance has their counting errors, a
    shape error of 20 % and, for galaxies, the clustering of matter in a window of that volume, with a lognormal tail for rich
    clusters and an allowance for walls. Narrow windows are held against the spectra within 600 km/s of them, since members of a
    cluster or a wall have different velocities. The number of windows searched enters the significance.
    *Blind to*: redshifts below 0.01 (stars, and Galactic nebular emission fitted as a galaxy), fewer than 5 spectra, pile-ups
    wider than 0.06 in ln(1+z), and, where galaxies are common, to excesses wider than 240 km/s that a rich cluster can cause.

    Parameters
    ----------
    z : array_like, shape (n,)
        Redshifts of one petal or of a whole tile. A redshift that is not finite makes the result NaN, unless it has no data.
    fiber : array_like of int, shape (n,)
        FIBER 0-4999.
    spectype : array_like of str, shape (n,)
        ``GALAXY``, ``QSO`` or ``STAR``.
    is_sky : array_like of bool, shape (n,)
        Sky fibers.
    zwarn : array_like of int, shape (n,)
        ZWARN; only NODATA leaves a spectrum out, since a defect lowers the quality of a fit as easily as it fakes a good one.
    is_target : array_like of bool, shape (n,), optional
        Targets: what is neither that nor sky (OBJTYPE BAD) is left out; by default all that is not sky.
    desi_target : array_like of int, shape (n,), optional
        DESI_TARGET of the main survey, for the reference n(z); without it the data alone say what to expect.
    fiberstatus : array_like of int, shape (n,), optional
        FIBERSTATUS or COADD_FIBERSTATUS; spectra that it calls bad are left out.
    of_sky : bool
        Whether to judge the sky fibers rather than the targets.
    false_alarm : float
        Chance that noise makes `excess` different from 0.
    instrument : Instrument
        Knows the petals, the patches, the bands, and which bits of FIBERSTATUS make a spectrum useless.

    Returns
    -------
    RedshiftPileup
        Both numbers with the window, its fibers and what it points to.

    References
    ----------
    desispec pull request 1452 (the founding case); Naus 1965, JASA 60, 532 (scan statistics); Peebles 1980, sec. 36.
    """
    sky = np.asarray(is_sky, dtype=bool)
    keep = (np.asarray(zwarn).astype(np.int64) & NODATA) == 0
    if is_target is not None:
        keep &= sky | np.asarray(is_target, dtype=bool)
    if fiberstatus is not None:
        keep &= (np.asarray(fiberstatus).astype(np.int64) & instrument.unusable) == 0
    kind = np.char.strip(np.asarray(spectype).astype(str))
    classes = np.full(keep.shape, "", dtype="<U3") if desi_target is None else target_classes(desi_target, instrument)
    galaxy, number = (kind == "GALAXY") & ~sky, np.asarray(fiber).astype(np.int64)
    uncertain = np.asarray(zwarn).astype(np.int64) != 0
    spectra = Spectra(np.asarray(z, dtype=float), number, kind == "QSO", galaxy, classes, uncertain, instrument)
    if lost := np.count_nonzero(~np.isfinite(spectra.z[keep])):
        broken = Measured(float("nan"), detail=f"{lost} redshifts are not finite")
        return RedshiftPileup(broken, broken, broken)
    samples = {name: rows for name, rows in samples_of(classes, sky, keep=keep).items() if (name == SKY) == of_sky}
    if not samples:
        there = np.count_nonzero(keep & (sky == of_sky))
        fewest = f"{FEWEST_SKY} sky fibers" if of_sky else str(FEWEST)
        none = Measured.impossible(f"only {there} spectra with data: at least {fewest} are needed")
        return RedshiftPileup(none, none, none)
    result = _result(spectra, samples, false_alarm=false_alarm)
    return replace(result, nz_expected=_expected_nz(classes[keep & ~sky], result.nz_grid))


def _result(spectra: Spectra, samples: dict[str, Bools], *, false_alarm: float) -> RedshiftPileup:
    """Search every sample in every way."""
    found: list[tuple[str, Found]] = []
    galactic: list[tuple[str, Found]] = []
    for name, rows in samples.items():
        sample = spectra.select(rows)
        if (wide := scan(sample, walls=name == TARGETS)) is not None:
            found.append((name, wide))
        if name != OTHER:
            found += [(name, one) for one in scan_known(sample, sky=name == SKY)]
        if name == TARGETS:
            # Fits to the noise of sky fibers prefer the redshifts of some sky lines.
            close, real = scan_closely(sample)
            found += [(name, close)] if close is not None else []
            galactic += [(name, real)] if real is not None else []
    main = TARGETS if TARGETS in samples else next(iter(samples))
    whole = spectra.select(samples[main])
    log_limit = float(np.log(false_alarm / SEARCHES))
    reach = 100.0 * fewest_seen(narrow_sets(whole)[1][0], log_p=log_limit) / len(whole.z)

    def described(those: list[tuple[str, Found]]) -> RedshiftPileup:
        """Say what the least likely window is."""
        total = np.count_nonzero(samples[main])
        if not those:
            quiet = f"no window of the {total} spectra holds {MINIMUM}, and more than its surroundings let expect"
            nothing = Measured(_sigma(0.0), detail=quiet)
            return RedshiftPileup(nothing, replace(nothing, value=0.0, sensitivity=reach), nothing)
        name, best = min(those, key=lambda item: item[1].window.log_p)
        sigma = _sigma(best.window.log_p + float(np.log(SEARCHES)))
        positions = np.flatnonzero(samples[name])[best.inside]
        one = _describe(spectra.select(samples[name]), best, name=name, sigma=sigma, reach=reach, false_alarm=false_alarm)
        return replace(one, members=positions[_most_typical_first(spectra.z[positions])])

    return replace(described(found), galactic=described(galactic).significance)


def _most_typical_first(z: Floats) -> Ints:
    return np.argsort(np.abs(z - np.median(z)))


def _expected_nz(classes: NDArray[np.str_], grid: Floats) -> Floats:
    step = float(grid[1] - grid[0])
    return np.asarray(
        sum(step * np.count_nonzero(classes == name) * reference_density(grid, name) for name in CLASSES), dtype=float
    )


def _sigma(log_number: float) -> float:
    """Gaussian sigmas of the chance that at least one of so many expected events happens."""
    log_p = np.log(-np.expm1(-np.exp(min(log_number, 3.0)))) if log_number > -30.0 else log_number
    return float(-ndtri_exp(log_p))


def _describe(spectra: Spectra, found: Found, *, name: str, sigma: float, reach: float, false_alarm: float) -> RedshiftPileup:
    window, inside = found.window, found.inside
    total, fibers = len(spectra.z), spectra.fiber[inside]
    too_many = window.count - window.expected
    error = float(np.hypot(np.sqrt(window.expected), window.error))
    groups = _rich_patches(fibers, everywhere=spectra.fiber, patch=spectra.instrument.patch)
    digits = 2 if window.high - window.low > 0.05 else 3 if window.high - window.low > 0.002 else 4
    hint, waves = clue(window.low, window.high, quasars=bool(np.mean(spectra.quasar[inside]) > 0.5), instrument=spectra.instrument)
    detail = (
        f"{window.count} of {total} {'' if name == TARGETS else name + ' '}at {window.low:.{digits}f} < z < "
        f"{window.high:.{digits}f} (expected {window.expected:.1f} +- {error:.1f}), fibers "
        + ", ".join(f"{first}-{last}" for first, last in groups)
        + (f"; {hint}" if hint else "")
    )
    feature = Feature(
        kind="window",
        fibers=(int(fibers.min()), int(fibers.max())),
        waves=(window.low, window.high),
        amplitude=too_many,
        error=error,
        significance=sigma,
        unit="spectra",
        label=f"{window.count} at z = {0.5 * (window.low + window.high):.2f}",
    )
    significance = Measured(sigma, fibers=groups, waves=waves, detail=detail, features=(feature,))
    significant = sigma >= -ndtri_exp(np.log(false_alarm))
    excess = replace(
        significance,
        value=100.0 * too_many / total if significant else 0.0,
        error=100.0 * error / total,
        sensitivity=reach,
    )
    return RedshiftPileup(
        significance,
        excess,
        significance,
        window=(window.low, window.high),
        count=window.count,
        expected=window.expected,
        error=error,
    )


def _rich_patches(inside: Ints, *, everywhere: Ints, patch: int) -> tuple[tuple[int, int], ...]:
    """Ranges of whole patches that hold the members; at most four, bridging the smallest gaps."""
    share = len(inside) / max(len(everywhere), 1)
    group, number = np.unique(inside // patch, return_counts=True)
    size = np.array([np.count_nonzero(everywhere // patch == g) for g in group])
    rich = group[number >= np.maximum(0.5 * share * size, 1.0)]
    ranges = [[int(g), int(g)] for g in rich]
    while len(ranges) > 1:
        gaps = [after[0] - before[1] for before, after in pairwise(ranges)]
        k = int(np.argmin(gaps))
        if gaps[k] > 1 and len(ranges) <= 4:
            break
        ranges[k : k + 2] = [[ranges[k][0], ranges[k + 1][1]]]
    return tuple((patch * first, patch * last + patch - 1) for first, last in ranges)
