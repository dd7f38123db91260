"""The pages that ``specqa spectra`` writes, from files on disk."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa import cli
from pytest_specqa.look.spectra_choice import Choice
from pytest_specqa.look.spectra_find import find_tile
from pytest_specqa.look.spectra_models import Models
from pytest_specqa.look.spectra_read import exposure_spectra, tile_spectra
from pytest_specqa.look.tilepage_data import read_tile_fibers
from pytest_specqa.production import Production

NIGHT, EXPID, TILE = 20211014, 104284, 7951
NUMBER = 24
WAVE = 5760 + 0.8 * np.arange(2326)
FIBER = 3000 + np.arange(NUMBER)
TARGETID = 39627652879513000 + 7 * np.arange(NUMBER)
Z = np.where(np.arange(NUMBER) < 16, 4.33 + 0.001 * np.arange(NUMBER), 0.5 + 0.01 * np.arange(NUMBER))
HOSTILE = "<script>alert('x')</script>"


def fibermap(rows=NUMBER, **columns):
    names = [("TARGETID", "i8"), ("FIBER", "i4"), ("COADD_FIBERSTATUS", "i4"), ("OBJTYPE", "S3"), ("TARGET_RA", "f8")]
    names += [("TARGET_DEC", "f8"), ("DESI_TARGET", "i8"), ("MEAN_FIBER_X", "f4"), ("MEAN_FIBER_Y", "f4")]
    names += [("MEAN_DELTA_X", "f4"), ("MEAN_DELTA_Y", "f4"), ("FLUX_R", "f4")]
    table = np.zeros(rows, dtype=names)
    table["FIBER"], table["TARGETID"] = FIBER[:rows], TARGETID[:rows]
    table["OBJTYPE"] = np.where(np.arange(rows) % 8 == 7, b"SKY", b"TGT")
    table["TARGET_RA"], table["TARGET_DEC"] = 49.0 + 0.02 * np.arange(rows), -5.9
    table["DESI_TARGET"] = np.where(np.arange(rows) % 8 == 7, 1 << 32, 4)
    table["MEAN_FIBER_X"], table["MEAN_FIBER_Y"], table["FLUX_R"] = -100 - np.arange(rows), 300, 5
    for name, values in columns.items():
        table[name] = values
    return table


def fits_of(rows, subtype="", **columns):
    names = [("TARGETID", "i8"), ("Z", "f8"), ("ZERR", "f8"), ("ZWARN", "i8"), ("SPECTYPE", "S6"), ("SUBTYPE", "S60")]
    table = np.zeros(len(rows), dtype=[*names, ("DELTACHI2", "f8"), ("COEFF", "f8", (10,)), ("NCOEFF", "i8")])
    table["TARGETID"], table["Z"], table["DELTACHI2"] = TARGETID[rows], Z[rows], 50
    table["SPECTYPE"], table["SUBTYPE"] = np.where(Z[rows] > 4, b"QSO", b"GALAXY"), subtype.encode()
    for name, values in columns.items():
        table[name] = values
    return table


@pytest.fixture
def write(tmp_path):
    """Write a tile of one petal: the coadd in order of FIBER, the redshifts in another order and without the last target."""

    def make(root="production", *, coadd=True, order=None, redshifts=None, fibers=None, tsnr2=True):
        folder = tmp_path / root / f"tiles/cumulative/{TILE}/{NIGHT}"
        folder.mkdir(parents=True, exist_ok=True)
        order = np.random.default_rng(5).permutation(NUMBER - 1) if order is None else order
        mapped = fibermap() if fibers is None else fibers
        hdus = [fits.PrimaryHDU(), fits.BinTableHDU(fits_of(order) if redshifts is None else redshifts, name="REDSHIFTS")]
        hdus.append(fits.BinTableHDU(mapped[order], name="FIBERMAP"))
        visits = np.zeros(len(order), dtype=[("TARGETID", "i8"), ("EXPID", "i4")])
        visits["TARGETID"], visits["EXPID"] = mapped["TARGETID"][order], 104284
        hdus.append(fits.BinTableHDU(visits, name="EXP_FIBERMAP"))
        if tsnr2:
            score = np.zeros(len(order), dtype=[("TARGETID", "i8"), ("TSNR2_ELG", "f4")])
            score["TSNR2_ELG"] = 100 + FIBER[order] % 10
            hdus.append(fits.BinTableHDU(score, name="TSNR2"))
        fits.HDUList(hdus).writeto(folder / f"redrock-6-{TILE}-thru{NIGHT}.fits", overwrite=True)
        if coadd:
            # The spectrum of a fiber is its number, with a dip where Lyman-alpha of z = 4.35 would be.
            flux = (FIBER % 100)[:, None] + np.where(np.abs(WAVE - 6500) < 100, -50.0, 0.0)[None, :]
            ivar = np.ones(flux.shape, "f4")
            ivar[:, :10] = 0
            hdus = [fits.PrimaryHDU(), fits.BinTableHDU(mapped, name="FIBERMAP"), fits.ImageHDU(WAVE, name="R_WAVELENGTH")]
            hdus += [fits.ImageHDU(flux.astype("f4"), name="R_FLUX"), fits.ImageHDU(ivar, name="R_IVAR")]
            fits.HDUList(hdus).writeto(folder / f"coadd-6-{TILE}-thru{NIGHT}.fits", overwrite=True)
        return tmp_path / root

    return make


def of_tile(root, **asked):
    production = Production(root)
    tile = find_tile(production, TILE, group="cumulative", night=None)
    return tile_spectra(production, tile, Choice(**asked), by=5, most=50, models=Models())


def page(root, tmp_path, *words):
    out = tmp_path / "page.html"
    assert cli.main(["spectra", str(root), *words, "--out", str(out)]) == 0
    return out.read_text(encoding="utf-8")


class References(HTMLParser):
    """Everything in a page that a browser would fetch, and every link that a person may follow."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "data", "poster", "action") or (name == "href" and tag != "a"):
                self.fetched.append(f"{tag} {value}")
            elif name == "href":
                self.links.append(value or "")


