# The daily commands; `make help` lists them. Each finds the environment in .venv or makes it.
.DEFAULT_GOAL := help
.PHONY: help book test chapters check lab serve notebooks links results bench address clean

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CHAPTERS := $(sort $(wildcard book/*.ipynb))

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-10s %s\n", $$1, $$2 }'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; give PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[book,lab,dev]'
	@touch $@

book: $(READY)  ## build the book into _build/html
	$(BIN)/jupyter-book build . --all -W -n --keep-going
	@echo "the book: _build/html/index.html"

test: $(READY)  ## every test: the package, the commands, every chapter
	$(BIN)/python -m pytest --cov --cov-report=term --cov-fail-under=90
	$(MAKE) --no-print-directory chapters

# Each chapter runs as in Colab: from an empty folder, with nothing of the repository but the wheel; and what it prints is
# compared with what it has stored, so that a number that the code no longer gives fails here.
ALONE := _build/alone
chapters: $(READY)  ## run every chapter alone, with the wheel only, and compare its outputs
	rm -rf $(ALONE)
	$(BIN)/python -m build --wheel --no-isolation --outdir $(ALONE)/wheel . >/dev/null
	$(BIN)/python -m zipfile -e $(ALONE)/wheel/*.whl $(ALONE)/site
	for chapter in $(CHAPTERS); do \
		folder=$(ALONE)/$$(basename $$chapter .ipynb) && mkdir -p $$folder && cp $$chapter $$folder; done
	PYTHONPATH=$(CURDIR)/$(ALONE)/site $(BIN)/python -P -c \
		'import srcnn; assert "$(ALONE)" in srcnn.__file__, f"{srcnn.__file__} is not the wheel"'
	PYTHONPATH=$(CURDIR)/$(ALONE)/site $(BIN)/python -m pytest -q -o addopts= -p no:cacheprovider \
		--nbval --nbval-sanitize-with tests/nbval.cfg $(ALONE)/*/*.ipynb

check: $(READY)  ## formatting, lint and spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

lab: $(READY)  ## open the chapters in JupyterLab
	$(BIN)/jupyter lab book/01_asking.ipynb

serve: book  ## build the book and show it at http://localhost:8000
	$(BIN)/python -m http.server --directory _build/html --bind 127.0.0.1 8000

notebooks: $(READY)  ## run every chapter anew and store its outputs
	$(BIN)/python book/_ext/notebooks.py --record $(CHAPTERS)

links: $(READY)  ## list every address outside the book
	$(BIN)/jupyter-book build . --builder linkcheck || true
	@cat _build/linkcheck/output.txt

results: $(READY)  ## measure the tables of the book again (needs the image sets)
	$(BIN)/srcnn reproduce tables
	$(BIN)/srcnn reproduce tutorial

bench: $(READY)  ## measure times and memory again, on an idle machine (needs the image sets)
	$(BIN)/srcnn reproduce benchmarks

address: $(READY)  ## set the repository's address everywhere: make address REPO=owner/name
	$(BIN)/python book/_ext/address.py "$(REPO)"

clean:  ## remove what was built, but not the environment
	rm -rf _build build dist .pytest_cache .ruff_cache .coverage
