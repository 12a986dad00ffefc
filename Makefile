# Two commands matter: make run, make test. Both install what they need first.
PYTHON ?= python3
PORT ?= 8000
WORKERS ?= 2
PYTEST_ARGS ?=
EXAMPLES ?= 100000
# One figure, or several with commas; empty measures all.
ONLY ?=
SECONDS ?= 600
DATABASE ?= postgresql
# 0 chooses a seed and prints it; the same seed hurts in the same order.
SEED ?= 0
# Newer versions of everything: make lock UPGRADE=--upgrade
UPGRADE ?=
# For the scanners, such as --only wapiti, or --techniques BEUSTQ for all that sqlmap knows.
SCAN_ARGS ?=
BIN := .venv/bin
SCANNERS := security wapiti
LINTERS := ruff format types ladder templates architecture

.DEFAULT_GOAL := help
.PHONY: help run test test-hints test-faults test-security test-chaos bench lint format lock installed installed-dev $(addprefix lint-,$(LINTERS))

help: ## Show these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: installed ## Start everything and print the address (another port: make run PORT=9000)
	@PORT=$(PORT) exec $(BIN)/python -m mailsetup.cli.development

test: installed-dev ## Run every test on SQLite, then on PostgreSQL (some: make test PYTEST_ARGS="-k wizard")
	@$(PYTHON) mailsetup/cli/system_packages.py
	@failed=0; for database in sqlite postgresql; do \
		echo "== The tests on $$database"; \
		MAILSETUP_TEST_DATABASE=$$database $(BIN)/python -m pytest -n $(WORKERS) -rs $(PYTEST_ARGS) || failed=1; \
	done; exit $$failed

test-faults: installed-dev ## Run every row of the fault matrix on SQLite, then on PostgreSQL
	@$(PYTHON) mailsetup/cli/system_packages.py
	@failed=0; for database in sqlite postgresql; do \
		echo "== The fault matrix on $$database"; \
		MAILSETUP_TEST_DATABASE=$$database $(BIN)/python -m pytest -m faults tests/faults $(PYTEST_ARGS) || failed=1; \
	done; exit $$failed

# The scanners live in an environment of their own: what they pull in must not decide what the product runs with.
# Everything about safety fails together at the end, so that one finding does not hide the next.
test-security: installed-dev ## Run bandit, our rules, 42 advisories, the canaries, then schemathesis, wapiti and sqlmap (an hour)
	@$(PYTHON) mailsetup/cli/system_packages.py
	@for name in $(SCANNERS); do \
		cmp -s requirements-$$name.txt var/$$name/lock || (rm -rf var/$$name && $(PYTHON) -m venv var/$$name \
			&& var/$$name/bin/pip install --quiet --require-hashes -r requirements-$$name.txt \
			&& cp requirements-$$name.txt var/$$name/lock) || exit 1; \
	done
	@failed=0; \
	var/security/bin/bandit --quiet --recursive --configfile pyproject.toml mailsetup app.py || failed=1; \
	MAILSETUP_ALL_FAULTS=1 $(BIN)/python -m pytest tests/security tests/test_walls.py $(PYTEST_ARGS) || failed=1; \
	$(BIN)/python -m tests.security.scan --database $(DATABASE) $(SCAN_ARGS) || failed=1; \
	exit $$failed

test-chaos: installed-dev ## Kill and restart everything at random (SECONDS=600 DATABASE=sqlite SEED=7)
	@$(PYTHON) mailsetup/cli/system_packages.py
	@$(BIN)/python -m tests.chaos.campaign --seconds $(SECONDS) --database $(DATABASE) --seed $(SEED) --keep

test-hints: installed-dev ## Explain 100,000 arbitrary answers, then every failure of a server in the browser (EXAMPLES=5000)
	@MAILSETUP_EXPLAIN_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n 0 --timeout 7200 tests/mail_services/hints
	@MAILSETUP_ALL_FAILURES=1 $(BIN)/python -m pytest -n 0 tests/paths/test_failures.py

bench: installed-dev ## Measure everything beside its yardstick (one figure: make bench ONLY=P1)
	@$(PYTHON) mailsetup/cli/system_packages.py
	@$(BIN)/python -m bench --only "$(ONLY)"

lint: installed-dev ## Check style, types, imports, templates and the rules of the house
	@$(MAKE) --no-print-directory --keep-going $(addprefix lint-,$(LINTERS))

lint-ruff:
	$(BIN)/ruff check .
lint-format:
	$(BIN)/ruff format --check .
lint-types:
	$(BIN)/mypy
lint-ladder:
	$(BIN)/lint-imports
lint-templates:
	$(BIN)/djlint templates --lint --quiet
lint-architecture:
	$(BIN)/python -m pytest tests/test_architecture.py

format: installed-dev ## Bring the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The hashes come from the registry this machine is set up for; its name must not get into a committed file.
lock: installed ## Write requirements*.txt anew from requirements*.in
	@test -x var/uv/bin/uv || ($(BIN)/python -m venv var/uv && var/uv/bin/pip install --quiet uv)
	@for lock in requirements requirements-dev requirements-security requirements-wapiti; do \
		constraint=$$(case $$lock in (*-dev | *-security) echo "--constraint requirements.txt";; esac); \
		var/uv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
			--custom-compile-command "make lock" $(UPGRADE) $$constraint $$lock.in -o $$lock.txt || exit 1; \
	done
	@$(MAKE) --no-print-directory installed-dev
	@$(BIN)/python -m pytest tests/test_architecture.py -k committed

installed:
	@$(PYTHON) mailsetup/cli/environment.py requirements.txt

installed-dev:
	@$(PYTHON) mailsetup/cli/environment.py requirements-dev.txt
