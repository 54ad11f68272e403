PYTHON ?= $(shell python3.11 -c '' 2>/dev/null && echo python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
GATES := $(VENV)/.gates
PEERS := $(addprefix $(VENV)/bench-,arq celery dramatiq rq taskiq)
MEMBERS := $(wildcard packages/*/pyproject.toml services/*/pyproject.toml)
# A recipe reads what a user typed as "$$NAME" from its environment, so that neither make nor the shell evaluates it.
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
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) ## Start the stack, send 10,000 pushes as one batch, show the result, stop (TOKENS=file: to these devices)
	@$(BIN)/python scripts/demo.py $${TOKENS:+"$$TOKENS"}

.PHONY: dev
dev: $(READY) ## Run the stack until Ctrl-C; API and worker reload on save; tasks survive a restart
	@$(BIN)/python scripts/dev.py

.PHONY: key
key: $(READY) ## Print a new API key and its HANDOFF_API_KEYS entry (NAME=client)
	$(if $(NAME),,$(error NAME is missing: make key NAME=client))
	@$(BIN)/python scripts/key.py -- "$$NAME"

##@ Containers

COMPOSE = $(BIN)/python scripts/compose.py $(if $(PRODUCTION),--production)

.PHONY: up
up: $(READY) ## Run the stack in containers until `make down`; API and workers reload on save (PRODUCTION=1: as in production)
	@$(COMPOSE)

.PHONY: down
down: $(READY) ## Stop the containers; Redis keeps its data
	@$(COMPOSE) down --remove-orphans

.PHONY: logs
logs: $(READY) ## Follow the logs of the containers (SERVICE=worker: of one service)
	@$(COMPOSE) logs --follow --tail=100 $${SERVICE:+"$$SERVICE"}

.PHONY: ps
ps: $(READY) ## List the containers and their health
	@$(COMPOSE) ps --all

.PHONY: images
images: $(READY) ## Build the three images
	@$(BIN)/python scripts/compose.py --production build --quiet --build-arg REVISION=$$(git describe --always --dirty)
	@docker images --filter=reference='handoff-*:local'

##@ Kubernetes

DEPLOY = PYTHONPATH=tools:scripts $(BIN)/python -m deploy
TARGET = --context="$$CONTEXT" --overlay="$$OVERLAY" $(if $(YES),--yes)

.PHONY: deploy
deploy: lint contracts ## Deploy this commit and test it; on failure restore the old release (CONTEXT=... and REGISTRY=... or LOAD="command")
	@$(DEPLOY) deploy $(TARGET) --registry="$$REGISTRY" --load="$$LOAD" $(if $(ALLOW_DIRTY),--allow-dirty)

.PHONY: secrets
secrets: $(READY) ## Create the Secrets that the cluster lacks (CONTEXT=...)
	@$(DEPLOY) secrets $(TARGET)

.PHONY: status
status: $(READY) ## Show the deployed releases, who deployed them, and the depth of each queue (CONTEXT=...)
	@$(DEPLOY) status $(TARGET)

.PHONY: rollback
rollback: $(READY) ## Restore the previous release with its settings and policies (CONTEXT=...; TO=number of an older release)
	@$(DEPLOY) rollback $(TARGET) --to="$$TO"

.PHONY: undeploy
undeploy: $(READY) ## Remove Handoff from the cluster and keep its data (CONTEXT=...; DATA=1 deletes the data)
	@$(DEPLOY) undeploy $(TARGET) $(if $(DATA),--data)

##@ Check

# With ONLY, lint, types and locks do not run. Only tests outside packages and services need the gates.
TEST_NEEDS = $(if $(ONLY),$(READY) $(if $(filter-out packages/% services/%,$(ONLY)),$(GATES)),lint lock-check $(GATES))

.PHONY: test
test: $(TEST_NEEDS) ## Run lint, types, locks and every test that needs no container engine (ONLY=packages/ledger: only these tests)
	@$(MAKE) --jobs=2 $(if $(ONLY),,types) pytest

# In the order of pyproject.toml, the slowest folders first: by number of tests, long files would start last.
.PHONY: pytest
pytest: $(if $(ONLY),$(READY),$(GATES)) ## Run the tests of `make test` alone
	@$(BIN)/pytest --quiet --numprocesses=2 --dist=loadfile --no-loadscope-reorder $$ONLY

.PHONY: lint
lint: $(READY) ## Run Ruff, import-linter, shellcheck and hadolint
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/shellcheck scripts/*.sh .ci/run
	@$(BIN)/hadolint services/*/Dockerfile

.PHONY: types
types: $(READY) ## Check types strictly, in tests, too
	@$(BIN)/mypy

.PHONY: contracts
contracts: $(READY) ## Fail when a contract no longer matches its golden file (WRITE=1: write new golden files)
	@$(BIN)/python -m handoff_contracts.golden $(if $(WRITE),--write)
	@echo "Every contract matches its golden file."

.PHONY: doctor
doctor: $(READY) ## Check Redis and the workers: those of a running `make dev`, or of CELERY_BROKER_URL
	@$(BIN)/python scripts/doctor.py

.PHONY: test-containers
test-containers: $(READY) ## Build the images and test the stack in containers (needs Docker with Compose, and npm)
	@$(BIN)/pytest --quiet tests/containers

.PHONY: faults
faults: $(READY) ## Kill, stop, starve and poison a stack, and count lost tasks (QUICK=1: in five minutes; SEED=number)
	@PYTHONPATH=scripts:. $(BIN)/python -m tests.faults.run $(if $(QUICK),--quick) $(if $(SEED),--seed=$(SEED))

.PHONY: bench
bench: $(READY) $(PEERS:=/.ready) ## Measure Handoff and its peers, in at most ten minutes (ONLY="accept drain": only these questions)
	@PYTHONPATH=scripts:. $(BIN)/python -m bench.run --only="$$ONLY"

.PHONY: bench-docs
bench-docs: $(VENV)/bench-picture/.ready ## Write the last figures into docs/speed.md and draw docs/speed.svg
	@PYTHONPATH=. $(VENV)/bench-picture/bin/python -m bench.picture

##@ Tools

.PHONY: setup
setup: $(READY) ## Create the virtual environment (other commands do so when a lock or a pyproject file changed)

$(READY): requirements/dev.txt requirements/build.txt $(MEMBERS) scripts/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/setup.sh
	@touch $@

# Kustomize as a library, and checkov: only the tests of deploy/k8s need them.
$(GATES): requirements/checkov.txt requirements/kustomize.txt $(READY)
	@$(BIN)/uv pip install --quiet --target $(VENV)/kustomize --python-version 3.14 --only-binary :all: --no-deps \
		--require-hashes --requirement requirements/kustomize.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/checkov
	@VIRTUAL_ENV=$(VENV)/checkov $(BIN)/uv pip install --quiet --require-hashes --requirement requirements/checkov.txt
	@touch $@

.PHONY: lock
lock: $(READY) ## Write the hashed locks after a change of dependencies (UPGRADE=1: take the newest releases)
	@$(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade)

.PHONY: lock-check
lock-check: $(READY) ## Fail when a lock does not match the pyproject files
	@$(BIN)/python scripts/lock.py --check

.PHONY: clean
clean: ## Delete the virtual environment, caches, logs and the data of `make dev`
	@rm -rf $(VENV) .handoff .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist notification.log
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One virtual environment for each peer of `make bench`, and one that draws its picture.
$(VENV)/bench-%/.ready: requirements/bench-%.txt $(READY)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	@VIRTUAL_ENV=$(@D) $(BIN)/uv pip install --quiet --require-hashes --requirement $<
	@touch $@
