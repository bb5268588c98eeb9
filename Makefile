# What people and CI run. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help venv demo test test-slow e2e e2e-all lint format compile bench lock clean experiments kind-up kind-jobs kind-down

BIN := .venv/bin
EXPERIMENT ?=
# The kubeconfig context of cluster targets; empty: the current one, which is shown first.
KUBE ?=
# Helm values files for them, with colons between; empty: charts/teashop/values-ci.yaml.
KUBE_VALUES ?=
ARM ?= protected
SEED ?= 1
# A folder that gets a JUnit file of each pytest call; empty: none is written.
JUNIT ?=
junit = $(if $(JUNIT),--junitxml=$(JUNIT)/$(1).xml)
# What builds images, and the image of a kind node (empty: kind's own).
CONTAINER_TOOL ?= docker
KIND_NODE_IMAGE ?=
export CONTAINER_TOOL KIND_NODE_IMAGE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: ## Build .venv from the locked requirements
	@tools/bootstrap

demo: venv ## Replay the milk-tea day twice, protections off and on, and compare
	@$(BIN)/teastorm demo

test: venv ## Run the tests (what needs PostgreSQL or Prometheus is skipped where they are not)
	@# Many tests wait for processes they started: three workers keep two cores busy.
	@$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not live and not slow and not e2e" $(call junit,tests)
	@# Live runs want the machine to themselves.
	@$(BIN)/pytest -q tests/live -m "not slow" $(call junit,live)

test-slow: venv ## Run the long tests: every experiment live, five seeds, live sabotage
	@$(BIN)/pytest -q -m "slow and not e2e" $(call junit,slow)

e2e: venv ## Run the short cluster tests on the current kubeconfig context, or KUBE=context
	@KUBE=$(KUBE) KUBE_VALUES=$(KUBE_VALUES) tools/e2e -m "e2e and not slow" $(call junit,e2e)

e2e-all: venv ## Run all cluster tests there
	@KUBE=$(KUBE) KUBE_VALUES=$(KUBE_VALUES) tools/e2e -m e2e $(call junit,e2e-all)

lint: venv ## Formatter, linter, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@# Most of us have Linux: what macOS does not have is found by its types.
	@$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin
	@$(BIN)/lint-imports

format: venv ## Format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

experiments: venv ## Run experiments on the current kubeconfig context (EXPERIMENT=overload-3x: one)
	@KUBE=$(KUBE) KUBE_VALUES=$(KUBE_VALUES) ARM=$(ARM) SEED=$(SEED) tools/experiments $(EXPERIMENT)

kind-up: ## A cluster of three nodes on kind with the shop ready on it; twice is harmless
	@tools/kind-up

kind-jobs: ## Give that cluster the image for load from inside it
	@tools/kind-jobs

kind-down: ## Remove that cluster
	@tools/kind-down

compile: venv ## Compile the simulator's hot modules (needs a C compiler); simulate and tune then use them
	@tools/compile

bench: venv ## Measure, and write docs/benchmarks.md
	@$(BIN)/python -m teastorm.bench

lock: ## Write requirements/*.txt anew
	@tools/lock

clean: ## Remove .venv, caches and run folders
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis runs dist build
