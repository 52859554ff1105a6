# The front door. Everything runs inside .venv, which the first target that needs it makes.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
ARGS ?=
# Byte code is compiled once at install, so that a second start is quick.
SYNC := $(UV) pip install --quiet --require-hashes --compile-bytecode --python $(BIN)/python
LINK := $(UV) pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
SOURCES := src tests benchmarks examples docs

.PHONY: help
help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(UV):
	$(PYTHON) -c 'import sys; sys.exit("Ironleaf needs Python 3.11 or newer (PYTHON=... chooses one)" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt

$(VENV)/.runtime: $(UV) requirements/runtime.txt pyproject.toml
	$(SYNC) --requirement requirements/runtime.txt
	$(LINK)
	@touch $@

$(VENV)/.dev: $(UV) requirements/dev.txt pyproject.toml
	$(SYNC) --requirement requirements/dev.txt
	$(LINK)
	@touch $@ $(VENV)/.runtime

.PHONY: serve
serve: $(VENV)/.runtime ## Run the service (ARGS="--port 8099")
	@exec $(BIN)/python -m ironleaf serve $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## Run every test that needs no real model server
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## Format, lint, types, imports, quick tests: under a minute
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/codespell src docs tests README.md CONTRIBUTING.md changelog.d
	$(BIN)/lint-imports --no-cache
	$(BIN)/basedpyright & types=$$!; \
	$(BIN)/python -m pytest -q -n 2 -m "not slow" tests/unit tests/contract tests/architecture || { kill $$types; exit 1; }; \
	wait $$types

.PHONY: leaks
leaks: $(VENV)/.dev ## Knock at every door with every fault (minutes)
	IRONLEAF_LEAKS=all $(BIN)/python -m pytest -q -s tests/faults/leaks $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.dev ## Hold the parsers (ten minutes), then the API against whatever comes
	FUZZ_S=600 $(BIN)/python -m pytest -q tests/property/test_fuzz_parsers.py $(ARGS)
	IRONLEAF_FUZZ=600 $(BIN)/python -m pytest -q -s tests/acceptance/test_openapi_fuzz.py $(ARGS)

$(VENV)-mutants/.done: $(UV) requirements/mutants.txt pyproject.toml
	$(UV) venv --quiet --clear --python $(BIN)/python $(VENV)-mutants
	$(UV) pip install --quiet --require-hashes --python $(VENV)-mutants/bin/python --requirement requirements/mutants.txt
	@touch $@

.PHONY: mutants
mutants: $(VENV)-mutants/.done ## Would the tests notice a changed line of the core? (ten minutes and more)
	PYTHONPATH=src $(VENV)-mutants/bin/mutmut run --max-children 2 $(ARGS)
	PYTHONPATH=src $(VENV)-mutants/bin/mutmut results
	PYTHONPATH=src $(VENV)-mutants/bin/python tests/property/mutate_redaction_patterns.py

REAL := .venv-realserver/servers
$(REAL)/.ready: requirements/realserver.in
	$(PYTHON) -m venv $(REAL)
	$(REAL)/bin/python -m pip install --quiet --requirement requirements/realserver.in
	@touch $@

.PHONY: storm
storm: $(VENV)/.dev ## Run the storm of failing requests before two replicas, on both databases; ten minutes, on a quiet machine
	STORM=1 $(BIN)/python -m pytest tests/acceptance/test_the_operator_sleeps.py $(ARGS)

.PHONY: realserver
realserver: $(VENV)/.dev $(REAL)/.ready ## Run the tests with real model servers (6 GB; docs/howto/real-servers.md)
	IRONLEAF_REALSERVER=1 $(BIN)/python -m pytest tests/realserver -s $(ARGS)

.PHONY: format
format: $(VENV)/.dev ## Format and mend what can be mended by itself
	$(BIN)/ruff check --fix --quiet $(SOURCES) || true
	$(BIN)/ruff format $(SOURCES)

.PHONY: bench
bench: $(VENV)/.dev ## Run the benchmarks (see benchmarks/README.md)
	$(BIN)/python benchmarks/run.py $(ARGS)

.PHONY: docs
docs: $(VENV)/.dev ## Write the reference pages from the code
	$(BIN)/python docs/make_reference.py

.PHONY: screenshots
screenshots: $(VENV)/.dev ## Take the pictures of docs/images anew (needs Chromium)
	$(BIN)/python -m tests.fixtures.screenshots $(ARGS)

.PHONY: lock
lock: $(UV) ## Renew the hash-pinned requirement locks
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements/uv.in -o requirements/uv.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --group build -o requirements/runtime.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --extra traces -c requirements/runtime.txt -o requirements/traces.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --group dev -c requirements/runtime.txt -c requirements/traces.txt -o requirements/dev.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --group dev --group mutants -c requirements/dev.txt -o requirements/mutants.txt

.PHONY: clean
clean: ## Remove everything that was made here
	rm -rf $(VENV) $(VENV)-* mutants .pytest_cache .ruff_cache .hypothesis build dist var
