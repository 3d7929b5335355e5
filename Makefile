# Everything a contributor runs. Each target makes .venv when there is none; needs Python >= 3.11, make and git.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
# uv installs in a fifth of pip's time, but reads no pip configuration: where that names a mirror, pip does it.
INSTALL = $(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python -c constraints.txt -e '.[$(EXTRAS)]' || $(PIP) -c constraints.txt -e '.[$(EXTRAS)]'
INPUTS := pyproject.toml constraints.txt
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test test-real real-servers check image bench docs lock clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.demo  ## start a server, analyse real flights with it, stop it
	$(BIN)/python -m arkserver.demo

test: $(VENV)/.test  ## the test suite, without the tests that need other projects' servers
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not real" $(ARGS)

real-servers: $(VENV)/.python  ## get the servers of other projects that test-real starts, once, into ~/.cache/arkserver
	$(BIN)/python scripts/real_servers.py $(ARGS)

test-real: $(VENV)/.test  ## the tests with real servers of other projects; those that cannot be had are reported as MISSING
	-$(BIN)/python scripts/real_servers.py
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m real $(ARGS)

check: $(VENV)/.test  ## formatting, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

image: $(VENV)/.python  ## build the image of deploy/k8s/Containerfile without a daemon (root; apt-get install buildah debootstrap)
	$(BIN)/python scripts/image.py $(ARGS)

bench: $(VENV)/.bench  ## speed, side by side with NumPy, pandas, Polars and DuckDB
	$(BIN)/python -m bench $(ARGS)

docs: $(VENV)/.docs  ## the documentation as HTML in docs/_build
	$(BIN)/sphinx-build -q -W --keep-going docs docs/_build

lock: $(VENV)/.python  ## pin the newest versions that fit together in constraints.txt
	$(BIN)/uv pip compile --quiet --system-certs --universal --upgrade --python-version 3.11 --all-extras pyproject.toml -o constraints.txt

clean:  ## remove what the targets made
	rm -rf $(VENV) build docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "arkserver needs Python 3.11 or newer; set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) uv
	@touch $@

$(VENV)/.demo: EXTRAS = server,demo
$(VENV)/.demo: $(VENV)/.python $(INPUTS)
	$(INSTALL)
	@touch $@

$(VENV)/.test: EXTRAS = server,hdf5,zarr,redis,tls,slurm,demo,test,deploy,browser,check
$(VENV)/.test: $(VENV)/.python $(INPUTS)
	$(INSTALL)
	@touch $@

$(VENV)/.bench: EXTRAS = server,bench
$(VENV)/.bench: $(VENV)/.python $(INPUTS)
	$(INSTALL)
	@touch $@

$(VENV)/.docs: EXTRAS = server,docs
$(VENV)/.docs: $(VENV)/.python $(INPUTS)
	$(INSTALL)
	@touch $@
