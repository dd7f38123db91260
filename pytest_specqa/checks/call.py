"""Calling an expectation: however it ends, it becomes records. The one runner, in a run of pytest and in trials alike."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_specqa.checks.check import Check
from pytest_specqa.errors import ProductError, UnreachableError
from pytest_specqa.values import NoValue

Stops = tuple[type[BaseException], ...]


class NotExpected(Exception):  # noqa: N818 - a reason, not an error: the outcome is "not measured"
    """A product that is absent as planned; the text says why."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let what happens in this block depend on neither the filters of warnings nor the floating-point errors set outside.

    A warning stays a warning, whoever has made errors of them; those of arithmetic are none, as every measure judges what is not
    finite itself.
    """
    import numpy as np  # noqa: PLC0415

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@contextmanager
def recorded(check: Check, *, skips: Stops = (), stops: Stops = ()) -> Iterator[None]:
    """Record in `check` how the test that is called in this block ends.

    Parameters
    ----------
    check : Check
        Afterwards it holds at least one measurement: a product that is absent as planned and a skip are *not measured*; a
        file that its server did not give is *unreachable*; an unusable product, a crash and a test that measured nothing are
        failures.
    skips : tuple of exception types
        With what the test framework says that there is nothing to judge.
    stops : tuple of exception types
        With what it ends a test early, where that is no `Exception`; it counts as a crash.

    Raises
    ------
    Exception
        What the test crashed with, once it is recorded; all else ends here.
    """
    crashes: Stops = (Exception, *stops)
    try:
        with undisturbed():
            yield
    except NotExpected as reason:
        check.not_measured(NoValue.PRODUCT, str(reason))
    except UnreachableError as error:
        check.unreachable(str(error))
    except ProductError as error:
        check.fail(NoValue.PRODUCT, str(error))
    except skips as reason:
        check.not_measured(NoValue.SKIPPED, str(getattr(reason, "msg", reason)))
    except crashes as error:
        check.fail(NoValue.CRASH, f"{type(error).__name__}: {error}")
        check.crashed = True
        raise
    finally:
        if not check.measurements:
            hint = "a test must call expect at least once, or expect.not_expected(reason)"
            check.fail(NoValue.NOTHING, f"made no measurement: {hint}")