def test_spectra_are_joined_to_fits_by_targetid_whatever_the_order_of_rows(write):
    found = of_tile(write())
    assert [one.fiber for one in found.spectra] == FIBER.tolist()
    for one in found.spectra[:-1]:
        k = one.fiber - 3000
        assert one.targetid == TARGETID[k]
        assert one.facts["Z"] == pytest.approx(Z[k])
        binned, row = one.bands["r"]
        assert binned.flux[row, -1] == pytest.approx(one.fiber % 100)


def test_a_spectrum_without_a_fit_is_shown_and_said(write):
    found = of_tile(write())
    assert found.spectra[-1].facts["SPECTYPE"] == ""
    assert np.isnan(found.spectra[-1].facts["Z"])
    assert any("1 of 24 spectra have no fit" in note for note in found.notes)


def test_choosing_by_redshift_reads_the_spectra_of_those_fits(write):
    found = of_tile(write(), spectypes=("QSO",), z=((4.340, 4.342),))
    assert [one.fiber for one in found.spectra] == [3010, 3011, 3012]
    binned, row = found.spectra[1].bands["r"]
    assert binned.flux[row, -1] == pytest.approx(11)


def test_what_does_not_count_is_shaded(write):
    binned, row = of_tile(write(), fibers=(3005,)).spectra[0].bands["r"]
    assert np.isnan(binned.flux[row, :2]).all()
    assert binned.out[row] == ((pytest.approx(5760.0), pytest.approx(5767.2)),)


def test_a_model_of_redrocks_own_belongs_to_its_target(write, tmp_path):
    root = write()
    order = np.arange(NUMBER)[::-1]
    table = np.zeros(NUMBER, dtype=[("TARGETID", "i8")])
    table["TARGETID"] = TARGETID[order]
    models = np.repeat((FIBER[order] % 100).astype("f4")[:, None], WAVE.size, axis=1)
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU(table, name="REDSHIFTS")]
    hdus += [fits.ImageHDU(WAVE, name="R_WAVELENGTH"), fits.ImageHDU(models, name="R_MODEL")]
    fits.HDUList(hdus).writeto(root / f"tiles/cumulative/{TILE}/{NIGHT}/rrmodel-6-{TILE}-thru{NIGHT}.fits")
    found = of_tile(root, fibers=(3003, 3009))
    assert [float(one.model["r"][100]) for one in found.spectra] == [3.0, 9.0]
    assert "redrock's own" in found.spectra[0].model_words


