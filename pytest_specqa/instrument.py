"""What a spectrograph is: its bands, its slit, its focal plane, the flags of its fibers, and the lines that its sky shows.

Every fact about the instrument stands here once. Products carry the instrument that made them, and measures ask it; another
survey is another `Instrument`. Wavelengths are in vacuum and in Angstrom, those of the Galaxy in the frame of the barycentre,
those of the night sky in the frame of the observer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_specqa.errors import InputError

if TYPE_CHECKING:
    # Every start of pytest loads this module, with or without spectra to judge; numpy can wait until there are some.
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.integer]

Range = tuple[float, float]

SPEED_OF_LIGHT = 299792.458
"""In km/s."""


@dataclass(frozen=True, order=True)
class Camera:
    """One camera of one spectrograph: a band such as ``b``, ``r`` or ``z``, and the number of the petal that feeds it."""

    band: str
    petal: int

    @classmethod
    def parse(cls, name: str, instrument: Instrument | None = None) -> Camera:
        """Read a name such as ``r6``; `ValueError` for a camera that the instrument, by default DESI, does not have."""
        instrument = instrument or DESI
        found = re.fullmatch(r"([a-z])([0-9]+)", name)
        if not found or found[1] not in instrument.bands or found[2] not in map(str, instrument.petals):
            raise ValueError(f"{name!r} is no camera: expected {instrument.camera_names}")
        return cls(found[1], int(found[2]))

    def __str__(self) -> str:
        return f"{self.band}{self.petal}"


@dataclass(frozen=True)
class Band:
    """Wavelengths of the extracted spectra of one band.

    Attributes
    ----------
    first, last : float
        First and last wavelength of the grid in Angstrom.
    bins : int
        Number of wavelengths.
    """

    first: float
    last: float
    bins: int

    @property
    def middle(self) -> float:
        """Wavelength in Angstrom in the middle of the band, where the amplifiers of its CCD meet."""
        return 0.5 * (self.first + self.last)


@dataclass(frozen=True)
class Line:
    """A spectral line.

    Attributes
    ----------
    name : str
        As it is reported.
    wave : float
        Vacuum wavelength in Angstrom.
    strength : float
        Flux relative to H-alpha, as diffuse Galactic gas shows it.
    """

    name: str
    wave: float
    strength: float = 1.0


@dataclass(frozen=True)
class Instrument:
    """The facts about a multi-fiber spectrograph that products, measures and simulations share.

    Attributes
    ----------
    name : str
        As messages call it.
    bands : mapping of str to Band
        By the letter in camera names, from blue to red.
    spectrographs : int
        Number of spectrographs; each is fed by one petal (or plug-plate half), numbered from 0.
    fibers : int
        Fibers of one spectrograph. FIBER runs over all of them: spectrograph p holds ``p * fibers`` to ``(p + 1) * fibers - 1``.
    block : int
        Fibers of a slit block: neighbours on the slit that were mounted, and are extracted, together.
    patch : int
        Neighbouring fibers that also are neighbours on the focal plane.
    radius : float
        Distance in mm of the outermost fibers from the centre of the focal plane.
    azimuth : float or None
        Direction in degrees of the middle of petal 0 as seen from the centre of the focal plane; the others follow at equal angles.
        None where the fibers of a spectrograph lie anywhere.
    flags : mapping of str to int
        Number of each bit of FIBERSTATUS that the suite speaks of.
    fatal : mapping of str to int
        Bits, by band, with which a fiber is of no use to the sky and flux calibration of that band.
    unusable : int
        Bits of spectra whose redshift nobody believes, in whatever band they are bad.
    sky_lines : tuple of float
        Bright lines of the night sky without a comparable one nearby; faint neighbours within the line spread are allowed for.
    sky_features : mapping of str to tuple of float
        Ranges that often print something on spectra: the brightest sky lines, interstellar absorption, tellurics.
    line_free : tuple of tuple of float
        Ranges without bright sky lines.
    nebular : tuple of Line
        Emission of Galactic gas: real light, never a fault of the data.
    interstellar : tuple of Line
        Absorption by interstellar gas and by standard stars themselves, which has no place in a calibration.
    telluric : tuple of tuple of float
        Ranges in which the atmosphere absorbs, and a calibration rightly has structure.
    targets : mapping of str to int
        Number of the bit of DESI_TARGET of each class of targets.
    imaging : mapping of str to (str, float)
        By band: column of the fibermap with the imaging flux of targets in nanomaggy, and its wavelength in Angstrom.
    """

    name: str
    bands: Mapping[str, Band]
    spectrographs: int
    fibers: int
    block: int
    patch: int
    radius: float
    flags: Mapping[str, int]
    fatal: Mapping[str, int]
    unusable: int
    sky_lines: tuple[float, ...]
    sky_features: Mapping[str, Range]
    line_free: tuple[Range, ...]
    nebular: tuple[Line, ...]
    interstellar: tuple[Line, ...]
    telluric: tuple[Range, ...]
    targets: Mapping[str, int]
    imaging: Mapping[str, tuple[str, float]]
    azimuth: float | None = None

    def __post_init__(self) -> None:
        if self.fibers % self.patch or self.patch % self.block:
            raise InputError(
                f"instrument {self.name}: {self.fibers} fibers in patches of {self.patch} and blocks of {self.block}; "
                "expected blocks that fill patches, and patches that fill the slit"
            )

    def __getstate__(self) -> dict[str, object]:
        """State for `pickle`, which does not know mappings that cannot be written to."""
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in self.__dict__.items()}

    @property
    def letters(self) -> str:
        """Letters of the bands, from blue to red."""
        return "".join(self.bands)

    @property
    def petals(self) -> range:
        """Numbers of the spectrographs."""
        return range(self.spectrographs)

    @property
    def all_fibers(self) -> int:
        """Number of fibers of all spectrographs."""
        return self.spectrographs * self.fibers

    @property
    def camera_names(self) -> str:
        """Which names of cameras there are, in words."""
        *others, last = self.bands
        return f"a band {', '.join(others)} or {last} and a petal 0-{self.spectrographs - 1}, like {self._example}"

    @property
    def fatal_anywhere(self) -> int:
        """Bits with which a fiber is of no use in some band."""
        return reduce(or_, self.fatal.values(), 0)

    @property
    def standards(self) -> int:
        """Bits of the targets that are standard stars."""
        return sum(1 << bit for name, bit in self.targets.items() if name.startswith("STD"))

    @property
    def _example(self) -> Camera:
        return Camera(self.letters[len(self.bands) // 2], min(6, self.spectrographs - 1))

    @cached_property
    def overlaps(self) -> dict[str, Range]:
        """Ranges in Angstrom that two neighbouring bands share, by their names."""
        pairs = zip(self.bands.items(), list(self.bands.items())[1:], strict=False)
        return {f"{blue} and {red}": (red_band.first, blue_band.last) for (blue, blue_band), (red, red_band) in pairs}

    @property
    def nebular_waves(self) -> list[float]:
        """Wavelengths of the nebular lines in Angstrom."""
        return [line.wave for line in self.nebular]

    def camera(self, name: str) -> Camera:
        """Read the name of a camera; `ValueError` if there is none of this name."""
        return Camera.parse(name, self)

    def cameras_of(self, word: str) -> list[Camera]:
        """Read which cameras a word names.

        Parameters
        ----------
        word : str
            A camera ``r6``, a band ``r`` (all petals), or a camword such as ``a0123b4``, in which ``a`` stands for all bands and
            every digit for a petal.

        Returns
        -------
        list of Camera
            In order of band letter and petal, each once.

        Raises
        ------
        ValueError
            If the word names none.
        """
        one = f"([a{self.letters}])([0-{min(9, self.petals[-1])}]*)"
        if not re.fullmatch(f"({one})+", word):
            example = self._example
            raise ValueError(
                f"{word}: expected a camera {example}, a band {example.band}, or a camword a{''.join(map(str, self.petals[:4]))}"
                f"{self.letters[0]}{min(4, self.petals[-1])} (a is all bands)"
            )
        named = {
            Camera(band, petal)
            for letter, numbers in re.findall(one, word)
            for band in (self.letters if letter == "a" else letter)
            for petal in (map(int, numbers) if numbers else self.petals)
        }
        return sorted(named)

    def slot(self, fiber: Ints) -> Ints:
        """Return the place of each FIBER in the slit of its spectrograph, from 0."""
        return fiber % self.fibers

    def right_half(self, fiber: Ints) -> NDArray[np.bool_]:
        """Tell which FIBERs lie in the second half of their slit, which other amplifiers read (B and D at DESI)."""
        right: NDArray[np.bool_] = fiber % self.fibers >= self.fibers // 2
        return right

    def slit_position(self, fiber: Ints) -> NDArray[np.floating]:
        """Return the position of each FIBER along its slit, from -1 at the first to 1 at the last."""
        half = 0.5 * (self.fibers - 1)
        position: NDArray[np.floating] = (fiber % self.fibers - half) / half
        return position

    def petal_range(self, petal: int) -> tuple[int, int]:
        """Return the first and last FIBER of a spectrograph."""
        return self.fibers * petal, self.fibers * (petal + 1) - 1

    def petal_of(self, fiber: Ints) -> int:
        """Return the spectrograph that holds all of these FIBERs.

        Parameters
        ----------
        fiber : ndarray of int, shape (n_fiber,)
            FIBER of each row.

        Returns
        -------
        int
            Number of the spectrograph.

        Raises
        ------
        InputError
            If they are none, belong to several spectrographs, or one of them is named twice.
        """
        if not len(fiber):
            raise InputError("no fiber: expected the spectra of one camera")
        low, high = int(fiber.min()), int(fiber.max())
        if low < 0 or low // self.fibers != high // self.fibers or high >= self.all_fibers:
            raise InputError(
                f"fibers {low}-{high} are not of one spectrograph of {self.name}, which has {self.spectrographs} of {self.fibers} "
                "fibers; give the spectra of one camera, and the Instrument that made them if it is another one"
            )
        if len(set(fiber.tolist())) != len(fiber):
            raise InputError(f"a fiber of {low}-{high} is there twice: expected one row for each fiber")
        return low // self.fibers


def _bits(flags: Mapping[str, int], names: Iterable[str]) -> int:
    return sum(1 << flags[name] for name in names)


NEBULAR = (
    Line("[O II]", 3728.5, 0.6),
    Line("H-beta", 4862.69, 0.3),
    Line("[O III] 4960", 4960.30, 0.03),
    Line("[O III] 5008", 5008.24, 0.10),
    Line("[N II] 6550", 6549.86, 0.10),
    Line("H-alpha", 6564.61, 1.0),
    Line("[N II] 6585", 6585.27, 0.30),
    Line("[S II] 6718", 6718.29, 0.20),
    Line("[S II] 6733", 6732.67, 0.15),
    Line("[S III] 9071", 9071.1, 0.02),
    Line("[S III] 9533", 9533.2, 0.05),
)
"""Lines of diffuse Galactic gas, vacuum and barycentric (NIST; the [O II] doublet is one line at this resolution). Strengths are
those of the warm ionized medium (Madsen, Reynolds & Haffner 2006, ApJ 652, 401; Mierkiewicz et al. 2006, ApJ 650, L63), H-beta by
recombination without dust; the simulation uses them, no limit does."""

INTERSTELLAR = (
    Line("Ca II K", 3934.8),
    Line("Ca II H", 3969.6),
    Line("H delta", 4102.9),
    Line("H gamma", 4341.7),
    Line("H beta", 4862.7),
    Line("Na I D", 5893.5),
    Line("H alpha", 6564.6),
)
"""Interstellar gas, and the Balmer lines of standard stars; vacuum (NIST)."""

_FLAGS = MappingProxyType(
    {
        "UNASSIGNED": 0,
        "STUCKPOSITIONER": 1,
        "BROKENFIBER": 2,
        "RESTRICTED": 3,
        "MISSINGPOSITION": 8,
        "BADPOSITION": 9,
        "POORPOSITION": 10,
        "BADFIBER": 16,
        "BADTRACE": 17,
        "BADFLAT": 18,
        "BADARC": 19,
        "MANYBADCOL": 20,
        "MANYREJECTED": 21,
        "BADAMPB": 22,
        "BADAMPR": 23,
        "BADAMPZ": 24,
    }
)
_BAD_SPECTRA = ("BROKENFIBER", "BADFIBER", "BADTRACE", "BADFLAT", "BADARC")
_FATAL = (*_BAD_SPECTRA, "MISSINGPOSITION", "BADPOSITION", "MANYBADCOL", "MANYREJECTED")

DESI = Instrument(
    name="DESI",
    bands=MappingProxyType({"b": Band(3600.0, 5800.0, 2751), "r": Band(5760.0, 7620.0, 2326), "z": Band(7520.0, 9824.0, 2881)}),
    spectrographs=10,
    fibers=500,
    block=25,
    patch=50,
    radius=409.0,
    flags=_FLAGS,
    fatal=MappingProxyType({band: _bits(_FLAGS, (*_FATAL, f"BADAMP{band.upper()}")) for band in "brz"}),
    unusable=_bits(_FLAGS, (*_BAD_SPECTRA, "BADAMPB", "BADAMPR", "BADAMPZ")),
    sky_lines=(
        *(5578.90, 6302.04, 6365.53, 6865.82, 7278.38, 7318.31, 7342.92, 7371.42, 7823.67, 7966.85, 7995.53),
        *(8346.87, 8401.49, 8432.50, 8829.51, 8888.30, 8922.09, 8945.87, 8960.57, 9378.52, 9442.26, 9479.49),
    ),
    sky_features=MappingProxyType(
        {
            "[O I] 5579": (5572.0, 5586.0),
            "Na D": (5886.0, 5902.0),
            "[O I] 6302": (6296.0, 6308.0),
            "Galactic H-alpha": (6558.0, 6571.0),
            "the telluric A band": (7590.0, 7710.0),
            "OH 9793": (9789.0, 9798.0),
        }
    ),
    line_free=((4000.0, 4500.0), (5250.0, 5550.0), (5950.0, 6200.0), (6990.0, 7230.0), (8120.0, 8270.0), (9110.0, 9280.0)),
    nebular=NEBULAR,
    interstellar=INTERSTELLAR,
    telluric=((6860.0, 7067.0), (7143.0, 7410.0), (7584.0, 7713.0), (8092.0, 8392.0), (8926.0, 9868.0)),
    targets=MappingProxyType(
        {
            "LRG": 0,
            "ELG": 1,
            "QSO": 2,
            "ELG_LOP": 5,
            "SKY": 32,
            "STD_FAINT": 33,
            "STD_WD": 34,
            "STD_BRIGHT": 35,
            "BGS": 60,
            "MWS": 61,
        }
    ),
    imaging=MappingProxyType({"b": ("FIBERFLUX_G", 4800.0), "r": ("FIBERFLUX_R", 6400.0), "z": ("FIBERFLUX_Z", 9200.0)}),
    azimuth=270.0,
)
"""Grid, slit and focal plane: DESI data model, desimodel and desispec (extraction grid of the survey's productions; fibers lie
28-409 mm from the centre; petal p at azimuth 252 + 36 p to 288 + 36 p degrees). Fatal bits: desispec 0.70, `get_skymask` and
its flux calibration: 8323844 in b, 12518148 in r, 20906756 in z. A fiber that is off its target is fatal to calibration, but
its redshift is that of whatever it saw, hence the shorter list of `unusable`. Sky lines: UVES sky atlas (Hanuschik 2003, A&A
407, 1157) in vacuum, where the peak of the blend is at DESI's resolution. Tellurics: desispec. Line-free ranges: its own sky QA
(desispec_param.yml). Targets: DESI_TARGET of the main survey (desitarget); wavelengths of the imaging bands: DECam (Dey et al.
2019, AJ 157, 168)."""
