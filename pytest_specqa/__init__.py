"""Data-quality expectations for spectroscopic surveys, as a pytest plugin.

What checks of one's own import comes from here; products of a production, for annotations, from `pytest_specqa.production`.
Everything else may change from one version to the next.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

from pytest_specqa.errors import LimitError, ProductError, SpecQAError, UsageError
from pytest_specqa.values import DataUnit, Feature, Limit, Measured, Outcome, Severity

if TYPE_CHECKING:
    from pytest_specqa.checks.check import Expect

__all__ = [
    "DataUnit",
    "Expect",
    "Feature",
    "Limit",
    "LimitError",
    "Measured",
    "Outcome",
    "ProductError",
    "Severity",
    "SpecQAError",
    "UsageError",
    "__version__",
]

if not (Path(__file__).parent / "qa_tests").is_dir():
    # In an editable install the expectations lie beside the package: pytest --pyargs pytest_specqa.qa_tests finds them there.
    __path__.append(str(Path(__file__).parents[1]))


def __getattr__(name: str) -> Any:
    """Import `Expect` when it is asked for: a notebook that wants a `Measured` needs no pytest."""
    if name == "Expect":
        from pytest_specqa.checks.check import Expect  # noqa: PLC0415

        return Expect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
