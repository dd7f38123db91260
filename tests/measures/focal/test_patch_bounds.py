"""How few fibers make a place of the focal plane, and how many of them make a patch of the slit that is named."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.focal.places import FEWEST, full_patches, places


@pytest.mark.parametrize(("close", "round_patches"), [(FEWEST, True), (FEWEST - 1, False)])
def test_a_round_patch_has_at_least_so_many_fibers(close, round_patches):
    """All known fibers lie within a few mm."""
    x = np.where(np.arange(40) < close, 0.1 * np.arange(40), np.nan)
    found = places(np.arange(40), x, 0 * x)
    assert bool((found.petal < 0).any()) == round_patches
    assert set(found.member.toarray()[found.petal < 0].sum(axis=1)) == ({close} if round_patches else set())


def test_patches_of_the_slit_are_named_with_their_petal():
    fiber = np.concatenate([np.arange(480, 520), np.arange(1030, 1060)])
    found = places(fiber, np.full(fiber.size, np.nan), np.full(fiber.size, np.nan))
    assert found.names == ("fibers 450-499", "fibers 500-549", "fibers 1000-1049", "fibers 1050-1099")
    assert found.petal.tolist() == [0, 1, 2, 2]
    assert found.member.toarray().sum(axis=1).tolist() == [20, 20, 20, 10]


def test_a_patch_is_named_whole_from_a_fifth_of_its_fibers_on():
    members = np.concatenate([np.arange(100, 110), np.arange(150, 159), np.arange(200, 230)])
    assert full_patches(members, patch=50) == ((200, 249), (100, 149))


def test_the_three_fullest_patches_are_named():
    members = np.concatenate([np.arange(first, first + size) for first, size in ((0, 11), (50, 40), (100, 12), (150, 20))])
    assert full_patches(members, patch=50) == ((50, 99), (150, 199), (100, 149))


def test_members_that_fill_no_patch_are_named_from_first_to_last():
    assert full_patches(np.array([7, 60, 312]), patch=50) == ((7, 312),)
