# A fresh machine needs git, make, Python 3.10 or newer, and a package index. All else is
# installed into .venv and build/ on first use, in the versions of uv.lock.

UV_VERSION := 0.13.9
UV_FOLDER := build/uv-$(UV_VERSION)
UV := UV_PYTHON=$$(cat build/python.path) $(UV_FOLDER)/bin/uv
# The SAM CLI decides which boto3 stands in .venv and the local cloud pins another one.
DEV := .venv/.installed
CLOUD := build/cloud/.installed
PEER := build/peer/.installed
RUNTIME := build/runtime/.installed
MUTMUT := build/mutmut/.installed
FUZZ := build/fuzz/.installed
# The path of the browser that tests the console, and where it came from.
BROWSER := build/browser.path
CHECKOV_VERSION := 3.3.30
# Checkov pins an older boto3 than all else, so its versions are not uv.lock's.
CHECKOV := build/checkov/.installed
CHECKOV_REQUIREMENTS := .ci/checkov-requirements.txt
# What the layer ships, and what only its build needs.
REQUIREMENTS := layers/attendee_sync/requirements.txt
BUILD_REQUIREMENTS := layers/attendee_sync/build-requirements.txt
EXPORT := $(UV) export --quiet --locked --no-emit-project --no-header --format requirements-txt
# The layer's table of countries and states; `sam build` makes one of its own.
REGIONS := layers/attendee_sync/attendee_sync/mapping/regions.json

# The stack that the functions invoked by `make invoke-...` belong to: ATTENDEE_SYNC_STACK is
# what `attendee-sync` goes by, too. SAM_LOCAL adds options of `sam local invoke`.
STACK ?= $(or $(ATTENDEE_SYNC_STACK),attendee-sync)
SAM_LOCAL ?=

# The processor that functions are built for, arm64 or x86_64; `make invoke-...` takes this
# machine's. The template asks for it again when it is deployed; the layer serves both.
ARCHITECTURE ?= arm64

# What `make mutants` changes, of tests/mutants.toml; all of it if none is named.
MODULE ?=
# How many of each module's changes are tried, chosen by chance; all if none is stated.
SAMPLE ?=

# Options of `make campaign`: python -m local.campaign --help lists them.
CAMPAIGN ?=
# Such as "--only neighbour_p95_ratio".
BENCH ?=

# Options of `make parity`: python -m local.parity --help lists them.
PARITY ?=

# Tools are called by their path: GNU make 3.81, which macOS has, looks for a recipe's command on
# the PATH that make was given. What the tools start themselves is found on this one.
BIN := .venv/bin
SYSTEM_PATH := $(PATH)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export SAM_CLI_TELEMETRY := 0
unexport VIRTUAL_ENV UV_PROJECT_ENVIRONMENT
# Without bytecode each of many short-lived processes compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo local pictures campaign parity simulate test check scan checkov days mutants fuzz schemathesis format openapi \
  build deploy publish wheel release bench cost lock clean invoke-ingest invoke-delivery invoke-preview invoke-token-refresh \
  invoke-accounting

help: ## List what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEV) $(CLOUD) $(REGIONS) ## Show the whole way of a profile on this machine, without any account
	@$(BIN)/python -m local.demo

local: $(DEV) $(CLOUD) $(REGIONS) ## Keep the stack running on this machine until Ctrl-C
	@$(BIN)/python -m local.serve $(if $(ADDRESS),--address $(ADDRESS)) $(if $(TRAFFIC),--traffic)

pictures: $(DEV) $(CLOUD) $(REGIONS) $(BROWSER) ## Take the pictures of the console for the docs anew
	@$(BIN)/python -m local.pictures

campaign: $(DEV) $(CLOUD) $(RUNTIME) $(REGIONS) ## Let everything fail in turn, with an account of every profile
	@$(BIN)/python -m local.campaign $(CAMPAIGN)

parity: $(DEV) $(CLOUD) $(REGIONS) ## Ask AWS, or the local cloud, what is taken for granted of it
	@$(BIN)/python -m local.parity $(PARITY)

# Which runs, of how many profiles and with which faults: python -m tests.simulation --help.
SIMULATION = $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS)) \
  $(if $(PROFILES),--profiles $(PROFILES)) $(if $(KINDS),--kinds $(KINDS)) \
  $(if $(TRACE),--trace) $(if $(PLANTED),--planted "$(PLANTED)") $(if $(CROWD),--crowd $(CROWD))
