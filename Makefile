# `make help` lists the targets. Everything lives in .venv and build/; `make clean` removes what was built.
PYTHON ?= python3
BIN := .venv/bin
# One more than the cores of a small machine: what trades in processes of its own is mostly waited for.
WORKERS ?= 3
SEEDS ?= 1000
FROM ?= 0
JOBS ?= 0
NATIVE := build/native-tests

# Containers often set it: every command would then compile ccxt, polars and the rest anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup setup-run console web-test demo test test-all lint native-test native-sanitize coverage simulate bench docs wheel lock clean
.DEFAULT_GOAL := help

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-24s %s\n", $$1, $$2}'

setup: .python ## everything a developer needs, in .venv (PYTHON=python3.12 chooses another Python)
	@$(PYTHON) tools/environment.py dev
	@$(PYTHON) -m tools.console --optional

setup-run: .python ## only what the program needs, in .venv
	@$(PYTHON) tools/environment.py run
	@$(if $(SERVE),$(PYTHON) -m tools.console)

console: setup ## the console's pages, into the package (setup does it too; SERVE=1 for the demo)
	@$(PYTHON) -m tools.console

web-test: console ## the console's types and component tests
	@$(BIN)/python -m tools.openapi
	@cd web && PATH="$(CURDIR)/.venv/bin:$$PATH" npm run --silent check

.PHONY: .python
.python:
	@command -v $(PYTHON) >/dev/null || { echo "error: there is no $(PYTHON) here; AlgorithmTrader needs Python 3.11 or newer"; \
	  echo "hint: sudo apt-get install python3 python3-venv, or name one: make setup PYTHON=python3.12"; exit 2; } >&2

demo: setup-run ## the main job on the bundled data (ONLINE=1 downloads real bars, SERVE=1 shows the console then)
	@$(BIN)/algotrader demo $(if $(ONLINE),--online) $(if $(SERVE),--serve) $(if $(VENUE_URL),--base-url $(VENUE_URL))

# Files as they are found: the many small ones of tests/unit come last, and no core waits for another.
test: lint native-test web-test ## what a change must pass: lint, types, native tests, Python tests, coverage
	$(BIN)/pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow" --cov --cov-report= 
	@$(BIN)/coverage json -q -o build/coverage.json
	@$(BIN)/python tools/coverage_gate.py build/coverage.json

test-all: lint native-test native-sanitize web-test ## also the slow tests and the sanitizer build
	$(BIN)/pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report=
	@$(BIN)/coverage json -q -o build/coverage.json
	@$(BIN)/python tools/coverage_gate.py build/coverage.json

lint: setup ## style, types, import contract
	$(BIN)/ruff check src tests tools benchmarks
	$(BIN)/ruff format --check src tests tools benchmarks
	$(BIN)/mypy src tests tools
	$(BIN)/lint-imports --no-logo

native-test: setup ## the kernel's own C++ tests
	@$(BIN)/python -m tools.native_tests build/native-tests

native-sanitize: setup ## the same under the address and undefined-behaviour sanitizers
	@$(BIN)/python -m tools.native_tests build/native-sanitize --sanitize

simulate: setup ## simulated histories with faults; SEEDS=200000 FROM=0 JOBS=2 choose them; goes on where it was stopped
	@$(BIN)/python -m tests.simulation --from $(FROM) --seeds $(SEEDS) --jobs $(JOBS)

bench: setup ## figures of this project and its peers, into docs/benchmarks.md
	$(BIN)/python -m benchmarks

docs: setup ## the documentation, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "documentation: site/index.html"

wheel: setup ## a wheel for this Python, into dist/
	$(BIN)/python -m uv build --wheel --no-build-isolation --out-dir dist

lock: setup ## pin every dependency anew (the only target that changes what is installed)
	$(BIN)/python tools/lock.py

clean: ## remove what was built; .venv stays, and is completed by the next setup
	rm -rf build dist site .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
