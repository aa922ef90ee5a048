# Everything a person types. `make demo` and `make test` need nothing done first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

IN_VENV := . .venv/bin/activate &&
# Where the programs of tests/load find what they share with the tests.
IN_LOAD := $(IN_VENV) PYTHONPATH=$(CURDIR)/tests:$(CURDIR)/tests/worker:$(CURDIR)/roles/worker/files/sqs_worker/src

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## the environment for running playbooks, in .venv
	@scripts/environment runtime

.PHONY: setup-dev
setup-dev: ## the environment for working on the collection
	@scripts/environment dev

.PHONY: demo
demo: setup ## the whole job on this machine: embedded AWS, three hosts, 50 orders followed to the end
	@$(IN_VENV) scripts/demo

.PHONY: down
down: setup ## stop everything that make demo started
	@$(IN_VENV) ansible-playbook playbooks/down.yml -i inventories/local

.PHONY: check
check: setup-dev ## what to run after each edit: lint, format, types and the quick tests; no root, no npm
	@$(IN_VENV) exec tests/run --quick $(CHECKS)

.PHONY: test
test: setup-dev ## every check, or make test CHECKS="ruff types"; what cannot run here is named
	@scripts/machine
	@$(IN_VENV) exec tests/run $(CHECKS)

.PHONY: bench
bench: setup-dev ## the benchmark tables, as ratios against peers measured in the same run
	@$(IN_LOAD) python tests/load/bench/setup_bench.py
	@$(IN_LOAD) python tests/load/bench/queues_bench.py
	@$(IN_LOAD) python tests/load/bench/worker_bench.py
	@if [ "$$(id -u)" = 0 ]; then extensions/molecule/prepare-machine && $(IN_LOAD) python tests/load/bench/hosts_bench.py; else echo "bench: hosts not run, it needs root"; fi

.PHONY: chaos
chaos: setup-dev ## orders under killed workers and a failing endpoint; ten minutes
	@$(IN_LOAD) python tests/load/chaos/run.py

.PHONY: kills
kills: setup-dev ## runs of site.yml killed at 30 random moments, and five deploys; long
	@$(IN_VENV) KILLED_RUNS=30 pytest -s tests/whole/hosts/test_killed_runs.py

.PHONY: rolling
rolling: setup-dev ## 20 releases and 5 broken ones go out to six hosts while orders flow; long, as root
	@$(IN_VENV) extensions/molecule/prepare-machine && \
	  SCENARIO_LIFETIME=10800 ROLLING_DEPLOYS=20 ROLLING_FAILURES=5 molecule test -s rolling

.PHONY: mutants
mutants: setup-dev ## how many small faults the tests of the pure files notice; ONLY=_queues/plan for one file; long
	@$(IN_VENV) tests/mutate '$(ONLY)'

.PHONY: soak
soak: setup-dev ## one worker under load for half an hour: its memory stays flat
	@$(IN_LOAD) python tests/load/chaos/soak.py

.PHONY: lock
lock: setup-dev ## compile requirements/*.txt anew from requirements/*.in
	@$(IN_VENV) scripts/lock

.PHONY: clean
clean: down ## stop the demo and remove what was generated
	@rm -rf .demo build .mypy_cache .ruff_cache .pytest_cache .hypothesis
