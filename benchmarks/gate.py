"""Time and memory of ``specqa gate`` on a synthetic release: 1,000 nights of 10,000 measurements each, one Parquet file a night.

python benchmarks/gate.py [--nights 1000] [--per-night 10000] [--baseline] [--keep DIR]
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

WAIVERS = """[[waiver]]
id = "r6-2021"
expectation = "test_expectation_3"
measure = "measure_3_1"
covers = 40.0
camera = "r6"
nights = "20200101:20231231"
reason = "Interstellar H-alpha"
issue = "https://example.org/1"
owner = "A person"
expires = 2099-12-31
"""
POLICY = "[gate]\nmin_measured = 0.9\nmax_failures = 1000\n"
# 10 expectations with 2 measures on every camera; 0.1 % fail, 1 % warn, 2 % are not measured.
NIGHT = """
COPY (
    WITH numbered AS (
        SELECT i, {night} AS night, (100000 + {number} * 20 + i // 600)::INTEGER AS expid, i // 30 % 10 AS e, i // 300 % 2 AS m,
            ['b', 'r', 'z'][1 + i % 3] || (i // 3 % 10) AS camera, hash(i + {number} * 1000000) / 18446744073709551616.0 AS u
        FROM range({rows}) AS t(i)),
    judged AS (
        SELECT *, night || '/' || printf('%08d', expid) AS place, 50 * (hash(i * 7919 + {number}) / 18446744073709551616.0) AS size,
            CASE WHEN u < 0.001 THEN 'failed' WHEN u < 0.011 THEN 'warned' WHEN u < 0.031 THEN 'not measured'
            ELSE 'passed' END AS outcome
        FROM numbered)
    SELECT replace(place, '/', '-') || '-' || camera AS unit, 'camera' AS kind, camera, 'test_expectation_' || e AS expectation,
        'measure_' || e || '_' || m AS measure, 'electron/Angstrom' AS value_unit,
        if(outcome = 'warned', 'warn', 'fail') AS severity,
        outcome, 'exposures/' || place || '/sframe-' || camera || '-' || printf('%08d', expid) || '.fits.gz' AS product,
        'measured false-alarm rate 1e-4 over 3000 simulated cameras' AS source,
        'measure ' || round(u * 1000, 3) || ' +- 0.1 (limit 1): fibers 3000-3049 at 6500-6600 A' AS message,
        'main' AS survey, ['dark', 'bright', 'backup'][1 + expid % 3] AS program, '' AS waiver, NULL::VARCHAR AS waiver_reason,
        night::INTEGER AS night, expid, (expid % 5000)::INTEGER AS tile, NULL::INTEGER AS petal,
        CASE outcome WHEN 'not measured' THEN NULL WHEN 'passed' THEN u ELSE 1 + size END AS value, 0.1 AS error, u AS sensitivity,
        NULL::DOUBLE AS low, 1.0 AS high, NULL::DOUBLE AS warn_low, NULL::DOUBLE AS warn_high, NULL::DOUBLE AS needs,
        [[3000, 3049]]::INTEGER[][] AS fibers, [6500.0, 6600.0]::DOUBLE[] AS waves, '{{"pytest-specqa": "0.1.0"}}' AS versions,
        NULL::VARCHAR AS extra
    FROM judged
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""


def write_release(folder: Path, *, nights: int, rows: int) -> float:
    """Write one file per night and return their size in bytes."""
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})
    first = datetime.date(2020, 1, 1)
    for number in range(nights):
        night = (first + datetime.timedelta(days=number)).strftime("%Y%m%d")
        connection.execute(NIGHT.format(night=night, number=number, rows=rows, path=folder / f"{night}.parquet")).fetchall()
    return sum(path.stat().st_size for path in folder.glob("*.parquet"))


def measured(command: list[str]) -> tuple[int, float, float, str]:
    """Run a command; return its exit code, seconds, peak resident bytes and output."""
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return process.returncode, time.perf_counter() - start, usage.ru_maxrss * 1024.0, output.read()


def main() -> None:
    """Write the release, gate it, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=1000)
    parser.add_argument("--per-night", type=int, default=10_000)
    parser.add_argument("--baseline", action="store_true", help="also compare with a baseline of the same size")
    parser.add_argument("--keep", type=Path, help="folder for the release and the gate's Markdown, instead of a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        (folder / "release").mkdir(parents=True, exist_ok=True)
        size = write_release(folder / "release", nights=arguments.nights, rows=arguments.per_night)
        print(
            f"release: {arguments.nights * arguments.per_night:,} measurements, {arguments.nights:,} files, {size / 1e6:.0f} MB",
            flush=True,
        )
        policy = POLICY + ('baseline = "release/*.parquet"\n' if arguments.baseline else "")
        (folder / "gate.toml").write_text(policy)
        (folder / "waivers.toml").write_text(WAIVERS)
        words = [
            sys.executable,
            "-m",
            "pytest_specqa.cli",
            "gate",
            str(folder / "release" / "*.parquet"),
            "--policy",
            str(folder / "gate.toml"),
        ]
        words += [
            "--waivers",
            str(folder / "waivers.toml"),
            "--markdown",
            str(folder / "gate.md"),
            "--junit",
            str(folder / "gate.xml"),
        ]
        code, seconds, peak, output = measured(words)
        print(output)
        print(f"exit code {code}; {seconds:.1f} s; peak resident memory {peak / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
