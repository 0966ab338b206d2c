# The project's commands. `make help` lists them.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
export BANSHI_DATA ?= data

.DEFAULT_GOAL := help
.PHONY: help run test check format lock bench screenshots docs clean

help: ## List the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.installed ## Install, load the sample catalogue, build the index, serve http://127.0.0.1:8000
	@$(RUN)/banshi init
	@$(RUN)/banshi index status >/dev/null 2>&1 || $(RUN)/banshi index rebuild
	@$(RUN)/banshi serve

test: $(VENV)/.installed-test ## Install what tests need and run all of them
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/pytest

check: $(VENV)/.installed-test ## Lint and types only
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

format: $(VENV)/.installed-test ## Format the code
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

bench: $(VENV)/.installed-test ## Measure rebuild, search, memory, both engines, relevance; prints tables
	$(RUN)/python -m bench
	$(RUN)/python -m bench.engines
	$(RUN)/python -m bench.failover
	$(RUN)/python -m bench.relevance

screenshots: $(VENV)/.installed-test ## Take the screenshots of docs/ anew
	$(RUN)/python -m tests.screenshots docs/screenshots

docs: $(VENV)/.installed-test ## Write the generated parts of docs/ anew
	$(RUN)/python -m tests.docs.reference docs

lock: ## Resolve the dependencies anew; the lock files name no host
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet pip-tools
	$(VENV)-lock/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --extra build --output-file requirements.lock pyproject.toml
	$(VENV)-lock/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --extra build --extra test --constraint requirements.lock --output-file requirements-test.lock pyproject.toml

clean: ## Remove the environment and all data of `make run`
	rm -rf $(VENV) $(VENV)-lock data

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(RUN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(RUN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.installed-test: requirements-test.lock $(VENV)/.installed tests/install-system-packages
	$(RUN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	tests/install-system-packages
	@touch $@
