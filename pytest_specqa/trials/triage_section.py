"""What the page says of the triage: how often stage, scope and cause are right, two faults told apart, and what misled it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.trials.statistics import Rate
from pytest_specqa.trials.told import Pair, Told
from pytest_specqa.trials.tried import Tried
from pytest_specqa.trials.writing import table, write_csv

TITLE = "Triage"
_FIGURES = ("what", "asked", "right", "of", "rate", "95 % interval")


def section(tried: Tried, data: Path) -> str:
    """Write the section, and its tables beside the page.

    Parameters
    ----------
    tried : Tried
        What the triage says of nights with faults.
    data : Path
        Folder of the tables.

    Returns
    -------
    str
        Markdown.
    """
    seen, pairs = tried.told, tried.pairs
    apart = [pair for pair in pairs if not pair.same]
    body = [
        _figure("first bad stage", "-", [one.staged for one in seen]),
        _figure("... or where its cause acts", "-", [one.traced for one in seen]),
        _figure("scope", "95 %", [one.scoped for one in seen]),
        _figure("cause, first suspect", "-", [one.cause == one.named for one in seen]),
        _figure("cause, first two suspects", "90 %", [one.in_two for one in seen]),
        _figure("one finding only", "-", [one.findings == 1 for one in seen]),
        _figure("two faults: both found", "80 %", [pair.found == 2 for pair in pairs]),
        _figure("... in different petals", "-", [pair.found == 2 for pair in apart]),
        _figure("... in one petal", "-", [pair.found == 2 for pair in pairs if pair.same]),
    ]
    _write_tables(tried, data)
    return f"""## {TITLE}

{_definitions(tried)}

{table(_FIGURES, body)}

### True cause and named cause

One row for each true cause; behind each named cause the nights in which it is the first suspect. The matrix is
`judgement/triage_confusion.csv`, every night is in `judgement/triage.csv`.

{table(*_confusion(seen))}

### What misled it

Nights in which the cause is not among the first two suspects, the stage is another, or the scope is wrong, by fault. The measure is
the one that the finding shows first.

{table(*_misled(seen))}

### Two faults at once

Pairs of which one is not found, with the suspects of each finding (`judgement/triage_pairs.csv` has all).

{table(*_missed(pairs))}"""


def _definitions(tried: Tried) -> str:
    nights = Rate(len(tried.told), len(tried.told) + len(tried.unseen))
    unseen = Counter(plant.fault for plant in tried.unseen)
    names = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in sorted(unseen.items())) or "none"
    return f"""Each fault of the library is planted in nights of four exposures, two of them of one tile, with ten petals: in one
camera of one exposure; in all four exposures where it lasts; in both exposures of the tile and in its redshifts where it acts on
these; in all petals where it strikes whole exposures. All else is clean and judged as well: ten cameras of each band in every
exposure, with the exposures and the tile judged in the band of the fault, and ten petals of redshifts. The size is the reported
one, or three times that where nothing fails. The seed is {" or ".join(map(str, tried.seeds))}, of
which nothing was seen before the rules were done: they were made on nights of even seeds, and mended for what seed 1 showed.
`specqa judgement --triage` makes this section alone.

In {nights.hits} of {nights.trials} nights something fails. The other nights have no finding to judge, say nothing of the triage,
and count as *not seen*: {names}.

- **Stage**: the first finding that fails shows first at the stage of the first product that the fault changes; *or where its cause
  acts*: that, or the stage at which its first suspect acts is that one. Light on a sky fiber is in the frames, and no check sees it
  before the sky is subtracted.
- **Scope**: the exposures, cameras and petals that it names are those that were struck and fail, all of them and nothing that is
  sound; the fibers and wavelengths that it names overlap with those that were struck.
- **Cause**: what the fault physically is ({len({fault.cause for fault in FAULTS.values()})} causes, said of each fault in the
  library whatever the rules are) is the first, or one of the first two, suspects of that finding.
