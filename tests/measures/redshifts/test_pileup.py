"""Redshift pile-ups: found where planted, not where galaxies cluster."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.special import logsumexp
from scipy.stats import nbinom

from pytest_specqa.measures.redshifts.clues import clue
from pytest_specqa.measures.redshifts.pileup import redshift_pileup
from pytest_specqa.measures.redshifts.reference import CLASSES, reference_density, structure_variance, target_classes
from pytest_specqa.measures.redshifts.scan import EDGES, N_BINS, STEP, WIDTH_TRIALS, Samples, least_likely_window

DARK = {"LRG": 125, "ELG": 180, "QSO": 125, "STD": 35, "SKY": 35}
BRIGHT = {"BGS": 360, "MWS": 80, "STD": 20, "SKY": 40}
SPARSE = {"BGS": 60, "MWS": 150, "STD": 60, "SKY": 230}
BITS = {"LRG": 1, "ELG": 34, "QSO": 4, "BGS": 1 << 60, "MWS": 1 << 61, "STD": 1 << 33, "SKY": 1 << 32}
FOUND, WARNED, SKY_FOUND = 4.0, 3.0, 3.0
"""Sigmas that count as found, as in the shipped limits."""
LIGHT_SPEED = 299792.458


def density_field(rng: np.random.Generator, *, petals: int) -> np.ndarray:
    """Lognormal density along the line of sight of each petal, with the variance of galaxies; petals of a tile share a part."""
    z = 0.5 * (EDGES[1:] + EDGES[:-1])
    own, shared = structure_variance(z, STEP), structure_variance(z, STEP, petals=10)
    damping = np.exp(-1.0 / 3.0)
    noise = rng.normal(size=(petals + 1, z.size))
    noise[:, 1:] *= math.sqrt(1 - damping**2)
    field = lfilter([1.0], [1.0, -damping], noise, axis=1)
    common = np.sqrt(np.log1p(shared) / np.log1p(own))
    spread = np.sqrt(np.log1p(own))
    return np.exp(spread * (common * field[-1] + np.sqrt(1 - common**2) * field[:-1]) - 0.5 * spread**2)


def survey(rng: np.random.Generator, *, petals: tuple[int, ...] = (6,), mix: dict[str, int] | None = None) -> dict[str, Any]:
    """Redshifts as redrock gives them: clustered galaxies, smooth quasars, stars at zero, and noise for failures and sky."""
    field = density_field(rng, petals=len(petals))
    z_bin = 0.5 * (EDGES[1:] + EDGES[:-1])
    table: dict[str, list[np.ndarray]] = {key: [] for key in ("z", "spectype", "bits", "zwarn", "fiber")}
    for row, petal in enumerate(petals):
        names = np.repeat(list(mix or DARK), list((mix or DARK).values()))
        names = rng.permutation(names)
        z, kind, warn = noise_redshifts(rng, names.size)
        for name in CLASSES:
            rows = np.flatnonzero(names == name)
            weight = reference_density(z_bin, name) * np.diff(EDGES)
            valid = rng.random(rows.size) < weight.sum()
            weight = weight * (field[row] if name != "QSO" else 1.0)
            place = rng.choice(z_bin.size, size=rows.size, p=weight / weight.sum())
            spot = EDGES[place] + rng.random(rows.size) * np.diff(EDGES)[place]
            z[rows] = np.where(valid, spot, z[rows])
            kind[rows] = np.where(valid, "QSO" if name == "QSO" else "GALAXY", kind[rows])
            warn[rows] = np.where(valid, 0, warn[rows])
        stars = np.isin(names, ["STD", "MWS"])
        z[stars], kind[stars], warn[stars] = rng.normal(scale=2e-4, size=stars.sum()), "STAR", 0
        for key, column in zip(
            table, (z, kind, np.array([BITS[n] for n in names]), warn, 500 * petal + np.arange(names.size)), strict=True
        ):
            table[key].append(column)
    out = {key: np.concatenate(columns) for key, columns in table.items()}
    return {**out, "is_sky": out["bits"] == BITS["SKY"]}


def noise_redshifts(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Redshifts of fits to noise: smooth over each template's range, a tenth at redshifts that noise prefers."""
    galaxy = rng.random(size) < 0.7
    z = np.where(galaxy, -0.005 + 1.705 * rng.random(size), 0.05 + 5.95 * rng.random(size) ** 2)
    liked = np.array([0.32, 0.66, 0.98, 1.21, 1.49, 1.62])
    prefers = galaxy & (rng.random(size) < 0.1)
    z = np.where(prefers, rng.choice(liked, size=size) + 0.01 * rng.normal(size=size), z)
    return z, np.where(galaxy, "GALAXY", "QSO").astype("<U6"), np.full(size, 4)


