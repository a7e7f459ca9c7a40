.DEFAULT_GOAL := help
SHELL := bash
BIN := .venv/bin
READY := .venv/.placet-installed
SOURCES := workflows activities gateway tests tools $(wildcard examples benchmarks)

.PHONY: help setup up test clients check e2e faults mutants bench docs lock

help: ## list these verbs
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## (.*)$$/  make \1\t\2/' | expand -t 16

up: $(READY) ## start the demo: Temporal, worker and gateway on this machine
	@$(BIN)/placet up --demo

test: $(READY) ## run every test, half of the files beside the other half
	@$(BIN)/pytest --numprocesses 2 --dist loadfile

clients: $(READY) ## start the demo with agent-chat-ui and Agent Inbox beside it, got from their public sources
	@$(BIN)/python tools/clients.py

check: $(READY) ## lint, format, types, import rules, sizes, routes
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports
	@$(BIN)/python tools/check_sizes.py
	@$(BIN)/python tools/check_routes.py

e2e: $(READY) ## run the tests that start everything and look from outside
	@$(BIN)/pytest -m "repeated or not repeated" tests/e2e tests/browser tests/web

faults: $(READY) ## run the tests that kill, stop and cut off parts
	@$(BIN)/pytest -m "repeated or not repeated" tests/faults tests/e2e/outside

mutants: $(READY) ## break the product in many ways, one at a time: the tests must notice each
	@$(BIN)/python tools/mutants.py

bench: $(READY) ## measure, each figure beside its baseline
	@$(BIN)/python benchmarks/run.py
	@$(BIN)/python benchmarks/starts.py

docs: $(READY) ## write what the docs take from the code, and check every link and path in them
	@$(BIN)/python tools/schemas.py
	@$(BIN)/python tools/openapi.py
	@$(BIN)/python tools/reference.py
	@$(BIN)/python tools/check_docs.py

setup: $(READY) ## make .venv from requirements.lock (quick when nothing changed)

lock: ## resolve the dependencies anew and write the lock files
	@tools/lock.sh

$(READY): requirements.lock pyproject.toml tools/setup.sh
	@tools/setup.sh
