"""Every command-line option and ini value, read once into one frozen `Options`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.errors import UsageError

if TYPE_CHECKING:
    import pytest

GROUPS = ("cumulative", "pernight")
FAIL_ON = ("failures", "warnings", "regressions")
RESULT_SUFFIXES = (".jsonl", ".parquet")
VERIFY = ("read", "whole")
EARLIEST, LATEST = 0, 99999999
"""Open ends of a range of nights; what has no night of its own lies at the first."""
FILTERS = ("night", "tile", "expid", "camera", "petal")
KINDS = ("camera", "petal", "exposure", "tile", "night")


@dataclass(frozen=True)
class Options:
    """What the user asked for.

    Attributes
    ----------
    specprod : str or None
        Path or bare name of the production; ``None`` leaves it to the environment.
    nights : tuple of (int, int)
        Inclusive ranges of nights; empty selects all.
    tiles, expids, petals : tuple of int
        Numbers to keep; empty keeps all.
    cameras : tuple of str
        Camera names, bands or camwords as typed; empty keeps all.
    group : str
        Folder below ``tiles/``.
    results : tuple of Path
        Files that receive one record per measurement.
    limits, waivers : Path or None
        The user's own layer of limits; the waivers file.
    baseline : str or None
        Results or production that failures are compared with.
    fail_on : str
        What makes the run fail: ``failures``, ``warnings`` (as well) or ``regressions`` (only).
    verify : str
        Whether the sums of what is ``read`` are verified, or of every file as a ``whole``, which inflates packed ones to their end.
    history : Path or None
        Folder of the store whose past nights values are compared with.
    max_pictures : int
        Pictures per expectation in the report.
    show_passed : bool
        Whether the report lists what passed.
    cache_bytes : int
        Memory that loaded products may take in each process.
    resume : bool
        Whether checks that an earlier run judged before it was cut short are taken over.
    kinds : tuple of str
        Kinds of units that are judged; products of the others are read where a check needs them.
    vectors : bool
        Whether numbers of every fiber are kept with the results.
    store : Path or None
        Folder of the store that what was judged is added to; such a run keeps vectors.
    """

    specprod: str | None = None
    nights: tuple[tuple[int, int], ...] = ()
    tiles: tuple[int, ...] = ()
    expids: tuple[int, ...] = ()
    cameras: tuple[str, ...] = ()
    petals: tuple[int, ...] = ()
    group: str = "cumulative"
    results: tuple[Path, ...] = ()
    limits: Path | None = None
    waivers: Path | None = None
    baseline: str | None = None
    fail_on: str = "failures"
    verify: str = "read"
    history: Path | None = None
    max_pictures: int = 3
    show_passed: bool = False
    cache_bytes: int = 350_000_000
    resume: bool = False
    kinds: tuple[str, ...] = KINDS
    vectors: bool = False
    store: Path | None = None

    @property
    def stored(self) -> bool:
        """Whether what is judged is written anywhere."""
        return bool(self.results or self.store)

    @property
    def explicit(self) -> bool:
        """Whether the command line speaks of a production or of its units."""
        return bool(self.specprod or self.nights or self.tiles or self.expids or self.cameras or self.petals)


def add_options(parser: pytest.Parser) -> None:
    """Declare every option; those named ``--specqa-x`` have an ini twin ``specqa_x``."""
    group = parser.getgroup("specqa", "spectroscopic data quality")
    group.addoption("--specprod", metavar="PATH|NAME", help="production folder, or its name under $DESI_SPECTRO_REDUX [$SPECPROD]")
    for name, metavar, text in (
        ("night", "NIGHTS", "nights YYYYMMDD: repeatable, comma lists, inclusive ranges 20210501:20210531; : is all of them"),
        ("tile", "TILES", "tile numbers: repeatable, comma lists"),
        ("expid", "EXPIDS", "exposure numbers: repeatable, comma lists"),
        ("camera", "CAMERAS", "cameras r6, bands r or camwords a0123b4: repeatable, comma lists"),
        ("petal", "PETALS", "petals 0-9: repeatable, comma lists"),
    ):
        names = (f"--{name}", f"--{name}s")
        group.addoption(*names, dest=f"specqa_{name}", action="append", default=[], metavar=metavar, help=text)
    for name, metavar, text in (
        ("group", "GROUP", f"folder below tiles/: {', '.join(GROUPS)} [cumulative]"),
        ("limits", "FILE", "your own limits file, on top of limits.toml"),
        ("waivers", "FILE", "waivers.toml: known failures with reason, owner and expiry"),
        ("baseline", "RESULTS|PRODUCTION", "earlier results or production to compare with"),
        ("fail-on", "WHAT", f"what fails the run: {', '.join(FAIL_ON)} [failures]"),
        ("verify", "WHAT", "sums of what is read, or of whole files up to the CRC of their gzip: read, whole [read]"),
        ("history", "STORE", "store of this production: what passes is compared with the last 60 nights of its camera"),
        ("max-pictures", "N", "pictures per expectation in the report [3]"),
        ("cache-mb", "MB", "memory for loaded products, per process [350]"),
        ("store", "DIR", "add what was judged, with the numbers of every fiber, to the store in DIR"),
    ):
        group.addoption(f"--specqa-{name}", dest=_key(name), default=None, metavar=metavar, help=text)
        parser.addini(_key(name), help=f"default of --specqa-{name}", default=None)
    text = f"judge units of these kinds only: comma lists of {', '.join(KINDS)} [all]"
    group.addoption("--specqa-kinds", dest="specqa_kinds", action="append", default=[], metavar="KINDS", help=text)
    text = "write one record per measurement to FILE.jsonl or FILE.parquet; repeatable"
    group.addoption("--specqa-results", dest="specqa_results", action="append", default=[], metavar="FILE", help=text)
    parser.addini("specqa_results", help="default of --specqa-results", type="args", default=[])
    text = "go on from the journal of a run that was cut short: what it judged of the same code, limits and inputs is taken over"
    group.addoption("--specqa-resume", dest="specqa_resume", action="store_true", default=None, help=text)
    parser.addini("specqa_resume", help="default of --specqa-resume, for runs that store results", type="bool", default=False)
    text = "keep with the results, for the history of nights, numbers of every fiber: residuals, sky lines, redshifts"
    group.addoption("--specqa-vectors", dest="specqa_vectors", action="store_true", default=None, help=text)
    parser.addini("specqa_vectors", help="default of --specqa-vectors, for runs that store results", type="bool", default=False)
    group.addoption(
        "--specqa-show-passed",
        dest="specqa_show_passed",
        action="store_true",
        default=None,
        help="list in the report what passed, too",
    )
    parser.addini("specqa_show_passed", help="default of --specqa-show-passed", type="bool", default=False)


def _key(name: str) -> str:
    return f"specqa_{name.replace('-', '_')}"


def read_options(config: pytest.Config) -> Options:
    """Read and check command line and ini values.

    Raises
    ------
    UsageError
        Naming the option, what was found and what is expected.
    """
    typed = {name: list(_split(config.getoption(f"specqa_{name}"))) for name in FILTERS}
    fail_on = _choice(config, "fail-on", FAIL_ON)
    baseline = _text(config, "baseline")
    if fail_on == "regressions" and not baseline:
        raise UsageError("--specqa-fail-on regressions: needs --specqa-baseline RESULTS_OR_PRODUCTION to compare with")
    results = config.getoption("specqa_results") or config.getini("specqa_results")
    if config.getoption("specqa_resume") and not results:
        raise UsageError("--specqa-resume: needs --specqa-results FILE, beside which the journal of the earlier run lies")
    store = _folder(config, "store")
    if config.getoption("specqa_vectors") and not (results or store):
        raise UsageError("--specqa-vectors: needs --specqa-results FILE or --specqa-store DIR, which keep them")
    return Options(
        specprod=config.getoption("specprod") or None,
        nights=tuple(_night_range(text) for text in typed["night"]),
        tiles=tuple(_number(text, option="--tile") for text in typed["tile"]),
        expids=tuple(_number(text, option="--expid") for text in typed["expid"]),
        petals=tuple(_petal(text) for text in typed["petal"]),
        cameras=tuple(_camera(text) for text in typed["camera"]),
        group=_choice(config, "group", GROUPS),
        results=tuple(_result_file(config, text) for text in results),
        limits=_file(config, "limits"),
        waivers=_file(config, "waivers"),
        baseline=baseline,
        fail_on=fail_on,
        verify=_choice(config, "verify", VERIFY),
        history=_folder(config, "history"),
        max_pictures=_count(config, "max-pictures", default=3),
        show_passed=bool(config.getoption("specqa_show_passed") or config.getini("specqa_show_passed")),
        cache_bytes=_count(config, "cache-mb", default=350) * 1_000_000,
        resume=bool(results and (config.getoption("specqa_resume") or config.getini("specqa_resume"))),
        vectors=bool(store or (results and (config.getoption("specqa_vectors") or config.getini("specqa_vectors")))),
        store=store,
        kinds=tuple(_kind(text) for text in _split(config.getoption("specqa_kinds"))) or KINDS,
    )


def _split(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        for part in text.split(","):
            if not part.strip():
                raise UsageError(f"{text!r}: found an empty entry; expected values separated by single commas")
            yield part.strip()


def _night_range(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    for bound in (first, last) if colon else (first,):
        if (bound or not colon) and not re.fullmatch(r"20\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", bound):
            raise UsageError(f"--night {text}: {bound!r} is no night; expected YYYYMMDD, or a range YYYYMMDD:YYYYMMDD")
    low, high = int(first or EARLIEST), int((last if colon else first) or LATEST)
    if low > high:
        raise UsageError(f"--night {text}: the range runs backwards; expected {high}:{low}")
    return low, high


def _number(text: str, option: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise UsageError(f"{option} {text}: expected a whole number, or several separated by commas")
    return int(text)


def _petal(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise UsageError(f"--petal {text}: expected petals such as 0-9, separated by commas")
    return int(text)


def _camera(text: str) -> str:
    if not re.fullmatch(r"([a-z][0-9]*)+", text):
        raise UsageError(f"--camera {text}: expected a camera r6, a band r, or a camword a0123b4 (a is all bands)")
    return text


def _kind(text: str) -> str:
    if text not in KINDS:
        raise UsageError(f"--specqa-kinds {text}: expected some of {', '.join(KINDS)}, separated by commas")
    return text


def _text(config: pytest.Config, name: str) -> str | None:
    found = config.getoption(_key(name))
    if found is None:
        found = config.getini(_key(name))
    return str(found) if found else None


def _choice(config: pytest.Config, name: str, choices: tuple[str, ...]) -> str:
    found = _text(config, name) or choices[0]
    if found not in choices:
        raise UsageError(f"--specqa-{name} {found}: expected one of {', '.join(choices)}")
    return found


def _count(config: pytest.Config, name: str, *, default: int) -> int:
    found = _text(config, name)
    if found is None:
        return default
    if not re.fullmatch(r"[0-9]{1,7}", found):
        raise UsageError(f"--specqa-{name} {found}: expected a whole number, zero or more")
    return int(found)


def _place(config: pytest.Config, text: str, *, typed: bool) -> Path:
    """Resolve a path as the user means it."""
    base = _base(config, typed=typed)
    return Path(os.path.realpath(base / Path(text).expanduser()))


def _base(config: pytest.Config, *, typed: bool) -> Path:
    """Where a path begins: on the command line where it is typed, as an ini value where the ini file is."""
    inipath = config.inipath
    return config.invocation_params.dir if typed or inipath is None else inipath.parent


def _file(config: pytest.Config, name: str) -> Path | None:
    found = _text(config, name)
    if found is None:
        return None
    path = _place(config, found, typed=config.getoption(_key(name)) is not None)
    if not path.is_file():
        raise UsageError(f"--specqa-{name} {found}: no such file; expected a TOML file at {path}")
    return path


def _folder(config: pytest.Config, name: str) -> Path | None:
    found = _text(config, name)
    return _place(config, found, typed=config.getoption(_key(name)) is not None) if found else None


def _result_file(config: pytest.Config, text: str) -> Path:
    # Not resolved: whether a file can be written depends on the links on the way (`pytest_specqa.run.writable`).
    path = Path(os.path.abspath(_base(config, typed=bool(config.getoption("specqa_results"))) / Path(text).expanduser()))  # noqa: PTH100
    if path.suffix not in RESULT_SUFFIXES:
        raise UsageError(f"--specqa-results {text}: expected a name that ends in {' or '.join(RESULT_SUFFIXES)}")
    return path
