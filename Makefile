# The developer's and the operator's commands. `make demo` and `make test` do all the rest themselves.
PYTHON ?= python3
PORT ?= 8050
BIN := .venv/bin
# The program is started hundreds of times by the tests, and measured: it is compiled once, as after an installation.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test quick test-dates fuzz compare faults failover nodes distributed releases check bench bench-full bench-large simulate rules screenshots lock clean

demo: .venv/.charts
	@exec $(BIN)/rondblik --data data/demo demo --port $(PORT)

# SOAP clients that nobody here wrote, and what npm needs to fetch test data.
PEERS := curl php-cli php-soap libsoap-lite-perl ca-certificates node:nodejs npm:npm
# A spreadsheet without windows, and what lets Debian's Python steer it: 90 MB to fetch, 280 MB on the disk.
SPREADSHEET := soffice:libreoffice-calc-nogui python3-uno

# One more than two cores: a third of the time of many tests is waiting for a server or a browser.
WORKERS ?= 3
# What must be alone on the machine; only these files are collected for it.
TIMED = $(shell grep -rl --include='*.py' 'mark\.timing' tests)

test: .venv/.ready-dev
	@scripts/need-packages chromium-headless-shell fonts-noto-core postgresql pgbouncer cc:gcc libc6-dev libxml2-utils \
	  nginx:nginx-light $(PEERS) $(SPREADSHEET)
	@$(MAKE) --no-print-directory .venv/.charts check
	TMPDIR=$$(scripts/test-folder) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not timing" $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m timing $(or $(PYTEST_ARGS),$(TIMED)) || test $$? -eq 5 # none of those that were named

# The inner loop: checks, and the tests that need neither a browser, nor PostgreSQL, nor a process of their own.
quick: .venv/.ready-dev check
	TMPDIR=$$(scripts/test-folder) $(BIN)/python -m pytest -q -n 2 -m "not long and not timing" -k "not postgres and not differential" tests/models tests/uwlr

# The days on which programs that count with dates go wrong: everything but browser and clone, on each of them.
DAYS := 2026-08-01T00:05:00+02:00 2028-02-29T12:00:00+01:00 2026-12-31T23:50:00+01:00 \
        2026-10-25T02:30:00+02:00 2027-03-28T01:59:50+01:00
test-dates: .venv/.ready-dev
	@scripts/need-packages postgresql $(SPREADSHEET)
	@for day in $(DAYS); do echo "== $$day"; \
	  RONDBLIK_NOW=$$day $(BIN)/python -m pytest -q -n 2 tests/models tests/connectors tests/uwlr tests/dashboard || exit 1; \
	done

# A hundred thousand messages gone wrong; `make test` tries five thousand of them.
fuzz: .venv/.ready-dev
	@scripts/need-packages ca-certificates node:nodejs npm:npm
	RONDBLIK_FUZZ=100000 $(BIN)/python -m pytest -n 2 -rP --show-capture=stdout tests/fuzz tests/dashboard/test_tampered.py

# What all screens and files say of every pupil of the demo, compared; `make test` does so for two classes.
compare: .venv/.ready-dev
	@scripts/need-packages chromium-headless-shell fonts-noto-core
	RONDBLIK_ALL_PUPILS=1 $(BIN)/python -m pytest tests/browser/test_same_everywhere.py

# Every program that provokes faults, in full: two hours and a half. Each ends with a line of figures; `make test` has a few
# rounds of most. SEED=--seed=7 draws the same moments again.
faults: .venv/.ready-dev
	@scripts/need-packages postgresql cc:gcc libc6-dev
	$(BIN)/python -m tests.faults.first_messages --starts 300 --live 20 --rosters 60
	for program in "killed_server --rounds 1000" "power_cuts --rounds 200" "stopped_database --rounds 200" \
	  "killed_nodes --rounds 60" "failing_calls" "hostile_names --messages 200" "flapping --seconds 900" \
	  "soak --seconds 900"; do \
	  TMPDIR=$$(scripts/test-folder) $(BIN)/python -m tests.faults.$$program $(SEED) || exit 1; \
	done

