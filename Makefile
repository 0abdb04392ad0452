# `make demo` and `make test` need Python 3.10, 3.11 or 3.12 and a package index; all else goes into this folder.
# Another interpreter than `python3`: make PYTHON=python3.11 demo

PYTHON ?= python3
VENV := .venv/bin
# Only an interpreter that was asked for by name is the one and only.
ASKED := $(if $(filter command% environment%,$(origin PYTHON)),$(PYTHON))
PARTS := marketplace-http/marketplace_http marketplace-singer/marketplace_singer \
	tap-atlassian-marketplace/tap_atlassian_marketplace target-journy/target_journy \
	target-atlassian-marketplace/target_atlassian_marketplace sandbox/marketplace_sandbox scripts benchmarks
# What a schedule runs, and after how many minutes it is stopped; the environment may say otherwise.
JOB ?= marketplace-to-journy
MINUTES ?= 110
# Several processes run the tests, a file at a time each.
PARALLEL := --numprocesses auto --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long test-pythons bench check no-old-page run adopt sandbox lint format settings docs lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make the environment .venv (the other commands do so by themselves)
	@command -v "$(PYTHON)" >/dev/null || { echo "setup: no $(PYTHON) found; name one: make PYTHON=python3.11 setup" >&2; exit 1; }
	@"$(PYTHON)" scripts/setup.py $(ASKED)

demo: setup ## run the main job twice against the sandbox and show what journy.io received
	@$(VENV)/python -m scripts.demo

test: setup ## run every test but the long ones
	$(VENV)/pytest -m "not long" $(PARALLEL) --no-loadscope-reorder

test-long: setup ## run the tests that take minutes
	$(VENV)/pytest -m long $(PARALLEL)

test-pythons: setup ## run the packages' tests with each of Python 3.10 to 3.14 that is here
	@$(VENV)/python -m scripts.pythons

bench: setup ## measure speed, memory and use of the rate limit: half an hour, on an idle machine
	@$(VENV)/python -m benchmarks.tap_licenses
	@$(VENV)/python -m benchmarks.tap_customers
	@$(VENV)/python -m benchmarks.loader_unchanged
	@$(VENV)/python -m benchmarks.loader_rate

check: setup ## ask both sides whether token, permission, vendor and key are right (ENV=prod: a Meltano environment)
	@$(VENV)/python -m scripts.check $(ENV)

no-old-page: ## remove the page of the last run, which may tell that all went well (make run and make adopt do so)
	@rm -f output/$(JOB).md output/adopt.md

run: no-old-page setup ## run a job as a schedule does (JOB=marketplace-to-duckdb, MINUTES=50, ENV=staging: other than usual; FULL=1 or FULL=sunday: read everything, always or on that day)
	@$(VENV)/python -m scripts.scheduled_run $(JOB) --minutes $(MINUTES) --environment $(or $(ENV),prod) --full "$(FULL)"

adopt: no-old-page setup ## take all of today's rows as delivered and send nothing: after the loss of the ledger
	@$(VENV)/python -m scripts.scheduled_run adopt --minutes $(MINUTES) --environment $(or $(ENV),prod)

sandbox: setup ## serve the stand-ins for Marketplace and journy.io on 127.0.0.1:8765
	$(VENV)/marketplace-sandbox --port 8765

lint: setup ## ruff and mypy
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy $(PARTS)

format: setup ## let ruff put the code in order
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

settings: setup ## write the plugins' settings into meltano.yml, .env.example and the READMEs
	@$(VENV)/python -m scripts.settings

docs: setup ## write what the documents say about settings, functions and the mapping
	@$(VENV)/python -m scripts.docs

lock: setup ## resolve the dependencies anew into requirements.lock
	$(VENV)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --no-annotate --no-emit-package marketplace-http \
		--no-emit-package marketplace-singer --group pyproject.toml:dev marketplace-http/pyproject.toml \
		marketplace-singer/pyproject.toml tap-atlassian-marketplace/pyproject.toml target-journy/pyproject.toml \
		target-atlassian-marketplace/pyproject.toml sandbox/pyproject.toml --upgrade --output-file requirements.lock

clean: ## remove environments and caches; Meltano's database and the ledger stay
	rm -rf .venv .tools .demo .meltano/extractors .meltano/loaders .meltano/run \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
