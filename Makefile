# Two commands matter: `make reproduce` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: reproduce folds test test-chaos bench-serve check format clean

reproduce: $(READY)  ## train every model on MovieLens 100K, print and write the table
	$(BIN)/ratecast reproduce

folds: $(READY)  ## the best model on five random folds, with and without the row's own time
	$(BIN)/ratecast evaluate --model blend --split kfold --json results/kfold_blend.json
	$(BIN)/ratecast evaluate --model configs/blend_untimed.yaml --split kfold \
	  --json results/kfold_blend-untimed.json
	$(BIN)/ratecast reproduce --render

test: $(READY)  ## run the tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadscope

test-chaos: $(READY)  ## kill, starve and flood the service; some ten minutes
	$(BIN)/python -m pytest tests/chaos -p no:xdist -rs

bench-serve: $(READY)  ## how quick the service is: benchmarks/serving.json and docs/serving.md
	$(BIN)/python -m benchmarks.serve

check: $(READY)  ## style, types, and which room may import which
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## bring the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:  ## remove what was set up and what runs left behind
	rm -rf $(VENV) lightning_logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
