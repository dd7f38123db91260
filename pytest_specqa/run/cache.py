"""Products in memory: each is loaded once, and the oldest leave when the memory granted is full."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from pytest_specqa.errors import ProductError

T = TypeVar("T")


class ProductCache:
    """A least-recently-used cache that is bounded by bytes.

    Parameters
    ----------
    capacity : int
        Bytes that the products held may take; the one asked for last is always kept.

    Notes
    -----
    A product may grow after it is loaded, when a lazily read part is asked for; sizes are therefore taken anew at each load.
    A `ProductError` is remembered as well, so that a damaged file is read once.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._held: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, load: Callable[[], T]) -> T:
        """Return the product of `key`, loading it if it is not held.

        Raises
        ------
        ProductError
            As `load` raises it, now or the first time.
        """
        if key not in self._held:
            try:
                self._held[key] = load()
            except ProductError as error:
                self._held[key] = error
            self._shrink()
        self._held.move_to_end(key)
        found = self._held[key]
        if isinstance(found, ProductError):
            raise type(found)(*found.args)
        return found  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        """Bytes that are held now."""
        return sum(map(size, self._held.values()))

    def __contains__(self, key: Hashable) -> bool:
        """Tell whether `key` is held, which a caller need not know."""
        return key in self._held

    def _shrink(self) -> None:
        sizes = {key: size(product) for key, product in self._held.items()}
        total = sum(sizes.values())
        for key in list(self._held)[:-1]:
            if total <= self.capacity:
                break
            total -= sizes[key]
            del self._held[key]


def size(product: object, depth: int = 3) -> int:
    """Return the bytes of the arrays that a product holds, directly or in its attributes, mappings and sequences."""
    own = getattr(product, "nbytes", None)
    if isinstance(own, int):
        return own
    if depth == 0 or isinstance(product, str | bytes):
        return 0
    parts: list[object] = list(getattr(product, "__dict__", {}).values())
    if isinstance(product, dict):
        parts += product.values()
    elif isinstance(product, list | tuple):
        parts += product
    return sum(size(part, depth - 1) for part in parts)
