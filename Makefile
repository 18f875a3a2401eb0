# Everything needs only python3 (3.11 or newer) and make; set-up goes into .venv by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test docs bench batch-bench fuzz faults mutants clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "communityplan needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: $(VENV)/.installed  ## evaluate the embedded district: tables on the screen, map and files in out/
	$(BIN)/communityplan demo --out out

test: $(VENV)/.tested  ## everything that has to hold
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mkdocs build --quiet --strict
	$(BIN)/python -m pytest

docs: $(VENV)/.tested  ## the documentation, in site/
	$(BIN)/mkdocs build --strict

bench: $(VENV)/.tested  ## compare with other libraries; takes a while
	$(BIN)/python -m pip install --quiet -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/bench_search.py

fuzz: $(VENV)/.tested  ## thousands of damaged files
	$(BIN)/python tests/fuzz_load.py

batch-bench: $(VENV)/.tested  ## 32, 120 and 600 communities, and one Dask worker against two; some minutes
	$(BIN)/python benchmarks/bench_batch.py --copies 4 15 75 --dask 8

faults: $(VENV)/.tested  ## batches killed, starved, interrupted and damaged; counts what was lost
	$(BIN)/python tests/fault_runs.py

mutants: $(VENV)/.tested  ## small faults in reach, coverage and allocation that tests have to notice
	$(BIN)/python tests/mutants.py

clean:
	rm -rf $(VENV) out build dist site .pytest_cache .mypy_cache .ruff_cache
