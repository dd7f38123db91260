"""What a process is told before numpy is loaded: one thread for linear algebra, as whole processes share out the cores."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that libraries of linear algebra read when they are loaded."""


def single_threaded(environ: MutableMapping[str, str]) -> None:
    """Ask for one thread of linear algebra in this process and those that it starts, unless the user has asked for another number.

    The matrices here are small: threads that wait for them cost as much CPU time again.
    """
    if "numpy" not in sys.modules:
        for name in THREADS:
            environ.setdefault(name, "1")
