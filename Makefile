# Two commands matter: `make reproduce` and `make test`. Both set up .venv by themselves.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Every process that a test starts would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup reproduce folds notebooks pictures docs test test-kernels test-deploy test-ray test-chaos bench bench-serve bench-import tables check-perf check format clean

help:  ## what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## set up .venv with everything; the others do it where it is missing

reproduce: $(READY)  ## train every model on MovieLens 100K, print and write the table
	$(BIN)/ratecast reproduce

folds: $(READY)  ## the best model on five random folds, with and without the row's own time
	$(BIN)/ratecast evaluate --model blend --split kfold --out results/kfold_blend.json
	$(BIN)/ratecast evaluate --model configs/blend_untimed.yaml --split kfold \
	  --out results/kfold_blend-untimed.json
	$(BIN)/ratecast reproduce --render

notebooks: $(READY)  ## execute the notebooks and keep their outputs
	$(BIN)/python notebooks/run.py

pictures: $(READY)  ## photograph TensorBoard and the page, draw the movies; needs chromium
	$(BIN)/python -m docs.pictures.boards
	$(BIN)/python -m docs.pictures.page
	$(BIN)/python docs/pictures/map.py
	$(BIN)/python docs/pictures/history_length.py

docs: $(READY)  ## the documentation site, in site/; needs no network
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open site/index.html"

# A process for each core: threads of libraries beside them would only wait for each other.
test: $(READY)  ## run the tests
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 \
	  $(BIN)/python -m pytest --numprocesses auto --dist loadgroup --no-loadscope-reorder -m 'not threads and not cluster and not packaging and not deploy'
	NUMBA_NUM_THREADS=2 $(BIN)/python -m pytest -m threads tests/models tests/modelling

test-kernels: $(READY)  ## the numeric tests as other processors compute them; ONLY=name,name
	$(BIN)/python -m tests.kernels $(if $(ONLY),--only $(ONLY))

test-ray: $(READY)  ## a Ray cluster whose workers, nodes and drivers are killed; some five minutes
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 \
	  $(BIN)/python -m pytest -m cluster tests/workers tests/out_of_core tests/evaluation tests/training -rs

test-deploy: $(READY)  ## the image's stages, nginx, Caddy and checkers on the files in deploy/; needs a network
	$(BIN)/python -m tests.serving.deploy.tools
	$(BIN)/python -m pytest -m deploy tests/serving/deploy -p no:xdist -rs

test-chaos: $(READY)  ## kill, starve and flood the service; some ten minutes
	$(BIN)/python -m pytest tests/chaos -p no:xdist -rs

.PHONY: test-packages check-systems lock dist sbom
test-packages: $(READY)  ## the wheel in empty environments, by Python and extra; ONLY="3.13 and serve"
	$(BIN)/python -m pytest -m packaging tests/packaging -rs $(if $(ONLY),-k "$(ONLY)")

bench: $(READY)  ## beside the peers: benchmarks/results.json, docs/performance.md; ONLY=part,part
	$(BIN)/python -m benchmarks.compare $(if $(ONLY),--only $(ONLY))

tables: $(READY)  ## beside the peers on the real tables in FOLDER: docs/tables.md
	$(BIN)/python -m benchmarks.on_tables --folder $(or $(FOLDER),tables)

check-perf: $(READY)  ## a million ratings beside a few peers; fails where ratecast became slower
	$(BIN)/python -m benchmarks.check

bench-serve: $(READY)  ## how quick the service is: benchmarks/serving.json, docs/performance.md
	$(BIN)/python -m benchmarks.serve
	$(BIN)/python -m benchmarks.serve --model blend --seconds 5 --soak 60
	$(BIN)/python -m benchmarks.pages

bench-import: $(READY)  ## how many titles of a list are matched: benchmarks/matching.json, docs/own-ratings.md
	$(BIN)/python -m tests.exports.quality

check: $(READY)  ## style, types, and which folder may import which
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.packaging.audit
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

check-systems: $(READY)  ## the types as on Windows and macOS; some minutes
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 src
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin src

# For every system and Python that the project runs on.
LOCK := --quiet --universal --python-version 3.11 --constraint constraints.txt --generate-hashes \
  --no-annotate --custom-compile-command 'make lock'
lock: $(READY)  ## requirements/: the pins of constraints.txt, with the hashes of their files
	$(BIN)/uv pip compile $(LOCK) --output-file requirements/core.txt pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --output-file requirements/serve.txt --extra serve pyproject.toml

dist: $(READY)  ## wheel and sdist in dist/; the same bytes for the same commit
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build --no-isolation

sbom: $(READY)  ## dist/serve.cdx.json: what the service is made of, as CycloneDX
	mkdir -p dist
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-sbom
	$(BIN)/uv pip install --quiet --python .venv-sbom --require-hashes -r requirements/serve.txt
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	  --output-file dist/serve.cdx.json .venv-sbom

format: $(READY)  ## bring the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:  ## remove what was set up and what runs left behind
	rm -rf $(VENV) .venv-bench .venv-sbom dist site lightning_logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
