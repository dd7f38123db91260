"""What the pages hold, what leads where, and what is written again."""

from __future__ import annotations

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from pytest_specqa.checks.outcome import is_excused
from pytest_specqa.checks.verdict import Verdict
from pytest_specqa.errors import ResultsError, UsageError
from pytest_specqa.results.history.changes import as_json
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.site import build as building
from pytest_specqa.site import making, night_page, nightly, sums
from pytest_specqa.site.build import build
from pytest_specqa.triage.findings import findings
from pytest_specqa.values import DataUnit, Outcome

from .conftest import BAD_FIBER, CAMERAS, HOSTILE, NIGHTS, Made, change, expids, exposure, petals, record, write_store

LOADED = {"link": "href", "script": "src", "img": "src", "image": "href", "iframe": "src"}


class Links(HTMLParser):
    """What a page leads to, loads and names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.names.add(str(given["id"]))
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag in LOADED and given.get(LOADED[tag]):
            self.loads.append(str(given[LOADED[tag]]))


def pages(out: Path) -> dict[Path, Links]:
    return {path.resolve(): Links(path.read_text(encoding="utf-8")) for path in out.rglob("*.html")}


def by_script(page: Path) -> bool:
    """Pages whose fragment is read by a script."""
    return page.name in ("exposure.html", "fibers.html")


def broken(out: Path) -> list[tuple[str, str]]:
    """Links within a site that lead nowhere."""
    found, bad = pages(out), []
    for page, links in found.items():
        for link in links.links:
            address = urlsplit(link)
            if address.scheme:
                continue
            target = (page.parent / unquote(address.path)).resolve() if address.path else page
            fragment = unquote(address.fragment)
            if not target.is_file() or (fragment and not by_script(target) and fragment not in found[target].names):
                bad.append((page.name, link))
    return bad


def test_every_link_leads_somewhere(whole: Made) -> None:
    assert broken(whole.out) == []
    links = [link for page in pages(whole.out).values() for link in page.links]
    for kind in (
        r"nights/\d+\.html",
        r"exposure\.html#\d+-\d+-r6",
        r"cameras/r6\.html",
        rf"fibers/{BAD_FIBER}\.html",
        r"report-\d+",
    ):
        assert any(re.search(kind, link) for link in links), kind


def test_nothing_is_loaded_from_outside(whole: Made) -> None:
    for page in pages(whole.out).values():
        for address in page.loads:
            assert urlsplit(address).scheme in ("", "data")
    for path in whole.out.rglob("*.[cj]s*"):
        assert "http" not in path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", ""), path


def test_what_data_say_is_no_markup(whole: Made) -> None:
    for path in whole.out.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<script>alert" not in text, path
        assert "<i>more</i>" not in text, path
    assert "&lt;script&gt;alert" in whole.text(f"nights/{NIGHTS[-1]}.html")
    assert "&lt;script&gt;alert" in whole.text("changes.html")


def test_a_night_says_what_its_records_say(whole: Made) -> None:
    night = NIGHTS[-1]
    records = [one for expid in expids(night) for one in exposure(night, expid)] + petals(night)
    text = whole.text(f"nights/{night}.html")
    word, _, rest = Verdict.of(records).sentence.partition(":")
    assert f"<strong>{word}</strong>:{rest}" in text
    assert "2 waived" in text
    told = findings(one for one in records if not is_excused(one))
    assert len(told) == text.count('<article class="specqa-finding')
    kept = json.loads(whole.text("made/site.json"))["nights"][str(night)]
    assert kept["told"] == [[str(finding.outcome), finding.headline] for finding in told]
    assert kept["fibers"] == [BAD_FIBER]
    assert "Nothing was found" in whole.text(f"nights/{NIGHTS[0]}.html")


def test_what_is_left_out_of_the_sound_changes_no_finding(whole: Made) -> None:
    """Most of a night passes and is not read; what bounds a fault is."""
    night = NIGHTS[-1]
    records = [one for expid in expids(night) for one in exposure(night, expid)] + petals(night)
    with nightly.opened(whole.store, night) as connection:
        read = nightly.read(connection, night)
    assert len(read.bad) + len(read.sound) < len(records)
    assert {one["unit"] for one in [*read.bad, *read.sound]} == {one["unit"] for one in records}
    whole_night = findings(one for one in records if not is_excused(one))
    assert [(one.headline, one.scope, one.suspects) for one in night_page.found(read)] == [
        (one.headline, one.scope, one.suspects) for one in whole_night
    ]


def test_the_calendar_shows_the_worst_first(whole: Made) -> None:
    text = whole.text("index.html")
    assert text.index(f"nights/{NIGHTS[-1]}.html") < text.index("Calendar")
    cell = re.search(rf'<td class="specqa-failed"[^>]*><a href="nights/{NIGHTS[-1]}.html"[^>]*>F<sub>1</sub>', text)
    assert cell
    assert re.search(rf'<td class="specqa-passed"[^>]*><a href="nights/{NIGHTS[0]}.html"', text)
    assert "1 change over the nights goes on" in text


def test_an_exposure_has_every_value(whole: Made) -> None:
    text = whole.text(f"nights/{NIGHTS[-1]}.js")
    data = json.loads(text.removeprefix("specqaNight(").rstrip().removesuffix(")"))
    assert data["cameras"] == sorted(CAMERAS)
    values, ranks = data["exposures"][1]["values"]["sky_line"]
    assert (data["exposures"][1]["expid"], values, ranks) == (expids(NIGHTS[-1])[1], [0.1, 0.1, 7.0], f"00{Outcome.FAILED.rank}")
    assert data["exposures"][1]["values"]["offset"][1] == f"00{Outcome.WARNED.rank}"
    assert data["measures"]["sky_line"] == ["plain sky_line", "sigma", None, 1.0, None, 0.5]
    assert [HOSTILE, ""] in [[reason[6], reason[4]] for reason in data["reasons"]]


def test_a_camera_shows_its_changes_and_failures(whole: Made) -> None:
    text = whole.text("cameras/r6.html")
    assert re.search(r'id="sky_line">.*?specqa-failed', text, re.DOTALL)
    assert text.index('id="width"') < text.index('id="sky_line"') < text.index('id="gradient"' if "gradient" in text else "</main>")
    assert 'class="t-span"' in text
    assert 'class="t-failed"' in text
    assert 'class="t-span"' not in whole.text("cameras/b0.html")


def test_a_second_build_writes_nothing_but_the_calendar(made: Made) -> None:
    build(made.store.root, made.out, reports=None)
    again = build(made.store.root, made.out)
    assert (again.nights, again.written, again.removed) == ([], ["index.html"], [])


def test_a_new_exposure_costs_its_night_only(made: Made) -> None:
    build(made.store.root, made.out)
    before = {path: path.stat().st_mtime_ns for path in (made.out / "nights").iterdir()}
    made.store.add(exposure(NIGHTS[-1], 104999))
    again = build(made.store.root, made.out)
    assert again.nights == [NIGHTS[-1]]
    changed = {path.name for path, time in before.items() if path.stat().st_mtime_ns != time}
    assert changed == {f"{NIGHTS[-1]}.html", f"{NIGHTS[-1]}.js"}
    assert "104999" in made.text(f"nights/{NIGHTS[-1]}.html")
    assert broken(made.out) == []


def test_a_new_night_is_led_to_by_the_night_before(made: Made) -> None:
    build(made.store.root, made.out)
    made.store.add(exposure(20211016, 105000))
    again = build(made.store.root, made.out)
    assert sorted(again.nights) == [NIGHTS[-1], 20211016]
    assert '<a rel="next" href="20211016.html">' in made.text(f"nights/{NIGHTS[-1]}.html")
    assert broken(made.out) == []


def test_a_night_that_is_gone_leaves_nothing(made: Made) -> None:
    for room in ("records", "vectors"):
        shutil.rmtree(made.store.root / room / f"night={NIGHTS[-1]}")
    (made.store.root / "history.json").unlink()
    again = build(made.store.root, made.out)
    assert {f"nights/{NIGHTS[-1]}.html", f"nights/{NIGHTS[-1]}.js", f"fibers/{BAD_FIBER}.html"} <= set(again.removed)
    assert not [path for path in made.out.rglob("*") if str(NIGHTS[-1]) in path.name]
    assert str(NIGHTS[-1]) not in made.text("index.html") + made.text("cameras/r6.html") + made.text("trends.html")
    assert broken(made.out) == []


def test_a_run_that_is_killed_leaves_the_site_that_was(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    build(made.store.root, made.out)
    before = made.text("index.html")
    made.store.add(exposure(20211016, 105000))
    make = making.make

    def killed(job: making.Job) -> object:
        if job.night != 20211016:
            raise KeyboardInterrupt
        return make(job)

    monkeypatch.setattr(making, "make", killed)
    with pytest.raises(KeyboardInterrupt):
        build(made.store.root, made.out)
    assert made.text("index.html") == before
    assert not [path for path in made.out.rglob(".*") if path.is_file()]
    assert [link for page, link in broken(made.out)] == []
    monkeypatch.setattr(making, "make", make)
    assert 20211016 in build(made.store.root, made.out).nights
    assert broken(made.out) == []


def test_several_processes_make_the_same(tmp_path: Path, whole: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "ALONE", 1)
    assert sorted(build(whole.store.root, tmp_path / "out", processes=2).nights) == list(NIGHTS)
    assert (tmp_path / "out/nights" / f"{NIGHTS[-1]}.js").read_text() == whole.text(f"nights/{NIGHTS[-1]}.js")


def test_a_store_without_nights_has_a_site(tmp_path: Path) -> None:
    Store.create(tmp_path / "store", production="loa")
    build(tmp_path / "store", tmp_path / "out")
    assert "no night yet" in (tmp_path / "out/index.html").read_text()
    assert broken(tmp_path / "out") == []


def test_a_place_that_is_no_camera_makes_no_file(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store", production=write_store(tmp_path / "other", NIGHTS[:1]).production)
    store.add([record(DataUnit("camera", NIGHTS[0], 104000, 7951, "../../r6"), "sky_line", 0.1)])
    build(store.root, tmp_path / "out")
    assert list((tmp_path / "out/cameras").iterdir()) == []
    assert not (tmp_path / "r6.html").exists()
    assert "../../r6" in (tmp_path / f"out/nights/{NIGHTS[0]}.html").read_text()


def test_a_folder_that_is_no_site_is_refused(tmp_path: Path, whole: Made) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="holds something that is no site"):
        build(whole.store.root, tmp_path)
    with pytest.raises(UsageError, match="it is the store"):
        build(whole.store.root, whole.store.root)
    with pytest.raises(ResultsError, match="is no store"):
        build(tmp_path, tmp_path / "out")
    with pytest.raises(UsageError, match="no such folder"):
        build(whole.store.root, tmp_path / "out", reports=tmp_path / "none")


def test_two_builds_do_not_meet(made: Made) -> None:
    with building._alone(made.out), pytest.raises(UsageError, match="another process"):
        build(made.store.root, made.out)


def test_a_damaged_part_is_named_in_one_line(made: Made) -> None:
    part = next((made.store.root / "records" / f"night={NIGHTS[0]}").glob("*.parquet"))
    part.write_bytes(b"PAR1" + b"x" * 64)
    with pytest.raises(ResultsError, match=str(NIGHTS[0])) as caught:
        build(made.store.root, made.out)
    assert "\n" not in str(caught.value)


def test_a_damaged_memory_means_that_all_is_written_anew(made: Made) -> None:
    (made.out / "made/site.json").write_text("{")
    assert sorted(build(made.store.root, made.out).nights) == list(NIGHTS)
    assert broken(made.out) == []


@pytest.mark.parametrize("damage", ["missing", "empty", "cut short", "spoilt"])
@pytest.mark.parametrize("news", [False, True])
def test_damaged_sums_are_made_anew(made: Made, damage: str, *, news: bool) -> None:
    build(made.store.root, made.out)
    cameras = made.text("cameras/r6.html").partition("<main>")[2]
    kept = made.out / "made/sums.parquet"
    content = kept.read_bytes()
    kept.unlink()
    if damage != "missing":
        kept.write_bytes({"empty": b"", "cut short": content[: len(content) // 2], "spoilt": content[:-400] + bytes(392)}[damage])
    if news:
        made.store.add(exposure(20211016, 105000))
    nights = [*NIGHTS, 20211016] if news else NIGHTS
    assert sorted(build(made.store.root, made.out).nights) == list(nights)
    with sums.opened(kept) as connection:
        assert connection.execute("SELECT DISTINCT night FROM sums ORDER BY 1").fetchall() == [(night,) for night in nights]
    assert news or made.text("cameras/r6.html").partition("<main>")[2] == cameras
    assert build(made.store.root, made.out).nights == []


@pytest.mark.parametrize("left", [0, 20, 5000])
def test_a_damaged_stack_is_left_out(made: Made, left: int) -> None:
    build(made.store.root, made.out)
    kept = made.out / f"made/stacks/{NIGHTS[0]}.npz"
    kept.write_bytes(kept.read_bytes()[:left])
    (made.store.root / "history.json").write_text(as_json([change(detail="another")]))
    build(made.store.root, made.out)
    text = made.text(f"fibers/{BAD_FIBER}.html")
    assert "redshifts of fiber 3234: 2 without a warning" in text
    assert text.count("data:image/png") >= 7


def test_a_fiber_that_changed_has_a_page(whole: Made) -> None:
    text = whole.text(f"fibers/{BAD_FIBER}.html")
    assert "a defect of the CCD" in text
    assert text.count("data:image/png") >= 7
    assert f"nights/{NIGHTS[-1]}.html" in text
    assert "redshifts of fiber 3234: 3 without a warning" in text
    assert [path.name for path in (whole.out / "fibers").glob("*.html")] == [f"{BAD_FIBER}.html"]


def test_any_fiber_is_looked_up(whole: Made) -> None:
    call = whole.text(f"fibers/lookup-{BAD_FIBER // 50 * 50}-2021.js")
    first, year, told = json.loads("[" + call.removeprefix("specqaFibers(").rstrip().removesuffix(")") + "]")
    assert (first, year, told["r"]["nights"]) == (3200, 2021, list(NIGHTS))
    low, step, packed = told["r"]["series"][0]
    values = low + step * np.frombuffer(base64.b64decode(packed), np.uint8).reshape(50, 3)
    assert np.abs(values[BAD_FIBER - first, 1:] - 3.0 * np.sqrt(2)).max() < 0.2
    assert not (whole.out / "fibers/lookup-1000-2021.js").exists()


def test_changes_that_are_new_are_shown(made: Made) -> None:
    build(made.store.root, made.out)
    (made.store.root / "history.json").write_text(as_json([change(fibers=(3100, 3100))]))
    again = build(made.store.root, made.out)
    assert again.nights == []
    assert "fibers/3100.html" in again.written
    # A finding of the last night still names the other.
    assert (made.out / f"fibers/{BAD_FIBER}.html").is_file()
    assert broken(made.out) == []
