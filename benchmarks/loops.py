"""One loop of the measures three ways: passes of numpy, numba as the project uses it, and C where a compiler is installed.

Usage: ``python benchmarks/loops.py``. The loop is the robust mean of 50 fibers at each of 2,326 wavelengths, three rounds. It
decided that numba makes the loops: as fast as C on the same machine, and a fresh machine needs no compiler.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pytest_specqa.processes import single_threaded

single_threaded(os.environ)

import numpy as np

from pytest_specqa.measures.sframes.groups import CLIP, ROUNDS, _huber

SOURCE = f"""
#include <math.h>
#include <string.h>
void huber(const float *r, const float *w, float *mean, int groups, int size, int n, float *top, float *bottom) {{
    const float clip = {CLIP}f;
    for (int g = 0; g < groups; g++) {{
        float *m = mean + (long)g * n;
        for (int round = 0; round < {ROUNDS}; round++) {{
            memset(top, 0, n * sizeof(float));
            memset(bottom, 0, n * sizeof(float));
            for (int row = g * size; row < (g + 1) * size; row++) {{
                const float *x = r + (long)row * n, *v = w + (long)row * n;
                for (int k = 0; k < n; k++) {{
                    float pull = fabsf(x[k] - m[k]) * sqrtf(v[k]);
                    float share = v[k] * (clip / (pull > clip ? pull : clip));
                    top[k] += share * x[k];
                    bottom[k] += share;
                }}
            }}
            for (int k = 0; k < n; k++) m[k] = top[k] / (bottom[k] > 1e-30f ? bottom[k] : 1e-30f);
        }}
    }}
}}
"""
FIBERS, BINS, GROUPS = 500, 2326, 10


def with_numpy(residual: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The loop as passes over whole arrays."""
    data, mass = residual.reshape(GROUPS, -1, BINS), weight.reshape(GROUPS, -1, BINS)
    root, mean = np.sqrt(mass), np.zeros((GROUPS, 1, BINS), np.float32)
    for _ in range(ROUNDS):
        share = mass * (np.float32(CLIP) / np.maximum(np.abs(data - mean) * root, np.float32(CLIP)))
        mean = np.einsum("ijk,ijk->ik", share, data)[:, None] / np.maximum(share.sum(axis=1, keepdims=True), 1e-30)
    return mean[:, 0]


def in_c(folder: Path) -> Callable[[np.ndarray, np.ndarray], np.ndarray] | None:
    """The loop as C makes it; None without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    (folder / "loop.c").write_text(SOURCE)
    words = [compiler, "-O3", "-march=native", "-ffast-math", "-shared", "-fPIC", "loop.c", "-o", "loop.so", "-lm"]
    subprocess.run(words, cwd=folder, check=True)
    loop = ctypes.CDLL(str(folder / "loop.so")).huber

    def call(residual: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Hand the arrays over."""
        mean, top, bottom = np.zeros((GROUPS, BINS), np.float32), np.empty(BINS, np.float32), np.empty(BINS, np.float32)
        sizes = (GROUPS, FIBERS // GROUPS, BINS)
        loop(
            *(array.ctypes.data_as(ctypes.c_void_p) for array in (residual, weight, mean)),
            *sizes,
            *(array.ctypes.data_as(ctypes.c_void_p) for array in (top, bottom)),
        )
        return mean

    return call


def milliseconds(function: Callable[[np.ndarray, np.ndarray], np.ndarray], *arrays: np.ndarray) -> float:
    """The least of 40 times."""
    times = []
    for _ in range(40):
        start = time.perf_counter()
        function(*arrays)
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def main() -> None:
    """Compare the results, then the times."""
    rng = np.random.default_rng(1)
    residual = rng.normal(size=(FIBERS, BINS)).astype(np.float32)
    weight = rng.uniform(0.5, 2, residual.shape).astype(np.float32)
    ways = {"numpy": with_numpy, "numba": lambda r, w: _huber(r, w, np.zeros((GROUPS, BINS), np.float32)).mean}
    with tempfile.TemporaryDirectory() as folder:
        if (c := in_c(Path(folder))) is not None:
            ways["C"] = c
        expected = with_numpy(residual, weight)
        for name, way in ways.items():
            apart = float(np.abs(way(residual, weight) - expected).max())
            print(f"{name}: {milliseconds(way, residual, weight):.2f} ms (differs by {apart:.1g})")


if __name__ == "__main__":
    main()
