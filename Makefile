# A fresh machine needs git, make, Python 3.10 or newer, and a package index. All else is
# installed into .venv and build/ on first use, in the versions of uv.lock.

UV_VERSION := 0.13.9
UV_FOLDER := build/uv-$(UV_VERSION)
UV := UV_PYTHON=$$(cat build/python.path) $(UV_FOLDER)/bin/uv
# The SAM CLI decides which boto3 stands in .venv and the local cloud pins another one.
DEV := .venv/.installed
CLOUD := build/cloud/.installed
REQUIREMENTS := layers/attendee_sync/requirements.txt
EXPORT := $(UV) export --quiet --locked --no-dev --no-emit-project --no-header \
  --format requirements-txt

# The stack that the functions invoked by `make invoke-...` belong to.
STACK ?= attendee-sync

SYSTEM_PATH := $(PATH)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
unexport VIRTUAL_ENV UV_PROJECT_ENVIRONMENT

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo local test check format build deploy bench lock clean \
  invoke-ingest invoke-delivery invoke-token-refresh

help: ## List what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEV) $(CLOUD) ## Show the whole way of a profile on this machine, without any account
	@python -m local.demo

local: $(DEV) $(CLOUD) ## Keep the stack running on this machine until Ctrl-C
	@python -m local.serve

test: $(DEV) $(CLOUD) ## Run all tests; the integration tests deploy to a local cloud
	@pytest

check: $(DEV) ## Lint, type-check, and see that the locked versions are up to date
	@ruff check
	@ruff format --check
	@mypy
	@sam validate --lint
	@cfn-lint template.yaml -a cfn_lint_serverless.rules
	@$(UV) lock --quiet --check
	@$(EXPORT) --output-file build/requirements.txt
	@diff -u $(REQUIREMENTS) build/requirements.txt || \
	  { echo "$(REQUIREMENTS) is not what uv.lock says: run make lock" >&2; exit 1; }

format: $(DEV) ## Format the code
	@ruff check --fix
	@ruff format

build: $(DEV) ## Build the functions and the layer for AWS
	@sam build

deploy: build ## Deploy to AWS; asks for the settings the first time
	@sam deploy $(if $(shell grep parameter_overrides samconfig.toml),,--guided)

invoke-ingest: FUNCTION := IngestFunction
invoke-ingest: EVENT ?= events/ingest-object.json
invoke-ingest: invoke ## Run ingest in a container, with EVENT=file as a part of STACK=name

invoke-delivery: FUNCTION := DeliveryFunction
invoke-delivery: EVENT ?= events/delivery-batch.json
invoke-delivery: invoke ## Run delivery likewise

invoke-token-refresh: FUNCTION := TokenRefreshFunction
invoke-token-refresh: EVENT ?= events/token-refresh-schedule.json
invoke-token-refresh: invoke ## Run token_refresh likewise

.PHONY: invoke
invoke: build
	@python -m local.invoke_env $(STACK)
	@sam local invoke $(FUNCTION) --event $(EVENT) --env-vars build/env.json --docker-network host

bench: $(DEV) $(CLOUD) ## Measure; each figure is a ratio of two things measured in the same run
	@python -m benchmarks

lock: build/python.path ## Lock the versions of all packages after a change in pyproject.toml
	@$(UV) lock
	@$(EXPORT) --output-file $(REQUIREMENTS)

clean: ## Remove everything that make made
	rm -rf .venv build .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache

# --- what the above stands on; each file is made once and again when its sources change ---

$(UV_FOLDER)/.installed:
	@echo "Installing uv $(UV_VERSION)"
	@mkdir -p build
	@PATH="$(SYSTEM_PATH)" python3 -m venv --clear $(UV_FOLDER)
	@$(UV_FOLDER)/bin/python -m pip install --quiet --disable-pip-version-check \
	  uv==$(UV_VERSION)
	@touch $@

build/python.path: local/find_python.sh $(UV_FOLDER)/.installed
	@PATH="$(SYSTEM_PATH)" local/find_python.sh $(UV_FOLDER)/bin/uv >$@

$(DEV): uv.lock pyproject.toml build/python.path
	@echo "Installing the tools into .venv"
	@$(UV) sync --quiet --locked
	@touch $@

$(CLOUD): uv.lock pyproject.toml build/python.path
	@echo "Installing the local cloud into build/cloud"
	@UV_PROJECT_ENVIRONMENT=build/cloud $(UV) sync --quiet --locked --compile-bytecode \
	  --only-group cloud --no-install-project
	@touch $@
