# The daily commands; `make help` lists them. Each finds the environment in .venv or makes it.
.DEFAULT_GOAL := help
.PHONY: help book test test-all chapters versions colab check lab serve notebooks exercises grade handin regrade \
	blind forget rehearsal honesty quizzes variants private handout links live results bench fuzz faults growth \
	gpu gpu-site findings audit address archive pdf accessibility clean

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CHAPTERS := $(sort $(wildcard book/*.ipynb))

# Tests run side by side, one on each core and each with one thread of torch: that takes half the time of a test with all
# the threads, and the rest waits less. One more than there are cores gained nothing.
OMP_NUM_THREADS ?= 1
SIDE_BY_SIDE := -n logical --maxprocesses 8

# How a processor computes: LANE=lowest is what any has, LANE=avx2 what most have, and without it torch takes the best.
LANE_lowest := ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default
LANE_avx2 := ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2
ON_LANE := $(if $(LANE),$(or $(LANE_$(LANE)),$(error LANE=$(LANE) is not known; give lowest or avx2)))

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-13s %s\n", $$1, $$2 }'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; give PYTHON=python3.11")'
	@echo "== The environment in $(VENV), once: some minutes and two gigabytes or more"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "   1 of 2: torch, the largest"
	@$(BIN)/python -m pip install --quiet -c constraints.txt torch
	@echo "   2 of 2: Jupyter, Sphinx and what the tests need"
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[book,lab,grade,dev]'
	@touch $@

book: $(READY)  ## build the book into _build/html
	@echo "== The book: about half a minute"
	$(BIN)/jupyter-book build . --all -W -n --keep-going
	@echo "the book: _build/html/index.html"

TESTS = $(BIN)/python -m pytest $(SIDE_BY_SIDE) --dist worksteal
test: export OMP_NUM_THREADS := $(OMP_NUM_THREADS)
test: $(READY)  ## test the package, the commands, the built pages and every chapter
	@echo "== Tests, 1 of 2: the package, the commands and the built pages, about eight minutes on two cores"
	$(TESTS)
	@$(MAKE) --no-print-directory chapters

test-all: export OMP_NUM_THREADS := $(OMP_NUM_THREADS)
test-all: $(READY)  ## the same, with what takes longest and with the share of the code that the tests run
	@echo "== Tests, 1 of 2: the package, the commands and the built pages, half an hour on two cores"
	$(TESTS) -m "" --cov --cov-report=term --cov-fail-under=95
	@$(MAKE) --no-print-directory chapters

# Each chapter runs as in Colab: from an empty folder, with nothing of the repository but the wheel, beside Colab's older
# ipywidgets; and what it prints and draws is compared with what it has stored, so that a number or a figure that the code
# no longer gives fails here. LANE (above) says on which path of the processor.
ALONE := _build/alone
OLDER := $(VENV)/colab
ALONE_PATH := $(CURDIR)/$(ALONE)/site:$(abspath $(OLDER))
$(OLDER): | $(READY)
	$(BIN)/python -m pip install --quiet --no-deps --target $@ ipywidgets==7.7.1 ipython_genutils==0.2.0
chapters: export OMP_NUM_THREADS := $(OMP_NUM_THREADS)
chapters: $(READY) $(OLDER)  ## run every chapter alone, with the wheel only, and compare its outputs: [LANE=lowest]
	@echo "== Tests, 2 of 2: every chapter, some minutes on two cores$(if $(ON_LANE), ($(ON_LANE)))"
	@rm -rf $(ALONE)
	@$(BIN)/python -m build --wheel --no-isolation --outdir $(ALONE)/wheel . >/dev/null
	@$(BIN)/python -m zipfile -e $(ALONE)/wheel/*.whl $(ALONE)/site
	@for chapter in $(CHAPTERS); do \
		folder=$(ALONE)/$$(basename $$chapter .ipynb) && mkdir -p $$folder && cp $$chapter $$folder; done
	@PYTHONPATH=$(ALONE_PATH) $(BIN)/python -P -c 'import ipywidgets, srcnn; assert ipywidgets.__version__ == "7.7.1"; \
		assert "$(ALONE)" in srcnn.__file__, f"{srcnn.__file__} is not the wheel"'
	$(ON_LANE) PYTHONPATH=$(ALONE_PATH) $(BIN)/python -m pytest -q -o addopts= -o pythonpath= -p no:cacheprovider \
		$(SIDE_BY_SIDE) --dist loadfile --nbval --nbval-sanitize-with tests/nbval.cfg -p tools.figures $(ALONE)/*/*.ipynb

# The package's own tests, which look at nothing else of the repository, in environments that are made for it: beside the
# newest torch, NumPy and Pillow that pip gives, and beside the lowest versions that pyproject.toml allows. Another version
# may be named for either: make versions NEWEST="torch==2.14.1 numpy pillow" LOWEST="torch==2.13.0"
VERSIONS := _build/versions
NEWEST ?= torch numpy pillow
LOWEST ?=
KINDS ?= newest lowest
PACKAGE_TESTS = $$(grep -LE 'browse|ROOT|BOOK|address|grader|exercises|assignment|import (dependencies|growth)' tests/test_*.py)
THEIR_NEEDS := pytest pytest-xdist torchmetrics onnx onnxruntime
versions: export OMP_NUM_THREADS := $(OMP_NUM_THREADS)
versions: $(READY)  ## test the package beside the newest and the lowest versions of what it needs
	@rm -rf $(VERSIONS) && mkdir -p $(VERSIONS)
	@$(BIN)/python tools/lowest.py $(LOWEST) >$(VERSIONS)/lowest.txt
	@$(BIN)/python -m build --wheel --no-isolation --outdir $(VERSIONS) . >/dev/null
	@for kind in $(KINDS); do \
		echo "== The $$kind versions" && $(PYTHON) -m venv $(VERSIONS)/$$kind && \
		if [ $$kind = newest ]; then wanted='--upgrade $(NEWEST)'; else wanted='-c $(VERSIONS)/lowest.txt'; fi && \
		$(VERSIONS)/$$kind/bin/python -m pip install --quiet $$wanted $(VERSIONS)/*.whl $(THEIR_NEEDS) && \
		$(VERSIONS)/$$kind/bin/python -m pip list --format=freeze | grep -iE '^(torch|numpy|pillow|scikit-image|scipy|matplotlib)=' && \
		$(VERSIONS)/$$kind/bin/python -P -m pytest -q $(SIDE_BY_SIDE) --dist worksteal -p no:cacheprovider \
			-W default::DeprecationWarning $(PACKAGE_TESTS) || exit 1; done

# The weekly check runs this in Colab's own image: nothing of ours is there, so each chapter's first cell has to fetch it.
COLAB := _build/colab
THEIRS = $(PYTHON) -m pip list --format=freeze --disable-pip-version-check | grep -iE '^(torch|numpy|pillow)='
colab:  ## run every chapter with the Python that is there, as Colab does (in Colab's image)
	rm -rf $(COLAB) && mkdir -p $(COLAB) && cp $(CHAPTERS) $(COLAB)
	$(THEIRS) | tee $(COLAB)/theirs
	failed=; for chapter in $(COLAB)/*.ipynb; do \
		$(PYTHON) tools/notebooks.py $$chapter || failed="$$failed $$chapter"; done; \
		test -z "$$failed" || { echo "these fail:$$failed"; exit 1; }
	$(THEIRS) | diff $(COLAB)/theirs -

check: $(READY)  ## formatting, lint, types and spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell

# The layout is the course's own, with the table of contents open; yours, in your home, stays as it is.
lab: export JUPYTERLAB_WORKSPACES_DIR := $(CURDIR)/_build/lab
lab: $(READY)  ## open the first chapter in JupyterLab, beside its table of contents (options: make lab LAB=--no-browser)
	$(BIN)/jupyter lab workspaces import tools/lab.json >/dev/null
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/book/01_super_resolution.ipynb $(LAB)

serve: book  ## build the book and show it at http://localhost:8000
	$(BIN)/python -m http.server --directory _build/html --bind 127.0.0.1 8000

notebooks: $(READY)  ## run every chapter anew and store its outputs
	$(BIN)/python tools/notebooks.py --record $(CHAPTERS)

exercises: $(READY)  ## make the assignments' notebooks of their sources
	$(BIN)/python book/exercises/build.py

grade: $(READY)  ## grade a folder of submissions: make grade SUBMISSIONS=folder SEED=number [OUT=] [ASSIGNMENT=] [CONTAINER=] [PHOTOGRAPHS=] [VARIANTS=] [GRADE=--help]
	PYTHONPATH=book $(BIN)/python -m grader "$(SUBMISSIONS)" --seed "$(SEED)" $(if $(OUT),--out "$(OUT)") \
		$(if $(ASSIGNMENT),--assignment "$(ASSIGNMENT)") $(if $(CONTAINER),--container "$(CONTAINER)") \
		$(if $(PHOTOGRAPHS),--photographs "$(PHOTOGRAPHS)") $(if $(VARIANTS),--variants "$(VARIANTS)") $(GRADE)

variants: $(READY)  ## make each student's own notebook: make variants ROSTER=table.csv SEED=number ASSIGNMENT=training OUT=folder [COLUMN=key]
	PYTHONPATH=book $(BIN)/python -m exercises.variants "$(ROSTER)" --seed "$(SEED)" --assignment "$(ASSIGNMENT)" \
		--out "$(OUT)" $(if $(COLUMN),--column "$(COLUMN)")

honesty: $(READY)  ## list what submissions share, for a person to look at: make honesty SUBMISSIONS=folder [OUT=] [ASSIGNMENT=]
	PYTHONPATH=book $(BIN)/python -m grader.honesty "$(SUBMISSIONS)" $(if $(OUT),--out "$(OUT)") \
		$(if $(ASSIGNMENT),--assignment "$(ASSIGNMENT)")

quizzes: $(READY)  ## write the chapters' quizzes for learning platforms, as QTI 2.1 and H5P
	$(BIN)/python tools/quizzes.py

# One word of each option that was given: make handin FOR=moodle GRADES=folder EXPORT=file gives --grades folder --export file.
OPTION = $(if $($1),--$2 "$($1)")
IN_GRADER = PYTHONPATH=book $(BIN)/python -m
handin: $(READY)  ## marks into a platform's export, or a bundle for one: make handin FOR=moodle|canvas|gradescope|classroom50 ...
	@$(IN_GRADER) grader.handin "$(FOR)" $(call OPTION,GRADES,grades) $(call OPTION,EXPORT,export) \
		$(call OPTION,POLICY,policy) $(call OPTION,TIMES,times) $(call OPTION,GROUPS,groups) $(call OPTION,COLUMN,column) \
		$(call OPTION,SCALE,scale) $(call OPTION,PARTIAL,partial) $(call OPTION,MISSING,missing) \
		$(call OPTION,ASSIGNMENT,assignment) $(call OPTION,SEED,seed) $(call OPTION,VISIBILITY,visibility) \
		$(call OPTION,OUT,out)

regrade: $(READY)  ## grade again, with a diff and a log: make regrade SUBMISSIONS=folder SEED=number GRADES=folder REASON=why [KEY=] [CONTAINER=]
	@$(IN_GRADER) grader.regrade "$(SUBMISSIONS)" --seed "$(SEED)" --grades "$(GRADES)" --reason "$(REASON)" \
		$(call OPTION,KEY,key) -- $(call OPTION,CONTAINER,container) $(GRADE)

blind: $(READY)  ## mark answers in words without names: make blind GRADES=folder [MARKERS="ann ben"] [COMMON=] [APART=]
	@$(IN_GRADER) grader.blind "$(GRADES)" $(call OPTION,COMMON,common) $(call OPTION,APART,apart) \
		$(call OPTION,MARKERS,markers)

forget: $(READY)  ## tell what data of a term there are, and delete them by its rule: make forget POLICY=file GRADES=folders [KEY=] [DELETE=yes]
	@$(IN_GRADER) grader.retain $(or $(GRADES),"") --policy "$(POLICY)" $(call OPTION,KEY,key) $(call OPTION,DELETE,delete)

rehearsal: $(READY)  ## write an invented class, to try everything before the term: make rehearsal OUT=folder
	@$(IN_GRADER) grader.rehearsal "$(OUT)"

# Where solutions stay, and what students get: two repositories, or the second alone.
IN_EXERCISES = @PYTHONPATH=book $(BIN)/python -m exercises.private "$(OUT)" $(call OPTION,ASSIGNMENTS,assignments)
private: $(READY)  ## a private copy with solutions and hidden tests, and a public handout: make private OUT=folder [ASSIGNMENTS=]
	$(IN_EXERCISES)

handout: $(READY)  ## make the public handout alone, or bring it up to date: make handout OUT=folder [ASSIGNMENTS="measure stages"]
	$(IN_EXERCISES) --handout

links: $(READY)  ## ask every address outside the book whether it answers
	rm -rf _build/links
	$(BIN)/jupyter-book build . --builder linkcheck --path-output _build/links || \
		{ grep -F '[broken]' _build/links/_build/html/output.txt; exit 1; }

live: $(READY)  ## compile the engine of the live pages anew (after a change of engine.c)
	$(BIN)/pip install --quiet "$$($(BIN)/python -c 'import sys; sys.path.insert(0, "tools"); import engine; print(engine.COMPILER)')"
	$(BIN)/python tools/engine.py

results: $(READY)  ## measure the tables of the book again (needs the image sets)
	$(BIN)/srcnn reproduce tables
	$(BIN)/srcnn reproduce tutorial

bench: $(READY)  ## measure times and memory again, on an idle machine (needs the image sets)
	$(BIN)/srcnn reproduce benchmarks

# A machine with a GPU that has torch but not this environment needs what `make gpu-site` gathers here; CONTRIBUTING.md has
# the command for it.
GPU_OUT = $(or $(OUT),_build/gpu/$(if $(DRY),dry,out))
gpu: $(READY)  ## measure what a CUDA GPU gives: make gpu [PARTS=1-4,7] [OUT=folder] [GPU="--budget 300"] [DRY=1, on the CPU]
	$(if $(DRY),rm -rf _build/gpu/dry)
	@mkdir -p $(GPU_OUT)
	$(BIN)/srcnn reproduce gpu --out $(GPU_OUT) $(if $(PARTS),--parts $(PARTS)) $(if $(DRY),--dry) $(GPU)

GPU_SITE := _build/gpu/site
gpu-site: $(READY)  ## gather what a machine with a GPU and torch may lack into _build/gpu/site, for its PYTHONPATH
	rm -rf $(GPU_SITE)
	$(BIN)/python -m pip install --quiet --no-deps --no-compile --no-build-isolation -c constraints.txt \
		--target $(GPU_SITE) pytorch-optimizer platformdirs .
	rm -r $(GPU_SITE)/srcnn $(GPU_SITE)/bin  # only its version is wanted; the code is the tree's

fuzz: $(READY)  ## 12,000 cases of bad input, each refused in a sentence or taken (a few minutes, Linux)
	PYTHONPATH=.:tools:book $(BIN)/python -m fuzz --out data/results/fuzz.json

faults: $(READY)  ## kill the commands, fill their disk, close their folders, break their mirrors: 294 faults (minutes, Linux)
	PYTHONPATH=. OMP_NUM_THREADS=1 $(BIN)/python tests/faults.py $(FAULTS)

growth: $(READY)  ## measure how seconds and memory grow with the work, up to 100 megapixels and 10,000 images
	OMP_NUM_THREADS=1 PYTHONPATH=.:book:tests $(BIN)/python tools/growth.py $(GROWTH)

# pip-audit is asked in an environment of its own, because it brings forty packages that nothing else needs.
AUDIT := _build/audit
audit: $(READY)  ## look at licenses, reasons and known vulnerabilities of everything that is installed (asks PyPI)
	$(BIN)/python tools/dependencies.py
	$(PYTHON) -m venv $(AUDIT) && $(AUDIT)/bin/python -m pip install --quiet pip-audit==2.10.1
	$(AUDIT)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

# Not a part of the tests: they install other people's packages, and fail when one of those changes.
FINDINGS ?= $(basename $(notdir $(sort $(wildcard findings/*.sh))))
findings:  ## show the surprises in other software again (half an hour, gigabytes of downloads): make findings [FINDINGS="name name"]
	@for name in $(FINDINGS); do \
		test -f findings/$$name.sh || { echo "there is no findings/$$name.sh; ls findings shows the names"; exit 2; }; done
	@mkdir -p _build/findings
	@failed=; for name in $(FINDINGS); do log=_build/findings/$$name.txt; \
		if bash findings/$$name.sh >$$log 2>&1; then echo "as described: $$name"; \
		else echo "FAILED: $$name, see $$log"; failed=yes; fi; done; test -z "$$failed"

address: $(READY)  ## write the repository's address, and the version's tag, everywhere: make address [REPO=owner/name]
	$(BIN)/python tools/address.py "$(REPO)"

pdf: book  ## print the whole book into _build/srcnn-course.pdf (a minute or more; needs Chromium)
	$(BIN)/python tools/pdf.py

accessibility: export OMP_NUM_THREADS := $(OMP_NUM_THREADS)
accessibility: book  ## run the tests of accessibility and write their report, book/accessibility.md (some minutes)
	$(BIN)/python tools/accessibility.py --run

archive: book  ## put the book as one file, the wheel and their checksums into dist
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist . >/dev/null
	$(BIN)/python tools/archive.py "$(TAG)"

clean:  ## remove what was built, but not the environment
	rm -rf _build build dist .mypy_cache .pytest_cache .ruff_cache .coverage
