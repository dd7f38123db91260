"""How much of the code the tests hold: small changes, one at a time, and whether a test of the same room fails.

python benchmarks/mutants.py [ROOM ...] [--sample 40] [--seed 1] [--minutes M] [--jobs 2] [--at-least 90] [--record FILE]

ROOM is a folder or file below pytest_specqa, such as results or measures/sframes. The changes are those of cosmic-ray, one per
place of the code, drawn at random; promises to readers (annotations, frozen, strict) and changes of a number by a tenth or less are
left out, as no test should hold them. Each is made in a copy of the repository: the checkout never holds one. The tests of a module
are the file that mirrors it, and where this notices nothing, all of its room; pyproject.toml names tests that lie elsewhere.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from queue import Queue
from typing import ClassVar

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "pytest_specqa"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["specqa-mutants"]
# A change may make a loop endless: tests that take so much longer (in s, and as a multiple) have noticed it.
SPARE_SECONDS, SPARE_FACTOR = 20, 4
# cosmic-ray 8.7 cannot change exceptions with a dotted name.
LEFT_OUT = ("core/ExceptionReplacer",)
# A number that changes by one part in so many, such as 20 pixels that become 19 or an edge that moves by one Angstrom, is the same
# choice: a test that notices it holds nothing but the number.
SAME_CHOICE = 10


@dataclass(frozen=True)
class Mutant:
    """One change of one module; cosmic-ray finds it again by operator and occurrence."""

    room: str
    module: str
    line: int
    operator: str
    occurrence: int
    change: str = ""
    outcome: str = ""


def main() -> int:
    """Draw, run, report; 1 if a room is below ``--at-least``."""
    options = _options()
    found = {room: list(islice(_drawn(room, seed=options.seed), options.sample)) for room in options.rooms}
    # In turns, so that a run that is out of time has seen every room.
    queue = [mutants[turn] for turn in range(options.sample) for mutants in found.values() if turn < len(mutants)]
    deadline = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        copies: Queue[Copy] = Queue()
        for number in range(options.jobs):
            copies.put(Copy(Path(scratch) / str(number)))

        def tried(mutant: Mutant) -> Mutant | None:
            if time.monotonic() > deadline:
                return None
            copy = copies.get()
            try:
                done = copy.tried(mutant)
            finally:
                copies.put(copy)
            print(f"{done.outcome:8} {done.module}:{done.line} {done.change}", flush=True)
            if options.record:
                with options.record.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(asdict(done)) + "\n")
            return done

        with ThreadPoolExecutor(options.jobs) as pool:
            done = [mutant for mutant in pool.map(tried, queue) if mutant]
    return _report(done, seed=options.seed, at_least=options.at_least)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "rooms", nargs="*", default=SETTINGS["rooms"], metavar="ROOM", help=f"default: {' '.join(SETTINGS['rooms'])}"
    )
    parser.add_argument("--sample", type=int, default=40, help="changes per room")
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start no further change after this time")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="copies of the repository that are tested at once")
    parser.add_argument("--at-least", type=float, default=0, help="smallest percentage per room that must be noticed")
    parser.add_argument("--record", type=Path, help="add every change and its outcome there, as JSON lines")
    options = parser.parse_args()
    if unknown := [room for room in options.rooms if not (ROOT / PACKAGE / room).exists()]:
        parser.error(f"{unknown[0]} is no folder or file of {PACKAGE}/")
    return options


def _drawn(room: str, *, seed: int) -> Iterator[Mutant]:
    """Every place of a room that can be changed, in random order, each with one of the changes that it allows."""
    draw = random.Random(f"{seed} {room}")
    place = ROOT / PACKAGE / room
    paths = [place] if place.is_file() else sorted(place.rglob("*.py"))
    mutants = [draw.choice(choices) for path in paths for choices in _places(path, room)]
    draw.shuffle(mutants)
    return filter(_compiles, mutants)


def _compiles(mutant: Mutant) -> bool:
    """Leave out what is no Python, such as another operator for the star of keyword-only parameters: any test notices that."""
    text = (ROOT / mutant.module).read_text(encoding="utf-8")
    try:
        compile(mutate_code(text, plugins.get_operator(mutant.operator)(), mutant.occurrence), mutant.module, "exec")
    except SyntaxError:
        return False
    return True


def _places(path: Path, room: str) -> Iterator[list[Mutant]]:
    text = path.read_text(encoding="utf-8")
    nodes = list(ast_nodes(get_ast(text)))
    apart = _promises(text)
    lines = text.splitlines()
    choices: dict[tuple[object, ...], list[Mutant]] = defaultdict(list)
    for name in plugins.operator_names():
        kind = plugins.get_operator(name)
        if kind.arguments() or name in LEFT_OUT:
            continue
        operator = kind()
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (start, end) in enumerate(places):
            if name == "core/NumberReplacer" and abs(float(_written(lines, start, end))) >= SAME_CHOICE:
                continue
            if not any(first <= start and end <= last for first, last in apart):
                mutant = Mutant(room, str(path.relative_to(ROOT)), start[0], name, occurrence)
                choices[start, end, name.split("_")[0]].append(mutant)
    yield from choices.values()


def _written(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """A number as it stands in the code, in decimals."""
    text = lines[start[0] - 1][start[1] : end[1]]
    return str(int(text, 0)) if text.lower().startswith(("0x", "0b", "0o")) else text


def _promises(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where the text is for type checkers and readers: no test can notice that a dataclass is no longer frozen, or a zip strict."""
    found: list[ast.expr | ast.stmt | None] = []
    marks: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            marks += _parameter_marks(node)
        found += [getattr(node, "annotation", None), getattr(node, "returns", None)]
        found += [one for one in getattr(node, "decorator_list", []) if ast.unparse(one).startswith("dataclass")]
        found += [one.value for one in getattr(node, "keywords", []) if one.arg == "strict"]
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            found.append(node)
    return [*marks, *(((one.lineno, one.col_offset), (one.end_lineno or 0, one.end_col_offset or 0)) for one in found if one)]


