"""Templates of redrock, and the best-fit spectra that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.errors import ProductError, UsageError
from pytest_specqa.instrument import DESI
from pytest_specqa.production.content import Image, Rows, read_content
from pytest_specqa.production.defects import defect, one_line
from pytest_specqa.production.frames import check_wave
from pytest_specqa.production.headers import Header

Floats = NDArray[np.float64]

LYMAN_ALPHA = 1215.67
_SERIES = {LYMAN_ALPHA: 1.0, 1025.72: 5.2615, 972.537: 14.356, 949.7431: 29.85984, 937.8035: 53.36202}
# Effective optical depth a (1 + z)^b of the intergalactic medium, divided for each line of the series.
_DEPTHS: dict[str, tuple[float, float, dict[float, float]]] = {
    "Calura12": (0.0023, 3.64, _SERIES),
    "Kamble20": (0.00554, 3.182, {LYMAN_ALPHA: 1.0}),
}
# Which of them versions of the templates use that do not say so.
_OLDER_IGM = {("QSO", "0.1"): "Calura12", ("QSO", "1.0"): "Calura12", ("QSO", "1.1"): "Kamble20"}
_LINEAR = ("", "PCA", "NMF")
"""Methods of a fit whose COEFF are those of the template vectors; those of archetypes (ARCH) are not."""


@dataclass(frozen=True, eq=False)
class Template:
    """One template of redrock.

    Attributes
    ----------
    spectype, subtype, version : str
        As in its header; `subtype` is empty where it has none.
    wave : numpy.ndarray
        f8[nw], rest wavelength in Angstrom.
    vectors : numpy.ndarray
        f8[nbasis, nw]; a model is their sum weighted by COEFF.
    igm : str
        Model of the absorption by the intergalactic medium; empty for none.
    path : Path
        The file.
    """

    spectype: str
    subtype: str
    version: str
    wave: Floats
    vectors: Floats
    igm: str
    path: Path

    def model(self, coeff: NDArray[Any], z: float, wave: Floats) -> Floats:
        """Return the model of a fit.

        Parameters
        ----------
        coeff : ndarray
            COEFF of the fit; what is beyond the number of vectors is not used.
        z : float
            Redshift.
        wave : ndarray, shape (n,)
            Observed wavelengths in Angstrom.

        Returns
        -------
        ndarray, shape (n,)
            In the unit of the spectra, not convolved with their resolution; NaN outside the template, and bluewards of
            Lyman-alpha where the absorption there follows a model that is not known here.
        """
        rest = np.asarray(coeff, dtype=float)[: len(self.vectors)] @ self.vectors
        shifted = self.wave * (1 + z)
        # As a mean over each bin, so that narrow lines keep their flux.
        total = np.concatenate([[0.0], np.cumsum(0.5 * (rest[1:] + rest[:-1]) * np.diff(shifted))])
        edges = np.concatenate([[1.5 * wave[0] - 0.5 * wave[1]], 0.5 * (wave[1:] + wave[:-1]), [1.5 * wave[-1] - 0.5 * wave[-2]]])
        found = np.diff(np.interp(edges, shifted, total)) / np.diff(edges)
        found[(edges[:-1] < shifted[0]) | (edges[1:] > shifted[-1])] = np.nan
        return np.asarray(found * transmission(self.igm, z, wave))


def transmission(igm: str, z: float, wave: Floats) -> Floats:
    """Part of the light that the intergalactic medium lets through.

    Parameters
    ----------
    igm : str
        ``Calura12``, ``Kamble20``, empty for none; of another nothing is known bluewards of Lyman-alpha.
    z : float
        Redshift of the source.
    wave : ndarray
        Observed wavelengths in Angstrom.

    Returns
    -------
    ndarray
        1 redwards of Lyman-alpha; NaN where it is not known.

    References
    ----------
    Calura et al. 2012, MNRAS 422, 3019; Kamble et al. 2020, ApJ 892, 70; redrock 0.21.
    """
    passed = np.ones(wave.shape)
    if not igm:
        return passed
    if igm not in _DEPTHS:
        passed[wave < LYMAN_ALPHA * (1 + z)] = np.nan
        return passed
    scale, power, lines = _DEPTHS[igm]
    for line, divisor in lines.items():
        blue = wave < line * (1 + z)
        passed[blue] *= np.exp(-scale / divisor * (wave[blue] / line) ** power)
    return passed


def read_template(path: Path) -> Template:
    """Read a template of redrock.

    Parameters
    ----------
    path : Path
        ``rrtemplate-TYPE-SUBTYPE-vVERSION.fits``.

    Returns
    -------
    Template
        As the file has it.

    Raises
    ------
    ProductError
        If the file is missing, unreadable or no template; one line.
    """
    name = "BASIS_VECTORS"
    content = read_content(path, {name: Image(("f4", "f8"), (None, None))})
    header, vectors = content.headers[name], content.data[name].astype("f8")
    first, step = header.get("CRVAL1"), header.get("CDELT1")
    if not isinstance(first, (int, float)) or not isinstance(step, (int, float)) or step <= 0:
        raise defect(path, name, found=f"CRVAL1 = {first!r}, CDELT1 = {step!r}", expected="the wavelengths of a template")
    wave = first + step * np.arange(vectors.shape[1])
    if header.get("LOGLAM"):
        wave = 10.0**wave
    spectype, version = _text(header, "RRTYPE").upper(), _text(header, "VERSION")
    igm = _text(header, "RRIGM") or _OLDER_IGM.get((spectype, version), "" if spectype != "QSO" else "unknown")
    return Template(
        spectype, _text(header, "RRSUBTYP").upper(), version, wave.astype("f8"), vectors, "" if igm == "None" else igm, path
    )


def read_templates(folder: Path) -> list[Template]:
    """Read the templates of a folder such as ``$RR_TEMPLATE_DIR``; `UsageError` where it is none or holds none."""
    if not folder.is_dir():
        raise UsageError(f"no folder {folder}: give --templates the folder that holds rrtemplate-*.fits, or set RR_TEMPLATE_DIR")
    with one_line(folder):
        paths = sorted(folder.glob("rrtemplate-*.fits"))
    if not paths:
        raise UsageError(f"no rrtemplate-*.fits in {folder}: give --templates the folder of redrock-templates")
    return [read_template(path) for path in paths]


def template_of(templates: list[Template], fit: Mapping[str, Any], *, header: Header) -> Template:
    """Find the template that a fit was made with.

    Parameters
    ----------
    templates : list of Template
        Those that are there.
    fit : Mapping
        SPECTYPE, SUBTYPE, NCOEFF and FITMETHOD of the fit, as far as it has them.
    header : Mapping
        Header of the redrock file, which names templates and versions (TEMNAMnn, TEMVERnn).

    Returns
    -------
    Template
        The only one that can be meant.

    Raises
    ------
    ProductError
        If none can, or it cannot be told which; says why in a clause.
    """
    spectype, subtype = str(fit["SPECTYPE"]).strip(), str(fit.get("SUBTYPE", "")).strip()
    method, number = str(fit.get("FITMETHOD", "")).strip(), int(fit.get("NCOEFF", 0))
    if method not in _LINEAR:
        raise ProductError(f"the fit is by {method}, whose coefficients are not those of templates")
    named = f"{spectype} {subtype}".strip()
    found = [one for one in templates if (one.spectype, one.subtype) == (spectype, subtype)]
    version = _versions(header).get(f"{spectype}:::{subtype}" if subtype else spectype, "")
    if version:
        there = ", ".join(one.version for one in found) or "none"
        found = [one for one in found if one.version == version]
        if not found:
            raise ProductError(f"the fit used the template {named} {version}, and there is {there} of it")
    if len(found) != 1:
        raise ProductError(f"{len(found) or 'no'} templates {named} are there, and the file does not say which version it used")
    if number and number != len(found[0].vectors):
        raise ProductError(f"the fit has {number} coefficients, and the template {named} {len(found[0].vectors)} vectors")
    return found[0]


def read_models(path: Path) -> tuple[NDArray[np.int64], dict[str, tuple[Floats, NDArray[np.float32]]]]:
    """Read the best-fit models that redrock itself wrote.

    Parameters
    ----------
    path : Path
        ``rrmodel-PETAL-TILE-SUFFIX.fits``.

    Returns
    -------
    tuple
        TARGETID of each row, and by band the wavelengths f8[nw] in Angstrom and the models f4[n, nw].

    Raises
    ------
    ProductError
        If the file is missing, unreadable or not what redrock writes; one line.
    """
    wanted: dict[str, Image | Rows] = {"REDSHIFTS": Rows(("TARGETID",))}
    for band, grid in DESI.bands.items():
        wanted[f"{band.upper()}_WAVELENGTH"] = Image(("f8", "f4"), (grid.bins,), required=False)
        wanted[f"{band.upper()}_MODEL"] = Image(("f4", "f8"), (None, grid.bins), required=False)
    content = read_content(path, wanted)
    target = content.data["REDSHIFTS"]["TARGETID"]
    models = {}
    for band in DESI.bands:
        wave, model = (content.data.get(f"{band.upper()}_{kind}") for kind in ("WAVELENGTH", "MODEL"))
        if wave is None or model is None:
            continue
        check_wave(path, wave, band=band)
        if len(model) != len(target):
            raise defect(path, f"{band.upper()}_MODEL", found=f"{len(model)} models", expected=f"{len(target)} as in REDSHIFTS")
        models[band] = wave.astype("f8"), model.astype("f4")
    return target, models


def _versions(header: Header) -> dict[str, str]:
    names = {key: str(value).strip() for key, value in header.items() if key.startswith("TEMNAM")}
    return {name: str(header.get(f"TEMVER{key[6:]}", "")).strip() for key, name in names.items()}


def _text(header: Header, keyword: str) -> str:
    return str(header.get(keyword) or "").strip()
