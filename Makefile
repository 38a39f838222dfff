# From a bare clone: `make demo` runs the main job, `make test` passes the tests.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed
SOURCES = $(shell git ls-files cpp cmake installation/*.py CMakeLists.txt pyproject.toml)

.PHONY: demo test lint docs

demo: $(INSTALLED)
	$(BIN)/voxion demo

test: $(INSTALLED)
	-tests/gromacs/fetch_gromacs.sh  # without it the tests of GROMACS are skipped
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

lint: $(INSTALLED)
	PATH="$(abspath $(BIN)):$$PATH" pre-commit run --all-files --show-diff-on-failure

# The site, in build/site: a dead link fails.
docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# Editable: a change of Python code needs no new installation, one of C++ or packaging does.
$(INSTALLED): $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@
