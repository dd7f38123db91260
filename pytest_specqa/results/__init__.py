"""Records of many runs: a table on disk, and what is read off it.

`read` and `write` are for scripts; `pytest_specqa.results.comparing` sets two runs side by side, `pytest_specqa.results.gating`
decides on a release.
"""

from pytest_specqa.results.store import read, write

__all__ = ["read", "write"]
