"""Records in little memory: the texts that thousands of them repeat are kept once."""

from __future__ import annotations

from typing import Any, cast

from pytest_specqa.values import Record


class Texts:
    """Texts seen so far; a record of a night takes a third of the memory when it shares them."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def shared(self, record: Record) -> Record:
        """Return the same record, made of texts that others have too; lists are its own."""
        return cast(Record, {self._once(key): self._value(value) for key, value in record.items()})

    def _once(self, text: str) -> str:
        return self._seen.setdefault(text, text)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._once(value)
        if isinstance(value, list) and value and isinstance(value[0], str):
            return [self._once(one) if isinstance(one, str) else one for one in value]
        return value