def judge(spectra: dict[str, Any], **changes: Any) -> Any:
    """Run the measure on simulated spectra."""
    arguments = {key: spectra[key] for key in ("fiber", "spectype", "is_sky", "zwarn")} | {"desi_target": spectra["bits"]}
    return redshift_pileup(changes.pop("z", spectra["z"]), **(arguments | changes))


def plant(spectra: dict[str, Any], rows: np.ndarray, *, z: float, width: float, kind: str, rng: np.random.Generator) -> None:
    """Give some spectra nearly the same redshift."""
    spectra["z"][rows] = z + width * rng.normal(size=rows.size)
    spectra["spectype"][rows] = kind


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20211014)


@pytest.mark.parametrize("mix", [DARK, BRIGHT, SPARSE], ids=["dark", "bright", "sparse"])
def test_clean_petals_pass(rng: np.random.Generator, mix: dict[str, int]) -> None:
    found = [judge(survey(rng, mix=mix)) for _ in range(25)]
    assert max(result.significance.value for result in found) < FOUND
    assert all(result.excess.value == 0.0 for result in found)


def test_clean_tile_passes(rng: np.random.Generator) -> None:
    found = judge(survey(rng, petals=tuple(range(10))))
    assert found.significance.value < FOUND
    assert found.examples.size == 0


def test_founding_case_is_found_and_explained(rng: np.random.Generator) -> None:
    spectra = survey(rng)
    rows = rng.choice(500, size=106, replace=False)
    plant(spectra, rows, z=4.35, width=0.03, kind="QSO", rng=rng)
    found = judge(spectra)
    assert found.significance.value > 15
    assert found.window is not None
    assert 4.2 < found.window[0] < 4.35 < found.window[1] < 4.5
    assert found.excess.value == pytest.approx(
        100 * np.count_nonzero(~spectra["is_sky"][rows]) / (~spectra["is_sky"]).sum(), rel=0.1
    )
    assert "Ly-alpha at z = 4.3" in found.significance.detail
    assert "middle of the r camera" in found.significance.detail
    assert set(found.examples) <= set(rows)
    assert found.significance.features[0].kind == "window"


def test_a_dozen_fake_quasars_are_enough(rng: np.random.Generator) -> None:
    hits = 0
    for _ in range(10):
        spectra = survey(rng)
        plant(spectra, np.flatnonzero(~spectra["is_sky"])[200:212], z=4.3, width=0.01, kind="QSO", rng=rng)
        hits += judge(spectra).significance.value > FOUND
    assert hits >= 8


