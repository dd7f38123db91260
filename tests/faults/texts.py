"""Mutations of results, limits, waivers and policies, judged by the verbs that read them."""

from __future__ import annotations

import contextlib
import io
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import rows
from .case import Damage, Rng
from .judge import Saying
from .oracle import Opinion

POLICY = b'[gate]\nblock = ["fail"]\nmin_measured = 0.0\nmax_failures = 0\n\n[[override]]\nprogram = "backup"\nmin_measured = 0.0\n'
LIMITS = b'[sky_chromatic]\nhigh = 0.5\nwarn_high = 0.4\nneeds = 0.2\nunit = "fraction"\nsource = "a test"\n'
WAIVERS = b"""[[waiver]]
id = "W1"
expectation = "test_sky_model_is_usable"
measure = "sky_usable_fraction"
night = 20211014
reason = "known"
issue = "https://example.org/1"
owner = "someone"
created = 2021-10-20
expires = 2031-10-20
"""
ODD = [
    "",
    "null",
    "1e400",
    "-1e400",
    "9" * 400,
    "NaN",
    '"\\u001b[31m"',
    "[" * 5000,
    "{" * 5000,
    "true",
    '"x"',
    "-1",
    "\x00",
    "\u202e",
]
TOML = {"policy.toml": POLICY, "limits.toml": LIMITS, "waivers.toml": WAIVERS}
VERBS: dict[str, Callable[[Path, Path], list[str]]] = {
    "policy.toml": lambda path, results: ["gate", str(results), "--policy", str(path)],
    "limits.toml": lambda path, _: ["limits", "lint", str(path)],
    "waivers.toml": lambda path, results: ["gate", str(results), "--waivers", str(path)],
    "results.jsonl": lambda path, _: ["gate", str(path)],
    "results.parquet": lambda path, _: ["gate", str(path)],
}


def line_mutation(rng: Rng, raw: bytes) -> Damage:
    """A line of results cut off, taken out, doubled or put elsewhere."""
    lines = raw.splitlines(keepends=True)
    what, at = str(rng.choice(["cut off", "gone", "twice", "moved"])), int(rng.integers(len(lines)))
    line = lines.pop(at)
    if what == "cut off":
        lines.insert(at, line[: int(rng.integers(1, len(line) - 2))])
    elif what == "twice":
        lines[at:at] = [line, line]
    elif what == "moved":
        lines.append(line)
    return Damage(f"line {at} {what}", b"".join(lines))


def field_mutation(rng: Rng, raw: bytes) -> Damage:
    """A field of results changed, or taken out."""
    lines = raw.splitlines()
    at = int(rng.integers(len(lines)))
    record = json.loads(lines[at])
    name, value = str(rng.choice(list(record))), str(rng.choice([*ODD, "gone"]))
    marker = "@@@@"
    record[name] = marker
    text = json.dumps(record)
    if value == "gone":
        record.pop(name)
        text = json.dumps(record)
    lines[at] = text.replace(f'"{marker}"', value).encode("utf-8", errors="replace")
    return Damage(f"{name} = {value[:20]!r} in line {at}", b"\n".join([*lines, b""]))


def toml_mutation(rng: Rng, raw: bytes) -> Damage:
    """A value of a TOML file changed, or a line of it taken out or doubled."""
    lines = raw.decode().splitlines()
    what, at = str(rng.choice(["value", "gone", "twice", "value", "value"])), int(rng.integers(len(lines)))
    value = str(rng.choice(ODD))
    if what == "value":
        lines[at] = f"{lines[at].partition('=')[0]}= {value}"
    elif what == "gone":
        lines.pop(at)
    else:
        lines.insert(at, lines[at])
    return Damage(f"line {at} {what} {value[:20]!r}", "\n".join([*lines, ""]).encode())


MUTATIONS = {
    "results-lines": (("results.jsonl",), line_mutation),
    "results-fields": (("results.jsonl",), field_mutation),
    "results-bytes": (("results.jsonl", "results.parquet"), rows.bytes_mutation),
    "results-special": (("results.jsonl", "results.parquet"), rows.special_mutation),
    "toml-lines": (tuple(TOML), toml_mutation),
    "toml-bytes": (tuple(TOML), rows.bytes_mutation),
    "toml-special": (tuple(TOML), rows.special_mutation),
}


def speak(name: str, path: Path, results: Path) -> Saying:
    """Let the verb that reads a file speak, in this process."""
    from pytest_specqa import cli  # noqa: PLC0415

    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            code = cli.main(VERBS[name](path, results))
        except SystemExit as end:
            code = int(end.code or 0)
    text = output.getvalue()
    if "Traceback" in text or code not in (0, 1, 2):
        return Saying("traceback", f"exit {code}: {text[-500:]}")
    if any(ord(one) < 32 and one != "\n" for one in text) or "\u202e" in text:
        return Saying("traceback", f"control characters reach the terminal: {text[:300]!r}")
    return Saying("passed" if code == 0 else "named", text.strip()[:300])


def opinion(name: str, *, sound: bytes, damaged: Path) -> Opinion:
    """Compare what two files say."""
    if not damaged.is_file():
        return Opinion(True, "unreadable", "no file")
    raw = damaged.read_bytes()
    try:
        before, after = (_said(name, one) for one in (sound, raw))
    except Exception as error:
        return Opinion(True, "unreadable", f"{type(error).__name__}: {error}"[:100])
    if before == after:
        return Opinion(False)
    if name.startswith("results") and len(after) < len(before):
        if _checks(name, sound) - _checks(name, raw):
            return Opinion(True, "schema", "fewer checks than the run had planned")
        return Opinion(
            True, "", "a measurement gone of a check that has others: the number of checks is planned, not that of values"
        )
    return Opinion(True, "", f"another value in {name}, which no other file says")


def _said(name: str, raw: bytes) -> list[str]:
    if name.endswith(".toml"):
        return [repr(tomllib.loads(raw.decode()))]
    # The same measurement twice is one.
    return sorted({repr(record) for record in _records(name, raw)})


def _checks(name: str, raw: bytes) -> set[tuple[str, str]]:
    return {(record["unit"], record["expectation"]) for record in _records(name, raw)}


def _records(name: str, raw: bytes) -> list[dict[str, Any]]:
    if name.endswith(".parquet"):
        import pyarrow.parquet  # noqa: PLC0415

        return pyarrow.parquet.read_table(io.BytesIO(raw)).to_pylist()
    return [json.loads(line) for line in raw.decode().splitlines() if line.strip()]
