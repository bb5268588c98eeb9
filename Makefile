# What people and CI run. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help venv demo test test-slow lint format bench lock clean experiments

BIN := .venv/bin
EXPERIMENT ?= overload-3x
ARM ?= protected
SEED ?= 1

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

venv: ## Build .venv from the locked requirements
	@tools/bootstrap

demo: venv ## Replay the milk-tea day twice, protections off and on, and compare
	@$(BIN)/teastorm demo

test: venv ## Run the tests (what needs PostgreSQL or Prometheus is skipped where they are not)
	@$(BIN)/pytest -q -n auto --maxprocesses 4 --dist loadfile -m "not live and not slow and not e2e"
	@# Live runs want the machine to themselves.
	@$(BIN)/pytest -q -m "live and not slow"

test-slow: venv ## Run the long tests: every experiment live, five seeds, live sabotage
	@$(BIN)/pytest -q -m slow

lint: venv ## Formatter, linter, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: venv ## Format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

experiments: venv ## Run one experiment: EXPERIMENT=overload-3x ARM=protected SEED=1
	@$(BIN)/teastorm run $(EXPERIMENT) --arm $(ARM) --seed $(SEED)

bench: venv ## Measure, and write docs/benchmarks.md
	@$(BIN)/python -m teastorm.bench

lock: ## Write requirements/*.txt anew
	@tools/lock

clean: ## Remove .venv, caches and run folders
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis runs dist build