def test_a_page_says_when_there_is_no_model(write, tmp_path):
    text = page(write(), tmp_path, "--tile", str(TILE), "--fiber", "3000")
    assert "no model: there is no rrmodel file" in text


def test_a_page_names_fit_target_flags_and_place(write, tmp_path):
    fibers = fibermap(COADD_FIBERSTATUS=np.where(FIBER == 3004, 1 << 10, 0))
    rows = np.arange(NUMBER)
    redshifts = fits_of(rows, ZWARN=np.where(rows == 4, 4, 0))
    text = page(write(order=rows, fibers=fibers, redshifts=redshifts), tmp_path, "--tile", str(TILE), "--fiber", "3004")
    for part in (
        "FIBER 3004, petal 6",
        str(TARGETID[4]),
        "4.33400",
        "small DELTACHI2",
        "more than 0.03 mm off",
        "Ly-alpha would be at 64",
    ):
        assert part in text
    assert "below zero" in text
    assert "ra=49.08000&amp;dec=-5.90000" in text


@pytest.mark.parametrize("words", [("--spectype", "QSO", "--z", "4.25:4.40"), ("--fiber", "3000,3001"), ()])
def test_a_page_fetches_nothing(write, tmp_path, words):
    text = page(write(), tmp_path, "--tile", str(TILE), *words)
    there = References(text)
    assert there.fetched == []
    assert "link" not in there.tags
    assert all(link.startswith("https://www.legacysurvey.org/viewer?") for link in there.links)
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_what_files_and_folders_say_is_escaped(write, tmp_path):
    rows = np.arange(NUMBER)
    root = write("<img src=x>", order=rows, redshifts=fits_of(rows, subtype=HOSTILE))
    for words in (("--fiber", "3000-3010"), ()):
        text = page(root, tmp_path, "--tile", str(TILE), *words)
        assert HOSTILE not in text
        assert "<img" not in text
        assert "img" not in References(text).tags


def test_hostile_classes_do_not_leave_their_table(write, tmp_path):
    rows = np.arange(NUMBER)
    kinds = np.full(NUMBER, b"</scr>", dtype="S6")
    text = page(write(order=rows, redshifts=fits_of(rows, SPECTYPE=kinds)), tmp_path, "--tile", str(TILE))
    assert "</scr>" not in text


def test_what_all_share_is_drawn_of_all_and_the_most_one_by_one(write, tmp_path):
    text = page(write(), tmp_path, "--tile", str(TILE), "--spectype", "QSO", "--max", "3")
    assert text.count("<article") == 3
    assert "3 of 16 spectra" in text
    assert "What all 16 have in common" in text
    assert [f'id="fiber-{fiber}"' in text for fiber in (3000, 3015)] == [True, True]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--tile", "7950"), "nearest are 7951"),
        (("--tile", "7951", "--fiber", "5001"), "0-4999"),
        (("--tile", "7951", "--fiber", "3400"), "nearest are 3019, 3020, 3021, 3022, 3023"),
        (("--tile", "7951", "--petal", "5", "--sky"), "there are 6"),
        (("--tile", "7951", "--spectype", "STAR"), "there are GALAXY, QSO"),
        (("--tile", "7951", "--z", "9:10"), "0 left by z 9:10"),
        (("--tile", "7951", "--group", "pernight"), "there are cumulative"),
        (("--tile", "7951", "--night", "20200101"), "nearest are 20211014"),
        (("--tile", "7951", "--sky", "--templates", "nowhere"), "no folder nowhere"),
        (("--tile", "7951", "--camera", "r6"), "--camera goes with --expid"),
        (("--tile", "7951", "--rebin", "0"), "--rebin"),
        (("--expid", "5"), "no exposure 5"),
        ((), "--tile or --expid"),
    ],
)
def test_misuse_is_one_line_and_writes_nothing(write, tmp_path, capsys, words, part):
    out = tmp_path / "page.html"
    assert cli.main(["spectra", str(write()), *words, "--out", str(out)]) == cli.USAGE
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert part in told
    assert not out.exists()


