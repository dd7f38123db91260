"""What the checks of a unit depend on: the files that they read, the exposure tables of their nights, and the names around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pytest_specqa import remote
from pytest_specqa.values import NO_NIGHT, Record

CAMERA_OR_PETAL = re.compile(r"-(?:[brz])?([0-9])-")
NIGHT = re.compile(r"exposures/(\d{8})/")


def are_named(records: Sequence[Record]) -> bool:
    """Tell whether every record names the files that its check read, and the check looked at nothing beyond them."""
    return all(record.get("products") and not record.get("beyond_products") for record in records)


def products(records: Iterable[Record]) -> list[str]:
    """Files that checks read, below the production."""
    return sorted({product for record in records for product in record.get("products", [])})


def nights(record: Record, names: Iterable[str]) -> list[str]:
    """Nights of a unit and of the files that its checks read."""
    own = {str(record["night"])} if record["night"] != NO_NIGHT else set()
    return sorted(own.union(*(NIGHT.findall(name) for name in names)))


def tables(record: Record, names: Iterable[str]) -> list[str]:
    """Exposure tables of these nights, which choose limits and say what is expected."""
    return [f"exposure_tables/{night[:6]}/exposure_table_{night}.csv" for night in nights(record, names)]


def folders(record: Record, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Folders of the products and those that the unit is made of, with the pattern of what matters there.

    What is absent there is no product of any record.
    """
    yield from ((folder, "*") for folder in sorted({str(Path(name).parent) for name in names}))
    if (expid := record["expid"]) is not None:
        yield f"exposures/{record['night']}/{expid:08d}", "*"
    else:
        yield from ((f"exposures/{night}", "*/*") for night in nights(record, names))


def names(folder: Path, pattern: str) -> Iterator[str]:
    """Names below a folder that `folders` tells of, as far as their pattern goes down; none of a folder that is not there."""
    if not remote.is_remote(folder):
        yield from (str(path.relative_to(folder)) for path in folder.glob(pattern))
        return
    for name, entry in remote.listing(folder).items():
        if "/" not in pattern:
            yield name
        elif entry.is_folder:
            yield from (f"{name}/{below}" for below in remote.listing(folder / name))


def concerns(record: Record, name: str) -> bool:
    """Tell whether a unit has a part in a file of these folders; a camera has none in those of others."""
    camera = record["camera"]
    return camera is None or not CAMERA_OR_PETAL.search(name) or any(part in name for part in (f"-{camera}-", f"-{camera[1]}-"))
