# Needs Python >= 3.11, git and make; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
DEMO := demo

.PHONY: demo test fuzz lint types bench judgement docs mutants constraints clean

# The versions that CI has seen; `make constraints` moves them on, and `make CONSTRAINTS= ...` takes the newest of everything.
CONSTRAINTS ?= constraints.txt
PIP := $(BIN)/python -m pip install --disable-pip-version-check $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))

.venv/installed: pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	@echo "Installing into .venv: 0.9 GB, which takes a minute or two ..."
	$(PIP) --editable .
	$(BIN)/specqa prepare
	touch $@

.venv/developed: .venv/installed
	$(PIP) --editable '.[dev]'
	touch $@

# How the demonstration went: what fails, and what it comes to.
define PLANTED
import sys
from pytest_specqa.results import store, telling
from pytest_specqa.triage.findings import findings
from pytest_specqa.values import Outcome
records = store.read(sys.argv[1])
failed = sum(finding.outcome is Outcome.FAILED for finding in findings(records))
extent = telling.Extent.of(records, outcome=Outcome.FAILED)
print(f"{extent.checks} checks fail, as planted: {'one finding' if failed == 1 else f'{failed} findings, where one is expected: please report it'}.")
endef
export PLANTED

# The story in one command: write the demo production, judge it as it was before the fix, leave a report.
demo: .venv/installed
	$(BIN)/specqa demo $(DEMO)/production
	@echo "Judging the night as it was before the fix; a dot is a check that passed, an F one that fails, as some should ..."
	@$(BIN)/pytest qa_tests --specprod $(DEMO)/production/before --night 20211014 -n 2 -q \
	    --html $(DEMO)/report.html --specqa-results $(DEMO)/results.jsonl; \
	status=$$?; \
	if [ $$status -gt 1 ]; then exit $$status; fi; \
	if [ $$status -eq 0 ]; then echo; echo "Nothing failed, though a fault is planted in this night: please report it."; exit 1; fi; \
	echo; $(BIN)/python -c "$$PLANTED" $(DEMO)/results.jsonl; \
	echo "The sky model of tile 7951 is bent by up to a third of the sky around 6546 A in petals 6-8 of the r cameras,"; \
	echo "in both of its exposures; elsewhere it is off by 1-2 %. The quasars at z = 4.3 follow from it."; \
	echo "See it: open file://$(abspath $(DEMO)/report.html)"

test: .venv/developed
	$(BIN)/python -m pytest tests -n 2 --dist worksteal -q

# Damages files of a production and counts what is said: make fuzz N=10000 SEED=2 CLASS=zeros, or again make fuzz CASE=zeros:2000017.
fuzz: .venv/developed
	$(BIN)/python -m tests.faults --count $(or $(N),1000) --seed $(or $(SEED),1) $(if $(CLASS),--class $(CLASS)) $(if $(CASE),--case $(CASE))

lint: .venv/developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/numpydoc lint $$(git ls-files 'pytest_specqa/*.py')

types: .venv/developed
	$(BIN)/mypy

# What each measure costs for a camera of an exposure, beside inflating its files once; writes 12 cameras of real size (2 GB) first.
bench: .venv/installed
	$(BIN)/specqa demo $(DEMO)/full --bands brz --petals 6 --variants after --full-size
	$(BIN)/python benchmarks/suite.py $(DEMO)/full/after --readers

# Measures false alarms, power and efficiency of every expectation; FULL=--full takes hours and resumes.
judgement: .venv/installed
	$(BIN)/specqa judgement --docs docs $(FULL)

.venv/documented: .venv/installed
	$(PIP) --editable '.[docs]'
	touch $@

# The documentation site, with its pictures made anew from the demo (two minutes on two cores); SPECQA_PICTURES=0 leaves them out.
docs: .venv/documented
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/build/html
	@echo "Open file://$(abspath docs/build/html/index.html)"

# Measures how many small changes of the code the tests notice: make mutants MUTANTS="results --sample 100 --seed 2 --minutes 20".
mutants: .venv/developed
	$(PIP) --editable '.[mutants]'
	$(BIN)/python benchmarks/mutants.py $(MUTANTS)

# Writes down the newest versions that the lower bounds of pyproject.toml allow; run the checks with them before it is committed.
constraints:
	rm -rf .venv/newest
	$(PYTHON) -m venv .venv/newest
	.venv/newest/bin/python -m pip install --quiet --disable-pip-version-check '.[dev,docs]'
	.venv/newest/bin/python -m pip freeze --exclude pytest-specqa > constraints.txt
	rm -rf .venv/newest

clean:
	rm -rf .venv $(DEMO) .judgement docs/build docs/generated
