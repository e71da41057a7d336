# `make` alone lists the commands. Each works on the stage that STAGE names; `local` is this machine.
STAGE ?= local
# Which Python makes the environments; found by itself when it is not named.
PYTHON ?=
export STAGE PYTHON
# Without compiled files, importing cfn-lint, checkov or SAM takes several seconds, each time.
unexport PYTHONDONTWRITEBYTECODE

PY := .venv/dev/bin/python
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

.PHONY: help setup doctor demo up down status look logs history build deploy watch destroy routes explain replay reconcile view send approve psql \
        invoke sam-local sam-shell sam-local-image \
        retry redrive replay-archive rotate bench \
        check test model workflow-coverage permissions mutants lint format audit try-pins pictures screenshot licences schemas lock clean local-only check-books edges

help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile
	@echo "STAGE=$(STAGE). Another stage's name (dev, prod, yours) reaches an AWS account."

setup: ## Make the Python environments (.venv/), from locked requirements
	@PYTHONPATH=workbench/src python3 -m workbench.machine.setup

doctor: ## Check that this machine has what is needed; say how to get the rest
	@PYTHONPATH=workbench/src python3 -m workbench.machine.doctor

demo: local-only doctor setup ## Start the whole system on this machine and run real orders through it (FULL=1: a long report)
	@$(PY) -m operations.commands.demo

local-only:
	@if [ "$(STAGE)" != local ]; then echo "error: this runs on this machine only; leave STAGE out" >&2; exit 1; fi

up: setup ## Start the local cloud (AWS emulator, PostgreSQL, rates API, webhook)
	@$(PY) -m workbench.local_cloud up

down: setup ## Stop the local cloud and discard its state
	@$(PY) -m workbench.local_cloud down

status: setup ## What runs, what is deployed, and where the local cloud differs from AWS
	@$(PY) -m workbench.local_cloud status

look: setup ## What is stored: objects, items, messages, archives, secrets' names; rules, schedules
	@$(PY) -m workbench.look

logs: setup ## The functions' logs: FN=PriceChunk FILE_ID=… narrow them down (FOLLOW=1)
	@$(PY) -m workbench.local_cloud logs

history: setup ## What happened, state by state: FILE_ID=… or EXECUTION=… (STATE=, JSON=1); else the newest
	@$(PY) -m workbench.history

psql: setup ## Open the local database; ARGS='-c "select count(*) from order_line"'
	@$(PY) -m operations.services.psql $(ARGS)

build: setup ## Package the functions (sam build)
	@$(PY) -m workbench.deployment.build

deploy: setup ## Put platform and application into STAGE (YES=1 does not ask)
	@$(PY) -m workbench.deployment.deploy

watch: setup ## On each save: check, deploy what changed, replay (SCENARIO=small_valid_file)
	@$(PY) -m workbench.watch

destroy: setup ## Take application and platform out of STAGE, with all data (YES=1 does not ask)
	@$(PY) -m workbench.deployment.destroy

reconcile: setup ## Compare uploads, ledger, objects, database and events with each other (FROM=)
	@$(PY) -m operations.commands.reconcile

explain: setup ## Why an event arrives or not: EVENT=a file, a scenario or an object's key
	@$(PY) -m workbench.routes.explain

replay: setup ## Play events/ (EVENTS=a folder or file) and compare with what is expected
	@$(PY) -m workbench.replay $(if $(EVENTS),"$(EVENTS)")

routes: setup ## Ask the deployed rules about every event and its near misses (ARGS=--all)
	@$(PY) -m workbench.routes $(ARGS)

view: setup ## Open a page that follows all executions of the stage while they run
	@$(PY) -m workbench.page.view

send: setup ## Upload a file of your own, follow it: FILE=… PARTNER=… (APPROVE=1, JSON=1)
	@$(PY) -m operations.commands.send

approve: setup ## Answer an approval: FILE_ID=… DECISION=approved|declined
	@$(PY) -m operations.commands.approve

