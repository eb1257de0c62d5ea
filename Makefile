# The verbs of the project. Each makes .venv by itself; nothing but Python 3.11 to 3.13, make and git is needed.

PYTHON ?= python3
VENV = .venv/bin
# Settings that can be read and lead nowhere, for what only looks at the code.
NOWHERE = LOOKALIKE_LOCAL=1 SECRET_KEY=none PUBLIC_URL=http://localhost DATABASE_URL=postgresql://nobody@127.0.0.1:1/none \
	REDIS_URL=redis://127.0.0.1:1/0 LOOKALIKE_VAR=.mypy_cache/var
BOOTSTRAP = $(PYTHON) marketplace/local/bootstrap.py
# Three processes keep two cores busy: tests wait for servers, leases and clocks a fourth of their time.
PYTEST = $(VENV)/python -m pytest -n 3 --dist loadgroup

.PHONY: run test test-all lint bench bench-tabular reference lock clean install

run: install
	$(VENV)/python manage.py up

install:
	@$(BOOTSTRAP)

test:
	@$(BOOTSTRAP) --chromium
	$(PYTEST) -m "not slow"

test-all:
	@$(BOOTSTRAP) --chromium
	$(PYTEST)
	STRIPE_STANDIN_CONTRARY=1 $(PYTEST) -m "not slow" tests/billing tests/generation/orders

lint: install
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(NOWHERE) $(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/djlint templates --lint
	$(NOWHERE) $(VENV)/python -W ignore manage.py makemigrations --check --dry-run

bench: install
	$(VENV)/python -m tests.bench

# The synthesizer beside its peers, on the CSV files of a folder: make bench-tabular DATA=dir [TABLES="adult stops"] [PEERS=none]
bench-tabular: install
	$(VENV)/python -m tests.bench.tabular $(DATA) $(if $(TABLES),--tables $(TABLES)) $(if $(PEERS),--peers $(PEERS)) $(if $(SEEDS),--seeds $(SEEDS))

# What other people's tools say of our test tables: each in an environment of its own under .reference/, kept in tests/reference/.
reference: install
	$(VENV)/python -m tests.reference

lock: install
	$(VENV)/python -m pip install --quiet uv
	$(VENV)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade --quiet --output-file requirements.lock

clean:
	rm -rf .venv .reference .bench var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
