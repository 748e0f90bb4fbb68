# `make` or `make help` lists the targets and these variables:
#
# PYTHON=python3.12   the interpreter .venv is made of; remembered until it is set again
# REDPOLL_PURE=1      compile nothing: `REDPOLL_PURE=1 make serve` is ready in half a second
# ARGS="..."          passed on by `serve`, `bench` and the targets that run pytest
# JOBS=4              processes that share a test run
# PAYLOADS=200000     mutated payloads that test-full runs; ten million if it is not set
# QUICK=1             serve the build of the tests: slower, but ready sooner after an edit

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
# Records of what is installed are kept inside .venv, so they disappear together with it.
NOTES := $(VENV)/.redpoll
REMEMBERED := $(shell cat $(NOTES)/python 2>/dev/null)

# The system's own Python is built profile-guided, which makes redpoll 1.2 times as fast as under a plain build.
ifeq ($(origin PYTHON), undefined)
ifneq ($(REMEMBERED),)
PYTHON := $(REMEMBERED)
else
SYSTEM_FITS := import ensurepip, os, sys, sysconfig; \
    sys.exit(sys.version_info < (3, 11) or not os.path.exists(sysconfig.get_path("include") + "/Python.h"))
PYTHON := $(shell /usr/bin/python3 -c '$(SYSTEM_FITS)' 2>/dev/null && echo /usr/bin/python3 || echo python3)
endif
endif

MODE := $(shell $(PYTHON) scripts/toolchain.py)
PAYLOADS ?= 10000000
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
PY := $(VENV)/bin/python
VENV_NOTE := $(NOTES)/made-with-$(subst /,-,$(PYTHON))

ifeq ($(MODE),compiled)
SERVED := $(if $(QUICK),build/test,build/compiled)
TESTED := build/test
else
SERVED := src
TESTED := src
endif
STAMP_OF = $(patsubst src.stamp,,$(1).stamp)

# The tests of processes and clusters wait more than they compute.
WAITING = -n $(shell echo $$((2 * $(JOBS))))
PYTEST = REDPOLL_EXPECT=$(1) PYTHONPATH=$(2) $(PY) -m pytest -q -n $(JOBS) $(3) $(ARGS)
COMMA := ,
HEADING = printf '\n==== %s\n' "$(1)"
UNIT := $(wildcard tests/unit tests/simulation tests/commands tests/hostile tests/crash)
DIFF := $(wildcard tests/differential tests/golden tests/clients tests/process tests/applications)
DOCS := $(wildcard tests/docs tests/examples)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile
	@echo
	@sed -n 's/^# \([A-Z_]*=.*\)/\1/p' Makefile

# ---- the product

.PHONY: serve
serve: build ## build and run the server on port 6379, with its data in data/; ARGS="redis.conf --port 7000" for other settings
	@mkdir -p data
	@exec $(VENV)/bin/redpoll server $(ARGS) $(if $(filter-out --%,$(firstword $(ARGS)))$(filter --dir,$(ARGS)),,--dir data)

.PHONY: build
build: $(NOTES)/run $(call STAMP_OF,$(SERVED)) ## build what `serve` runs
ifeq ($(MODE),pure)
	@$(PYTHON) scripts/toolchain.py --notice
endif
	@$(PY) scripts/venv.py link $(SERVED)

.PHONY: bench
bench: build $(NOTES)/bench ## measure side by side with real servers, and print ratios
	@$(PY) -m benchmarks $(ARGS)

# ---- the tests, in the order of `make test`

.PHONY: test
test: ## everything that CI runs
	@$(call HEADING,1/5 check: format, lint, types, declarations, generated pages)
	@$(MAKE) check
	@$(call HEADING,2/5 unit: unit and property tests, interpreted)
	@$(MAKE) unit
	@$(call HEADING,3/5 unit-compiled: the same tests, compiled)
	@$(MAKE) unit-compiled
	@$(call HEADING,4/5 diff: compare with a real server)
	@$(MAKE) diff
	@$(call HEADING,5/5 docs: run what the documentation shows)
	@$(MAKE) docs
	@$(call HEADING,all five parts of make test passed)

.PHONY: check
check: $(NOTES)/run $(NOTES)/build $(NOTES)/dev ## format, lint, types, declarations, generated pages: run it first
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@PYTHONPATH=src $(PY) -m pytest -q tests/test_tidy.py tests/unit/catalogue tests/docs/test_generated_pages.py

