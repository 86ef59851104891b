# Commands on a fresh machine with Python 3.11 to 3.13:
#   make demo    trains CSVAE on the swiss roll and on drawn faces, and shows what came out
#   make explore opens the drawn faces of the demo in the browser
#   make test    runs the tests
# Both make the environment in .venv first, once.

SHELL := /bin/bash
supported = import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(supported)' 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo explore test test-lowest chaos fuzz lint format clean

demo: $(READY)
	$(BIN)/python -m trainers.csvae --dataset=swiss_roll --run_dir=runs/demo --overwrite
	$(BIN)/python -m trainers.csvae --dataset=drawn_faces --epochs=5 --run_dir=runs/demo_faces --overwrite
	@echo "To edit faces by hand: make explore"

explore: $(READY)
	$(BIN)/python -m export.explore --run_dir=runs/demo_faces

test: $(READY)
	$(BIN)/python -m pytest -n 2 $(ARGS)

# The oldest supported version of every dependency, in an environment of its own.
test-lowest:
	$(MAKE) test VENV=.venv-lowest CONSTRAINTS=constraints-lowest.txt

# Trainings killed at random moments, on full disks and with damaged checkpoints; KILLS=30 SEED=0.
chaos: $(READY)
	$(BIN)/python -m tests.chaos

# What strangers send, at random, for so many seconds each; what was found stays in tests/fuzz/.
FUZZ_SECONDS ?= 60
fuzz: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	for target in attributes images tables runs; do \
		$(BIN)/python -m tests.fuzz $$target $(FUZZ_SECONDS) || exit 1; \
	done

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(READY): setup.py $(CONSTRAINTS)
	@test -n "$(PYTHON)" || { echo "error: Python 3.11, 3.12 or 3.13 is needed and none was found; name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c '$(supported)' || { echo "error: PYTHON=$(PYTHON) is not Python 3.11, 3.12 or 3.13" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) cannot make an environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),-c $(CONSTRAINTS)) -e '.[dev]'
	@touch $(READY)

clean:
	rm -rf $(VENV) .venv-lowest build *.egg-info .pytest_cache .ruff_cache
