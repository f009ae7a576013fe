# Qidai: `make run` and `make test` need only Python 3.11 or newer and this make. See README.md.
PYTHON ?= python3
VENV := .venv/bin/python
# some shells set it; every start would then compile Django anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check validate bench drill shots messages clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## the whole system with a demo bank on http://127.0.0.1:8000 (QIDAI_PORT); Ctrl-C stops it
	@$(PYTHON) scripts/bootstrap run
	@exec $(VENV) -m config.supervisor

test: ## the whole suite and its coverage gates; ARGS="tests/bank -k din" runs a part
	@$(PYTHON) scripts/bootstrap test
	@exec $(VENV) scripts/run_tests.py $(ARGS)

check: ## format, lint, imports, types, migrations, translations, licences
	@$(PYTHON) scripts/bootstrap test
	@exec $(VENV) scripts/check.py

validate: ## every figure of docs/validation.md anew, on real data (../shared/data); up to an hour
	@$(PYTHON) scripts/bootstrap test
	@$(VENV) scripts/validate_statistics.py
	@$(VENV) scripts/validate_hla.py
	@$(VENV) scripts/validate_oracle.py
	@$(VENV) scripts/validate_prediction.py
	@$(VENV) scripts/calibration.py
	@$(VENV) scripts/validate_search.py
	@$(VENV) scripts/validate_equality.py
	@$(VENV) scripts/validate_replay.py

bench: ## speed up to a million units, results.json; QUICK=1: 100,000 units in three minutes, only printed
	@$(PYTHON) scripts/bootstrap test
ifdef QUICK
	@exec $(VENV) benchmarks/world.py --quick
else
	@$(VENV) benchmarks/hla_kernel.py
	@$(VENV) benchmarks/match_matrix.py
	@$(VENV) benchmarks/prediction.py
	@$(VENV) benchmarks/grim.py
	@$(VENV) benchmarks/pairs.py
	@$(VENV) benchmarks/world.py
	@$(VENV) benchmarks/choosing.py
	@$(VENV) benchmarks/importing.py
	@$(VENV) benchmarks/survival.py
	@exec $(VENV) benchmarks/banking.py
endif

drill: ## searches while processes, servers and files are broken at random; writes docs/reliability.md
	@$(PYTHON) scripts/bootstrap test
	@exec $(VENV) scripts/drill.py $(ARGS)

shots: ## every page in both languages, wide and narrow, light and dark, into var/shots/
	@$(PYTHON) scripts/bootstrap test
	@exec $(VENV) scripts/shots.py $(ARGS)

messages: ## collect the texts of both languages and compile the catalogues
	@$(PYTHON) scripts/bootstrap test
	@$(VENV) scripts/messages.py update
	@$(VENV) scripts/messages.py compile

clean: ## stop the private servers; remove environments and caches, never the data under var/
	@if [ -x $(VENV) ]; then $(VENV) -m config.embedded down > /dev/null; fi
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles var/test
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
