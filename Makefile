# Every target prepares what it needs. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
# Many interpreters are started; each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

PY := .venv/bin/python
# One more than there are cores: tests that kill processes or wait for blocks leave theirs idle.
WORKERS ?= 3
COVERAGE ?= 80
SOURCES := guard tests
PYTEST := $(PY) -m pytest -n $(WORKERS) --dist loadscope
COVERED := --cov --cov-report=term-missing:skip-covered --cov-fail-under=$(COVERAGE)
# Millions of steps through a few pure functions, and whole installations that are killed: tracing would only take time there.
UNTRACED := tests/search tests/crash tests/durability tests/demo tests/deploy
LOCKS := requirements/bootstrap.lock requirements/artifacts.lock .ci/setup

.PHONY: help setup demo test check style types contracts format bench deep lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/.demo: requirements/demo.lock $(LOCKS)
	@.ci/setup demo

.venv/.dev: requirements/dev.lock $(LOCKS)
	@.ci/setup dev

tests/node/node_modules/.installed: tests/node/package-lock.json .ci/setup
	@.ci/setup node

setup: .venv/.dev tests/node/node_modules/.installed  ## install everything into .venv and tests/node

demo: .venv/.demo  ## tell the whole story on an embedded chain: Python alone
	@$(PY) -m guard.demo

test: setup  ## run all tests
	@SECONDS=0; $(PYTEST); echo "the tests took $$SECONDS s"

check: setup style types contracts  ## everything that must hold: format, lint, types, import contracts, tests, coverage
	@SECONDS=0; $(PYTEST) $(UNTRACED:%=--ignore=%) $(COVERED); echo "the tests took $$SECONDS s"
	@SECONDS=0; $(PYTEST) $(UNTRACED); echo "the untraced ones took $$SECONDS s"

style: .venv/.dev
	@$(PY) -m ruff format --check $(SOURCES)
	@$(PY) -m ruff check $(SOURCES)

types: .venv/.dev
	@$(PY) -m mypy

contracts: .venv/.dev
	@.venv/bin/lint-imports

format: .venv/.dev  ## format the code and mend what ruff can mend
	@$(PY) -m ruff format $(SOURCES)
	@$(PY) -m ruff check --fix $(SOURCES)

bench: setup  ## measure; prints a table and writes build/bench.json
	@$(PY) tests/bench/run.py

deep: setup  ## the long profiles of the same tests; records the run in docs/DEEP.md
	@TEST_PROFILE=deep $(PY) -m tests.deep.run

lock: .venv/.demo  ## make the requirement locks anew
	@.ci/lock

clean:  ## remove everything that was installed or built here
	@rm -rf .venv build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@rm -rf tests/node/node_modules
	@find guard tests -name __pycache__ -type d -prune -exec rm -rf {} +
