# The daily commands; `make help` lists them. Each finds the environment in .venv or makes it.
.DEFAULT_GOAL := help
.PHONY: help book test chapters colab check lab serve notebooks exercises grade links results bench address archive pdf clean

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
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[book,lab,grade,dev]'
	@touch $@

book: $(READY)  ## build the book into _build/html
	$(BIN)/jupyter-book build . --all -W -n --keep-going
	@echo "the book: _build/html/index.html"

test: $(READY)  ## every test: the package, the commands, every chapter
	$(BIN)/python -m pytest --cov --cov-report=term --cov-fail-under=90
	$(MAKE) --no-print-directory chapters

# Each chapter runs as in Colab: from an empty folder, with nothing of the repository but the wheel, beside Colab's older
# ipywidgets; and what it prints is compared with what it has stored, so that a number that the code no longer gives
# fails here.
ALONE := _build/alone
OLDER := $(VENV)/colab
ALONE_PATH := $(CURDIR)/$(ALONE)/site:$(abspath $(OLDER))
$(OLDER): | $(READY)
	$(BIN)/python -m pip install --quiet --no-deps --target $@ ipywidgets==7.7.1 ipython_genutils==0.2.0
chapters: $(READY) $(OLDER)  ## run every chapter alone, with the wheel only, and compare its outputs
	rm -rf $(ALONE)
	$(BIN)/python -m build --wheel --no-isolation --outdir $(ALONE)/wheel . >/dev/null
	$(BIN)/python -m zipfile -e $(ALONE)/wheel/*.whl $(ALONE)/site
	for chapter in $(CHAPTERS); do \
		folder=$(ALONE)/$$(basename $$chapter .ipynb) && mkdir -p $$folder && cp $$chapter $$folder; done
	PYTHONPATH=$(ALONE_PATH) $(BIN)/python -P -c 'import ipywidgets, srcnn; assert ipywidgets.__version__ == "7.7.1"; \
		assert "$(ALONE)" in srcnn.__file__, f"{srcnn.__file__} is not the wheel"'
	PYTHONPATH=$(ALONE_PATH) $(BIN)/python -m pytest -q -o addopts= -p no:cacheprovider \
		--nbval --nbval-sanitize-with tests/nbval.cfg $(ALONE)/*/*.ipynb

# The weekly check runs this in Colab's own image: nothing of ours is there, so each chapter's first cell has to fetch it.
COLAB := _build/colab
THEIRS = $(PYTHON) -m pip list --format=freeze --disable-pip-version-check | grep -iE '^(torch|numpy|pillow)='
colab:  ## run every chapter with the Python that is there, as Colab does (in Colab's image)
	rm -rf $(COLAB) && mkdir -p $(COLAB) && cp $(CHAPTERS) $(COLAB)
	$(THEIRS) | tee $(COLAB)/theirs
	failed=; for chapter in $(COLAB)/*.ipynb; do \
		$(PYTHON) book/_ext/notebooks.py $$chapter || failed="$$failed $$chapter"; done; \
		test -z "$$failed" || { echo "these fail:$$failed"; exit 1; }
	$(THEIRS) | diff $(COLAB)/theirs -

check: $(READY)  ## formatting, lint and spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

# The layout is the course's own, with the table of contents open; yours, in your home, stays as it is.
lab: export JUPYTERLAB_WORKSPACES_DIR := $(CURDIR)/_build/lab
lab: $(READY)  ## open the first chapter in JupyterLab, beside its table of contents (options: make lab LAB=--no-browser)
	$(BIN)/jupyter lab workspaces import book/_ext/lab.json >/dev/null
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/book/01_asking.ipynb $(LAB)

serve: book  ## build the book and show it at http://localhost:8000
	$(BIN)/python -m http.server --directory _build/html --bind 127.0.0.1 8000

notebooks: $(READY)  ## run every chapter anew and store its outputs
	$(BIN)/python book/_ext/notebooks.py --record $(CHAPTERS)

exercises: $(READY)  ## make the assignments' notebooks and hidden tests of their sources
	$(BIN)/python book/_ext/exercises.py

grade: $(READY)  ## grade a folder of submissions: make grade SUBMISSIONS=folder SEED=number [OUT=] [ASSIGNMENT=] [CONTAINER=]
	$(BIN)/python book/exercises/grading/grade.py "$(SUBMISSIONS)" --seed "$(SEED)" $(if $(OUT),--out "$(OUT)") \
		$(if $(ASSIGNMENT),--assignment "$(ASSIGNMENT)") $(if $(CONTAINER),--container "$(CONTAINER)") $(GRADE)

links: $(READY)  ## ask every address outside the book whether it answers
	rm -rf _build/links
	$(BIN)/jupyter-book build . --builder linkcheck --path-output _build/links || \
		{ grep -F '[broken]' _build/links/_build/html/output.txt; exit 1; }

results: $(READY)  ## measure the tables of the book again (needs the image sets)
	$(BIN)/srcnn reproduce tables
	$(BIN)/srcnn reproduce tutorial

bench: $(READY)  ## measure times and memory again, on an idle machine (needs the image sets)
	$(BIN)/srcnn reproduce benchmarks

address: $(READY)  ## set the repository's address everywhere: make address REPO=owner/name
	$(BIN)/python book/_ext/address.py "$(REPO)"

pdf: book  ## print the whole book into _build/srcnn-course.pdf (a minute or more; needs Chromium)
	$(BIN)/python book/_ext/pdf.py

archive: book  ## put the book as one file, the wheel and their checksums into dist
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist . >/dev/null
	$(BIN)/python book/_ext/archive.py "$(TAG)"

clean:  ## remove what was built, but not the environment
	rm -rf _build build dist .pytest_cache .ruff_cache .coverage
