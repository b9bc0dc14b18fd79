# Everything a newcomer needs: make install | demo | test | check | bench | clean
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2

.PHONY: help install check test cover demo bench docs lock clean

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/.installed ## Make .venv with phlo-sql in it, from the locked dependencies

.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "missing: Python 3.11 or newer (set PYTHON=/path/to/python3)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "missing: Python's venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@# The lock is complete. With dependencies pip looks at "coverage[toml]" anew, and fails on the day of a release.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/pip check --disable-pip-version-check
	@touch $@

check: install ## Lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Servers that live for minutes: Java's second compiler and its concurrent collector cost more than they give.
test cover: export JDK_JAVA_OPTIONS ?= -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
test: check ## Every check, then every test, on real servers that it starts and stops
	PHLO_SQL_REQUIRE_STACK=1 $(BIN)/pytest -n $(JOBS) --dist loadgroup --durations=40

# Apart from `test`, which it would make a fifth longer.
cover: install ## Every test again, and which lines of the package they run
	PHLO_SQL_REQUIRE_STACK=1 $(BIN)/pytest -n $(JOBS) --dist loadgroup --cov --cov-report=term

demo: install ## Show optimize at work on 1,200 small files, then stop what was started
	$(BIN)/python -m benchmarks.demo

bench: install ## Ratios side by side, each pair measured in one run
	$(BIN)/python -m benchmarks

docs: install ## Build the documentation and the man pages under build/
	$(BIN)/mkdocs build --strict
	mkdir -p build/man && $(BIN)/python docs/site/man.py build/man

lock: install ## Resolve the dependencies again
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --extra collect --extra docs --extra glue --extra hive --extra stack --group dev pyproject.toml \
	  --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --resolution lowest-direct --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --extra collect --extra docs --extra glue --extra hive --extra stack --group dev pyproject.toml \
	  --output-file tests/package/lowest.lock
	$(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate tests/docs/dagster.in --output-file tests/docs/dagster.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate tests/live/openid.in --output-file tests/live/openid.lock
	for generation in 0.16:3.11 0.18:3.12; do \
	  $(BIN)/uv pip compile --quiet --upgrade --python-version $${generation#*:} --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate pyproject.toml tests/phlo/phlo-$${generation%:*}.in \
	    --output-file tests/phlo/phlo-$${generation%:*}.lock; done

clean: ## Remove what was built here
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