retry: setup ## Run a failed file again: FILE_ID=…
	@PYTHONPATH=src $(PY) -m operations.commands.retry

redrive: setup ## Send failed messages (dead letters) again
	@$(PY) -m workbench.replay.redrive

replay-archive: setup ## Deliver the orders bus's events again: FROM=… TO=… (UTC; RULES=…)
	@$(PY) -m workbench.replay.archive

rotate: setup ## Change the database's password now
	@$(PY) -m operations.commands.rotate

invoke: setup ## Run a function in a container: FN=… EVENT=a file or a scenario's name (DEBUG=1)
	@$(PY) -m workbench.sam_local invoke

sam-local: setup ## Run all fixtures of all functions (FN=…: of one) through `sam local`
	@$(PY) -m workbench.sam_local all

sam-shell: setup ## Open a shell in which plain `sam local invoke` works (CMD=… runs one command)
	@$(PY) -m workbench.sam_local shell

sam-local-image: setup ## Get AWS's image for `sam local`, or build a stand-in where it cannot be had
	@$(PY) -m workbench.sam_local image

check: setup ## Check all sources in seconds, without a cloud (ONLY=workflow,patterns,…)
	@$(PY) -m workbench.checks.check

test: setup ## Run all tests that this machine can run (ONLY=unit,contract,…)
	@$(PY) -m workbench.checks.run_tests

bench: setup ## Measure time and memory on this machine (ONLY=imports,sam_local,pricing,…)
	@$(PY) -m workbench.bench

model: setup ## Take random steps and compare the stage with a model (STEPS=330, SEED=…)
	@$(PY) -m workbench.checks.run_tests tests/model

workflow-coverage: setup ## Run every edge of the workflow; list the tests that take it, and all delays
	@$(PY) -m workbench.workflow

mutants: setup ## Mutation tests: put single flaws into copies, see which check finds them (PART=1/10, BEFORE_REPLAY=yes)
	@$(PY) -m workbench.mutants

permissions: setup ## Permissions that are missing, unused or too wide (RECORD=yes)
	@$(PY) -m workbench.permissions

lint: setup ## Run all linters, type checks and Terraform's own tests (ONLY=ruff,mypy,…)
	@$(PY) -m workbench.checks.lint

format: setup ## Format Python and Terraform
	@.venv/dev/bin/ruff format --quiet .
	@.venv/dev/bin/ruff check --fix --quiet .
	@$(PY) -m workbench.deployment.terraform fmt

pictures: setup ## Write the workflows' pictures into README and docs, from their definitions
	@$(PY) -m workbench.page.pictures

screenshot: setup ## Take docs/page.png, a picture of the last replay's page (SCENARIO=uploads/…)
	@$(PY) -m workbench.page.screenshot

audit: setup ## Look for known vulnerabilities in all locked packages
	@$(PY) -m workbench.machine.audit

try-pins: setup ## Try the newest MiniStack, SAM and cfn-lint: which patches are obsolete or broken
	@$(PY) -m workbench.checks.try_pins

licences: setup ## List under which licence each locked package is
	@$(PY) -m workbench.machine.licences

schemas: setup ## Release the events' JSON Schemas that are new, or say what they would break
	@PYTHONPATH=src $(PY) -m workbench.checks.schemas

lock: setup ## Resolve pyproject.toml's groups anew into locked, hashed requirements
	@$(PY) -m workbench.machine.lock

# Names that commands had before.
check-books edges:
	@echo "error: make $@ is now make $(if $(filter edges,$@),workflow-coverage,reconcile)" >&2; exit 1

clean: ## Stop the local cloud; remove environments, builds and caches
	@if [ -x $(PY) ]; then $(PY) -m workbench.local_cloud down >/dev/null; fi
	@rm -rf .venv .aws-sam .local .mypy_cache .pytest_cache .ruff_cache .check_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
