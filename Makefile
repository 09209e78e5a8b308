# The daily commands; `make help` lists them. Each finds the environment in .venv or makes it.
.DEFAULT_GOAL := help
.PHONY: help book test check lab serve notebooks links results address clean

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
	$(BIN)/python -m pytest --nbval --nbval-sanitize-with tests/nbval.cfg -p no:doctest $(CHAPTERS)

check: $(READY)  ## formatting, lint and spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

lab: $(READY)  ## open the chapters in JupyterLab
	$(BIN)/jupyter lab book/03_measuring.ipynb

serve: book  ## build the book and show it at http://localhost:8000
	$(BIN)/python -m http.server --directory _build/html --bind 127.0.0.1 8000

notebooks: $(READY)  ## run every chapter anew and store its outputs
	$(BIN)/python book/_ext/notebooks.py $(CHAPTERS)

links: $(READY)  ## list every address outside the book
	$(BIN)/jupyter-book build . --builder linkcheck || true
	@cat _build/linkcheck/output.txt

results: $(READY)  ## measure the tables of the book again (needs the image sets)
	$(BIN)/srcnn reproduce tables

address: $(READY)  ## set the repository's address everywhere: make address REPO=owner/name
	$(BIN)/python book/_ext/address.py "$(REPO)"

clean:  ## remove what was built, but not the environment
	rm -rf _build build dist .pytest_cache .ruff_cache .coverage