# Through PgBouncer in transaction mode, and two PostgreSQL servers under pg_auto_failover of which the first is lost.
failover: .venv/.ready-dev
	@scripts/need-packages postgresql pgbouncer postgresql-15-auto-failover pg-auto-failover-cli
	$(BIN)/python -m pytest -q tests/faults/test_pgbouncer.py
	$(BIN)/python -m tests.faults.failover

# The tests of storing and receiving with the schools on three servers, and sixty stops of those as by a power cut.
ON_NODES := $(addprefix tests/models/test_,store identity rosters erasure goals_and_notes pupil_retention queries \
  version_cache) $(addprefix tests/connectors/test_,receive quarantine sandboxes)
nodes: .venv/.ready-dev
	@scripts/need-packages postgresql
	RONDBLIK_NODES=3 TMPDIR=$$(scripts/test-folder) $(BIN)/python -m pytest -n 2 -m "not timing and not sqlite" \
	  $(addsuffix .py,$(ON_NODES))
	TMPDIR=$$(scripts/test-folder) $(BIN)/python -m tests.faults.killed_nodes --rounds 60

# The same tests on a server or cluster that somebody has: URL=postgresql+psycopg://user:password@host:5432, of a role
# that may create databases. They make databases of their own, with random names, and drop them.
distributed: .venv/.ready-dev
	@test -n "$(URL)" || { echo 'make distributed URL=postgresql+psycopg://user:password@host:5432' >&2; exit 2; }
	RONDBLIK_POSTGRES='$(URL)' TMPDIR=$$(scripts/test-folder) $(BIN)/python -m pytest -n 2 -k postgresql \
	  -m "not timing and not sqlite" $(addsuffix .py,$(ON_NODES))

# Every tagged version makes a store with its own program, which is upgraded; `make test` upgrades those that are kept.
releases: .venv/.ready-dev
	RONDBLIK_TAGS=1 $(BIN)/python -m pytest -q tests/releases

check: .venv/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.ready-dev
	@scripts/need-packages libxml2-utils chromium-headless-shell fonts-noto-core node:nodejs npm:npm
	@$(MAKE) --no-print-directory .venv/.charts
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.pages
	$(BIN)/python -m benchmarks.browser

# Every figure in one run, beside floors, other programs and bars; some minutes, on a machine that does nothing else.
# KEEP=--keep adds them to benchmarks/history.csv, with which `make test` compares the short ones.
bench-full: .venv/.ready-dev
	@scripts/need-packages libxml2-utils postgresql chromium-headless-shell fonts-noto-core node:nodejs npm:npm
	@$(MAKE) --no-print-directory .venv/.charts
	$(BIN)/python -m benchmarks.full $(KEEP)

# Pages in stores of up to five million results, after eight years, and while results come in; beside Datasette and DuckDB.
bench-large: .venv/.ready-dev
	@scripts/need-packages postgresql
	@$(MAKE) --no-print-directory .venv/.charts
	$(BIN)/python -m benchmarks.large

# Two hundred schools in one database: whether what one of them sees and sends costs the same. ON=--postgres
simulate: .venv/.ready-dev
	@scripts/need-packages postgresql
	$(BIN)/python -m benchmarks.simulate $(ON)

# docs/rules.md and docs/clauses.md are made from the rules and clauses themselves.
rules: .venv/.ready-dev
	$(BIN)/python scripts/rules-page

screenshots: .venv/.ready-dev
	@scripts/need-packages chromium-headless-shell fonts-noto-core
	$(BIN)/python scripts/screenshots

# What is installed comes from the lock files, by hash; a change of theirs makes the environment anew.
.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.ready-dev: .venv/.ready requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@touch $@

# The part of plotly.js that the charts need, a quarter of it; where npm is missing they are drawn by the whole.
.venv/.charts: .venv/.ready scripts/charts/package-lock.json
	@scripts/install-charts .venv

lock:
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --group build --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements-dev.lock --constraint requirements.lock

clean:
	rm -rf .venv data dist
