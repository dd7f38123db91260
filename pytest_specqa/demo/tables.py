"""Tables of the demo production: exposure table, exposure and tile lists, fibermaps."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pytest_specqa.demo.camera_files import fibermap_hdu
from pytest_specqa.demo.fitsbytes import image_hdu, write_file
from pytest_specqa.demo.story import StoryExposure, exposure_cards, exposures_on, fibermap_cards, story_targets
from pytest_specqa.instrument import DESI

_EXPOSURE_TABLE = (
    "EXPID OBSTYPE TILEID LASTSTEP CAMWORD BADCAMWORD BADAMPS EXPTIME EFFTIME_ETC SURVEY FA_SURV FAPRGRM GOALTIME GOALTYPE"
)
_EXPOSURE_TABLE += " EBVFAC AIRMASS SPEED TARGTRA TARGTDEC SEQNUM SEQTOT PROGRAM PURPOSE MJD-OBS NIGHT HEADERERR EXPFLAG COMMENTS"


def camword(bands: str, petals: Sequence[int]) -> str:
    """Camera word of full bands of some petals.

    Parameters
    ----------
    bands : str
        Some of ``brz``.
    petals : sequence of int
        Petals 0-9.

    Returns
    -------
    str
        Such as ``a0123`` or ``r6``.
    """
    digits = "".join(str(petal) for petal in petals)
    if set(bands) == set(DESI.bands):
        return f"a{digits}"
    return "".join(f"{band}{digits}" for band in sorted(set(bands)))


def write_tables(root: Path, *, bands: str, petals: Sequence[int], seed: int, nights: int = 1) -> None:
    """Write everything of a production that does not belong to one petal.

    Parameters
    ----------
    root : Path
        Folder of the production; its name is the production's name.
    bands : str
        Bands that it holds.
    petals : sequence of int
        Petals that it holds.
    seed : int
        Seed of the demo.
    nights : int
        Nights that it holds.
    """
    for later in range(nights):
        _write_exposure_table(root, exposures_on(later), bands=bands, petals=petals)
    everything = [exposure for later in range(nights) for exposure in exposures_on(later)]
    _write_lists(root, everything)
    for exposure in everything:
        targets = [story_targets(exposure.tile, petal, seed=seed, later=exposure.later).fibermap for petal in DESI.petals]
        fibermap = np.concatenate(targets)
        fibermap["EXPTIME"] = exposure.exptime
        hdus = image_hdu("", None, primary=True) + fibermap_hdu(fibermap, cards=fibermap_cards(exposure))
        name = f"{exposure.expid:08d}"
        write_file(root / "preproc" / str(exposure.night) / name / f"fibermap-{name}.fits", [hdus])


def _write_exposure_table(root: Path, exposures: Sequence[StoryExposure], *, bands: str, petals: Sequence[int]) -> None:
    rows = []
    for exposure in exposures:
        cards = exposure_cards(exposure, "r0")
        values = dict.fromkeys(_EXPOSURE_TABLE.split(), "")
        values |= {"EXPID": str(exposure.expid), "OBSTYPE": "science", "TILEID": str(exposure.tile), "LASTSTEP": "all"}
        values |= {
            "CAMWORD": camword(bands, petals),
            "EXPTIME": str(exposure.exptime),
            "EFFTIME_ETC": f"{0.6 * exposure.exptime:.1f}",
        }
        values |= {
            "SURVEY": "main",
            "FA_SURV": "main",
            "FAPRGRM": "dark",
            "GOALTIME": "1000.0",
            "GOALTYPE": "dark",
            "EBVFAC": "1.14",
        }
        values |= {
            "AIRMASS": str(exposure.airmass),
            "SPEED": "1.0",
            "TARGTRA": str(cards["TARGTRA"]),
            "TARGTDEC": str(cards["TARGTDEC"]),
        }
        values |= {"SEQNUM": "1", "SEQTOT": "1", "PROGRAM": "dark", "PURPOSE": "main survey", "MJD-OBS": str(exposure.mjd)}
        values |= {"NIGHT": str(exposure.night), "HEADERERR": "|", "EXPFLAG": "|", "COMMENTS": "|"}
        rows.append(values)
    night = exposures[0].night
    _write_csv(root / "exposure_tables" / str(night)[:6] / f"exposure_table_{night}.csv", rows)


def _write_lists(root: Path, exposures: Sequence[StoryExposure]) -> None:
    rows = [
        {
            "NIGHT": str(exposure.night),
            "EXPID": str(exposure.expid),
            "TILEID": str(exposure.tile),
            "SURVEY": "main",
            "PROGRAM": "dark",
            "FAPRGRM": "dark",
            "EXPTIME": str(exposure.exptime),
            "EFFTIME_SPEC": f"{0.6 * exposure.exptime:.1f}",
            "MJD": str(exposure.mjd),
        }
        for exposure in exposures
    ]
    _write_csv(root / f"exposures-{root.name}.csv", rows)
    tiles = []
    for tile in dict.fromkeys(exposure.tile for exposure in exposures):
        own = [exposure for exposure in exposures if exposure.tile == tile]
        total = sum(exposure.exptime for exposure in own)
        tiles.append(
            {
                "TILEID": str(tile),
                "SURVEY": "main",
                "PROGRAM": "dark",
                "FAPRGRM": "dark",
                "NEXP": str(len(own)),
                "EXPTIME": str(total),
                "EFFTIME_SPEC": f"{0.6 * total:.1f}",
                "LASTNIGHT": str(own[-1].night),
            }
        )
    _write_csv(root / f"tiles-{root.name}.csv", tiles)


def _write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
