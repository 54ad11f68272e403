PYTHON ?= $(shell python3.11 -c '' 2>/dev/null && echo python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
GATES := $(VENV)/.gates
PEERS := $(addprefix $(VENV)/bench-,arq celery dramatiq rq taskiq)
MEMBERS := $(wildcard packages/*/pyproject.toml services/*/pyproject.toml)
# What a user typed reaches a recipe as "$$NAME" in its environment: neither make nor the shell reads anything into it.
override export NAME := $(value NAME)
override export TOKENS := $(value TOKENS)
override export SERVICE := $(value SERVICE)
override export CONTEXT := $(value CONTEXT)
override export OVERLAY := $(value OVERLAY)
override export REGISTRY := $(value REGISTRY)
override export LOAD := $(value LOAD)
override export TO := $(value TO)
override export ONLY := $(value ONLY)

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

##@ Start here

.PHONY: help
help: ## Show this table
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) ## Start everything, push to 10,000 devices (TOKENS=file: to these), show what happened, stop
	@$(BIN)/python scripts/demo.py $${TOKENS:+"$$TOKENS"}

.PHONY: dev
dev: $(READY) ## Run the stack until Ctrl-C; API and worker reload on save
	@$(BIN)/python scripts/dev.py

.PHONY: key
key: $(READY) ## Print a new API key for the client NAME=..., and its HANDOFF_API_KEYS entry
	$(if $(NAME),,$(error say whose key it is: make key NAME=client))
	@$(BIN)/python -m handoff_api.keys -- "$$NAME"

##@ Containers

COMPOSE = $(BIN)/python scripts/compose.py $(if $(PRODUCTION),--production)

.PHONY: up
up: $(READY) ## The stack in containers until `make down`; API and workers run what you save (PRODUCTION=1: as on a host)
	@$(COMPOSE)

.PHONY: down
down: $(READY) ## Stop them; what Redis holds stays
	@$(COMPOSE) down --remove-orphans

.PHONY: logs
logs: $(READY) ## Follow what they say (SERVICE=worker: one alone)
	@$(COMPOSE) logs --follow --tail=100 $${SERVICE:+"$$SERVICE"}

.PHONY: ps
ps: $(READY) ## What runs, and how it is
	@$(COMPOSE) ps --all

.PHONY: images
images: $(READY) ## Build the three images
	@$(BIN)/python scripts/compose.py --production build --quiet --build-arg REVISION=$$(git describe --always --dirty)
	@docker images --filter=reference='handoff-*:local'

##@ Kubernetes

DEPLOY = PYTHONPATH=tools:scripts $(BIN)/python -m deploy
TARGET = --context="$$CONTEXT" --overlay="$$OVERLAY" $(if $(YES),--yes)

.PHONY: deploy
deploy: lint contracts ## Roll this commit out and prove it, or keep the old one (CONTEXT=... and REGISTRY=... or LOAD="command")
	@$(DEPLOY) deploy $(TARGET) --registry="$$REGISTRY" --load="$$LOAD" $(if $(ALLOW_DIRTY),--allow-dirty)

.PHONY: secrets
secrets: $(READY) ## Make the cluster's Secrets that are not there yet (CONTEXT=...)
	@$(DEPLOY) secrets $(TARGET)

.PHONY: status
status: $(READY) ## What runs in the cluster, since when, by whom, and what waits (CONTEXT=...)
	@$(DEPLOY) status $(TARGET)

.PHONY: rollback
rollback: $(READY) ## Put the bundle before back, settings and policies too (CONTEXT=...; TO=number of an older one)
	@$(DEPLOY) rollback $(TARGET) --to="$$TO"

.PHONY: undeploy
undeploy: $(READY) ## Take Handoff out of the cluster; data stays unless DATA=1 (CONTEXT=...)
	@$(DEPLOY) undeploy $(TARGET) $(if $(DATA),--data)

##@ Check

.PHONY: test
test: lint lock-check $(GATES) ## Lint, types, locks and every test that needs no container engine
	@$(MAKE) --jobs=2 types pytest

# In the order of pyproject.toml, the slowest folders first: by number of tests, long files would start last.
.PHONY: pytest
pytest: $(GATES) ## The tests of `make test` alone
	@$(BIN)/pytest --quiet --numprocesses=2 --dist=loadfile --no-loadscope-reorder

.PHONY: lint
lint: $(READY) ## Ruff, import-linter, shellcheck and hadolint
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/shellcheck scripts/*.sh .ci/run
	@$(BIN)/hadolint services/*/Dockerfile

.PHONY: types
types: $(READY) ## Strict types, tests included
	@$(BIN)/mypy

.PHONY: contracts
contracts: $(READY) ## Compare contracts with their golden files: would a change break messages or workers out there?
	@$(BIN)/python -m handoff_contracts.golden $(if $(WRITE),--write)
	@echo "Every contract holds to its golden file."

.PHONY: doctor
doctor: $(READY) ## Is Redis, and what serves it, fit to keep the promise?
	@$(BIN)/python -m handoff_ledger.doctor

.PHONY: test-containers
test-containers: $(READY) ## The images, and the stack in containers (needs Docker with Compose, and npm)
	@$(BIN)/pytest --quiet tests/containers

.PHONY: faults
faults: $(READY) ## Kill, stop, starve and poison the stack, and count what was lost (QUICK=1: in five minutes; SEED=...)
	@PYTHONPATH=scripts:. $(BIN)/python -m tests.faults.run $(if $(QUICK),--quick) $(if $(SEED),--seed=$(SEED))

.PHONY: bench
bench: $(READY) $(PEERS:=/.ready) ## Measure the speed beside the peers', in at most ten minutes (ONLY="accept drain": these alone)
	@PYTHONPATH=scripts:. $(BIN)/python -m bench.run --only="$$ONLY"

.PHONY: bench-docs
bench-docs: $(VENV)/bench-picture/.ready ## Put the last figures into docs/speed.md, and draw docs/speed.svg
	@PYTHONPATH=. $(VENV)/bench-picture/bin/python -m bench.picture

##@ Tools

.PHONY: setup
setup: $(READY) ## Make the virtual environment (done by itself when a lock or pyproject changed)

$(READY): requirements/dev.txt requirements/build.txt $(MEMBERS) scripts/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/setup.sh
	@touch $@

# Kustomize as a library, and checkov with the hundred packages that it pins: for the tests of deploy/k8s alone.
$(GATES): requirements/checkov.txt requirements/kustomize.txt $(READY)
	@$(BIN)/uv pip install --quiet --target $(VENV)/kustomize --python-version 3.14 --only-binary :all: --no-deps \
		--require-hashes --requirement requirements/kustomize.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/checkov
	@VIRTUAL_ENV=$(VENV)/checkov $(BIN)/uv pip install --quiet --require-hashes --requirement requirements/checkov.txt
	@touch $@

.PHONY: lock
lock: $(READY) ## Write the hashed locks after a change of dependencies (UPGRADE=1: move to the newest releases)
	@$(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade)

.PHONY: lock-check
lock-check: $(READY) ## Fail when a lock no longer matches the pyproject files
	@$(BIN)/python scripts/lock.py --check

.PHONY: clean
clean: ## Remove the virtual environment, caches and what runs left
	@rm -rf $(VENV) .handoff .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist notification.log
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The peers of `make bench`, and what draws its picture.
$(VENV)/bench-%/.ready: requirements/bench-%.txt $(READY)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	@VIRTUAL_ENV=$(@D) $(BIN)/uv pip install --quiet --require-hashes --requirement $<
	@touch $@
