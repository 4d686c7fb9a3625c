# Two commands set everything up on a machine with only Python 3.11, git, make and apt:
#   make demo   the main job on the simulated board
#   make test   the tests, the linters and the type checker
# And for who works on the simulator:
#   make judges    the programs from PyPI that judge it (OpenOCD, pyOCD's own test suite); without them their tests are skipped
#   make fuzz      feed random files to every reader; INPUTS=1000 SEED=7 takes a sample
#   make endurance  provoke every fault at seeded moments of a flash, 2,000 times; SAMPLE=130 SEED=7 does some of it
#   make mutants   change it in one place at a time and see whether the tests notice; SAMPLE=200 SEED=7
#                  takes some of them, RESUME=1 goes on where an interrupted run stopped
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STATE  := build/demo
BOARD  := sim:nucleo-n657x0-q,state=$(STATE)
DEMO   := tests/data/demo_app/demo_app.elf

.PHONY: demo test judges mutants fuzz endurance bench loader docs dist clean

demo: $(VENV)/.sim
	@echo "== check: would this file work? (no probe needed)"
	$(BIN)/n6prog check $(DEMO) --board nucleo-n657x0-q
	@echo "== flash: the ELF into the NOR of the simulated NUCLEO-N657X0-Q ($(STATE)/nor.bin)"
	$(BIN)/n6prog flash $(DEMO) --probe $(BOARD)
	@echo "== verify: by digest on the (simulated) chip, in a process of its own"
	$(BIN)/n6prog verify $(DEMO) --probe $(BOARD)

# -n: one worker a core. `make test PYTEST="tests/nor -q"` runs a part.
PYTEST ?= -n auto
test: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest $(PYTEST)

# Debian has the others: openocd, gdb-multiarch, gcc-arm-none-eabi.
JUDGES := build/judges
judges: $(JUDGES)/.done

$(JUDGES)/.done: $(VENV)/.dev tests/fidelity/requirements.txt
	mkdir -p $(JUDGES)
	$(BIN)/python -m pip install -q --disable-pip-version-check -r tests/fidelity/requirements.txt
	$(BIN)/python -m pip download -q --disable-pip-version-check --no-deps --no-binary pyocd -d $(JUDGES) pyocd==0.46.0
	@touch $@

MUTANTS := $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) $(if $(RESUME),--resume)
mutants: $(VENV)/.dev
	$(BIN)/python tools/mutate.py $(MUTANTS)

# Every reader of files and settings against random inputs: 100,000 each by default, more than a million in all.
INPUTS ?= 100000
fuzz: $(VENV)/.dev
	$(BIN)/python tools/fuzz.py --inputs $(INPUTS) $(if $(SEED),--seed $(SEED))

# The whole matrix also writes docs/endurance.md.
ENDURANCE := --seed $(or $(SEED),1) $(if $(SAMPLE),--runs $(SAMPLE),--runs $(or $(RUNS),2000) --page docs/endurance.md)
endurance: $(VENV)/.dev
	$(BIN)/python tools/endurance.py $(ENDURANCE)

bench: $(VENV)/.dev
	$(BIN)/python tools/bench.py
	$(BIN)/python tools/speed_table.py

loader: $(VENV)/.dev
	$(BIN)/python flash_algos/build.py

docs: $(VENV)/.dev
	$(BIN)/python tools/errors_doc.py
	$(BIN)/python tools/failures_doc.py

dist: $(VENV)/.dev
	$(BIN)/python tools/check_dist.py

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Debian keeps ensurepip in a package of its own.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); $$( [ "$$(id -u)" = 0 ] || echo sudo ) apt-get install -y python3-venv && $(PYTHON) -m venv $(VENV); }

$(VENV)/.sim: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[sim]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[sim,dev]'
	@touch $@ $(VENV)/.sim
