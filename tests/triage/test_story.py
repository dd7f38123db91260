"""The sentence at the top: files that cannot be used come before what the others show."""

from pytest_specqa.triage import story

MESSAGE = "{}: found a truncated file; expected a whole FITS file; copy or write the file again"


def test_a_bad_file_is_named_once_however_many_checks_it_fails(make):
    bad = [make("sframe", "failed", measure="product", message=MESSAGE.format("sframe-r6-00104284.fits.gz")) for _ in range(12)]
    sentence = story([*bad, make("sky", "passed")])
    assert sentence.startswith("1 file cannot be used (sframe-r6-00104284.fits.gz), which fails 12 checks")
    assert sentence.count("sframe-r6-00104284.fits.gz") == 1


def test_a_fault_of_the_data_is_told_beside_the_bad_file(make, story_records):
    bad = make("sframe", "failed", 104282, "r1", measure="product", message=MESSAGE.format("sframe-r1-00104282.fits.gz"))
    sentence = story([*story_records, bad])
    assert "1 file cannot be used" in sentence
    assert "first bad stage: sky model" in sentence


def test_no_file_is_blamed_for_values(story_records):
    assert "cannot be used" not in story(story_records)
