# Two commands set everything up: make demo, make test. The rest is for developers.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# two at a time, a file in one go: its fixtures are made once, and the sweeps in the tests leave a core idle now and then;
# a worker that crashes ends the run at once: one that took its place would wait for tests that never come
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

.DEFAULT_GOAL := help
.PHONY: help demo test install install-dev lint types imports house docs check bench chaos gpu-check lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: install  ## install into .venv, run the quickstart sweep, end with the report's path
	$(BIN)/prunefront run quickstart

test: install-dev  ## run the tests (no network, no GPU needed)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

install: $(VENV)/.installed  ## install what a user needs into .venv

install-dev: $(VENV)/.installed-dev  ## install what a developer needs into .venv

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "prunefront needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# pip reads the pinned set as constraints: the same versions for everybody, and only those that are asked for
$(VENV)/.installed: pyproject.toml requirements.lock | $(VENV)/.python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml requirements.lock | $(VENV)/.python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $@ $(VENV)/.installed

lint: install-dev  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install-dev  ## mypy: strict for the packages, function bodies for the tests
	$(BIN)/mypy

imports: install-dev  ## the layers of the packages, and no late import where none is allowed
	$(BIN)/lint-imports
	$(BIN)/python -m benchmarks.house --late

house: install-dev  ## count the packages and draw their import graph into docs/architecture.md
	$(BIN)/python -m benchmarks.house
	$(BIN)/python -m benchmarks.house --graph

docs: install-dev  ## build the documentation site into build/site; a warning, or anything loaded from elsewhere, is an error
	$(BIN)/python -m documentation

check: test lint types imports docs  ## everything that must pass

bench: install-dev  ## training, evaluation, corruption generator and whole studies against their opponents, in pairs (10 minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.training_speed
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.evaluation_speed
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.corruption_speed --against-script 20
	$(BIN)/python -m benchmarks.whole_scripts

FAULTS ?= 10
SEED ?= 0
chaos: install-dev  ## kill sweeps at random and compare the records: make chaos FAULTS=100 SEED=1
	$(BIN)/python -m benchmarks.chaos --faults $(FAULTS) --seed $(SEED) $(CHAOS_ARGS)

# nothing is installed: whatever python3 has PyTorch (2.9 or later) will do
gpu-check:  ## measure and check a GPU, in 8 minutes, with PyTorch alone: make gpu-check GPU_ARGS=--quick
	$(PYTHON) -m benchmarks.gpu $(GPU_ARGS)

lock:  ## resolve requirements.lock anew, for every Python that is supported
	$(PYTHON) -m venv $(VENV)/.uv && $(VENV)/.uv/bin/pip install --quiet uv
	$(VENV)/.uv/bin/uv pip compile --quiet --universal --python-version 3.11 --all-extras --upgrade --no-emit-index-url \
	  --no-header --no-annotate pyproject.toml --output-file requirements.lock

clean:  ## remove the virtual environment and the caches, keep the runs
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info