simulate: $(DEV) $(REGIONS) ## Search for an order of events and faults that breaks a promise
	@$(BIN)/python -m tests.simulation $(SIMULATION)

# Tests on the local cloud come first and wait more than they compute, so that there are more
# processes than most machines have cores; tests/support/processes.py says who runs what.
SIDE_BY_SIDE := --dist loadscope --no-loadscope-reorder
test: $(DEV) $(CLOUD) $(REGIONS) $(BROWSER) ## Run all tests; the integration tests deploy to a local cloud
	@echo "Browser: $$(paste -s -d ' ' $(BROWSER))"
	@$(BIN)/pytest $(SIDE_BY_SIDE) --numprocesses 5

LANE := cli/attendee_sync_cli/stack/lane.yaml
check: $(DEV) $(REGIONS) ## Lint, type-check, and see that what is generated is up to date
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/sam validate --lint
	@$(BIN)/cfn-lint template.yaml $(LANE) network.yaml -a cfn_lint_serverless.rules
	@$(BIN)/python -m local.checks.transformed >build/transformed.json
	@$(BIN)/python -m local.checks.transformed --every-option >build/every-option.json
	@# SAM puts AllowedCidrs in for its Ref; the other as in template.yaml.
	@$(BIN)/cfn-lint build/transformed.json build/every-option.json --ignore-checks W2001 W1033
	@$(UV) lock --quiet --check
	@$(EXPORT) --only-group layer --output-file build/requirements.txt
	@$(EXPORT) --only-group regions --output-file build/build-requirements.txt
	@for file in $(REQUIREMENTS) $(BUILD_REQUIREMENTS); do \
	  diff -u $$file build/$${file##*/} || \
	  { echo "$$file is not what uv.lock says: run make lock" >&2; exit 1; }; \
	done
	@$(BIN)/python -m docs.openapi >build/openapi.json
	@diff -u docs/openapi.json build/openapi.json || \
	  { echo "docs/openapi.json is not what the code says: run make openapi" >&2; exit 1; }
	@$(MAKE) scan checkov
	@$(MAKE) days

# Each finding is mended, or suppressed at its place with a reason. Tests and events are full of
# made-up tokens: there, words and random digits are no sign of a secret, but known formats are.
SECRETS := $(BIN)/detect-secrets-hook --no-verify \
  --disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString \
  --exclude-lines 'secretsmanager:|GenerateSecretString:'
scan: $(DEV) ## Look for mistakes in security, known holes of packages, and secrets
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive \
	  functions layers cli local benchmarks docs
	@$(SECRETS) $$(git ls-files -- ':!tests' ':!events' ':!uv.lock')
	@$(SECRETS) --disable-plugin KeywordDetector $$(git ls-files -- tests events)
	@$(BIN)/python -m local.checks.audit $(REQUIREMENTS)

# A test that holds on some days only is found before its day comes: the leap day is over a year
# away, so that one run finds what holds for a while, and what holds on usual days.
days: $(DEV) $(REGIONS) ## Run the unit and contract tests as on a leap day to come
	@$(BIN)/pytest --quiet $(SIDE_BY_SIDE) --numprocesses auto tests/unit tests/contract --day=leap

# Takes too long for `make check`: a nightly run is for it.
mutants: $(DEV) $(MUTMUT) $(REGIONS) ## Look for changes of the code that no test notices, in MODULE
	@$(BIN)/python -m local.checks.mutants $(if $(SAMPLE),--sample $(SAMPLE)) $(MODULE)

# How long for each, which one, and a file that failed: python -m tests.fuzz --help.
FUZZED = $(if $(SECONDS),--seconds $(SECONDS)) $(if $(TARGET),--target $(TARGET)) \
  $(if $(INPUT),--input $(INPUT))
fuzz: $(FUZZ) $(REGIONS) ## Look for pushes, answers and settings of which something does not hold
	@PYTHONPATH=layers/attendee_sync build/fuzz/bin/python -m tests.fuzz $(FUZZED)

# About so many for each of two operations, beside those that try each limit.
schemathesis: EXAMPLES ?= 2500
schemathesis: $(DEV) $(CLOUD) $(REGIONS) ## Make up requests by docs/openapi.json, and see what is answered
	@EXAMPLES=$(EXAMPLES) $(BIN)/pytest -s tests/integration/test_described.py

checkov: $(CHECKOV) ## Look for mistakes in the template's security
	@build/checkov/bin/checkov --quiet --compact --skip-download --framework cloudformation \
	  --file template.yaml $(LANE) network.yaml

format: $(DEV) ## Format the code
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

openapi: $(DEV) $(REGIONS) ## Describe the HTTP interface in docs/openapi.json
	@$(BIN)/python -m docs.openapi >build/openapi.json
	@mv build/openapi.json docs/openapi.json

build: $(DEV) ## Build the functions and the layer for AWS
	@$(BIN)/sam build --parameter-overrides Architecture=$(ARCHITECTURE)
	@$(BIN)/python -m local.build_digest

# Which tables of samconfig.toml say how: dev, stg and prod are stacks side by side. The SAM CLI
# writes what it was answered there, the stack's name among it.
ENV ?= default
DEPLOY_TABLES = awk -v env=$(ENV) '/^\[/ {here = index($$0, "[" env ".") == 1} here' samconfig.toml
STACK_NAME = $$($(DEPLOY_TABLES) | awk -F '"' '/^stack_name/ {print $$2}' | tail -n 1)
# ASK=all has the SAM CLI ask for every parameter, also what was answered before.
deploy: answers build ## Deploy to AWS, lanes included; asks six questions the first time
	@$(BIN)/sam deploy --config-env $(ENV) $(if $(ASK),--guided)
	@$(BIN)/attendee-sync --stack "$(STACK_NAME)" destinations upgrade --yes

.PHONY: answers known-environment
answers: known-environment $(DEV)
	@$(if $(ASK)$(shell $(DEPLOY_TABLES) | grep OrgId),,$(BIN)/python -m local.answers $(ENV))

known-environment:
	@grep -q '^\[$(ENV)\.' samconfig.toml || \
	  { echo "samconfig.toml has no part for ENV=$(ENV); for a new one, copy dev's" >&2; exit 2; }

invoke-ingest: FUNCTION := IngestFunction
invoke-ingest: EVENT ?= events/ingest-object.json
invoke-ingest: invoke ## Run ingest in a container, with EVENT=file as a part of STACK=name

invoke-delivery: FUNCTION := DeliveryFunction
invoke-delivery: EVENT ?= events/delivery-batch.json
invoke-delivery: invoke ## Run delivery likewise

invoke-preview: FUNCTION := PreviewFunction
invoke-preview: EVENT ?= events/preview-object.json
invoke-preview: invoke ## Run preview likewise

invoke-token-refresh: FUNCTION := TokenRefreshFunction
invoke-token-refresh: EVENT ?= events/token-refresh-schedule.json
invoke-token-refresh: invoke ## Run token_refresh likewise

invoke-accounting: FUNCTION := AccountingFunction
invoke-accounting: EVENT ?= events/accounting-schedule.json
invoke-accounting: invoke ## Run accounting likewise

.PHONY: invoke
invoke: ARCHITECTURE := $(if $(filter x86_64 amd64,$(shell uname -m)),x86_64,arm64)
invoke: $(DEV)
	@$(BIN)/python -m local.invoke prepare $(FUNCTION) $(EVENT) $(STACK)
	@$(MAKE) build ARCHITECTURE=$(ARCHITECTURE)
	@$(BIN)/python -m local.invoke run $(FUNCTION) -- \
	  --parameter-overrides Architecture=$(ARCHITECTURE) $(SAM_LOCAL)

# A private application at first; who else may deploy it is said there.
publish: has-bucket build ## Publish to your Serverless Application Repository, by way of your BUCKET
	@$(BIN)/sam package --s3-bucket "$(BUCKET)" --s3-prefix attendee-sync \
	  --output-template-file build/published.yaml
	@$(BIN)/sam publish --template build/published.yaml --fail-on-same-version

.PHONY: has-bucket
has-bucket:
	@test -n "$(BUCKET)" || \
	  { echo "BUCKET=name says by which bucket of yours; docs/deploy.md has its policy" >&2; exit 2; }

wheel: build/python.path ## Build the command line as a package of its own, into build/dist
	@rm -rf build/dist
	@$(UV) build --quiet --wheel --out-dir build/dist

SBOM := $(UV) export --quiet --locked --no-emit-project --format cyclonedx1.5
release: $(DEV) ## Put what is released, with notices and checksums, into build/release
	@rm -rf build/release
	@$(UV) build --quiet --wheel --out-dir build/release
	@rm -f build/release/.gitignore
	@git archive --format tar.gz --prefix attendee-sync/ --output build/release/attendee-sync.tar.gz HEAD
	@$(SBOM) --only-group layer --output-file build/release/layer.cdx.json
	@$(SBOM) --no-default-groups --output-file build/release/command-line.cdx.json
	@$(BIN)/python -m local.release build/release $(REQUIREMENTS) $(BUILD_REQUIREMENTS)
	@echo "build/release holds what is released of $$(git describe --always --dirty)"

bench: $(DEV) $(CLOUD) $(PEER) $(RUNTIME) $(REGIONS) ## Measure; each figure is a ratio of two things in one run
	@$(BIN)/python -m benchmarks $(BENCH)

# Options: python -m benchmarks.cost --help lists them.
cost: $(DEV) $(REGIONS) ## Count what a million profiles are billed for, in dollars by service
	@$(BIN)/python -m benchmarks.cost $(COST)

lock: build/python.path ## Lock the versions of all packages after a change in pyproject.toml
	@$(UV) lock
	@$(EXPORT) --only-group layer --output-file $(REQUIREMENTS)
	@$(EXPORT) --only-group regions --output-file $(BUILD_REQUIREMENTS)
	@echo checkov==$(CHECKOV_VERSION) | $(UV) pip compile --quiet --no-header --no-annotate \
	  --generate-hashes --python-version 3.13 --output-file $(CHECKOV_REQUIREMENTS) -

clean: ## Remove everything that make made
	rm -rf .venv build .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache $(REGIONS:.json=*.json)

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
	@$(UV) sync --quiet --locked --compile-bytecode
	@touch $@

$(CLOUD): uv.lock pyproject.toml build/python.path
	@echo "Installing the local cloud into build/cloud"
	@UV_PROJECT_ENVIRONMENT=build/cloud $(UV) sync --quiet --locked --compile-bytecode \
	  --only-group cloud --no-install-project
	@touch $@

$(REGIONS): layers/attendee_sync/generate_regions.py \
    layers/attendee_sync/attendee_sync/mapping/regions.py $(DEV)
	@$(BIN)/python layers/attendee_sync/generate_regions.py $(@D)

$(PEER): uv.lock pyproject.toml build/python.path
	@echo "Installing the peer of the benchmarks into build/peer"
	@UV_PROJECT_ENVIRONMENT=build/peer $(UV) sync --quiet --locked --compile-bytecode \
	  --only-group peer --no-install-project
	@touch $@

$(RUNTIME): uv.lock pyproject.toml build/python.path
	@echo "Installing what Lambda's runtime brings along into build/runtime"
	@UV_PROJECT_ENVIRONMENT=build/runtime $(UV) sync --quiet --locked --compile-bytecode \
	  --only-group runtime --no-install-project
	@touch $@

$(MUTMUT): uv.lock pyproject.toml build/python.path
	@echo "Installing mutmut into build/mutmut"
	@UV_PROJECT_ENVIRONMENT=build/mutmut $(UV) sync --quiet --locked --compile-bytecode \
	  --no-default-groups --group mutants --no-install-project
	@touch $@

$(FUZZ): uv.lock pyproject.toml build/python.path
	@echo "Installing what fuzzes into build/fuzz"
	@UV_PROJECT_ENVIRONMENT=build/fuzz $(UV) sync --quiet --locked --compile-bytecode \
	  --no-default-groups --group fuzz --no-install-project
	@touch $@

$(BROWSER): local/find_browser.sh $(DEV)
	@echo "Looking for a browser"
	@PATH="$(SYSTEM_PATH)" local/find_browser.sh $(CURDIR)/$(BIN)/playwright build/browser >$@

$(CHECKOV): $(CHECKOV_REQUIREMENTS) build/python.path
	@echo "Installing checkov into build/checkov"
	@$(UV) venv --quiet --clear build/checkov
	@$(UV) pip install --quiet --python build/checkov/bin/python --require-hashes \
	  --compile-bytecode --requirement $(CHECKOV_REQUIREMENTS)
	@touch $@