.PHONY: pages
pages: $(NOTES)/run ## rewrite the generated pages: docs/commands.md, docs/configuration.md, the status in README.md
	@PYTHONPATH=src $(PY) scripts/make_docs.py

.PHONY: format
format: $(NOTES)/dev ## format the files as `check` requires
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

.PHONY: unit
unit: $(NOTES)/run $(NOTES)/dev ## unit, command and property tests, interpreted
	@$(call PYTEST,pure,src,$(UNIT))

.PHONY: unit-compiled
unit-compiled: $(NOTES)/run $(NOTES)/dev $(call STAMP_OF,$(TESTED)) ## the same tests, compiled
ifeq ($(MODE),compiled)
	@$(call PYTEST,compiled,$(TESTED),$(UNIT))
else
	@$(PYTHON) scripts/toolchain.py --notice
endif

.PHONY: diff
diff: $(NOTES)/run $(NOTES)/dev $(call STAMP_OF,$(TESTED)) ## compare with a real server: replies, files, clients
	@$(if $(DIFF),$(call PYTEST,$(MODE),$(TESTED),$(WAITING) $(DIFF)))

.PHONY: docs
docs: $(NOTES)/run $(NOTES)/dev $(call STAMP_OF,$(TESTED)) ## run the examples of the documentation
	@$(if $(DOCS),$(call PYTEST,$(MODE),$(TESTED),$(WAITING) $(DOCS)))

.PHONY: test-full
test-full: check $(NOTES)/run build/applications/installed $(call STAMP_OF,$(TESTED)) $(call STAMP_OF,$(SERVED)) ## all tests, also the long ones, with many more random examples: 45 minutes
ifeq ($(MODE),compiled)
	@$(call HEADING,unit$(COMMA) interpreted: twice the random examples)
	@REDPOLL_PROFILE=more $(call PYTEST,pure,src,--timeout 900 $(UNIT))
endif
	@$(call HEADING,unit$(COMMA) $(MODE): all tests$(COMMA) forty times the random steps)
	@REDPOLL_PROFILE=full $(call PYTEST,$(MODE),$(TESTED),-m '' --timeout 1800 $(UNIT))
	@$(call HEADING,$(PAYLOADS) mutated payloads and snapshot files)
	@PYTHONPATH=$(SERVED) $(PY) -m tests.hostile.fuzz --payloads $(PAYLOADS)
	@$(call HEADING,differential$(COMMA) clients$(COMMA) processes$(COMMA) documentation: all tests)
	@REDPOLL_PROFILE=full $(call PYTEST,$(MODE),$(SERVED),-m '' --timeout 1800 $(DIFF) $(DOCS))

.PHONY: mutants
mutants: $(NOTES)/run $(NOTES)/dev ## change the code in one place at a time, and count the changes that no unit test notices: 30 minutes
	@$(PY) scripts/mutants.py $(ARGS)

.PHONY: clean
clean: ## remove all build results; `.venv` stays
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis src/redpoll.egg-info
	find src -name '*.so' -delete
	find src tests scripts benchmarks examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# ---- rules

$(VENV_NOTE):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("redpoll needs Python 3.11 or newer; \
	    $(PYTHON) is " + sys.version.split()[0] + ": set PYTHON=...")'
	@$(PYTHON) scripts/venv.py create $(VENV)
	@mkdir -p $(NOTES)
	@rm -f $(NOTES)/made-with-*
	@echo $(PYTHON) > $(NOTES)/python
	@touch $@

# The requirements named `run`, `build`, and those of each extra, as pyproject.toml has them.
$(NOTES)/%: pyproject.toml $(VENV_NOTE)
	@$(PY) scripts/venv.py install $*
	@touch $@

# Applications that the tests start need an older redis-py than the tests themselves.
build/applications/installed: pyproject.toml $(VENV_NOTE)
	@$(PY) -m venv --clear build/applications
	@build/applications/bin/python scripts/venv.py install applications
	@touch $@

# Rewritten only when a source file came or went, which a file's own time would not show.
build/sources: FORCE
	@mkdir -p build
	@find src/redpoll -name '*.py' | sort > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

FORCE:

# A stamp is made before the build looks at the sources: an edit during the build is then newer, and built next time.
build/%.stamp: build/sources $(shell find src/redpoll -name '*.py' -o -name '*.json' -o -path '*/page/*.*') setup.py $(NOTES)/run $(NOTES)/build
	@echo "building $* (a minute or two; less after an edit)"
	@touch $@.new
	@$(PY) setup.py -q build_tree --variant $*
	@mv $@.new $@