def test_a_tile_without_coadds_says_so(write, tmp_path, capsys):
    out = tmp_path / "page.html"
    assert cli.main(["spectra", str(write(coadd=False)), "--tile", str(TILE), "--sky", "--out", str(out)]) == cli.USAGE
    assert "no coadds of tile 7951" in capsys.readouterr().err


def test_the_page_of_a_tile_names_the_pile_up_and_what_is_missing(write, tmp_path):
    fibers = fibermap(MEAN_DELTA_X=np.where(FIBER == 3002, 0.4, 0.001))
    text = page(write(coadd=False, fibers=fibers), tmp_path, "--tile", str(TILE))
    assert "Redshifts pile up" in text
    assert "1 fiber is more than 0.1 mm beside its target: 3002" in text
    assert "HR 983" in text
    assert "this reduction has no petal 0, 1, 2, 3, 4, 5, 7, 8, 9" in text


def test_effective_times_come_from_the_score_of_the_program(write):
    production = Production(write(coadd=False))
    fibers = read_tile_fibers(production, find_tile(production, TILE, group="cumulative", night=None))
    assert fibers.efftime == pytest.approx(8.6 * (100 + fibers.fiber % 10))
    assert np.isfinite(fibers.miss).all()


def test_without_scores_there_is_no_effective_time(write, tmp_path):
    text = page(write(coadd=False, tsnr2=False), tmp_path, "--tile", str(TILE))
    assert "no TSNR2" in text
    assert "Effective time" not in text


def frame_file(root: Path, camera: str) -> None:
    rows = np.zeros(500, dtype=[("TARGETID", "i8"), ("FIBER", "i4"), ("FIBERSTATUS", "i4"), ("OBJTYPE", "S3")])
    rows["FIBER"], rows["TARGETID"] = 3000 + np.arange(500), 1 + np.arange(500)
    rows["TARGETID"][:NUMBER] = TARGETID
    rows["OBJTYPE"] = np.where(rows["FIBER"] % 50 == 0, b"SKY", b"TGT")
    flux = np.repeat(rows["FIBER"].astype("f4")[:, None], WAVE.size, axis=1)
    mask = np.zeros(flux.shape, "u4")
    flux[:, 100], mask[:, 100] = 1e9, 4
    hdus = [fits.PrimaryHDU(flux), fits.ImageHDU(np.ones_like(flux), name="IVAR"), fits.ImageHDU(mask, name="MASK")]
    hdus += [fits.ImageHDU(WAVE, name="WAVELENGTH"), fits.BinTableHDU(rows, name="FIBERMAP")]
    hdus[0].header.update({"EXTNAME": "FLUX", "CAMERA": camera, "NIGHT": NIGHT, "EXPID": EXPID, "TILEID": TILE})
    folder = root / f"exposures/{NIGHT}/{EXPID:08d}"
    folder.mkdir(parents=True, exist_ok=True)
    fits.HDUList(hdus).writeto(folder / f"sframe-{camera}-{EXPID:08d}.fits")


def test_spectra_of_an_exposure_leave_masked_pixels_out_and_know_their_redshifts(write):
    root = write(coadd=False)
    frame_file(root, "r6")
    production = Production(root)
    tile = find_tile(production, TILE, group="cumulative", night=NIGHT)
    where = {"night": NIGHT, "expid": EXPID, "kind": "sframe", "by": 10, "tile": tile}
    sky = exposure_spectra(production, ["r6"], Choice(sky=True), **where)
    assert [one.fiber for one in sky.spectra] == list(range(3000, 3500, 50))
    binned, row = sky.spectra[1].bands["r"]
    assert binned.flux[row] == pytest.approx(3050)
    quasars = exposure_spectra(production, ["r6"], Choice(spectypes=("QSO",)), **where)
    assert [one.fiber for one in quasars.spectra] == FIBER[Z > 4].tolist()


def test_sky_fibers_of_a_camera_are_drawn_over_each_other(write, tmp_path):
    root = write(coadd=False)
    frame_file(root, "r6")
    words = ("--expid", str(EXPID), "--camera", "r6", "--sky-fibers", "--rebin", "10", "--max", "2")
    text = page(root, tmp_path, *words)
    assert "All 10 over each other" in text
    assert "electron/" in text
    assert text.count("<article") == 2
