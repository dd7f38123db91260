"""The verb ``specqa completion``: what a shell needs to complete the verbs and their options."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

from pytest_specqa.errors import UsageError

SHELLS = ("bash", "zsh", "tcsh")
HOW = """\
  bash:  specqa completion bash > ~/.local/share/bash-completion/completions/specqa
  zsh:   specqa completion zsh > ~/.zfunc/_specqa      (with ~/.zfunc in fpath, before compinit)
  tcsh:  specqa completion tcsh > ~/.specqa.tcsh       (and source it from ~/.tcshrc)
The options of the runs are those of pytest, which argcomplete completes: eval "$(register-python-argcomplete pytest)"
"""


def add_verb(subparsers: Any) -> None:
    """Add the verb's parser."""
    verb = subparsers.add_parser(
        "completion",
        help="write what a shell completes specqa with",
        description="Write what a shell completes the verbs and their options with.",
        epilog=HOW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the completion for a shell.

    Raises
    ------
    UsageError
        If the package that writes it is not installed.
    """
    try:
        import shtab  # noqa: PLC0415
    except ModuleNotFoundError:
        raise UsageError("shtab is not installed: pip install 'pytest-specqa[completion]'") from None
    from pytest_specqa import cli  # noqa: PLC0415

    top = cli.Parser(prog="specqa")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", parser_class=cli.Parser)
    for module in dict.fromkeys(module for module, _ in cli.VERBS.values()):
        import_module(module).add_verb(verbs)
    print(shtab.complete(top, shell=arguments.shell))
    return 0
