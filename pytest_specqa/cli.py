"""The program ``specqa``: one verb per task.

Each verb is a row of `VERBS`: its name, the module that carries it out and one line of help. The module is imported when its verb
is used, not before. It exposes ``add_verb(subparsers)``, which adds the verb's own parser and sets ``run`` as a default of it: a
function that takes the parsed arguments and returns the exit code. One module may carry several verbs.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import IO, NoReturn, cast

from pytest_specqa import __version__
from pytest_specqa.errors import SpecQAError
from pytest_specqa.printable import Clean, printable, printable_lines

USAGE, INTERNAL, PIPE = 2, 3, 141
"""The last is what a shell says of a program whose reader is gone."""
OUTPUTS = ("html", "markdown", "junit", "json", "out", "outfile")
"""Options of the verbs that name a file to be written."""
FOLDERS = ("demo", "judgement", "site", "try")
"""Verbs that write folders."""
VERBS = {
    "demo": ("pytest_specqa.demo.cli", "write a simulated production, with faults of your choice"),
    "compare": ("pytest_specqa.compare.cli", "compare two productions or two stored results"),
    "look": ("pytest_specqa.look.cli", "write an interactive page of one exposure"),
    "gate": ("pytest_specqa.results.cli", "decide from stored results whether a release may go"),
    "triage": ("pytest_specqa.results.cli", "say from stored results what is wrong, where it began and what to do"),
    "waive": ("pytest_specqa.results.cli", "draft waivers for what failed"),
    "results": ("pytest_specqa.results.cli", "make results of what a run judged before it was cut short"),
    "store": ("pytest_specqa.results.storing.cli", "keep the results of many nights, and look after them"),
    "history": ("pytest_specqa.results.history.cli", "say from a store what changed over the nights, where and since when"),
    "limits": ("pytest_specqa.results.calibrating.cli", "check, list, calibrate or compare limits files"),
    "spectra": ("pytest_specqa.look.spectra_cli", "look at any choice of spectra, or at a tile, on one page"),
    "site": ("pytest_specqa.site.cli", "write static pages of a store: nights, exposures, cameras, fibers, trends"),
    "watch": ("pytest_specqa.watch.cli", "judge a production while it is made"),
    "prepare": ("pytest_specqa.trials.prepare", "compile the measures for this machine, once"),
    "try": ("pytest_specqa.trials.trying", "try one expectation on simulated units, clean and with a fault"),
    "completion": ("pytest_specqa.completion", "write what a shell completes verbs and options with"),
    "judgement": ("pytest_specqa.trials.cli", "measure false alarms and sensitivity of the expectations"),
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end with the exit code for misuse."""
        self.exit(USAGE, printable(f"{self.prog}: {message}; see {self.prog} --help") + "\n")


def parser(verb: str | None = None) -> Parser:
    """Build the command line.

    Parameters
    ----------
    verb : str or None
        The verb whose own options are needed; the others are only named.

    Returns
    -------
    Parser
        Which sets ``run`` for `verb`.
    """
    top = Parser(prog="specqa", description="Data quality of spectroscopic productions; expectations run with pytest.")
    top.add_argument("--version", action="version", version=f"pytest-specqa {__version__}")
    subparsers = top.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    if verb in VERBS:
        import_module(VERBS[verb][0]).add_verb(subparsers)
    for name, (_, text) in VERBS.items():
        if verb not in VERBS:
            subparsers.add_parser(name, help=text)
    return top


def _verify_outputs(arguments: argparse.Namespace) -> None:
    """Refuse files that cannot be written before the work whose outcome they are for."""
    for option in OUTPUTS:
        path = getattr(arguments, option, None)
        # Other steps write to the summary of a job as well: it is appended to.
        if isinstance(path, Path) and str(path) != os.environ.get("GITHUB_STEP_SUMMARY") and arguments.verb not in FOLDERS:
            from pytest_specqa.results.writable import verify  # noqa: PLC0415

            verify(path, option="--" + option)


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one verb.

    Parameters
    ----------
    argv : sequence of str or None
        Words of the command line; by default those of the process.

    Returns
    -------
    int
        Exit code of the verb; 2 for misuse, with one line on standard error; 3 if the program itself failed, so that a crash is
        never taken for a verdict.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    verb = next((word for word in words if not word.startswith("-")), None)
    arguments = parser(verb).parse_args(words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        # What a verb does not clean itself is cleaned here; the files that it writes are its own.
        with redirect_stdout(cast("IO[str]", Clean(sys.stdout))):
            _verify_outputs(arguments)
            code = run(arguments)
            sys.stdout.flush()
        return code
    except SpecQAError as error:
        print(printable(f"specqa {arguments.verb}: {error}"), file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # Who reads has seen enough, such as head. What is left in the buffer goes nowhere, instead of failing at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE
    except KeyboardInterrupt:
        print(f"specqa {arguments.verb}: interrupted", file=sys.stderr)
        return 130
    except Exception:
        print(printable_lines(traceback.format_exc()), end="", file=sys.stderr)
        print(f"specqa {arguments.verb}: this is a fault of the program, not a verdict; please report it", file=sys.stderr)
        return INTERNAL


if __name__ == "__main__":
    sys.exit(main())
