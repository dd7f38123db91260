"""Cases by name, tried one after the other or two at a time, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import judge, oracle, products, rows, texts
from .bench import TABLE, Tree, remove
from .case import place

CLASSES = (*products.MUTATIONS, *rows.MUTATIONS, *texts.MUTATIONS)
RARE = {"bomb": 0.1}
"""Share of the cases of a class against others: it takes seconds to write one."""
OUTCOMES = ("named", "immaterial", "undetectable", "silent", "alarm", "traceback", "hang", "memory")
BAD = ("silent", "alarm", "traceback", "hang", "memory")

ASKED_FOR = {
    oracle.GZIP_ONLY: "damage of a packed file without DATASUM, which the sum of all tells (named with --specqa-verify whole)",
    oracle.BEHIND: "an HDU twice, behind all that is read of a packed file (named with --specqa-verify whole)",
}
"""What a run tells that is asked to read packed files to their end, and no other; each such case is tried again so."""


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes
    ----------
    name : str
        CLASS:SEED, by which it can be repeated.
    outcome : str
        One of `OUTCOMES`.
    damage : str
        What was done to which file.
    words : str
        What was said, or why nothing need be.
    """

    name: str
    outcome: str
    damage: str
    words: str


def family(name: str) -> str:
    """Class of a case."""
    return name.partition(":")[0]


def attempt(name: str, tree: Tree, scratch: Path) -> Outcome:
    """Try one case."""
    if family(name) in texts.MUTATIONS:
        return _text(name, tree, scratch)
    if family(name) in rows.MUTATIONS:
        return _table(name, tree, scratch)
    kind = products.draft_of(name, tree).kind
    try:
        draft, words, path = products.damaged(name, tree)
        said = products.judged(kind, tree, scratch)
        found = _weighed(name, words, said, lambda: products.opinion(draft, path))
        if found.words not in ASKED_FOR.values():
            return found
        # The run can be told to look at the sum of the whole, and must name the file then.
        said = judge.apart(lambda: products.checked(kind, tree, scratch, judge.WHOLE), seconds=2 * judge.SECONDS)
        return found if said.verdict == "named" else Outcome(name, "silent", words, f"{judge.WHOLE}: {said.verdict} {said.words}")
    finally:
        tree.restore(kind)


def _table(name: str, tree: Tree, scratch: Path) -> Outcome:
    path, rng = tree.root / TABLE, rows.rng_of(name)
    damage = rows.MUTATIONS[family(name)](rng, (tree.bench.demo / TABLE).read_bytes())
    remove(path)
    try:
        place(damage, path)
        said = judge.apart(
            lambda: judge.run(tree.root, scratch, units=rows.UNITS, select=rows.SELECT, names="table|exposure|tile"),
            seconds=2 * judge.SECONDS,
        )
        return _weighed(name, damage.words, said, lambda: rows.opinion(tree))
    finally:
        tree.restore_table()


def _text(name: str, tree: Tree, scratch: Path) -> Outcome:
    rng = rows.rng_of(name)
    files, mutation = texts.MUTATIONS[family(name)]
    file = str(rng.choice(files))
    results = tree.bench.folder / "results.jsonl"
    sound = texts.TOML[file] if file in texts.TOML else (tree.bench.folder / file).read_bytes()
    damage = mutation(rng, sound)
    path = scratch / file
    remove(path)
    try:
        place(damage, path)
        said = judge.apart(lambda: texts.speak(file, path, results))
        return _weighed(name, f"{file}: {damage.words}", said, lambda: texts.opinion(file, sound=sound, damaged=path))
    finally:
        remove(path)


def _weighed(name: str, words: str, said: judge.Saying, opinion: Callable[[], oracle.Opinion]) -> Outcome:
    """What became of a case: an opinion is asked for where no file was named."""
    if said.verdict == "named" and family(name) == "untouched":
        return Outcome(name, "alarm", words, said.words)
    if said.verdict not in ("passed", "unnamed"):
        return Outcome(name, said.verdict, words, said.words)
    found = opinion()
    what = "" if said.verdict == "passed" else f"fails without the name of the file: {said.words}"
    if not found.material:
        return Outcome(name, "alarm" if what else "immaterial", words, what or found.words)
    if found.told in ASKED_FOR:
        return Outcome(name, "undetectable", words, ASKED_FOR[found.told])
    return Outcome(
        name, "silent" if found.told else "undetectable", words, f"{found.told}: {what or found.words}".removeprefix(": ")
    )


def names(count: int, *, seed: int, classes: Iterable[str] = ()) -> list[str]:
    """Names of the cases of a run: the classes in turn."""
    chosen = list(classes) or list(CLASSES)
    weights = np.array([RARE.get(one, 1.0) for one in chosen])
    shares = np.maximum(np.round(count * weights / weights.sum()), 1).astype(int)
    numbered = sorted((number, one) for one, share in zip(chosen, shares, strict=True) for number in range(share))
    return [f"{one}:{seed * 1_000_000 + number}" for number, one in numbered]


def table(outcomes: Iterable[Outcome]) -> str:
    """Counts by class of mutation."""
    counts: dict[str, Counter[str]] = {}
    for one in outcomes:
        counts.setdefault(family(one.name), Counter())[one.outcome] += 1
    total = sum(counts.values(), Counter())
    lines = [f"{'class':<16}{'tried':>7}" + "".join(f"{outcome:>13}" for outcome in OUTCOMES)]
    for name, count in [*counts.items(), ("all", total)]:
        lines.append(f"{name:<16}{count.total():>7}" + "".join(f"{count[outcome]:>13}" for outcome in OUTCOMES))
    return "\n".join(lines)


def reasons(outcomes: Iterable[Outcome]) -> str:
    """What nothing could tell, by kind."""
    counts = Counter(one.words for one in outcomes if one.outcome == "undetectable")
    return "\n".join(f"undetectable: {count:>6}  {why}" for why, count in counts.most_common())
