"""Products in memory: each is loaded once, and leaves when the memory granted is full."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from pytest_specqa.errors import ProductError, UnreachableError

T = TypeVar("T")
DEPTH = 3
"""How deep arrays lie in a product: the columns of a table of a petal are text by name, in an attribute of an attribute."""


class Held:
    """Products by name, with the errors of those that cannot be read: a damaged file is read once.

    That a server did not give a file is held too, so that one that is down costs one round of retries for each file of a unit and
    not one for each check; `forget_unreachable` ends that.
    """

    def __init__(self) -> None:
        self._held: OrderedDict[Hashable, Any] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        """Tell whether `key` is held, which a caller need not know."""
        return key in self._held

    @property
    def nbytes(self) -> int:
        """Bytes that are held now."""
        return size(*self._held.values())

    def forget_unreachable(self) -> None:
        """Forget which products no server gave: whoever asks for them from now on has them asked for anew."""
        for key in [key for key, found in self._held.items() if isinstance(found, UnreachableError)]:
            del self._held[key]

    @staticmethod
    def _load(load: Callable[[], T]) -> T | ProductError:
        try:
            return load()
        except ProductError as error:
            return error

    @staticmethod
    def _given(found: Any) -> Any:
        if isinstance(found, ProductError):
            raise type(found)(*found.args)
        return found


class ProductCache(Held):
    """A least-recently-used cache that is bounded by bytes.

    Parameters
    ----------
    capacity : int
        Bytes that the products held may take; the one asked for last is always kept.

    Notes
    -----
    A product may grow after it is loaded, when a lazily read part is asked for; sizes are therefore taken anew at each load.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity

    def get(self, key: Hashable, load: Callable[[], T]) -> T:
        """Return the product of `key`, loading it if it is not held.

        Raises
        ------
        ProductError
            As `load` raises it, now or the first time.
        """
        if key not in self._held:
            self._held[key] = self._load(load)
            while len(self._held) > 1 and self.nbytes > self.capacity:
                self._held.popitem(last=False)
        self._held.move_to_end(key)
        given: T = self._given(self._held[key])
        return given


class NightCache(Held):
    """Products that every exposure of a night asks for: they stay while the night lasts, as many as there is room for.

    Where the oldest leave, none of them is held when it is asked for again, camera by camera and exposure by exposure.

    Parameters
    ----------
    capacity : int
        Bytes that the products held may take.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self._night: int | None = None

    def get(self, night: int, key: Hashable, load: Callable[[], T]) -> T:
        """Return the product of a night, loading it if it is not held.

        Raises
        ------
        ProductError
            As `load` raises it, now or the first time.
        """
        if night != self._night:
            self._held.clear()
            self._night = night
        found = self._held[key] if key in self._held else self._load(load)
        if key not in self._held and self.nbytes + size(found) <= self.capacity:
            self._held[key] = found
        given: T = self._given(found)
        return given


def size(*products: object) -> int:
    """Return the bytes of the arrays that products hold; an array that several share counts once.

    Attributes count, those of tables in an attribute too, and what sequences and mappings hold. Headers do not: they have hundreds
    of cards, and are looked at with every load.
    """
    arrays: dict[int, int] = {}
    for product in products:
        _count(product, arrays, depth=DEPTH)
    return sum(arrays.values())


def _count(part: object, arrays: dict[int, int], *, depth: int) -> None:
    nbytes = getattr(part, "nbytes", None)
    if isinstance(nbytes, int):
        arrays[id(part)] = nbytes
    elif depth:
        for inner in _parts(part):
            _count(inner, arrays, depth=depth - 1)


def _parts(whole: object) -> Iterable[object]:
    if isinstance(whole, list | tuple):
        return whole
    if isinstance(whole, dict):
        return () if isinstance(next(iter(whole.values()), ""), str | int | float) else whole.values()
    return getattr(whole, "__dict__", {}).values()
