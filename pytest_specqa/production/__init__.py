"""Productions on disk: the only room that knows paths and FITS."""

from pytest_specqa.production.coadds import Coadd
from pytest_specqa.production.fibermap import Fibermap
from pytest_specqa.production.frames import Frame
from pytest_specqa.production.layout import resolve
from pytest_specqa.production.models import Fiberflat, FluxCalib, Sky
from pytest_specqa.production.production import Production
from pytest_specqa.production.redshifts import Redshifts
from pytest_specqa.production.skyterm import flat_fielded, sky_term
from pytest_specqa.production.tables import parse_cameras

__all__ = [
    "Coadd",
    "Fiberflat",
    "Fibermap",
    "FluxCalib",
    "Frame",
    "Production",
    "Redshifts",
    "Sky",
    "flat_fielded",
    "parse_cameras",
    "resolve",
    "sky_term",
]
