"""The store of one production: measurements and vectors of many nights in Parquet files, a folder for each night."""

from __future__ import annotations

import datetime
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_specqa import __version__
from pytest_specqa.errors import ResultsError
from pytest_specqa.results.store import settle
from pytest_specqa.results.storing import adding, asking, columns, writing
from pytest_specqa.results.storing.adding import Added
from pytest_specqa.results.storing.reading import again
from pytest_specqa.results.storing.shelf import Shelf
from pytest_specqa.results.writable import why_not
from pytest_specqa.values import Record

if TYPE_CHECKING:
    import duckdb
    import pyarrow

    from pytest_specqa.vectors import Vector

T = TypeVar("T")
FORMAT = 1
LABEL = "store.json"


@dataclass(frozen=True, eq=False)
class Kept:
    """A vector and what it belongs to.

    Attributes
    ----------
    night, expid, tile, petal : int or None
        Of its unit, where they apply.
    camera : str or None
        The same.
    program : str
        Of the exposure or tile.
    vector : Vector
        The numbers.
    """

    night: int
    expid: int | None
    tile: int | None
    camera: str | None
    petal: int | None
    program: str
    vector: Vector


@dataclass(frozen=True)
class Store:
    """What runs have measured of one production.

    Attributes
    ----------
    root : Path
        Its folder.
    production : str
        Name of the production.
    """

    root: Path
    production: str

    @classmethod
    def create(cls, root: str | Path, *, production: str) -> Store:
        """Make a store in a new or empty folder; one that is there is opened, if it is of the same production.

        Raises
        ------
        ResultsError
            If it cannot be made, the folder holds something else, or it is the store of another production.
        """
        root = Path(root)
        if not production:
            raise ResultsError(f"{root}: a store needs the name of its production")
        if root.exists() and not root.is_dir():
            raise ResultsError(f"{root}: is no folder; a store is a new or empty one")
        try:
            root.mkdir(parents=True, exist_ok=True)
            label = root / LABEL
            if not label.exists():
                # Hidden files may be those of another process that makes the same store.
                if other := next((name for name in os.listdir(root) if not name.startswith(".")), None):  # noqa: PTH208
                    raise ResultsError(f"{root}: is no store and holds {other!r}; choose a new or empty folder")
                _label(label, production)
        except OSError as error:
            raise ResultsError(f"{root}: no store can be made there: {why_not(error)}") from None
        store = cls.open(root)
        if store.production != production:
            raise ResultsError(
                f"{root}: is the store of production {store.production!r}, not of {production!r}; give each production its own"
            )
        return store

    @classmethod
    def open(cls, root: str | Path) -> Store:
        """Open the store in a folder.

        Raises
        ------
        ResultsError
            If there is none, or it has another format.
        """
        root = Path(root)
        label = root / LABEL
        try:
            found = json.loads(label.read_text(encoding="utf-8"))
            form, production = found["format"], found["production"]
        except (FileNotFoundError, NotADirectoryError):
            raise ResultsError(
                f"{root}: is no store (it has no {LABEL}); make one with specqa store add RESULTS --store DIR"
            ) from None
        except OSError as error:
            raise ResultsError(f"{label}: cannot be read ({error.strerror or error})") from None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ResultsError(f"{label}: is damaged; expected JSON with format and production") from None
        if form != FORMAT:
            raise ResultsError(f"{label}: is of format {str(form)[:20]}, expected {FORMAT}; use the version that wrote it")
        if not isinstance(production, str) or not production:
            raise ResultsError(f"{label}: names no production")
        return cls(root, production)

    @property
    def records(self) -> Shelf:
        """Where measurements are."""
        return Shelf(self.root / "records", writing.write_records)

    @property
    def kept(self) -> Shelf:
        """Where vectors are."""
        return Shelf(self.root / "vectors", writing.write_vectors)

    @property
    def nights(self) -> list[int]:
        """Nights of which there are measurements, in order."""
        return self.records.nights()

    def add(self, records: Iterable[Record], *, again: bool = False) -> Added:
        """Add measurements, and the vectors that they carry, that are not there.

        Parameters
        ----------
        records : iterable of Record
            Of this production. Those that agree with one that is there in unit, expectation, measure, waiver and the digests of
            code, limits and inputs are left out; where a digest is missing, those that agree in everything.
        again : bool
            Whether what is there, but superseded by something newer, is added anew: so it is for what a run has just found.

        Returns
        -------
        Added
            Number of new measurements, of those that were there, and of new vectors.

        Raises
        ------
        ResultsError
            For measurements of another production or damaged ones, of which nothing is added, and if it cannot be written.
        """
        total = Added(0, 0)
        for night, (rows, kept) in sorted(columns.split(records, self.production).items()):
            total += adding.add_night(self.records, self.kept, night, rows=rows, kept=kept, again=again)
        return total

    def connect(self, memory: str = asking.MEMORY) -> duckdb.DuckDBPyConnection:
        """Open the store for SQL, as it is now.

        Parameters
        ----------
        memory : str
            Limit of what a query takes.

        Returns
        -------
        duckdb.DuckDBPyConnection
            With the views ``records`` (the newest of each unit, expectation and measure), ``all_records`` and ``vectors`` (the
            newest of each unit and name). What it cannot read is told in one line within `asking.one_line`.
        """
        connection = asking.connected(memory)
        # A part never changes: where its columns are is read once for all queries, of 1,000 nights in 350 MB.
        connection.execute("SET parquet_metadata_cache = true")
        with asking.one_line(self.root):
            asking.make_views(connection, self.records, self.kept)
        return connection

    def ask(
        self,
        use: Callable[[duckdb.DuckDBPyConnection], T],
        *,
        nights: Iterable[int] | None = None,
        memory: str = asking.MEMORY,
        threads: int = asking.THREADS,
    ) -> T:
        """Return what `use` makes of a connection with the views of `connect`, which is closed then.

        Parameters
        ----------
        use : callable
            Takes the connection; called again if the store was compacted meanwhile.
        nights : iterable of int, optional
            Nights that the views speak of, by default all: those of years take longer to make than to ask.
        memory : str
            Limit of what a query takes.
        threads : int
            How many work at once.

        Raises
        ------
        ResultsError
            In one line, if the store cannot be read.
        """
        chosen = None if nights is None else [int(night) for night in nights]

        def once() -> T:
            """Ask the parts that there are now."""
            with asking.one_line(self.root), asking.connected(memory) as connection:
                connection.execute(f"SET threads = {threads}")
                connection.execute("SET parquet_metadata_cache = true")
                asking.make_views(connection, self.records, self.kept, nights=chosen)
                return use(connection)

        return again(once)

    def measures(self, measure: str | None = None, camera: str | None = None, nights: Iterable[int] | None = None) -> pyarrow.Table:
        """Return current measurements.

        Parameters
        ----------
        measure, camera : str, optional
            What to keep, by default all.
        nights : iterable of int, optional
            Nights, each YYYYMMDD; by default all.

        Returns
        -------
        pyarrow.Table
            With the columns `asking.MEASURES`, ordered by night and exposure.
        """
        return self.ask(lambda connection: asking.measures(connection, measure=measure, camera=camera), nights=nights)

    def vectors(
        self, name: str, camera: str | None = None, petal: int | None = None, nights: Iterable[int] | None = None
    ) -> Iterator[Kept]:
        """Yield current vectors of a name, ordered by night and exposure.

        Parameters
        ----------
        name : str
            Such as ``residual``.
        camera : str, optional
            A camera, by default all.
        petal : int, optional
            A petal of tiles, by default all.
        nights : iterable of int, optional
            Nights, each YYYYMMDD; by default all.

        Yields
        ------
        Kept
            One night is in memory at a time.
        """
        from pytest_specqa.vectors import unpack  # noqa: PLC0415

        for night in self.kept.nights() if nights is None else sorted({int(night) for night in nights}):
            for row in again(partial(asking.vectors, self.kept, night, name=name, camera=camera, petal=petal)):
                told = {**row, "unit": row["value_unit"]}
                try:
                    vector = unpack(told, row["data"])
                except ResultsError as error:
                    raise ResultsError(f"{self.kept.folder(night)}: {row['unit']}: {error}") from None
                places: Any = {name: row[name] for name in ("expid", "tile", "camera", "petal")}
                yield Kept(night=night, program=row["program"] or "", vector=vector, **places)


def _label(label: Path, production: str) -> None:
    """Write what the store is; of two processes that do so at once one is first."""
    made = f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    told = {"format": FORMAT, "production": production, "made": made, "version": __version__}
    handle, name = tempfile.mkstemp(dir=label.parent, prefix=f".{LABEL}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(told) + "\n")
        settle(Path(name))
        with suppress(FileExistsError):
            os.link(name, label)
    finally:
        Path(name).unlink(missing_ok=True)
