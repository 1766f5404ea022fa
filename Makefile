# make help says what there is. Set-up runs by itself before what needs it, and only once.
.DEFAULT_GOAL := help
.PHONY: help setup demo test quick lint prompts lock clean

READY := .venv/.ready
TEST_TIMEOUT_S ?= 120
# Calls are mostly waiting: a file of whole calls takes half a core (75 s of 156), so two cores do for three.
TEST_WORKERS ?= 3
PYTEST := .venv/bin/python -m pytest --timeout=$(TEST_TIMEOUT_S)

help:     ## this list
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## */  make \1\t/' | expand -t 18

setup: $(READY)     ## install everything that is missing (the first time: minutes)
	@echo "Set up. See it work: make demo"

demo: $(READY)     ## a caller, a car owner and the bot on this machine, start to end
	@.venv/bin/ivr demo

test: $(READY)     ## all tests, slowest listed; what failed once more, alone (ARGS=…: pytest's options)
	@$(PYTEST) -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder --durations=15 $(ARGS); \
	status=$$?; [ $$status = 1 ] || exit $$status; \
	echo "Once more and alone, what failed beside others: calls in real time need a core to themselves."; \
	$(PYTEST) --last-failed --last-failed-no-failures none $(ARGS)

quick: $(READY)     ## day to day: all but the files of whole spoken calls (tests/conftest.py), which CI runs
	@$(MAKE) --no-print-directory test ARGS='-m "not whole_calls" $(ARGS)'

lint: $(READY)     ## style and simple mistakes
	@.venv/bin/ruff check .

prompts: $(READY)     ## record prompts that changed (ADOPT=1: keep recordings you replaced)
	@.venv/bin/python -m tts.make_prompts $(if $(ADOPT),--adopt)

lock: $(READY)     ## choose the newest packages that requirements.in allows
	@.venv/bin/python -m pip install -q pip-tools
	@.venv/bin/pip-compile -q --upgrade --generate-hashes --allow-unsafe --strip-extras \
	    --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    --output-file requirements.lock requirements.in

clean:     ## remove the virtual environment and the models
	@rm -rf .venv .models

$(READY): requirements.lock pyproject.toml setup/install.sh setup/fetch.py setup/assets.toml \
          asr/models/ear.npz asr/ear/encoder_export.py asr/ear/head_graph.py asr/search/beam.c
	@setup/install.sh
	@touch $@
