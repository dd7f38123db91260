"""The verb ``specqa demo``."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_specqa.errors import UsageError


def add_verb(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb ``demo`` to the command line.

    Parameters
    ----------
    subparsers : argparse subparsers action
        Where verbs are registered; the parsed arguments carry ``run``.
    """
    verb = subparsers.add_parser("demo", help="write a simulated production with a known defect")
    verb.add_argument("directory", type=Path, metavar="DIR", help="folder to write; variants go to DIR/before and DIR/after")
    verb.add_argument("--bands", default="r", help="bands to simulate, some of brz (default: r)")
    verb.add_argument("--petals", default="0-9", help="petals such as 0-9, 6 or 0,3,6-8 (default: 0-9)")
    verb.add_argument("--seed", type=int, default=7951, help="the same seed gives the same files (default: 7951)")
    text = "another number gives other noise on the same targets, sky and instrument (default: 0)"
    verb.add_argument("--noise-seed", type=int, default=0, help=text)
    verb.add_argument("--variants", default="before,after", help="before, after or both, comma-separated (default: both)")
    verb.add_argument(
        "--fault", action="append", default=[], metavar="NAME=AMPLITUDE", help="plant a fault in all exposures; repeatable"
    )
    verb.add_argument("--nights", type=int, default=1, help="nights, one after another, by the same instrument (default: 1)")
    verb.add_argument("--faults-from", type=int, default=1, metavar="N", help="faults act from this night on (default: 1)")
    verb.add_argument("--list-faults", action=_ListFaults, help="list the faults that can be planted, and leave")
    text = "frames as large as real ones, 35 MB in place of 4: their RESOLUTION scatters from pixel to pixel"
    verb.add_argument("--full-size", action="store_true", help=text)
    verb.add_argument("--quiet", action="store_true", help="no progress bar")
    verb.set_defaults(run=_demo)


class _ListFaults(argparse.Action):
    """Print the fault library and leave."""

    def __init__(self, option_strings: list[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print one line per fault."""
        from pytest_specqa.demo.faults import FAULTS  # noqa: PLC0415

        for fault in FAULTS.values():
            print(f"{fault.name:<24} {fault.id:<4} {fault.stage:<10} {fault.amplitude:g} {fault.unit}: {fault.doc}")
        parser.exit()


def _demo(args: argparse.Namespace) -> int:
    from pytest_specqa.demo.production import describe, write_production  # noqa: PLC0415

    petals, variants = parse_petals(args.petals), tuple(args.variants.split(","))
    write_production(
        args.directory,
        bands=args.bands,
        petals=petals,
        seed=args.seed,
        variants=variants,
        faults=parse_faults(args.fault),
        progress=not args.quiet,
        noise_seed=args.noise_seed,
        full_size=args.full_size,
        nights=args.nights,
        faults_from=args.faults_from,
    )
    print(f"{args.directory}: {describe(args.bands, petals, variants, nights=args.nights)}")
    return 0


def parse_petals(text: str) -> tuple[int, ...]:
    """Petals of a list such as ``0,3,6-8``.

    Parameters
    ----------
    text : str
        Petals and ranges, comma-separated.

    Returns
    -------
    tuple of int
        In order, without repeats.

    Raises
    ------
    UsageError
        Anything else.
    """
    petals: set[int] = set()
    for word in text.split(","):
        first, _, last = word.strip().partition("-")
        if not (first.isdigit() and (last or first).isdigit()):
            raise UsageError(f"petals {text!r} cannot be read: expected a list such as 0-9 or 0,3,6-8")
        petals.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(petals))


def parse_faults(texts: list[str]) -> dict[str, float]:
    """Faults and amplitudes of ``NAME=AMPLITUDE`` words; the default amplitude where none is given.

    Parameters
    ----------
    texts : list of str
        Words of the command line.

    Returns
    -------
    dict of str to float
        Fault name to amplitude.

    Raises
    ------
    UsageError
        A name that does not exist, or an amplitude that is no number.
    """
    from pytest_specqa.demo.faults import FAULTS, check_faults  # noqa: PLC0415

    faults: dict[str, float] = {}
    for text in texts:
        name, equals, amplitude = text.partition("=")
        check_faults({name: 0.0})
        try:
            faults[name] = float(amplitude) if equals else FAULTS[name].amplitude
        except ValueError:
            raise UsageError(f"amplitude {amplitude!r} of fault {name} is no number: expected NAME=AMPLITUDE") from None
    return faults