- **Two faults**: nights with two faults of different causes, drawn at random from those that are seen alone, in turn in different
  petals and in one petal. Both are found where each has a failing finding of its own, which rests on a unit that the fault strikes
  and has its cause among the first two suspects."""


def _figure(what: str, asked: str, right: Sequence[bool]) -> list[str]:
    rate = Rate(sum(right), len(right))
    low, high = rate.interval
    return [what, asked, str(rate.hits), str(rate.trials), f"{rate.value:.0%}" if right else "-", f"{low:.0%} - {high:.0%}"]


def _confusion(seen: Iterable[Told]) -> tuple[list[str], list[list[object]]]:
    found: dict[str, list[Told]] = defaultdict(list)
    for one in seen:
        found[one.cause].append(one)
    rows: list[list[object]] = []
    for cause, nights in sorted(found.items()):
        named = Counter(one.named for one in nights).most_common()
        first, two = sum(one.named == cause for one in nights), sum(one.in_two for one in nights)
        rows.append([cause, len(nights), first, two, ", ".join(f"{name} {count}" for name, count in named)])
    return ["true cause", "nights", "first", "in two", "named first"], rows


def _misled(seen: Iterable[Told]) -> tuple[list[str], list[list[object]]]:
    found: dict[tuple[str, ...], list[Told]] = defaultdict(list)
    for one in seen:
        if not (one.traced and one.scoped and one.in_two):
            causes = "right" if one.in_two else " or ".join(one.causes[:2]) or "none"
            key = (
                one.plant.fault,
                one.cause,
                causes,
                "right" if one.traced else one.stage,
                one.wrong.partition(":")[0] or "right",
                one.lead,
            )
            found[key].append(one)
    rows: list[list[object]] = [[*key, len(nights)] for key, nights in sorted(found.items())]
    return ["fault", "true cause", "suspects", "stage", "scope", "measure", "nights"], rows


def _missed(pairs: Iterable[Pair]) -> tuple[list[str], list[list[object]]]:
    rows: list[list[object]] = [_pair_row(pair) for pair in pairs if pair.found < 2]
    return ["one fault", "other fault", "petal", "found", "findings"], sorted(rows, key=str)


def _pair_row(pair: Pair) -> list[object]:
    said = "; ".join(" or ".join(causes) or "none" for causes in pair.findings) or "none"
    return [pair.one.fault, pair.other.fault, "one" if pair.same else "two", pair.found, said]


def _write_tables(tried: Tried, data: Path) -> None:
    header = [
        "fault",
        "true cause",
        "size",
        "seed",
        "first suspect",
        "second suspect",
        "stage",
        "origin",
        "stage right",
        "scope",
        "measure",
        "findings",
    ]
    rows: list[list[object]] = [
        [
            one.plant.fault,
            one.cause,
            f"{one.plant.size:g}",
            one.seed,
            *(*one.causes[:2], "", "")[:2],
            one.stage,
            one.origin,
            one.staged,
            one.wrong or "right",
            one.lead,
            one.findings,
        ]
        for one in tried.told
    ]
    rows += [[plant.fault, FAULTS[plant.fault].cause, f"{plant.size:g}", "", "not seen", *[""] * 7] for plant in tried.unseen]
    write_csv(data / "triage.csv", header, sorted(rows, key=lambda row: (str(row[0]), str(row[3]))))
    named = sorted({one.named for one in tried.told} | {one.cause for one in tried.told})
    counts = Counter((one.cause, one.named) for one in tried.told)
    matrix = [[cause, *(counts[cause, name] for name in named)] for cause in sorted({one.cause for one in tried.told})]
    write_csv(data / "triage_confusion.csv", ["true cause", *named], matrix)
    write_csv(data / "triage_pairs.csv", _missed(())[0], sorted((_pair_row(pair) for pair in tried.pairs), key=str))
