# IronForge. `make` lists what there is; docs/operations.md says more.
#
#   make run PORT=3100                 another port (HOST=… works alike)
#   make run ARGS="--workers 2"        any option of `manage.py ironforge`
#   make test ARGS="tests/processes"   any argument of pytest
#   make run PYTHON=python3.12         another interpreter for a new .venv
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-long pictures torture bench lint format clean setup setup-test lint-checks

# Only `make … NAME=value` counts: a PORT or PYTHON that happens to be in the environment means something else there.
given = $(if $(findstring command,$(origin $(1))),$($(1)))

PY := .venv/bin/python
OPTIONS := $(if $(call given,PORT),--port $(PORT)) $(if $(call given,HOST),--host $(HOST)) $(call given,ARGS)
SETUP := $(if $(call given,PYTHON),IRONFORGE_PYTHON='$(PYTHON)') ./.ci/setup.sh
# Four on two cores: many tests wait for processes, which find their modules compiled wherever the environment would not.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest -n 4 --dist worksteal

help: ## List these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## Start the store, the server on http://localhost:3000 and one worker; Ctrl-C stops them
	@exec $(PY) manage.py ironforge $(OPTIONS)

test: setup-test lint-checks ## Lint, then the whole suite in parallel (about 12 minutes on 2 cores)
	@$(PYTEST) $(call given,ARGS)

test-long: setup-test ## The whole suite with the full form of the tests marked `long`
	@$(PYTEST) -m "long or not long" $(call given,ARGS)

pictures: setup-test ## Make the pictures of docs/console.md anew, and look at them
	@PICTURES=new $(PY) -m pytest -q -n 0 tests/browser/test_busy_shop.py

torture: setup-test ## Break everything under an installation for 60 s and count its jobs; ARGS="--long", "--help"
	@exec $(PY) -m tests.torture $(call given,ARGS)

bench: setup ## Measure beside the peers, ten minutes; ARGS="--full", "--list", "--help"
	@exec $(PY) -m benchmarks $(call given,ARGS)

lint: setup-test lint-checks ## Style, types and the direction of imports

format: setup-test ## Format the code and fix what ruff can fix
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format .

clean: ## Remove the virtual environment, caches and test artefacts; data stays
	@rm -rf .venv benchmarks/.peers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* staticfiles test-artefacts
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup:
	@$(SETUP) run

setup-test:
	@$(SETUP) test

lint-checks:
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) .venv/bin/lint-imports --no-logo
