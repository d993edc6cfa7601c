# The developer's and the operator's commands. `make demo` and `make test` do all the rest themselves.
PYTHON ?= python3
PORT ?= 8050
BIN := .venv/bin

.PHONY: demo test check bench screenshots lock clean

demo: .venv/.ready
	@exec $(BIN)/rondblik --data data/demo demo --port $(PORT)

test: .venv/.ready-dev
	@scripts/need-packages chromium postgresql libxml2-utils
	@$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: .venv/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.ready-dev
	@scripts/need-packages libxml2-utils
	$(BIN)/python -m benchmarks.ingest

screenshots: .venv/.ready-dev
	@scripts/need-packages chromium
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

lock:
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --group build --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements-dev.lock --constraint requirements.lock

clean:
	rm -rf .venv data dist
