# `make help` lists what there is. Only python3, python3-venv and make are needed.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
MLFLOW ?= var/mlflow
RUN = $(VENV)/bin/python
# A file stays on one core: its fixtures (a service, a browser) are started once.
PARALLEL = -n auto --dist loadfile
PIP = $(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes
LOCK = uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url \
	--no-annotate --python-version 3.11 --custom-compile-command "make lock"

.PHONY: help up speed parquet test test-postgres test-python lint slurm-up slurm-down lock prove-2 prove-3 prove-4 prove-5 prove-6 prove-7 bench-tracking

help:  ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

up: $(VENV)/.installed  ## the whole service; options in ARGS, such as ARGS="--port 9000"
	@exec $(RUN) manage.py up $(ARGS)

speed: $(VENV)/.installed  ## the compiled search of the simulator, too (numba, some 210 MB)
	@$(PIP) -r requirements-speed.lock
	@echo "compiling it, once"
	@$(RUN) bench/slurm_policy.py --nodes 40 --pending 20 --hours 0.2 --runs 1 >/dev/null

parquet: $(VENV)/.installed  ## exports as Parquet, too (pyarrow, some 150 MB)
	@$(PIP) -r requirements-parquet.lock

test: $(VENV)/.installed-dev  ## the test suite; ARGS go to pytest
	$(RUN) -m pytest $(PARALLEL) $(ARGS)

test-postgres: $(VENV)/.installed-dev  ## the suite on a fresh PostgreSQL and a fresh Redis
	$(RUN) -m tests.services $(RUN) -m pytest $(PARALLEL) $(ARGS)

test-python: $(VENV)/.installed-dev  ## the suite without services: give PYTHON and VENV
	$(RUN) -m pytest $(PARALLEL) -m "not service and not prove" $(ARGS)

prove-2: SHELL = /bin/bash
prove-2: $(VENV)/.installed-dev  ## on a real Slurm: crashes, outages, costs; some 25 min, kept in docs/evaluation
	@set -o pipefail; $(RUN) -m pytest tests/cluster -m "prove or service" -v -rP \
		--ignore tests/cluster/test_forecast_record.py --ignore tests/cluster/test_fidelity.py \
		--ignore tests/cluster/test_forecast_spread.py --ignore tests/cluster/test_advice.py \
		$(ARGS) 2>&1 | \
		tee docs/evaluation/step-2.log

prove-3: SHELL = /bin/bash
prove-3: $(VENV)/.installed-dev  ## forecasts against what a loaded real Slurm did; some 35 min, kept in docs/evaluation
	@set -o pipefail; $(RUN) -m pytest tests/cluster/test_forecast_record.py -m prove -n 2 -v -rP \
		$(ARGS) 2>&1 | tee docs/evaluation/step-3.log

prove-4: SHELL = /bin/bash
prove-4: $(VENV)/.installed-dev  ## the model's starts against those of a loaded real Slurm; some 45 min, kept in docs/evaluation
	@set -o pipefail; $(RUN) -m pytest tests/cluster/test_fidelity.py -m prove -v -rP \
		$(ARGS) 2>&1 | tee docs/evaluation/step-4.log

prove-5: SHELL = /bin/bash
prove-5: $(VENV)/.installed-dev  ## whether forecasts keep their promise on a loaded real Slurm; some 45 min, kept in docs/evaluation
	@set -o pipefail; $(RUN) -m pytest tests/cluster/test_forecast_spread.py -m prove -n 2 -v -rP \
		$(ARGS) 2>&1 | tee docs/evaluation/step-5.log

prove-6: SHELL = /bin/bash
prove-6: $(VENV)/.installed-dev  ## whether advice makes jobs start sooner on a loaded real Slurm; some 2 h, kept in docs/evaluation
	@set -o pipefail; $(RUN) -m pytest tests/cluster/test_advice.py -m prove -v -rP \
		$(ARGS) 2>&1 | tee docs/evaluation/step-6.log

prove-7: SHELL = /bin/bash
prove-7: $(VENV)/.installed-dev  ## a server killed and away while clients log; some 15 min, kept in docs/evaluation
	@set -o pipefail; $(RUN) -m pytest tests/faults tests/cluster/test_requeued_run.py \
		-m "prove or service" -v -rP $(ARGS) 2>&1 | tee docs/evaluation/step-7.log

bench-tracking: $(VENV)/.installed-dev $(MLFLOW)/.installed  ## beside MLflow's server; options in ARGS, such as ARGS=--postgres
	@$(RUN) bench/tracking.py --mlflow $(MLFLOW)/bin/python $(ARGS)

lint: $(VENV)/.installed-dev  ## style, types, arrows, system checks, missing migrations
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports
	$(RUN) manage.py check
	$(RUN) manage.py makemigrations --check --dry-run

slurm-up: $(VENV)/.installed-dev  ## a real Slurm here to try things on; prints what to export (Debian packages, root)
	@$(RUN) -m tests.cluster up

slurm-down:  ## end that Slurm
	@$(RUN) -m tests.cluster down

lock:  ## pin all dependencies anew (needs uv)
	$(LOCK) --output-file requirements.lock
	$(LOCK) --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) --extra speed --constraint requirements.lock --output-file requirements-speed.lock
	$(LOCK) --extra parquet --constraint requirements.lock --output-file requirements-parquet.lock
	$(subst pyproject.toml,bench/mlflow.in,$(LOCK)) --output-file bench/mlflow.lock

$(RUN):
	$(PYTHON) -m venv $(VENV)

$(MLFLOW)/.installed: bench/mlflow.lock
	@echo "installing MLflow into $(MLFLOW), to be compared with"
	@$(PYTHON) -m venv $(MLFLOW)
	@$(subst $(RUN),$(MLFLOW)/bin/python,$(PIP)) -r bench/mlflow.lock
	@touch $@

$(VENV)/.installed: requirements.lock | $(RUN)
	@echo "installing requirements.lock into $(VENV)"
	@$(PIP) -r requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock | $(RUN)
	@echo "installing requirements-dev.lock into $(VENV)"
	@$(PIP) -r requirements-dev.lock
	@touch $@ $(VENV)/.installed
