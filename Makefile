# What a fresh machine needs: Python >= 3.11 with venv, a JDK >= 21, Maven. No root, no Docker.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed-from-lock

.DEFAULT_GOAL := help
.PHONY: help setup agent demo pictures test soak bench lint generate lock up down clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## the virtual environment with the locked versions

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed, $(PYTHON) is `$(PYTHON) --version 2>&1`: install it, or call make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { echo "python's venv module is missing: install the package python3-venv" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## 12 stores, 60 days: MariaDB -> shippers -> OpenSearch, then the first answers; DEMO_LIVE=60: calls of now
	@$(BIN)/python -m compose.demo

agent: $(STAMP) ## the agent and its installer as one file: dist/pabx-shipper-VERSION.pyz
	@$(BIN)/python -m deploy.artefact

test: $(STAMP) lint ## everything, on the real servers
	$(BIN)/python -m pytest

pictures: $(STAMP) ## the pictures of README and docs, taken of the running demo (needs chromium)
	@$(BIN)/python -m compose.pictures

soak: $(STAMP) ## the long form of the fault and fuzz tests: make soak HOURS=1
	$(BIN)/python -m tests.soak --hours $(or $(HOURS),0.25)

bench: $(STAMP) ## the benchmarks, each as a ratio against its limit; also build/bench.json
	$(BIN)/python -m tests.bench

lint: $(STAMP) ## ruff, mypy, import contracts, generated files up to date, rules of the dashboards
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m central.generate --check
	$(BIN)/python -m dashboards.check

generate: $(STAMP) ## mappings and field documentation from the JSON Schemas
	$(BIN)/python -m central.generate

lock: ## new locked versions (needs uv)
	uv pip compile pyproject.toml --upgrade --universal --generate-hashes --no-emit-index-url --no-annotate \
	  --custom-compile-command "make lock" --quiet -o requirements.lock
	uv pip compile pyproject.toml --upgrade --universal --extra central --extra preview --generate-hashes --no-emit-index-url \
	  --no-annotate --custom-compile-command "make lock" --quiet -o requirements-central.lock
	uv pip compile compose/docker/requirements.in --upgrade --universal --generate-hashes --no-emit-index-url --no-annotate \
	  --custom-compile-command "make lock" --quiet -o compose/docker/requirements.lock
	uv pip compile pyproject.toml --upgrade --universal --extra central --group dev --generate-hashes --no-emit-index-url \
	  --no-annotate --custom-compile-command "make lock" --quiet -o requirements-dev.lock

up: $(STAMP) ## start the local MariaDB and OpenSearch and leave them running
	@$(BIN)/python -m compose.stack up

down: $(STAMP) ## stop them
	@$(BIN)/python -m compose.stack down

clean: ## remove what was built here (the download cache outside stays)
	rm -rf build dist $(VENV)