def _parameter_marks(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where the star of keyword-only parameters lies, which cosmic-ray takes for a product: before the first of them."""
    if not function.args.kwonlyargs:
        return []
    first = function.args.kwonlyargs[0]
    before = [*function.args.posonlyargs, *function.args.args]
    ends = [(one.end_lineno or 0, one.end_col_offset or 0) for one in (*before, *function.args.defaults)]
    return [(max(ends, default=(function.lineno, function.col_offset)), (first.lineno, first.col_offset))]


class Copy:
    """A copy of the repository in which one change at a time is tested."""

    seconds: ClassVar[dict[tuple[str, ...], float]] = {}

    def __init__(self, root: Path) -> None:
        self.root = root
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
        self._ticks = int(time.time())
        where = self._python("-c", f"import {PACKAGE}; print({PACKAGE}.__file__)", timeout=60).stdout.strip()
        if not Path(where).is_relative_to(root.resolve()):
            raise SystemExit(f"the tests would see {where}, not the copy in {root}")

    def tried(self, mutant: Mutant) -> Mutant:
        """Test one change: killed or survived."""
        path = self.root / mutant.module
        original = path.read_text(encoding="utf-8")
        changed = mutate_code(original, plugins.get_operator(mutant.operator)(), mutant.occurrence)
        killed = any(self._notice(tests, path, changed) for tests in _tests(mutant.module))
        return Mutant(**asdict(mutant) | {"outcome": "killed" if killed else "survived", "change": _change(original, changed)})

    def _notice(self, tests: tuple[str, ...], path: Path, changed: str) -> bool:
        original = path.read_text(encoding="utf-8")
        seconds = self._baseline(tests)
        self._write(path, changed)
        try:
            return self._pytest(tests, timeout=SPARE_SECONDS + SPARE_FACTOR * seconds).returncode != 0
        except subprocess.TimeoutExpired:
            return True
        finally:
            self._write(path, original)

    def _write(self, path: Path, text: str) -> None:
        # Compiled files are kept by time (s) and size: a time of its own for each change keeps an old one from being used.
        path.write_text(text, encoding="utf-8")
        self._ticks += 10
        os.utime(path, (self._ticks, self._ticks))

    def _baseline(self, tests: tuple[str, ...]) -> float:
        """How long the tests take, which must pass without any change."""
        if tests not in self.seconds:
            start = time.monotonic()
            done = self._pytest(tests, timeout=3600)
            if done.returncode != 0:
                raise SystemExit(f"{' '.join(tests)} fails without any change:\n{done.stdout[-3000:]}")
            self.seconds[tests] = time.monotonic() - start
        return self.seconds[tests]

    def _pytest(self, tests: tuple[str, ...], *, timeout: float) -> subprocess.CompletedProcess[str]:
        return self._python("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests, timeout=timeout)

    def _python(self, *words: str, timeout: float) -> subprocess.CompletedProcess[str]:
        own = {"PYTHONPATH": str(self.root), "HYPOTHESIS_STORAGE_DIRECTORY": str(self.root / ".hypothesis")}
        environment = os.environ | own | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, *words], cwd=self.root, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )


def _tests(module: str) -> list[tuple[str, ...]]:
    """Tests of a module in the order in which they are tried: its own file, then what lies around it and what is named for it."""
    place = Path("tests") / Path(module).relative_to(PACKAGE)
    own = place.with_name(f"test_{place.stem}.py")
    room = next(folder for folder in place.parents if any((ROOT / folder).glob("test_*.py")))
    named = [test for part, tests in SETTINGS["tests"].items() if module.startswith(f"{PACKAGE}/{part}") for test in tests]
    around = (str(room), *named)
    return [(str(own),), around] if (ROOT / own).is_file() else [around]


def _change(before: str, after: str) -> str:
    """The first line that differs, before and after."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    return next((f"{old.strip()}  ->  {new.strip()}" for old, new in pairs if old != new), "lines were taken out")


def _report(done: list[Mutant], *, seed: int, at_least: float) -> int:
    counts = Counter((mutant.room, mutant.outcome) for mutant in done)
    print(f"\nseed {seed}\n{'room':24} changes  noticed")
    low = False
    for room in dict.fromkeys(mutant.room for mutant in done):
        killed, survived = counts[room, "killed"], counts[room, "survived"]
        percent = 100 * killed / (killed + survived)
        low |= percent < at_least
        print(f"{room:24} {killed + survived:7}  {killed} ({percent:.0f} %)")
    for mutant in done:
        if mutant.outcome == "survived":
            print(f"survived: {mutant.module}:{mutant.line}: {mutant.change} ({re.sub('^core/', '', mutant.operator)})")
    return int(low)


if __name__ == "__main__":
    sys.exit(main())
