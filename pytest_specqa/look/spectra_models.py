"""Best-fit models of spectra: those that redrock wrote, or made of its templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.errors import MissingProductError, ProductError, UsageError
from pytest_specqa.look.spectra_rebin import Floats, rebin
from pytest_specqa.production import Production, Redshifts
from pytest_specqa.production.templates import Template, read_models, read_templates, template_of
from pytest_specqa.values import Tile

Made = tuple[Mapping[str, Floats], str]
NOWHERE = "no model: there is no rrmodel file beside the redshifts, and no templates are given ($RR_TEMPLATE_DIR, --templates)"


@dataclass(frozen=True)
class Models:
    """Where models come from.

    Attributes
    ----------
    templates : tuple of Template
        Templates of redrock.
    note : str
        Why there are none, where that is worth saying.
    """

    templates: tuple[Template, ...] = ()
    note: str = field(default=NOWHERE)

    @classmethod
    def find(cls, option: Path | None, environ: Mapping[str, str]) -> Models:
        """Read the templates of the option, else those of ``$RR_TEMPLATE_DIR``, where a bad folder is no error."""
        if option is not None:
            return cls(tuple(read_templates(option)))
        folder = environ.get("RR_TEMPLATE_DIR", "")
        if not folder:
            return cls()
        try:
            return cls(tuple(read_templates(Path(folder))))
        except (ProductError, UsageError) as error:
            return cls(note=f"no model: there is no rrmodel file beside the redshifts, and RR_TEMPLATE_DIR is of no use ({error})")

    def of(
        self,
        production: Production,
        tile: Tile,
        petal: int,
        fits: Redshifts | None,
        *,
        rows: NDArray[np.intp],
        bands: Mapping[str, tuple[NDArray[Any], NDArray[Any], NDArray[Any]]],
        by: int,
    ) -> list[Made]:
        """Make the models of some fits.

        Parameters
        ----------
        production, tile, petal
            What they are of.
        fits : Redshifts or None
            The fits of the petal.
        rows : ndarray of int
            Rows of the fits; -1 where a spectrum has none.
        bands : Mapping
            By band, wavelengths, flux and ivar.
        by : int
            Pixels of a bin.

        Returns
        -------
        list of (Mapping, str)
            For each row by band the model in bins, and what it is or why there is none.
        """
        if fits is None:
            return [({}, "no model: there are no redshifts")] * len(rows)
        own = self._own(production, tile, petal)
        waves = {band: np.asarray(arrays[0], dtype=float) for band, arrays in bands.items()}
        made: list[Made] = []
        for row in rows.tolist():
            if row < 0:
                made.append(({}, "no model: this target has no fit"))
                continue
            model, words = self._one(own, fits, row, waves)
            made.append(({band: _binned(waves[band], values, by=by) for band, values in model.items()}, words))
        return made

    def _own(
        self, production: Production, tile: Tile, petal: int
    ) -> tuple[str, NDArray[np.int64], Mapping[str, tuple[Floats, Any]]] | None:
        try:
            path = production.find("rrmodel", tile=tile.tile, group=tile.group, suffix=tile.suffix, petal=petal)
        except MissingProductError:
            return None
        return path.name, *read_models(path)

    def _one(
        self,
        own: tuple[str, NDArray[np.int64], Mapping[str, tuple[Floats, Any]]] | None,
        fits: Redshifts,
        row: int,
        waves: Mapping[str, Floats],
    ) -> tuple[Mapping[str, Floats], str]:
        if own is not None:
            name, targets, models = own
            found = np.flatnonzero(targets == fits["TARGETID"][row])
            if len(found):
                shown = {band: model[found[0]].astype(float) for band, (_, model) in models.items() if band in waves}
                return shown, f"model: redrock's own, {name}"
        if not self.templates:
            return {}, self.note
        fit: dict[str, Any] = {
            name: fits[name][row] for name in ("SPECTYPE", "SUBTYPE", "NCOEFF", "FITMETHOD") if name in fits.columns
        }
        try:
            if "COEFF" not in fits.columns:
                raise ProductError("the redshifts have no column COEFF")
            template = template_of(list(self.templates), fit, header=fits.header)
        except ProductError as error:
            return {}, f"no model: {error}"
        coeff, z = fits["COEFF"][row], float(fits["Z"][row])
        words = f"model: template {template.path.name} with COEFF of the fit, not convolved with the resolution"
        return {band: template.model(coeff, z, wave) for band, wave in waves.items()}, words


def _binned(wave: Floats, model: Floats, *, by: int) -> Floats:
    binned: Floats = rebin(wave, model[None, :], np.ones((1, wave.size)), by=by).flux[0]
    return binned
