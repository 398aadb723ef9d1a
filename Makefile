# Each target sets up .venv by itself; nothing but git, make and Python 3.11 or newer is needed.

PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$each"; break; }; done)
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
AGENTS := agents variants

.PHONY: clara test slow line bench bench-line lint types check schemas clean lock help

clara: $(READY) ## rehearse Clara in the terminal: no account, no key, no network
	@$(BIN)/callisi-run agents/clara.yaml

test: $(READY) ## run the tests, in parallel
	@$(BIN)/pytest -n auto --dist loadgroup -m "not slow" $(ARGS)

slow: $(READY) ## run the tests that take longer: storms of kills, proofs of large plans, real worker processes
	@$(BIN)/pytest -n auto --dist loadgroup -m "slow and not line" $(ARGS)

line: $(READY) ## place real SIP calls through a LiveKit server on this machine
	@$(BIN)/python -m tests.line -m line $(ARGS)

bench: $(READY) ## measure what needs no telephone line, and print ratios
	@$(BIN)/python -m benchmarks.text $(ARGS)
	@$(BIN)/python -m benchmarks.ledger $(ARGS)

bench-line: $(READY) ## measure calls on a real line, beside a hand-written LiveKit agent
	@$(BIN)/python -m benchmarks.line $(ARGS)

lint: $(READY) ## ruff: rules and format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(READY) ## mypy, strict
	@$(BIN)/mypy

check: lint types ## everything but the tests: lint, types, schemas, agents, proofs, rehearsals
	@$(BIN)/callisi schema --check --reference docs/reference.md
	@$(BIN)/check-jsonschema --schemafile schemas/agent.schema.json agents/*.yaml variants/*.yaml
	@$(BIN)/check-jsonschema --schemafile schemas/scenario.schema.json scenarios/*.yaml
	@$(BIN)/callisi validate $(AGENTS)
	@$(BIN)/callisi prove $(AGENTS)
	@$(BIN)/callisi test

schemas: $(READY) ## write schemas/ and docs/reference.md anew from the models
	@$(BIN)/callisi schema --reference docs/reference.md

clean: ## remove what was set up and built
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: ## write requirements.lock anew (needs uv)
	uv pip compile --universal --python-version 3.11 --extra dev --generate-hashes --no-header --no-annotate \
		--quiet --output-file requirements.lock pyproject.toml

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1 - /p' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is needed; name it with make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Setting up .venv (only the first time; a minute or two) ..."
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps -e .
	@touch $(READY)
