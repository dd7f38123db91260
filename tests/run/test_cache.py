"""Products stay in memory as long as there is room."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

from pytest_specqa.errors import MissingProductError, UnreachableError
from pytest_specqa.production.fibermap import Table
from pytest_specqa.run.cache import NightCache, ProductCache, size


@dataclass(frozen=True)
class Product:
    flux: np.ndarray

    @cached_property
    def late(self) -> np.ndarray:
        return np.zeros(1000, dtype="f4")


class Loader:
    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        self.calls = 0

    def __call__(self) -> Product:
        self.calls += 1
        return Product(np.zeros(self.nbytes, dtype="u1"))


def test_a_product_is_loaded_once():
    cache, load = ProductCache(10_000), Loader(100)
    assert cache.get("a", load) is cache.get("a", load)
    assert load.calls == 1


def test_the_product_asked_for_longest_ago_leaves_first():
    cache = ProductCache(250)
    for key in "ab":
        cache.get(key, Loader(100))
    cache.get("a", Loader(100))
    cache.get("c", Loader(100))
    assert ("a" in cache, "b" in cache, "c" in cache) == (True, False, True)
    assert cache.nbytes == 200


def test_a_product_larger_than_the_room_is_given_and_not_hoarded():
    cache, load = ProductCache(50), Loader(100)
    assert cache.get("a", load).flux.nbytes == 100
    cache.get("b", Loader(10))
    assert "a" not in cache


def test_what_a_product_loads_late_counts():
    cache = ProductCache(4500)
    assert cache.get("a", Loader(100)).late.nbytes == 4000
    cache.get("b", Loader(300))
    assert "a" in cache
    cache.get("c", Loader(300))
    assert "a" not in cache


def test_a_damaged_product_is_read_once_and_fails_each_time():
    calls = []

    def load() -> Product:
        calls.append(1)
        raise MissingProductError("no sframe")

    cache = ProductCache(100)
    for _ in range(3):
        with pytest.raises(MissingProductError, match="no sframe"):
            cache.get("a", load)
    assert len(calls) == 1


def test_size_counts_arrays_and_what_holds_them():
    assert size(Product(np.zeros(10, dtype="f4"))) == 40
    assert size({"a": np.zeros(3), "b": [np.zeros(2)]}) == 40
    assert size([np.zeros(3), {"a": np.zeros(2)}]) == 40
    assert size(b"bytes", "text", {"KEYWORD": 3}) == 0


def test_size_counts_the_tables_of_a_product_and_their_texts():
    table = Table(np.zeros(5, dtype=[("A", "S4")]), {}, Path("x.fits"))
    nbytes = table["A"].nbytes + 20
    assert size(Product(table)) == size(table) == nbytes
    assert size([Product(table)], {"same": table}) == nbytes


def test_an_array_that_two_products_share_counts_once():
    flux = np.zeros(10, dtype="f4")
    assert size(Product(flux), Product(flux)) == 40
    cache = ProductCache(1000)
    for key in "ab":
        cache.get(key, lambda: Product(flux))
    assert cache.nbytes == 40


def test_products_of_a_night_stay_while_it_lasts_and_there_is_room():
    cache, loads = NightCache(250), {name: Loader(100) for name in "abc"}
    for _ in range(3):
        for name, load in loads.items():
            assert cache.get(20211014, name, load).flux.nbytes == 100
    assert [load.calls for load in loads.values()] == [1, 1, 3], "the third finds no room, and takes none from the others"
    cache.get(20211015, "a", loads["a"])
    assert (loads["a"].calls, "b" in cache) == (2, False)


def test_a_damaged_product_of_a_night_is_read_once():
    calls = []

    def load() -> Product:
        calls.append(1)
        raise MissingProductError("no flat")

    cache = NightCache(100)
    for _ in range(3):
        with pytest.raises(MissingProductError, match="no flat"):
            cache.get(20211014, "r6", load)
    assert len(calls) == 1


@pytest.mark.parametrize("of", [ProductCache, NightCache])
@pytest.mark.parametrize("error", [MissingProductError, UnreachableError])
def test_what_no_server_gave_is_asked_for_again_by_the_next_unit_and_what_is_missing_is_not(of, error):
    cache, calls = of(1000), []
    night = (20211014,) if of is NightCache else ()

    def load():
        calls.append(1)
        raise error("no")

    for _ in range(2):
        with pytest.raises(error):
            cache.get(*night, "a", load)
    assert len(calls) == 1
    cache.forget_unreachable()
    with pytest.raises(error):
        cache.get(*night, "a", load)
    assert len(calls) == (2 if error is UnreachableError else 1)