def test_nine_in_one_fiber_group_are_enough(rng: np.random.Generator) -> None:
    hits = 0
    for _ in range(10):
        spectra = survey(rng)
        rows = np.flatnonzero(~spectra["is_sky"] & (spectra["fiber"] // 50 == 63))[:9]
        plant(spectra, rows, z=4.3, width=0.04, kind="QSO", rng=rng)
        hits += judge(spectra).significance.value > FOUND
    assert hits >= 8


def test_fibers_of_a_block_are_named(rng: np.random.Generator) -> None:
    spectra = survey(rng)
    plant(spectra, np.arange(150, 200), z=4.3, width=0.02, kind="QSO", rng=rng)
    assert judge(spectra).significance.fibers == ((3150, 3199),)


@pytest.mark.parametrize(("fibers", "z"), [(14, 0.8), (8, 0.8), (8, 0.25), (8, 1.0)])
def test_sky_fibers_have_a_search_of_their_own(rng: np.random.Generator, fibers: int, z: float) -> None:
    spectra = survey(rng)
    plant(spectra, np.flatnonzero(spectra["is_sky"])[:fibers], z=z, width=0.004, kind="GALAXY", rng=rng)
    found = judge(spectra, of_sky=True)
    assert found.significance.value > SKY_FOUND
    assert "sky fibers" in found.significance.detail
    assert judge(spectra).significance.value < WARNED


def test_sky_fibers_that_show_noise_are_quiet(rng: np.random.Generator) -> None:
    assert max(judge(survey(rng), of_sky=True).significance.value for _ in range(15)) < SKY_FOUND


@pytest.mark.parametrize(("count", "spread"), [(10, 30.0), (14, 90.0)])
def test_one_spectrum_in_forty_at_one_redshift_is_found(rng: np.random.Generator, count: int, spread: float) -> None:
    hits = 0
    for _ in range(8):
        spectra = survey(rng)
        rows = rng.choice(np.flatnonzero(~spectra["is_sky"]), count, replace=False)
        z = rng.uniform(0.2, 1.5)
        spectra["z"][rows] = (1 + z) * np.exp(spread / LIGHT_SPEED * rng.uniform(-0.5, 0.5, count)) - 1
        spectra["spectype"][rows] = "GALAXY"
        hits += judge(spectra).significance.value > FOUND
    assert hits >= 6


def test_spectra_of_exactly_one_redshift_are_found(rng: np.random.Generator) -> None:
    spectra = survey(rng)
    rows = np.flatnonzero(~spectra["is_sky"])[::30]
    spectra["z"][rows], spectra["spectype"][rows] = 0.71234567891234, "GALAXY"
    found = judge(spectra)
    assert found.significance.value > FOUND
    assert found.count >= rows.size


def test_a_sky_line_is_named_where_oxygen_falls_on_it(rng: np.random.Generator) -> None:
    spectra = survey(rng)
    rows = rng.choice(np.flatnonzero(~spectra["is_sky"]), 14, replace=False)
    spectra["z"][rows], spectra["spectype"][rows] = 0.4958 + rng.uniform(-2e-4, 2e-4, 14), "GALAXY"
    found = judge(spectra)
    assert found.significance.value > FOUND
    assert "[O II] at z = 0.496 is 5577 A: at [O I] 5579, a sky line (poor subtraction)" in found.significance.detail


def test_two_petals_that_share_a_redshift_fail_alone_and_together(rng: np.random.Generator) -> None:
    spectra = survey(rng, petals=tuple(range(10)))
    targets = np.flatnonzero(~spectra["is_sky"] & (spectra["bits"] != BITS["STD"]))
    rows = np.concatenate([rng.choice(targets[targets // 500 == petal], 16, replace=False) for petal in (6, 7)])
    spectra["z"][rows], spectra["spectype"][rows] = 0.7 * np.exp(1.5e-5 * rng.normal(size=32)), "GALAXY"
    assert judge(spectra).significance.value > FOUND
    for petal in (6, 7):
        one = {key: column[spectra["fiber"] // 500 == petal] for key, column in spectra.items()}
        assert judge(one).significance.value > FOUND


@pytest.mark.parametrize("dispersion", [200.0, 350.0, 800.0])
def test_members_of_a_cluster_have_velocities(rng: np.random.Generator, dispersion: float) -> None:
    for _ in range(6):
        spectra = survey(rng, mix=BRIGHT)
        rows = np.flatnonzero(spectra["bits"] == BITS["BGS"])[:25]
        spectra["z"][rows] = 1.12 * np.exp(dispersion / LIGHT_SPEED * rng.normal(size=25)) - 1
        assert judge(spectra).significance.value < FOUND


def test_lines_of_the_galaxy_are_told_apart(rng: np.random.Generator) -> None:
    spectra = survey(rng)
    rows = rng.choice(np.flatnonzero(~spectra["is_sky"]), 14, replace=False)
    spectra["z"][rows] = 6585.27 / 4862.68 * np.exp(5e-5 * rng.normal(size=14)) - 1
    spectra["spectype"][rows] = "GALAXY"
    found = judge(spectra)
    assert found.galactic.value > FOUND > found.significance.value
    assert "of the Galaxy" in found.galactic.detail


def test_quasars_beyond_redshift_four_are_few(rng: np.random.Generator) -> None:
    spectra = survey(rng)
    rows = rng.choice(np.flatnonzero(~spectra["is_sky"]), 27, replace=False)
    spectra["z"][rows], spectra["spectype"][rows] = rng.uniform(4.0, 6.0, 27), "QSO"
    assert judge(spectra).significance.value > FOUND


def test_steps_of_the_flux_are_known_by_their_redshifts(rng: np.random.Generator) -> None:
    hits = 0
    for _ in range(6):
        spectra = survey(rng)
        rows = rng.choice(np.flatnonzero(spectra["fiber"] // 25 % 20 < 2), 30, replace=False)
        spectra["z"][rows] = rng.choice([0.25, 0.5, 0.8, 3.6], 30) + 0.005 * rng.normal(size=30)
        spectra["spectype"][rows] = "GALAXY"
        hits += judge(spectra).significance.value > FOUND
    assert hits >= 5


def test_a_leak_over_the_whole_tile_is_found_where_no_petal_shows_it(rng: np.random.Generator) -> None:
    spectra = survey(rng, petals=tuple(range(10)))
    plant(spectra, rng.choice(5000, size=80, replace=False), z=1.021, width=0.001, kind="GALAXY", rng=rng)
    assert judge(spectra).significance.value > FOUND
    petal = spectra["fiber"] // 500 == 3
    assert judge({key: column[petal] for key, column in spectra.items()}).significance.value < FOUND


def test_three_adjacent_petals_are_named(rng: np.random.Generator) -> None:
    spectra = survey(rng, petals=tuple(range(10)))
    plant(spectra, 3000 + rng.choice(1500, size=120, replace=False), z=4.3, width=0.03, kind="QSO", rng=rng)
    found = judge(spectra)
    low, high = found.significance.features[0].fibers
    assert 3000 <= low < 3500
    assert 4000 < high <= 4499


def test_rich_cluster_in_a_bright_petal_is_no_fault(rng: np.random.Generator) -> None:
    spectra = survey(rng, mix=BRIGHT)
    bright = np.flatnonzero(spectra["bits"] == BITS["BGS"])
    plant(spectra, bright[:40], z=0.09, width=0.003, kind="GALAXY", rng=rng)
    assert judge(spectra).significance.value < FOUND


def test_wall_of_galaxies_over_the_tile_is_no_fault(rng: np.random.Generator) -> None:
    spectra = survey(rng, petals=tuple(range(10)))
    galaxies = rng.permutation(np.flatnonzero(np.isin(spectra["bits"], [BITS["LRG"], BITS["ELG"]])))
    plant(spectra, galaxies[:90], z=0.9, width=0.003, kind="GALAXY", rng=rng)
    assert judge(spectra).significance.value < FOUND


def test_spectra_without_data_or_known_to_be_bad_do_not_count(rng: np.random.Generator) -> None:
    spectra = survey(rng)
    spectra["z"][:60] = 3.9
    status = np.zeros(500, dtype=int)
    assert judge(spectra).significance.value > FOUND
    assert judge(spectra, zwarn=np.where(np.arange(500) < 60, 1 << 9, 0)).significance.value < FOUND
    status[:60] = 1 << 23
    assert judge(spectra, fiberstatus=status).significance.value < FOUND


def test_fibers_on_nothing_of_use_are_no_targets(rng: np.random.Generator) -> None:
    spectra = survey(rng)
    rows = rng.choice(np.flatnonzero(~spectra["is_sky"]), 30, replace=False)
    plant(spectra, rows, z=4.35, width=0.01, kind="QSO", rng=rng)
    assert judge(spectra).significance.value > FOUND
    of_use = ~np.isin(np.arange(len(spectra["z"])), rows) & ~spectra["is_sky"]
    assert judge(spectra, is_target=of_use).significance.value < FOUND


def test_stars_at_zero_are_normal(rng: np.random.Generator) -> None:
    spectra = survey(rng, mix={"MWS": 460, "SKY": 40})
    assert judge(spectra).significance.value < FOUND


def test_a_redshift_that_is_not_finite_is_never_a_pass(rng: np.random.Generator) -> None:
    z = survey(rng)["z"]
    z[3] = np.nan
    found = judge(survey(rng), z=z)
    assert math.isnan(found.significance.value)
    assert not found.significance.reason


def test_too_few_spectra_are_not_measured(rng: np.random.Generator) -> None:
    spectra = survey(rng)
    found = judge(spectra, zwarn=np.full(500, 1 << 9))
    assert "0 spectra" in found.significance.reason
    assert found.excess.reason


def test_without_targeting_bits_the_data_alone_decide(rng: np.random.Generator) -> None:
    spectra = survey(rng)
    assert judge(spectra, desi_target=None).significance.value < FOUND
    assert judge(spectra, desi_target=None).nz_expected.sum() == 0.0


@pytest.mark.parametrize(
    ("low", "high", "quasars", "words"),
    [
        (4.25, 4.45, True, "Ly-alpha at z = 4.35 is 6504 A: middle of the r camera"),
        (3.74, 3.76, True, "where the b and r cameras meet"),
        (0.793, 0.797, False, "middle of the r camera, where its amplifiers meet"),
    ],
)
def test_clue_names_line_and_camera(low: float, high: float, *, quasars: bool, words: str) -> None:
    assert words in clue(low, high, quasars=quasars)[0]


def test_clue_is_silent_where_no_line_is_seen() -> None:
    phrase, waves = clue(12.0, 12.1, quasars=False)
    assert phrase.startswith("cannot tell")
    assert waves is None


def test_reference_integrates_to_no_more_than_all_targets() -> None:
    z = np.linspace(0, 7, 7001)
    total = {name: float(np.trapezoid(reference_density(z, name), z)) for name in CLASSES}
    assert total["BGS"] == pytest.approx(0.98, abs=0.05)
    assert total["LRG"] == pytest.approx(0.94, abs=0.05)
    assert total["ELG"] == pytest.approx(0.58, abs=0.08)
    assert total["QSO"] == pytest.approx(0.52, abs=0.05)
    high = z > 4
    assert np.trapezoid(reference_density(z[high], "QSO"), z[high]) == pytest.approx(0.0012, rel=0.6)


def test_classes_follow_the_bits() -> None:
    assert list(target_classes([1, 34, 4, 1 << 60, 1 << 32, 1 | 4])) == ["LRG", "ELG", "QSO", "BGS", "", "QSO"]


def test_structure_is_stronger_in_small_and_near_volumes() -> None:
    assert structure_variance(0.1, 0.003) > structure_variance(0.1, 0.03) > structure_variance(1.0, 0.03)
    assert structure_variance(0.5, 0.01, petals=10) < structure_variance(0.5, 0.01)


@pytest.mark.parametrize("many", [400, 20_000])
def test_the_chance_of_a_window_is_negative_binomial_as_far_out_as_it_goes(many: int) -> None:
    counts = np.full((1, N_BINS), 50.0)
    counts[0, 500:502] = many / 2
    nothing, one = np.zeros_like(counts), np.ones(1)
    found = least_likely_window(Samples(counts, counts, nothing, one, nothing, nothing, one, one), walls=False)
    assert found is not None
    assert (found.count, found.low) == (many, EDGES[500])
    width = round(math.log((1 + found.high) / (1 + found.low)) / STEP)
    shape = found.expected**2 / found.error**2
    terms = nbinom.logpmf(np.arange(many, 20 * many), shape, shape / (shape + found.expected))
    chance = found.log_p - math.log(WIDTH_TRIALS * N_BINS / width)
    assert chance == pytest.approx(logsumexp(terms), rel=0.002, abs=0.02)


@pytest.mark.parametrize(
    ("patches", "ranges"),
    [
        ((2, 3), ((3100, 3199),)),
        ((2, 4), ((3100, 3149), (3200, 3249))),
        ((0, 2, 4, 6, 9), ((3000, 3149), (3200, 3249), (3300, 3349), (3450, 3499))),
    ],
)
def test_patches_that_touch_are_one_range_and_others_only_beyond_four(rng, patches, ranges) -> None:
    spectra = survey(rng)
    rows = np.flatnonzero(np.isin(np.arange(500) // 50, patches) & (np.arange(500) % 2 == 0))
    plant(spectra, rows, z=4.35, width=0.01, kind="QSO", rng=rng)
    assert judge(spectra).significance.fibers == ranges
