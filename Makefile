# The project's commands; `make help` lists them.  Meson does the building.

OBJ      := build/obj
ASAN     := build/asan
CLANG    := build/clang
BIN      := build/bin
PROGRAMS := agent/nixfleet-agent activate/nixfleet-activate hub/nixfleet-hub \
            cli/nixfleet
# Reference pages that are made from tables in C.
PAGES    := settings operations protocol
REPO_TOOL := tests/unit/repo/repo_tool
CHECKS   := lint unit sanitize e2e check-hosts check-packages browser nix \
            demo-tour
# Debian's own python has the test tools; in a nix shell it is on PATH.
PYTHON   := $(if $(IN_NIX_SHELL),python3,/usr/bin/python3)
PYTEST   := timeout 2400 $(PYTHON) -m pytest -q -p no:cacheprovider --import-mode=importlib --dist loadfile
JOBS     ?= 4
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser)
SANITIZE := ASAN_OPTIONS=abort_on_error=1:detect_leaks=1 \
            UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

# $(call ninja,DIRECTORY,TARGETS): one line when all is well, else the errors.
define ninja
@ninja -C $(1) $(2) >$(1)/build.log 2>&1 || \
    { grep -v '^\[' $(1)/build.log | tail -n 60; exit 1; }
@tail -n 1 $(1)/build.log
endef

help: ## list these commands
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1	/p' Makefile | expand -t 22

build: deps-build web $(OBJ)/build.ninja ## programs in build/bin/
	$(call ninja,$(OBJ),$(PROGRAMS))
	@mkdir -p $(BIN)
	@for p in $(PROGRAMS); do ln -sf ../obj/$$p $(BIN)/; done

demo: build ## a hub and three agents on a sample fleet, until Ctrl-C
	@$(PYTHON) demo/run.py demo

demo-tour: build ## the same without a person; exit 0 if all of it works
	@$(PYTHON) demo/run.py tour

check: $(CHECKS) ## all tests
	@echo 'make check: everything passed'

tests-build: deps-check build
	@meson configure -Dtests=enabled $(OBJ)
	$(call ninja,$(OBJ),)

unit: tests-build ## unit tests and the fuzzers' corpora
	meson test -C $(OBJ) --print-errorlogs

e2e: tests-build ## end-to-end tests with real processes
	NIXFLEET_TEST_BIN=$(BIN) NIXFLEET_REPO_TOOL=$(OBJ)/$(REPO_TOOL) \
	    $(PYTEST) -n $(JOBS) tests/e2e

check-hosts: deps-check build ## switches, kills and power cuts on booted machines
	$(call ninja,$(OBJ),tests/fault/clockshim.so)
	NIXFLEET_TEST_BIN=$(BIN) $(PYTEST) -rs -n 2 --dist load tests/hosts

deb: deps-deb web ## Debian packages in build/deb/
	@scripts/deb

check-packages: deps-check web ## the packages, on a Debian that is booted
	@if command -v dh >/dev/null; then \
	    scripts/deb && $(PYTEST) -rs tests/packages; \
	else echo 'check-packages: skipped, no debhelper on this machine'; fi

browser: deps-check build ## the dashboard in a real browser, against a real fleet
	@if [ -n "$(CHROMIUM)" ]; then \
	    $(PYTHON) tests/browser/run.py --bin $(BIN) --chromium $(CHROMIUM); \
	else echo 'browser: skipped, no chromium on this machine'; fi

nix: deps-check build ## the Nix modules, evaluated by nix; their options' page
	NIXFLEET_TEST_BIN=$(BIN) $(PYTEST) -n $(JOBS) tests/nix
	@scripts/options-doc | diff - docs/reference/options.md || \
	    { echo 'nix: docs/reference/options.md is old: make docs'; exit 1; }

sanitize: deps-check web $(ASAN)/build.ninja ## all tests under ASan and UBSan
	$(call ninja,$(ASAN),)
	@mkdir -p build/asan-bin
	@for p in $(PROGRAMS); do ln -sf ../asan/$$p build/asan-bin/; done
	$(SANITIZE) meson test -C $(ASAN) --print-errorlogs
	$(SANITIZE) NIXFLEET_TEST_BIN=build/asan-bin \
	    NIXFLEET_REPO_TOOL=$(ASAN)/$(REPO_TOOL) \
	    $(PYTEST) -n $(JOBS) tests/e2e

lint: deps-check web $(CLANG)/build.ninja ## both compilers, macOS, budgets
	$(call ninja,$(CLANG),)
	@$(PYTHON) scripts/lint.py
	@scripts/check-darwin
	@for page in $(PAGES); do \
	    $(CLANG)/docs/$$page-doc | diff - docs/reference/$$page.md || \
	    { echo "lint: docs/reference/$$page.md is old: make docs"; exit 1; }; \
	done
	@for page in $(CLANG)/docs/*.[18]; do \
	    groff -t -Kutf8 -ww -man -Tutf8 -z $$page 2>&1; done | { ! grep .; }
	@cd web && npm run --silent check

bench: build $(OBJ)/build.ninja ## figures as ratios to public tools
	$(call ninja,$(OBJ),)
	@$(PYTHON) bench/run.py --bin $(BIN) --bench $(OBJ)/bench

fuzz: deps-fuzz ## every fuzzer for FUZZ_SECONDS (default 30) each
	@scripts/fuzz

docs: build ## write the reference pages that are made from tables
	$(call ninja,$(OBJ),$(PAGES:%=docs/%-doc))
	@for page in $(PAGES); do \
	    $(OBJ)/docs/$$page-doc > docs/reference/$$page.md; done
	@scripts/options-doc > docs/reference/options.md

format: ## clang-format and nixfmt for every C and Nix file
	clang-format -i $$(git ls-files '*.c' '*.h')
	nixfmt $$(git ls-files '*.nix')

clean: ## delete everything that was built
	rm -rf build web/dist web/node_modules

deps-%:
	@scripts/install-deps $*

web: web/dist/index.html

web/dist/index.html: $(shell git ls-files web 2>/dev/null) | deps-build
	@cd web && npm ci --loglevel=error --no-audit --no-fund && npm run --silent build
	@touch $@

$(OBJ)/build.ninja: | deps-build
	@meson setup $(OBJ) >/dev/null

$(ASAN)/build.ninja: | deps-check
	@meson setup $(ASAN) -Dtests=enabled -Db_lundef=false \
	    -Db_sanitize=address,undefined >/dev/null

$(CLANG)/build.ninja: | deps-check
	@CC=clang meson setup $(CLANG) -Dtests=enabled >/dev/null

.PHONY: help build demo demo-tour check check-hosts check-packages deb unit \
    e2e browser sanitize tests-build lint bench nix fuzz docs format clean web
